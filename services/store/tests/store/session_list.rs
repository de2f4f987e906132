//! Finding sessions: every filter, and every session on exactly one page.

use hoop_domain::{ConnectionType, EndReason, UserId, session::Verb};
use hoop_store::session::{NewSession, SessionFilter};

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
async fn every_pair_of_a_type_and_a_verb_is_on_the_pages_once_and_in_order() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let pairs: Vec<_> = ConnectionType::ALL
        .into_iter()
        .flat_map(|kind| Verb::ALL.into_iter().map(move |verb| (kind, verb)))
        .collect();
    let mut made = Vec::new();
    for second in 0..24 {
        let (kind, verb) = pairs[usize::try_from(second * 5).unwrap() % pairs.len()];
        let new = NewSession { connection_kind: kind, verb, ..cast.allowed(second) };
        made.push((kind, verb, cast.put(&store, new).await));
    }
    made.reverse();

    let both = [ConnectionType::Postgres, ConnectionType::Tcp];
    for kinds in [None, Some(both.to_vec())] {
        for verb in [None, Some(Verb::Connect), Some(Verb::Exec)] {
            let filter = SessionFilter { kinds: kinds.clone(), verb, ..SessionFilter::default() };
            let (mut found, mut cursor) = (Vec::new(), None);
            loop {
                let page = org.session_list(&filter, cursor, 2).await.unwrap();
                found.extend(page.rows.iter().map(|session| session.id));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            let fits = |kind, of| {
                kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
                    && verb.is_none_or(|verb| verb == of)
            };
            let expect = made.iter().filter(|(kind, verb, _)| fits(*kind, *verb));
            let expect: Vec<_> = expect.map(|(_, _, id)| *id).collect();
            assert_eq!(found, expect, "{filter:?}");
            let count = org.session_count(&filter, 100).await.unwrap();
            assert_eq!(usize::try_from(count).unwrap(), expect.len(), "{filter:?}");
            let none = SessionFilter { from: Some(at(24)), ..filter.clone() };
            assert!(org.session_list(&none, None, 2).await.unwrap().rows.is_empty());
            let open = SessionFilter { state: Some("open".into()), ..filter };
            assert!(org.session_list(&open, None, 2).await.unwrap().rows.is_empty());
        }
    }
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
