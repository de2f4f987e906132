//! Plugins: what they switch on, and what they never show.

use hoop_proto::v1::{self, authorize_reply::Outcome, authorize_request::Proof};
use serde_json::{Value, json};

use super::{
    authorize::{authorize, request},
    world::{World, pg_body},
};

async fn decision(world: &World, token: &str) -> String {
    let asked = v1::AuthorizeRequest {
        protocol: String::new(),
        ..request(Proof::BearerToken(token.into()))
    };
    match authorize(world, &asked).await {
        Outcome::Grant(_) => "granted".into(),
        Outcome::Denial(denial) => denial.code,
    }
}

fn body(name: &str, groups: &Value) -> Value {
    json!({ "name": name, "connections": [{ "name": "pg", "config": groups }] })
}

#[tokio::test]
async fn the_review_plugin_makes_its_connections_need_a_review() {
    let world = World::new().await;
    world.pg().await;
    let (root, dba) = (world.root().await, world.user("dba@example.com", &["dba"]).await);
    assert_eq!(decision(&world, &dba).await, "granted");
    let made = world.post(&root, "/api/plugins", body("review", &json!(["leads"]))).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body["connections"][0]["name"], "pg");
    assert_eq!(decision(&world, &dba).await, "review_required");
    let shown = world.get(&root, "/api/connections/pg").await.body;
    assert_eq!((&shown["needs_review"], &shown["reviewers"]), (&json!(true), &json!([])));
    let again = world.post(&root, "/api/plugins", body("review", &json!(["leads"]))).await;
    again.is_problem(409, "this plugin is enabled already; change it");
    let off = json!({ "name": "review", "connections": [] });
    assert_eq!(world.put(&root, "/api/plugins/review", off).await.status, 200);
    assert_eq!(decision(&world, &dba).await, "granted");
}

#[tokio::test]
async fn access_control_lets_in_those_of_its_groups_only_and_ends_the_others_sessions() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let (dba, both) = (
        world.user("dba@example.com", &["dba"]).await,
        world.user("both@example.com", &["dba", "oncall"]).await,
    );
    assert_eq!(decision(&world, &dba).await, "granted");
    let live = world.get(&root, "/api/sessions").await.body["data"][0]["id"].clone();
    let session = live.as_str().unwrap().parse().unwrap();
    let made = world.post(&root, "/api/plugins", body("access_control", &json!(["oncall"]))).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(decision(&world, &dba).await, "connection_not_found");
    assert_eq!(world.get(&dba, "/api/connections").await.body, json!([]));
    assert_eq!(world.get(&dba, "/api/connections/pg").await.status, 404);
    for (who, count) in [(&dba, 0), (&both, 1), (&root, 1)] {
        let found = world.get(who, "/api/search?term=pg").await.body;
        assert_eq!(found["connections"].as_array().map(Vec::len), Some(count), "{found}");
    }
    assert_eq!(decision(&world, &both).await, "granted");
    assert_eq!(decision(&world, &root).await, "granted", "administrators are always in");
    // The reconciler may have been quicker; both leave the same mark.
    crate::reconcile::step(&world.app, false).await.unwrap();
    let told = world.app.store.session_seen("edge", &[session], world.app.now()).await.unwrap();
    assert_eq!(told[0].reason, hoop_domain::EndReason::AccessRevoked);
}

#[tokio::test]
async fn a_plugin_is_changed_for_one_connection_and_stays_as_it_is_for_others() {
    let world = World::new().await;
    world.pg().await;
    let (root, dba) = (world.root().await, world.user("dba@example.com", &["dba"]).await);
    let other = world.post(&root, "/api/connections", pg_body("other")).await.body;
    let one = "/api/plugins/review/conn/pg";
    assert_eq!(world.put(&root, one, json!({ "config": ["a"] })).await.status, 404, "not enabled");
    let review = json!({ "name": "review", "connections": [{ "name": "other", "config": ["a"] }] });
    assert_eq!(world.post(&root, "/api/plugins", review).await.status, 201);
    let none = "there is no such connection of this plugin";
    world.get(&root, one).await.is_problem(404, none);
    world.delete(&root, one).await.is_problem(404, none);

    let made = world.put(&root, one, json!({ "config": ["leads"] })).await;
    assert_eq!((made.status.as_u16(), &made.body["config"]), (200, &json!(["leads"])), "{made:?}");
    assert_eq!(decision(&world, &dba).await, "review_required");
    assert_eq!(world.get(&root, one).await.body, made.body);
    let by_id = format!("/api/plugins/review/conn/{}", other["id"].as_str().unwrap());
    assert_eq!(world.get(&root, &by_id).await.body["config"], json!(["a"]));
    let all = world.get(&root, "/api/plugins/review").await.body;
    assert_eq!(all["connections"].as_array().map(Vec::len), Some(2), "{all}");

    for (path, body, status, field) in [
        (one, json!({}), 422, json!("config")),
        (one, json!({ "config": ["a b"] }), 422, json!("config")),
        (one, json!({ "config": ["a"], "colour": 1 }), 422, json!("colour")),
        ("/api/plugins/review/conn/none", json!({ "config": ["a"] }), 404, json!(null)),
        ("/api/plugins/none/conn/pg", json!({ "config": ["a"] }), 404, json!(null)),
        ("/api/plugins/slack/conn/pg", json!({}), 422, json!("connections")),
    ] {
        let answer = world.put(&root, path, body).await;
        assert_eq!((answer.status.as_u16(), &answer.body["field"]), (status, &field), "{path}");
    }
    assert_eq!(world.delete(&root, one).await.status, 204);
    assert_eq!(decision(&world, &dba).await, "granted");
    assert_eq!(world.get(&root, &by_id).await.status, 200, "it is still enabled for the other");
}

#[tokio::test]
async fn what_this_version_does_not_do_is_refused_and_opens_nothing() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    for plugin in ["dlp", "indexer", "slack", "webhooks"] {
        let made = world.post(&root, "/api/plugins", body(plugin, &json!([]))).await;
        assert_eq!((made.status.as_u16(), made.body["field"].as_str()), (422, Some("connections")));
        let said = made.body["message"].as_str().unwrap();
        assert!(said.contains(plugin) && said.ends_with("; name none"), "{said}");
    }
    let audit = world.post(&root, "/api/plugins", body("audit", &json!([]))).await;
    assert_eq!(audit.status, 201, "it is done for every connection: {audit:?}");
    world.sql("delete from plugins").await;
    let empty = json!({ "name": "dlp", "connections": [] });
    assert_eq!(world.post(&root, "/api/plugins", empty).await.status, 201);
    assert_eq!(decision(&world, &root).await, "granted");
    // As a later version may have left it.
    for plugin in ["dlp", "of_tomorrow"] {
        world.sql(&format!("update plugins set name = '{plugin}'")).await;
        world
            .sql(
                "insert into plugin_connections
                 select p.org_id, p.id, c.id, '{}' from plugins p, connections c
                 on conflict do nothing",
            )
            .await;
        assert_eq!(decision(&world, &root).await, "policy_unavailable", "{plugin}");
    }
    // A rule that can't be read.
    world.sql("update plugins set name = 'review'").await;
    assert_eq!(decision(&world, &root).await, "policy_unavailable", "reviewed by nobody");
    world.sql("update plugin_connections set config = '{\"not a name\"}'").await;
    assert_eq!(decision(&world, &root).await, "decider_unavailable");
}

#[tokio::test]
async fn settings_are_never_shown_and_encrypted_at_rest() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let slack = json!({
        "name": "slack", "connections": [],
        "config": { "envvars": { "SLACK_BOT_TOKEN": "aHVudGVyMg==" } },
    });
    let made = world.post(&root, "/api/plugins", slack).await;
    assert_eq!(made.status, 201, "{made:?}");
    let redacted = json!({ "SLACK_BOT_TOKEN": "REDACTED" });
    assert_eq!(made.body["config"]["envvars"], redacted);
    // One is called as a field of other requests is, which the audit log keeps.
    let config = json!({ "SLACK_BOT_TOKEN": "aHVudGVyMw==", "channel": "aHVudGVyNA==" });
    let changed = world.put(&root, "/api/plugins/slack/config", config).await;
    assert_eq!(changed.body["config"]["envvars"].as_object().unwrap().len(), 2);
    let kept = world.sql("select * from audit_log").await;
    assert!(kept.contains("/api/plugins/slack/config"), "{kept}");
    assert!(!kept.contains("aHVudGVy") && !kept.contains("hunter"), "{kept}");
    for path in ["/api/plugins", "/api/plugins/slack"] {
        let shown = String::from_utf8(world.get(&root, path).await.bytes).unwrap();
        assert!(shown.contains("REDACTED") && !shown.contains("hunter"), "{shown}");
        assert!(!shown.contains("aHVudGVy"), "{shown}");
    }
    let check = "do $$ begin assert not exists (select from plugins
        where position('hunter'::bytea in config) > 0 or config is null); end $$";
    world.sql(check).await;
}

#[tokio::test]
async fn nonsense_is_refused_with_its_field() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let secret =
        json!({ "name": "slack", "connections": [], "config": { "envvars": { "A": "*" } } });
    let twice = json!({ "name": "audit", "connections": [{ "name": "pg" }, { "name": "pg" }] });
    for (body, field) in [
        (body("of_tomorrow", &json!([])), "name"),
        (body("review", &json!([])), "connections[0].config"),
        (body("review", &json!(["a b"])), "connections[0].config"),
        (body("runbooks", &json!([""])), "connections[0].config"),
        (body("runbooks", &json!(["team", "/"])), "connections[0].config"),
        (json!({ "name": "audit", "connections": [{ "name": "no" }] }), "connections[0].id"),
        (twice, "connections[1].id"),
        (secret, "config.envvars.A"),
    ] {
        let answer = world.post(&root, "/api/plugins", body).await;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(field)));
    }
    world.get(&root, "/api/plugins/of_tomorrow").await.is_problem(404, "there is no such plugin");
    world.get(&root, "/api/plugins/audit").await.is_problem(404, "there is no such plugin");
    assert_eq!(world.get(&root, "/api/plugins").await.body, json!([]), "nothing was made");
}
