//! Finding things by a part of their names, and only what one may see.

use hoop_domain::Role;
use serde_json::{Value, json};

use super::world::{World, pg_body};

fn names(found: &Value, kind: &str, field: &str) -> Vec<String> {
    let list = found[kind].as_array().unwrap().iter();
    list.map(|it| it[field].as_str().unwrap().to_owned()).collect()
}

/// The connections `pg` and `pg-prod` of the group `dba`, and `pg-hidden` of another.
async fn world() -> World {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    for (name, groups) in [("pg-prod", json!(["dba"])), ("pg-hidden", json!(["ops"]))] {
        let mut body = pg_body(name);
        body["access_groups"] = groups;
        assert_eq!(world.post(&root, "/api/connections", body).await.status, 201);
    }
    world
}

#[tokio::test]
async fn people_find_the_connections_that_are_open_to_them() {
    let world = world().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let found = world.get(&ann, "/api/search?term=PG").await.body;
    assert_eq!(names(&found, "connections", "name"), ["pg", "pg-prod"]);
    assert_eq!((&found["agents"], &found["users"]), (&json!([]), &json!([])));
    let hidden = world.get(&ann, "/api/search?term=hidden").await.body;
    assert_eq!(hidden["connections"], json!([]));
    let ann = world.get(&ann, "/api/search?term=ann").await.body;
    assert_eq!(ann["users"], json!([]), "the list of users is no standard user's");
}

#[tokio::test]
async fn auditors_find_everything_up_to_the_limit() {
    let world = world().await;
    let auditor = world.somebody(Role::Auditor).await;
    let found = world.get(&auditor, "/api/search?term=pg").await.body;
    assert_eq!(names(&found, "connections", "name"), ["pg", "pg-hidden", "pg-prod"]);
    assert_eq!(
        (&found["truncated"], &found["connections"][0]["subtype"]),
        (&json!(false), &json!("postgres"))
    );
    let few = world.get(&auditor, "/api/search?term=pg&limit=2").await.body;
    assert_eq!(names(&few, "connections", "name"), ["pg", "pg-hidden"]);
    assert_eq!(few["truncated"], true);
    let dev = world.get(&auditor, "/api/search?term=dev").await.body;
    assert_eq!(names(&dev, "agents", "name"), ["dev"]);
    let people = world.get(&auditor, "/api/search?term=Root").await.body;
    assert_eq!(names(&people, "users", "email"), ["root@example.com"]);
}

#[tokio::test]
async fn a_term_means_what_it_says() {
    let world = world().await;
    let root = world.root().await;
    for pattern in ["%25", "_", "p%25g", "'", "\\"] {
        let found = world.get(&root, &format!("/api/search?term={pattern}")).await;
        assert_eq!(
            (found.status.as_u16(), &found.body["connections"]),
            (200, &json!([])),
            "{pattern}"
        );
    }
    let long = "x".repeat(129);
    for (query, field) in [
        ("", "term"),
        ("?term=", "term"),
        ("?term=%00", "term"),
        ("?term=x&limit=0", "limit"),
        ("?term=x&limit=101", "limit"),
        (&format!("?term={long}"), "term"),
    ] {
        let refused = world.get(&root, &format!("/api/search{query}")).await;
        assert_eq!((refused.status.as_u16(), refused.body["field"].as_str()), (422, Some(field)));
    }
}
