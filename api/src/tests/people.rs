//! Users, groups and tokens over REST.

use serde_json::json;

use super::world::World;

#[tokio::test]
async fn a_user_is_made_changed_and_deleted() {
    let world = World::new().await;
    let root = world.root().await;
    let ann = json!({
        "email": "Ann@example.com", "name": "Ann", "password": "battery staple",
        "groups": ["dba"],
    });
    let made = world.post(&root, "/api/users", ann.clone()).await;
    assert_eq!((made.status.as_u16(), made.body["email"].as_str()), (201, Some("ann@example.com")));
    let again = world.post(&root, "/api/users", ann).await;
    again.is_problem(409, "there is a user with that e-mail address already");

    let login = json!({ "email": "ann@example.com", "password": "battery staple" });
    assert_eq!(world.post("", "/api/localauth/login", login.clone()).await.status, 200);

    let changed = json!({ "name": "Anna", "groups": ["dev"] });
    let answer = world.put(&root, "/api/users/ann@example.com", changed).await;
    assert_eq!(answer.body["groups"], json!(["dev"]));
    assert_eq!(world.post("", "/api/login", login).await.status, 200, "the password stays");

    assert_eq!(world.delete(&root, "/api/users/ann@example.com").await.status, 204);
    world.get(&root, "/api/users/ann@example.com").await.is_problem(404, "there is no such user");
    let groups = world.get(&root, "/api/users/groups").await;
    assert_eq!(groups.body, json!(["admin", "dba", "dev"]));
}

#[tokio::test]
async fn a_change_of_a_user_keeps_what_it_does_not_name() {
    let world = World::new().await;
    let root = world.root().await;
    let path = "/api/users/ann@example.com";
    let ann = json!({
        "email": "ann@example.com", "name": "Ann", "groups": ["dba"], "slack_id": "",
        "picture": null,
    });
    let made = world.post(&root, "/api/users", ann).await.body;
    assert_eq!((&made["status"], &made["verified"]), (&json!("active"), &json!(true)));
    for (field, value) in [("slack_id", json!("U1")), ("picture", json!(["x"]))] {
        let refused = world.put(&root, path, json!({ field: value })).await;
        refused.is_problem(422, &format!("{field}: is not kept here; leave it out"));
    }
    for (change, expected) in [
        (json!({ "status": "inactive" }), ("Ann", "inactive", json!(["dba"]))),
        (json!({ "name": "Anna" }), ("Anna", "inactive", json!(["dba"]))),
        (json!({ "groups": [] }), ("Anna", "inactive", json!([]))),
        (json!({ "status": "active", "name": "" }), ("", "active", json!([]))),
    ] {
        let answer = world.put(&root, path, change).await;
        let (name, status, groups) = expected;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!((&answer.body["name"], &answer.body["status"]), (&json!(name), &json!(status)));
        assert_eq!(answer.body["groups"], groups);
    }
    let refused = world.put(&root, path, json!({ "groups": null })).await;
    assert_eq!((refused.status.as_u16(), refused.body["field"].as_str()), (422, Some("groups")));

    let ci = json!({ "subject": "ci", "name": "CI", "groups": ["dba"] });
    assert_eq!(world.post(&root, "/api/serviceaccounts", ci).await.status, 201);
    let path = "/api/serviceaccounts/ci";
    assert_eq!(world.put(&root, path, json!({ "status": "inactive" })).await.status, 200);
    let kept = world.put(&root, path, json!({})).await.body;
    assert_eq!((&kept["status"], &kept["groups"]), (&json!("inactive"), &json!(["dba"])));
    assert_eq!(kept["name"], "CI");
    assert_eq!(world.get(&root, path).await.body, kept);
}

#[tokio::test]
async fn an_administrator_does_not_lock_themselves_out() {
    let world = World::new().await;
    let root = world.root().await;
    let me = "/api/users/root@example.com";
    let refused = world.put(&root, me, json!({ "groups": ["dba"] })).await;
    assert_eq!((refused.status.as_u16(), refused.body["field"].as_str()), (422, Some("groups")));
    let refused = world.put(&root, me, json!({ "groups": ["admin"], "status": "inactive" })).await;
    assert_eq!(refused.body["field"], "status");
    assert_eq!(world.delete(&root, me).await.status, 422);
    assert_eq!(world.delete(&root, "/api/users/groups/admin").await.status, 422);
}

#[tokio::test]
async fn people_see_and_equip_themselves_only() {
    let world = World::new().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    world.user("ben@example.com", &["dba"]).await;
    assert_eq!(world.get(&ann, "/api/users/ann@example.com").await.status, 200);
    assert_eq!(world.get(&ann, "/api/users/ben@example.com").await.status, 404);

    let body = json!({ "name": "ci", "expires_in_seconds": 60 });
    let made = world.post(&ann, "/api/users/ann@example.com/tokens", body.clone()).await;
    assert_eq!(made.status, 201);
    let token = made.body["token"].as_str().unwrap();
    assert_eq!(world.get(token, "/api/userinfo").await.body["email"], "ann@example.com");
    assert_eq!(world.post(&ann, "/api/users/ben@example.com/tokens", body).await.status, 404);
}

#[tokio::test]
async fn everybody_is_told_who_they_are_in_the_words_of_older_clients() {
    let world = World::new().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let me = world.get(&ann, "/api/userinfo").await;
    assert_eq!(me.status, 200, "{me:?}");
    for (field, value) in [
        ("email", json!("ann@example.com")),
        ("role", json!("standard")),
        ("is_admin", json!(false)),
        ("groups", json!(["dba"])),
        ("status", json!("active")),
        ("verified", json!(true)),
        ("org_id", json!(world.app.org.id().to_string())),
        ("org_name", json!("default")),
        ("org_license", json!("oss")),
        ("is_multitenant", json!(false)),
        ("tenancy_type", json!("selfhosted")),
        ("webapp_users_management", json!("on")),
        ("feature_ask_ai", json!("unavailable")),
        ("slack_id", json!("")),
        ("picture", json!("")),
    ] {
        assert_eq!(me.body[field], value, "{field}");
    }
    let root = world.root().await;
    assert_eq!(world.get(&root, "/api/userinfo").await.body["is_admin"], true);
}

#[tokio::test]
async fn fields_that_make_no_sense_are_named() {
    let world = World::new().await;
    let root = world.root().await;
    for (field, value) in [
        ("email", json!("no-address")),
        ("password", json!("short")),
        ("status", json!("invited")),
        ("groups", json!(["../x"])),
        ("name", json!("a\u{1b}[2J")),
    ] {
        let mut body = json!({ "email": "ann@example.com" });
        body[field] = value;
        let answer = world.post(&root, "/api/users", body).await;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(field)));
    }
}

#[tokio::test]
async fn nobody_is_in_more_groups_than_can_be_looked_up() {
    let world = World::new().await;
    let groups: Vec<String> = (0..1001).map(|number| format!("g{number}")).collect();
    let body =
        json!({ "email": "ann@example.com", "password": "battery staple", "groups": groups });
    let refused = world.post(&world.root().await, "/api/users", body).await;
    assert_eq!((refused.status.as_u16(), &refused.body["field"]), (422, &json!("groups")));
}
