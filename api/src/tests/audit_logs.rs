//! The audit log: what is in it, what never is, and that its lines are a chain.

use std::sync::Arc;

use axum::body::Body;
use hoop_domain::{
    Role,
    audit_line::START,
    manifest::{LogHead, SigningKey},
};
use hoop_store::audit_log::{Deed, LineFilter, Signing, Who};
use http::{Request, header};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{
    matrix::path,
    world::{World, pg_body},
};
use crate::{openapi::Document, router::ROUTES};

const CANARY: &str = "canary-4711";

/// Everything that the table has, as text.
pub(super) async fn everything(world: &World) -> String {
    let mut text = String::new();
    let mut cursor = None;
    loop {
        let page = world.app.org.audit_list(&LineFilter::default(), cursor, 500).await.unwrap();
        text.push_str(&format!("{:?}", page.rows));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return text,
        }
    }
}

/// The names of the fields of a request, from the document.
fn fields(document: &Value, path: &str, method: &str) -> Vec<String> {
    let body = &document["paths"][path][method.to_lowercase()]["requestBody"];
    let schema = &body["content"]["application/json"]["schema"];
    let names = schema.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let used = schemas.iter().filter(|(name, _)| names.contains(&format!("schemas/{name}\"")));
    used.filter_map(|(_, schema)| schema["properties"].as_object())
        .flat_map(|properties| properties.keys().cloned())
        .collect()
}

#[tokio::test]
async fn no_secret_of_any_request_is_in_the_table() {
    let world = World::new().await;
    let root = world.root().await;
    let document = serde_json::to_value(Document::openapi()).unwrap();
    for route in ROUTES.iter().filter(|route| route.audited) {
        let path = path(route);
        let names = fields(&document, route.path, route.method.as_str());
        // As texts where a text may be a secret, as something else where it may be kept, and
        // in places that do not exist.
        for value in [json!(CANARY), json!({ CANARY: CANARY }), json!([[CANARY]])] {
            let mut body: Map<String, Value> = names
                .iter()
                .filter(|name| value != json!(CANARY) || SECRET.contains(&name.as_str()))
                .map(|name| (name.clone(), value.clone()))
                .collect();
            body.insert(CANARY.into(), CANARY.into());
            body.insert("nobody-knows".into(), value);
            world.call(route.method.clone(), &root, &path, Value::Object(body)).await;
        }
        world.send(route.method.clone(), &root, &path, format!("not json {CANARY}")).await;
    }
    let text = everything(&world).await;
    assert!(!text.contains(CANARY), "{text}");
}

/// Fields whose values are secrets when they are texts.
const SECRET: [&str; 8] = [
    "password",
    "old_password",
    "new_password",
    "code",
    "secret",
    "secrets",
    "settings",
    "command",
];

#[tokio::test]
async fn secrets_of_requests_that_succeed_are_not_in_the_table() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut connection = pg_body("other");
    connection["secret"]["envvar:PASS"] = "Y2FuYXJ5LTQ3MTE=".into();
    connection["command"] = json!(["psql", CANARY]);
    assert_eq!(world.post(&root, "/api/connections", connection).await.status, 201);
    let user = json!({ "email": "ann@example.com", "password": CANARY });
    assert_eq!(world.post(&root, "/api/users", user.clone()).await.status, 201);
    let login = world.post("", "/api/login", user).await;
    assert_eq!(login.status, 200);
    let token = login.body["token"].as_str().unwrap().to_owned();
    let made = world.post(&root, "/api/api-keys", json!({ "name": "ci" })).await;
    let key = made.body["key"].as_str().unwrap().to_owned();
    world.delete(&root, &format!("/api/users/ann@example.com/tokens/{key}")).await;
    let text = everything(&world).await;
    for secret in [CANARY, "Y2FuYXJ5LTQ3MTE=", token.as_str(), key.as_str()] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    assert!(text.contains("other") && text.contains("[redacted]"));
}

#[tokio::test]
async fn a_line_says_who_did_what_from_where_and_how_it_ended() {
    let world = World::new().await;
    let (root, auditor) = (world.root().await, world.somebody(Role::Auditor).await);
    let standard = world.somebody(Role::Standard).await;
    let group = json!({ "name": "dba" });
    assert_eq!(world.post(&root, "/api/users/groups", group.clone()).await.status, 201);
    assert_eq!(world.post(&root, "/api/users/groups", group.clone()).await.status, 409);
    assert_eq!(world.post(&standard, "/api/users/groups", group.clone()).await.status, 403);
    assert_eq!(world.post("", "/api/users/groups", group).await.status, 401);
    let list = world.get(&auditor, "/api/audit/logs?resource=groups").await.body;
    let lines = list["data"].as_array().unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            (line["http_status"].as_u64().unwrap(), word("actor_email"), word("error_message"))
        })
        .collect();
    let sign_in = "sign in first: send a valid token as 'authorization: Bearer …'";
    assert_eq!(
        told,
        [
            (401, String::new(), sign_in.to_owned()),
            (403, "standard@example.com".into(), "your role does not allow this".into()),
            (409, "root@example.com".into(), "there is a group of that name already".into()),
            (201, "root@example.com".into(), String::new()),
        ]
    );
    let first = &lines[3];
    assert_eq!((&first["action"], &first["outcome"]), (&json!("create"), &json!(true)));
    assert_eq!(
        (&first["http_method"], &first["actor_name"]),
        (&json!("POST"), &json!("Administrator"))
    );
    assert_eq!(first["request_payload_redacted"], json!({ "name": "dba" }));
    assert_eq!(world.get(&standard, "/api/audit/logs").await.status, 403);
}

#[tokio::test]
async fn nothing_is_done_that_could_not_be_written_down_before() {
    let world = World::new().await;
    let root = world.root().await;
    let broken = "create function broken() returns trigger language plpgsql as $$ begin
          raise exception 'broken';
        end $$;
        create trigger broken before insert on audit_log
          for each row execute function broken();";
    world.sql(broken).await;
    let group = json!({ "name": "written" });
    let refused = world.post(&root, "/api/users/groups", group.clone()).await;
    refused.is_problem(500, "something went wrong in the gateway; its log has the cause");
    for route in ROUTES.iter().filter(|route| route.audited) {
        let path = path(route);
        // Whatever a handler would say of this: it is not asked.
        let answer = world.call(route.method.clone(), &root, &path, json!({})).await;
        assert_eq!(answer.status, 500, "{} {path}: {answer:?}", route.method);
    }
    // The same token goes on, so not even signing out was done.
    let groups = world.get(&root, "/api/users/groups").await;
    assert_eq!(groups.status, 200, "{groups:?}");
    assert!(!groups.body.as_array().unwrap().contains(&json!("written")), "{groups:?}");
    world.sql("drop trigger broken on audit_log").await;
    assert_eq!(world.post(&root, "/api/users/groups", group).await.status, 201);
}

#[tokio::test]
async fn signing_in_is_written_down_right_or_wrong() {
    let world = World::new().await;
    let root = world.root().await;
    let login = |email: &str, password: &str| json!({ "email": email, "password": password });
    world.post("", "/api/login", login("Root@example.com", "wrong horse")).await;
    world.post("", "/api/localauth/login", login("root@example.com", "correct horse")).await;
    world.post("", "/api/login", login("hunter2", "root@example.com")).await;
    let list = world.get(&root, "/api/audit/logs?resource=authentication&action=login").await.body;
    let lines = list["data"].as_array().unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["actor_email"].as_str().unwrap(), line["outcome"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [("", false), ("root@example.com", true), ("root@example.com", false)]);
    assert!(lines[1]["actor_id"].is_string() && lines[2]["actor_id"].is_null());
    assert_eq!(lines[2]["error_message"], "the e-mail address or the password is wrong");
}

#[tokio::test]
async fn a_sign_in_through_the_form_says_whom_and_why_not() {
    let world = World::new().await;
    let root = world.root().await;
    for email in ["Root%40example.com", "hunter2"] {
        let request = Request::post("/api/login/form")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(format!("email={email}&password=wrong+horse")));
        assert_eq!(world.answer(request.unwrap()).await.status(), 401);
    }
    let found = "/api/audit/logs?resource=authentication&action=login&outcome=failure";
    let list = world.get(&root, found).await.body;
    let lines = list["data"].as_array().unwrap();
    let whom: Vec<_> = lines.iter().map(|line| line["actor_email"].as_str().unwrap()).collect();
    assert_eq!(whom, ["", "root@example.com"]);
    for line in lines {
        assert_eq!(line["http_path"], "/api/login/form");
        assert_eq!(line["error_message"], "the e-mail address or the password is wrong");
        assert!(line["actor_id"].is_null(), "{line}");
    }
}

#[tokio::test]
async fn the_log_is_paged_filtered_and_exported() {
    let world = World::new().await;
    let root = world.root().await;
    for number in 0..5 {
        world.post(&root, "/api/users/groups", json!({ "name": format!("g{number}") })).await;
    }
    world.delete(&root, "/api/users/groups/g0").await;
    world.delete(&root, "/api/users/groups/nothing").await;
    let page = world.get(&root, "/api/audit/logs?action=create&limit=3").await.body;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_next_page"]), (3, &json!(true)));
    let next = page["next_cursor"].as_str().unwrap();
    let rest = world.get(&root, &format!("/api/audit/logs?action=create&cursor={next}")).await.body;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next_cursor"]), (2, &Value::Null));
    for (query, count) in [
        ("outcome=failure", 1),
        ("outcome=success", 6),
        ("actor=root@example.com", 7),
        ("actor=Administrator&action=delete", 2),
        ("actor=nobody", 0),
        ("from=2100-01-01T00:00:00Z", 0),
        ("to=2100-01-01T00:00:00Z", 7),
    ] {
        let page = world.get(&root, &format!("/api/audit/logs?{query}")).await.body;
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
    }
    let export = world.get(&root, "/api/audit/logs?format=jsonl&action=create").await;
    assert_eq!(export.kind, "application/x-ndjson");
    let text = String::from_utf8(export.bytes).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let positions: Vec<_> = lines.iter().map(|line| line["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5], "in the order of the chain");
    for query in ["outcome=maybe", "format=csv", "format=jsonl&limit=1", "limit=0", "cursor=1"] {
        assert_eq!(world.get(&root, &format!("/api/audit/logs?{query}")).await.status, 422);
    }
}

/// Recomputes the chain; how many lines it has.
pub(super) async fn holds(world: &World) -> u64 {
    let lines = world.app.org.audit_chain(&LineFilter::default(), 0, 1000).await.unwrap();
    let mut previous = START;
    for (line, position) in lines.iter().zip(1..) {
        assert_eq!(line.line.position, position);
        previous = line.line.digest(&previous);
        assert_eq!(line.digest, Some(previous), "line {position}");
    }
    let end = world.app.org.audit_head().await.unwrap();
    assert_eq!(end, (lines.len() as u64, previous));
    end.0
}

#[tokio::test]
async fn lines_that_are_written_at_once_are_one_chain() {
    let world = World::new().await;
    let root = world.root().await;
    let calls = (0..20).map(|number| {
        let (world, root) = (&world, &root);
        async move {
            world.post(root, "/api/users/groups", json!({ "name": format!("g{number}") })).await
        }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(holds(&world).await, 20);
    let end = world.get(&root, "/api/audit/logs/end").await.body;
    assert_eq!(end["position"], 20);
}

#[tokio::test]
async fn a_line_whose_process_is_gone_joins_the_chain_without_an_outcome() {
    let world = World::new().await;
    let root = world.root().await;
    let deed = Deed {
        who: &Who::default(),
        method: "POST",
        path: "/api/users",
        resource: "users",
        action: "create",
        client: "-",
        payload: None,
    };
    let _gone = world.app.org.audit_begin(&deed).await.unwrap();
    world.post(&root, "/api/users/groups", json!({ "name": "dba" })).await;
    assert_eq!(holds(&world).await, 1);
    let before = world.app.now() + chrono::TimeDelta::minutes(1);
    assert_eq!(world.app.store.audit_add_abandoned(before).await.unwrap(), 1);
    assert_eq!(world.app.store.audit_add_abandoned(before).await.unwrap(), 0);
    assert_eq!(holds(&world).await, 2);
    let line = &world.get(&root, "/api/audit/logs?resource=users").await.body["data"][0];
    assert_eq!((&line["outcome"], &line["http_status"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn the_end_of_the_log_is_signed_unless_it_was_changed() {
    let world = World::new().await;
    let root = world.root().await;
    let key = SigningKey::from_seed(&[7; 32]).unwrap();
    world.app.store.manifest_key_add(key.public_key()).await.unwrap();
    let sign = async || world.app.org.audit_head_sign(&key, world.app.now()).await.unwrap();
    assert_eq!(sign().await, Signing::Unchanged);
    let group =
        async |name: &str| world.post(&root, "/api/users/groups", json!({ "name": name })).await;
    for name in ["a", "b"] {
        group(name).await;
    }
    assert_eq!(sign().await, Signing::Signed(2));
    assert_eq!(sign().await, Signing::Unchanged);
    group("c").await;
    assert_eq!(sign().await, Signing::Signed(3));
    let list = world.get(&root, "/api/audit/logs/heads?after=2").await.body;
    let head = LogHead::parse(list["data"][0]["head"].as_str().unwrap()).unwrap();
    assert_eq!(
        (head.line, Some(head.digest)),
        (3, {
            let lines = world.app.org.audit_chain(&LineFilter::default(), 2, 1).await.unwrap();
            lines[0].digest
        })
    );
    assert_eq!(list["data"].as_array().unwrap().len(), 1);

    group("d").await;
    world.sql("update audit_log set actor_name = 'Nobody' where position = 4").await;
    assert_eq!(sign().await, Signing::Broken(4));
    // A chain that is whole and not the one that was signed is not signed either.
    world.sql("delete from audit_log; delete from audit_heads").await;
    for name in ["e", "f", "g", "h"] {
        group(name).await;
    }
    assert_eq!(sign().await, Signing::Broken(4));
}

#[tokio::test]
async fn what_was_begun_is_done_and_written_down_though_who_sent_it_hung_up() {
    let world = Arc::new(World::new().await);
    let root = world.root().await;
    let hasty = {
        let (world, root) = (Arc::clone(&world), root.clone());
        // Its password takes a while to hash.
        let body = json!({ "email": "ann@example.com", "password": "battery staple" });
        tokio::spawn(async move { world.post(&root, "/api/users", body).await.status })
    };
    let lines = async |what: &str| {
        let sql = format!("select {what} from audit_log where path = '/api/users'");
        world.sql(&sql).await
    };
    hoop_testkit::eventually("the line to be begun", async || {
        anyhow::ensure!(lines("count(*)").await == "1", "not yet");
        Ok(())
    })
    .await
    .unwrap();
    hasty.abort();
    hoop_testkit::eventually("the line to be completed", async || {
        let done = lines("coalesce(max(status), 0)").await;
        anyhow::ensure!(done == "201", "{done}");
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(world.get(&root, "/api/users/ann@example.com").await.status, 200);
}
