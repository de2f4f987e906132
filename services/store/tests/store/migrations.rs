//! The schema comes up from nothing, once.

use hoop_domain::GroupName;
use hoop_store::{Error, Store, review::ReviewFilter};
use sqlx::PgPool;

#[tokio::test]
async fn several_processes_may_migrate_at_once() {
    let postgres = hoop_testkit::postgres().await.unwrap();
    let uri = postgres.create_database().await.unwrap();
    let store = Store::connect(&uri).await.unwrap();
    let (first, second, third) = tokio::join!(store.migrate(), store.migrate(), store.migrate());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    let org = store.org_ensure("default").await.unwrap();
    assert_eq!(store.org_ensure("default").await.unwrap(), org);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_refused_at_once() {
    let postgres = hoop_testkit::postgres().await.unwrap();
    let error = Store::connect(&postgres.uri("no_such_database")).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    let error = Store::connect("not a uri").await.unwrap_err();
    assert!(error.to_string().contains("postgres://user:password@host:port/database"));
}

#[tokio::test]
async fn who_voted_in_the_version_before_is_known_to_be_in_the_groups_that_they_spoke_for() {
    let postgres = hoop_testkit::postgres().await.unwrap();
    let uri = postgres.create_database().await.unwrap();
    let before = PgPool::connect(&uri).await.unwrap();
    sqlx::migrate!("../../migrations").run_to(21, &before).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO orgs (id, name) SELECT gen_random_uuid(), 'default'
           WHERE NOT EXISTS (SELECT FROM orgs WHERE name = 'default');
         INSERT INTO reviews (id, org_id, kind, status, user_id, user_email, user_name,
             connection_id, connection_name, needed, force_groups, seconds, created_at)
           SELECT gen_random_uuid(), id, 'jit', 'PENDING', gen_random_uuid(), 'ann@example.com',
             'Ann', gen_random_uuid(), 'pg', 3, '{}', 60, now() FROM orgs WHERE name = 'default';
         INSERT INTO review_votes (org_id, review_id, group_name)
           SELECT org_id, id, unnest(ARRAY['a', 'b', 'c', 'd']) FROM reviews;
         UPDATE review_votes SET verdict = 'APPROVED', at = now(), user_email = 'bob@example.com',
             user_id = '00000000-0000-0000-0000-00000000000b' WHERE group_name IN ('a', 'c');
         UPDATE review_votes SET verdict = 'APPROVED', at = now(), user_email = 'eve@example.com',
             user_id = '00000000-0000-0000-0000-00000000000e' WHERE group_name = 'b';",
    )
    .execute(&before)
    .await
    .unwrap();
    before.close().await;

    let store = Store::connect(&uri).await.unwrap();
    store.migrate().await.unwrap();
    let org = store.org(store.org_ensure("default").await.unwrap());
    let listed = org.review_list(&ReviewFilter::default(), None, 10).await.unwrap();
    let votes = listed.rows.iter().flat_map(|review| &review.votes);
    let groups: Vec<Vec<&str>> =
        votes.map(|vote| vote.groups.iter().map(GroupName::as_str).collect()).collect();
    assert_eq!(groups, [vec!["a", "c"], vec!["b"], vec!["a", "c"], vec![]]);
}
