//! Requests and approvals as rows: asked once, decided one at a time, used once.

use futures_util::future::join_all;
use hoop_domain::{
    AgentId, EndReason, GroupName, InputHash, ReviewKind, ReviewRule, ReviewStatus, SessionId,
    session::Verb,
};
use hoop_store::{
    Error, OrgStore,
    review::{NewReview, Person, ReviewChange, ReviewFilter, Vote},
    session::{NewSession, Standing},
};

use crate::scene::{Cast, Scene, at, cast};

fn groups(names: &[&str]) -> Vec<GroupName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

async fn ask(org: &OrgStore, cast: &Cast, input: Option<&str>) -> hoop_store::review::Requested {
    let rule = ReviewRule { reviewers: groups(&["b", "a", "b"]), ..ReviewRule::default() };
    let hash = |input: &str| InputHash::of(&[], &[], input.as_bytes());
    org.review_request(&NewReview {
        kind: if input.is_some() { ReviewKind::OneTime } else { ReviewKind::Jit },
        user: cast.user.id,
        user_email: &cast.user.email,
        user_name: &cast.user.name,
        connection: cast.connection.id,
        connection_name: &cast.connection.name,
        command: &[],
        arguments: &[],
        input: input.map(|input| (input.as_bytes(), hash(input))),
        rule: &rule,
        seconds: 60,
        now: at(0),
    })
    .await
    .unwrap()
}

fn change(cast: &Cast, status: ReviewStatus, second: i64) -> ReviewChange {
    let by = Person { id: cast.user.id, email: "bob@example.com".into(), name: "Bob".into() };
    let vote = Vote {
        group: "a".parse().unwrap(),
        yes: Some(true),
        by: Some(by.clone()),
        at: Some(at(second)),
        forced: false,
        groups: groups(&["a", "b"]),
    };
    ReviewChange {
        status,
        by: Some(by),
        at: at(second),
        votes: vec![vote],
        window: None,
        ends_at: (status == ReviewStatus::Approved).then(|| at(second + 60)),
        reason: String::new(),
    }
}

fn session(cast: &Cast, standing: Standing, second: i64) -> NewSession {
    NewSession {
        id: SessionId::generate(),
        user: cast.user.id,
        user_email: cast.user.email.clone(),
        user_name: cast.user.name.clone(),
        connection: cast.connection.id,
        connection_name: cast.connection.name.clone(),
        connection_kind: cast.connection.kind,
        agent: cast.agent,
        agent_name: cast.connection.agent_name.clone(),
        verb: if standing.one_time { Verb::Exec } else { Verb::Connect },
        runbook: None,
        command: Vec::new(),
        credential: None,
        token: None,
        review: Some(standing),
        client_address: String::new(),
        client_application: String::new(),
        not_after: None,
        authorized_at: at(second),
    }
}

#[tokio::test]
async fn of_many_who_ask_for_the_same_at_once_all_get_one_request() {
    let Scene { org, other, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let asked = join_all((0..8).map(|_| ask(&org, &cast, Some("select 1")))).await;
    assert_eq!(asked.iter().filter(|asked| asked.new).count(), 1);
    let id = asked[0].id;
    assert!(asked.iter().all(|asked| asked.id == id));
    assert_ne!(ask(&org, &cast, Some("select 2")).await.id, id);
    assert_ne!(ask(&org, &cast, None).await.id, id);
    let found = org.review_fetch(id, &ReviewFilter::default()).await.unwrap();
    assert_eq!(found.votes.len(), 2, "a group that is named twice is asked once");
    assert_eq!((found.needed, found.input.as_deref()), (2, Some(&b"select 1"[..])));
    let elsewhere = other.review_fetch(id, &ReviewFilter::default()).await;
    assert!(matches!(elsewhere, Err(Error::NotFound { .. })));
    assert!(matches!(other.review_lock(id).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_command_that_is_approved_is_used_by_one_of_many() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let review = ask(&org, &cast, Some("select 1")).await.id;
    let standing = Standing { review, one_time: true };
    let early = org.session_create(&session(&cast, standing, 1), None).await;
    assert!(matches!(early, Err(Error::Conflict { .. })), "nobody has approved it");
    let lock = org.review_lock(review).await.unwrap();
    lock.save(&change(&cast, ReviewStatus::Approved, 10)).await.unwrap();

    let sessions: Vec<_> = (0..8).map(|_| session(&cast, standing, 20)).collect();
    let made = join_all(sessions.iter().map(|new| org.session_create(new, None))).await;
    let used: Vec<_> = sessions.iter().zip(&made).filter(|(_, made)| made.is_ok()).collect();
    assert_eq!(used.len(), 1);
    let session = used[0].0.id;
    let status = async || org.review_fetch(review, &ReviewFilter::default()).await.unwrap();
    assert_eq!(status().await.status, ReviewStatus::Processing);
    assert_eq!(status().await.session, Some(session));
    assert!(store.session_close(session, EndReason::ClientClosed, "", at(30)).await.unwrap());
    assert_eq!(status().await.status, ReviewStatus::Executed);
}

#[tokio::test]
async fn a_session_that_is_asked_for_twice_uses_its_approval_once_and_is_there_once() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let review = ask(&org, &cast, Some("select 1")).await.id;
    let lock = org.review_lock(review).await.unwrap();
    lock.save(&change(&cast, ReviewStatus::Approved, 10)).await.unwrap();
    let first = session(&cast, Standing { review, one_time: true }, 20);
    let again = NewSession { authorized_at: at(21), ..first.clone() };
    let made = join_all((0..4).map(|_| org.session_create(&again, None))).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    let approved = async |session| {
        let hash = Some(InputHash::of(&[], &[], b"select 1"));
        let (connection, kind) = (cast.connection.id, ReviewKind::OneTime);
        let found = org.review_approved(cast.user.id, connection, kind, hash, session, at(22));
        found.await.unwrap().len()
    };
    assert_eq!(approved(Some(first.id)).await, 1, "it is this session's");
    assert_eq!(approved(Some(SessionId::generate())).await, 0);
    assert_eq!(approved(None).await, 0);
    let another = NewSession { verb: Verb::Connect, review: None, ..first.clone() };
    let refused = org.session_create(&another, None).await;
    assert!(matches!(refused, Err(Error::Changed { .. })), "{refused:?}");
    let elsewhere = NewSession { agent: AgentId::generate(), ..first.clone() };
    let refused = org.session_create(&elsewhere, None).await;
    assert!(matches!(refused, Err(Error::Changed { .. })), "not as on record: {refused:?}");

    let newer = ask(&org, &cast, Some("select 2")).await.id;
    let lock = org.review_lock(newer).await.unwrap();
    lock.save(&change(&cast, ReviewStatus::Approved, 22)).await.unwrap();
    let standing = Standing { review: newer, one_time: true };
    let on_another = NewSession { review: Some(standing), ..first.clone() };
    let refused = org.session_create(&on_another, None).await;
    assert!(matches!(refused, Err(Error::Changed { .. })), "{refused:?}");
    let newer = org.review_fetch(newer, &ReviewFilter::default()).await.unwrap();
    assert_eq!(newer.status, ReviewStatus::Approved, "it is not used up");

    assert!(store.session_open(first.id, at(30)).await.unwrap());
    let late = org.session_create(&first, None).await;
    assert!(matches!(late, Err(Error::Changed { .. })), "it has begun: {late:?}");
}

#[tokio::test]
async fn an_agent_that_was_not_there_uses_nothing_up() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let review = ask(&org, &cast, Some("select 1")).await.id;
    let lock = org.review_lock(review).await.unwrap();
    lock.save(&change(&cast, ReviewStatus::Approved, 10)).await.unwrap();
    let first = session(&cast, Standing { review, one_time: true }, 20);
    org.session_create(&first, None).await.unwrap();
    store.session_close(first.id, EndReason::AgentUnresponsive, "", at(30)).await.unwrap();
    let again = session(&cast, Standing { review, one_time: true }, 40);
    org.session_create(&again, None).await.unwrap();
    let late = session(&cast, Standing { review, one_time: true }, 40);
    assert!(matches!(org.session_create(&late, None).await, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn an_approval_that_is_over_or_revoked_opens_nothing_and_its_sessions_are_named() {
    let Scene { org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let review = ask(&org, &cast, None).await.id;
    let standing = Standing { review, one_time: false };
    let lock = org.review_lock(review).await.unwrap();
    lock.save(&change(&cast, ReviewStatus::Approved, 10)).await.unwrap();
    let live = session(&cast, standing, 20);
    org.session_create(&live, None).await.unwrap();
    let late = org.session_create(&session(&cast, standing, 70), None).await;
    assert!(matches!(late, Err(Error::Conflict { .. })), "it ended at 70");

    let lock = org.review_lock(review).await.unwrap();
    let revoked = ReviewChange {
        votes: Vec::new(),
        reason: "enough".into(),
        ..change(&cast, ReviewStatus::Revoked, 30)
    };
    let kills = lock.save(&revoked).await.unwrap();
    assert_eq!(kills.len(), 1);
    assert_eq!((kills[0].session, kills[0].reason), (live.id, EndReason::AccessRevoked));
    assert_eq!(kills[0].message, "the approval was revoked by bob@example.com: enough");
    let again = org.session_create(&session(&cast, standing, 40), None).await;
    assert!(matches!(again, Err(Error::Conflict { .. })));
}

#[tokio::test]
async fn a_decision_waits_for_the_one_before() {
    let Scene { org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let review = ask(&org, &cast, None).await.id;
    let first = org.review_lock(review).await.unwrap();
    let other = org.clone();
    let second = tokio::spawn(async move { other.review_lock(review).await.unwrap() });
    let voted = ReviewChange { ends_at: None, ..change(&cast, ReviewStatus::Pending, 10) };
    first.save(&voted).await.unwrap();
    let second = second.await.unwrap();
    assert_eq!(second.review.votes[0], voted.votes[0], "it sees the vote before");
    assert_eq!(second.review.votes[1].yes, None);
}

#[tokio::test]
async fn what_waits_is_found_when_it_has_waited_long_enough() {
    let Scene { store, org, .. } = Scene::new().await;
    let cast = cast(&org).await;
    let waits = ask(&org, &cast, None).await.id;
    let decided = ask(&org, &cast, Some("select 1")).await.id;
    let lock = org.review_lock(decided).await.unwrap();
    lock.save(&change(&cast, ReviewStatus::Approved, 10)).await.unwrap();
    assert!(store.review_overdue(at(-1), 10).await.unwrap().is_empty());
    assert_eq!(store.review_overdue(at(0), 10).await.unwrap(), [(org.id(), waits)]);
}
