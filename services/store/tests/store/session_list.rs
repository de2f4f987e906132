//! Finding sessions: every filter, and every session on exactly one page.

use hoop_domain::{ConnectionType, EndReason, UserId, session::Verb};
use hoop_store::session::SessionFilter;

use crate::scene::{Scene, at, cast};

#[tokio::test]
async fn pages_hold_every_session_once_the_newest_first() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let mut made = Vec::new();
    for second in 0..7 {
        made.push(cast.session(&store, second).await);
    }
    made.reverse();

    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = org.session_list(&SessionFilter::default(), cursor, 3).await.unwrap();
        found.extend(page.rows.iter().map(|session| session.id));
        // One that comes in between is newer than all pages to come.
        cast.session(&store, 8).await;
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, made);
}

#[tokio::test]
async fn every_filter_leaves_out_what_does_not_match() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let (first, second) = (cast.session(&store, 10).await, cast.session(&store, 20).await);
    store.session_close(first, EndReason::Killed, "", at(30)).await.unwrap();

    let check = async |filter: SessionFilter, expect: &[_]| {
        let page = org.session_list(&filter, None, 10).await.unwrap();
        let found: Vec<_> = page.rows.iter().map(|session| session.id).collect();
        assert_eq!(found, expect, "{filter:?}");
        let count = org.session_count(&filter, 10).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), expect.len());
    };
    let all = SessionFilter::default;
    check(all(), &[second, first]).await;
    check(SessionFilter { state: Some("done".into()), ..all() }, &[first]).await;
    check(SessionFilter { state: Some("opening".into()), ..all() }, &[second]).await;
    check(SessionFilter { from: Some(at(20)), ..all() }, &[second]).await;
    check(SessionFilter { until: Some(at(20)), ..all() }, &[first]).await;
    check(SessionFilter { connection: Some("no".into()), ..all() }, &[]).await;
    check(SessionFilter { connection: Some("pg".into()), ..all() }, &[second, first]).await;
    check(SessionFilter { user: Some("ANN@example.com".into()), ..all() }, &[second, first]).await;
    check(SessionFilter { user: Some(cast.user.id.to_string()), ..all() }, &[second, first]).await;
    let kinds = |kinds: &[ConnectionType]| SessionFilter { kinds: Some(kinds.into()), ..all() };
    check(kinds(&[ConnectionType::Tcp]), &[]).await;
    check(kinds(&[ConnectionType::Mysql, ConnectionType::Postgres]), &[second, first]).await;
    check(SessionFilter { agent: Some("dev".into()), ..all() }, &[second, first]).await;
    check(SessionFilter { agent: Some(cast.agent.to_string()), ..all() }, &[second, first]).await;
    check(SessionFilter { agent: Some("other".into()), ..all() }, &[]).await;
    check(SessionFilter { verb: Some(Verb::Connect), ..all() }, &[second, first]).await;
    check(SessionFilter { verb: Some(Verb::Exec), ..all() }, &[]).await;
    check(SessionFilter { visible_to: Some(UserId::generate()), ..all() }, &[]).await;
    check(SessionFilter { visible_to: Some(cast.user.id), ..all() }, &[second, first]).await;
    assert!(org.session_fetch(first, Some(UserId::generate())).await.is_err());
}

#[tokio::test]
async fn counting_stops_at_the_cap() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    for second in 0..5 {
        cast.session(&store, second).await;
    }
    assert_eq!(org.session_count(&SessionFilter::default(), 3).await.unwrap(), 3);
}
