//! Connections over REST: who sees them, and that nobody sees their secrets.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::world::{World, pg_body};

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let shown = world.get(&root, "/api/connections/pg").await;
    assert_eq!(shown.body["secret_names"], json!(["HOST", "PASS", "USER"]));
    let listed = world.get(&root, "/api/connections").await;
    for answer in [&shown, &listed] {
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
    }
    let stored = world.app.org.connection_fetch("pg").await.unwrap();
    assert!(!stored.secret.windows(7).any(|window| window == b"hunter2"));
    let map = world.app.secrets().decrypt_map(stored.id, &stored.secret).unwrap();
    assert_eq!(map["PASS"], "hunter2");
}

#[tokio::test]
async fn no_access_and_no_connection_are_the_same_answer() {
    let world = World::new().await;
    world.pg().await;
    let dba = world.user("dba@example.com", &["dba"]).await;
    let dev = world.user("dev@example.com", &["dev"]).await;
    assert_eq!(world.get(&dba, "/api/connections/pg").await.status, 200);
    assert_eq!(world.get(&dev, "/api/connections").await.body, json!([]));

    let body = json!({ "access_duration_seconds": 60 });
    let (hidden, none) = ("/api/connections/pg", "/api/connections/none");
    let (one, other) = (world.get(&dev, hidden).await, world.get(&dev, none).await);
    assert_eq!((one.status, &one.body), (other.status, &other.body));
    let credentials = async |path: &str| {
        let answer = world.post(&dev, &format!("{path}/credentials"), body.clone()).await;
        (answer.status, answer.body)
    };
    assert_eq!(credentials(hidden).await, credentials(none).await);
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut body = pg_body("pg-renamed");
    body["secret"] = json!({ "envvar:HOST": "", "envvar:USER": "", "envvar:PASS": "bmV3" });
    body["access_mode_exec"] = json!("disabled");
    let answer = world.put(&root, "/api/connections/pg", body.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.body["version"].as_i64()), (200, Some(2)));
    assert_eq!(answer.body["access_mode_exec"], "disabled");

    let stored = world.app.org.connection_fetch("pg-renamed").await.unwrap();
    let map = world.app.secrets().decrypt_map(stored.id, &stored.secret).unwrap();
    assert_eq!((map["HOST"].as_str(), map["PASS"].as_str()), ("127.0.0.1", "new"));

    body.as_object_mut().unwrap().remove("secret");
    assert_eq!(world.put(&root, "/api/connections/pg-renamed", body).await.status, 200);

    let set = json!({
        "access_groups": ["dba", "dev"], "command": ["psql", "-At"],
        "access_mode_connect": "disabled", "access_mode_exec": "disabled",
        "access_mode_runbooks": "disabled", "reviewers": ["leads", "ops"],
        "min_review_approvals": 1, "force_approve_groups": ["oncall"],
        "access_max_duration": 120, "jit_access_duration_sec": 60, "max_session_seconds": 600,
        "idle_timeout_seconds": 60, "max_sessions_per_user": 2, "max_sessions": 3,
        "audit_level": "synced",
    });
    let path = "/api/connections/pg-renamed";
    let named = json!({ "name": "pg-renamed", "type": "postgres", "agent_id": "dev" });
    let mut all = named.clone();
    all.as_object_mut().unwrap().extend(set.as_object().unwrap().clone());
    assert_eq!(world.put(&root, path, all).await.status, 200);
    let kept = world.put(&root, path, named.clone()).await;
    assert_eq!(kept.status, 200, "{kept:?}");
    for (field, value) in set.as_object().unwrap() {
        assert_eq!(&kept.body[field], value, "{field} is left out, so it stays");
    }
    for (field, value) in set.as_object().unwrap() {
        // Null is a value of what may be none, and nothing else.
        let mut body = named.clone();
        body[field] = json!(null);
        let (status, now) = match value {
            Value::Array(_) => (422, Value::Null),
            Value::String(_) if field != "audit_level" => (422, Value::Null),
            Value::String(_) => (200, json!("strict")),
            _ => (200, Value::Null),
        };
        let answer = world.put(&root, path, body).await;
        assert_eq!((answer.status.as_u16(), &answer.body[field]), (status, &now), "{field}");
    }
    let shown = world.get(&root, path).await.body;
    assert_eq!(shown["reviewers"], json!(["leads", "ops"]));
    assert_eq!(world.delete(&root, "/api/connections/pg-renamed").await.status, 204);
    assert_eq!(world.delete(&root, "/api/connections/pg-renamed").await.status, 404);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_requires_nothing() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let path = "/api/connections/pg";
    let before = world.get(&root, path).await.body;
    for (field, value) in [
        ("access_mode_exec", json!("disabled")),
        ("reviewers", json!(["leads"])),
        ("access_groups", json!(["dev"])),
        ("max_sessions", json!(3)),
        ("max_sessions", json!(null)),
        ("name", json!("renamed")),
        ("name", json!("pg")),
        ("agent_id", before["agent_id"].clone()),
        ("type", json!("database")),
        ("subtype", json!("postgres")),
    ] {
        let at = world.get(&root, "/api/connections").await.body[0]["name"].clone();
        let at = format!("/api/connections/{}", at.as_str().unwrap());
        let mut expected = world.get(&root, &at).await.body;
        let mut body = json!({});
        body[field] = value.clone();
        let answer = world.patch(&root, &at, body).await;
        assert_eq!(answer.status, 200, "{field}: {answer:?}");
        expected[field] = value;
        for changing in ["version", "updated_at", "needs_review"] {
            expected[changing] = answer.body[changing].clone();
        }
        assert_eq!(answer.body, expected, "{field} and nothing else");
    }
    // Of the secret, too, nothing but what is named.
    let body = json!({ "secret": { "envvar:PASS": "bmV3", "envvar:NOTE": "eA==" } });
    let answer = world.patch(&root, path, body).await;
    assert_eq!(answer.body["secret_names"], json!(["HOST", "NOTE", "PASS", "USER"]), "{answer:?}");
    let stored = world.app.org.connection_fetch("pg").await.unwrap();
    let map = world.app.secrets().decrypt_map(stored.id, &stored.secret).unwrap();
    assert_eq!((map["HOST"].as_str(), map["PASS"].as_str()), ("127.0.0.1", "new"));

    let nothing = world.patch(&root, path, json!({})).await;
    assert_eq!((nothing.status.as_u16(), &nothing.body["name"]), (200, &json!("pg")));
    for (field, value, named) in [
        ("name", json!(null), "name"),
        ("name", json!("a/b"), "name"),
        ("type", json!("application"), "type"),
        ("subtype", json!("mysql"), "subtype"),
        ("agent_id", json!("nobody"), "agent_id"),
        ("reviewers", json!(null), "reviewers"),
        ("secret", json!({ "filesystem:CA": "eA==" }), "secret.filesystem:CA"),
        ("colour", json!("red"), "colour"),
    ] {
        let mut body = json!({});
        body[field] = value;
        let answer = world.patch(&root, path, body).await;
        let said = (answer.status.as_u16(), answer.body["field"].as_str());
        assert_eq!(said, (422, Some(named)), "{field}");
    }
    for field in ["name", "type", "agent_id"] {
        let mut body = pg_body("pg");
        let fields = body.as_object_mut().unwrap();
        fields.remove(field);
        // A PUT is of a whole connection.
        for answer in [
            world.put(&root, path, body.clone()).await,
            world.post(&root, "/api/connections", body).await,
        ] {
            let said = (answer.status.as_u16(), answer.body["field"].as_str());
            assert_eq!(said, (422, Some(field)));
        }
    }
    assert_eq!(world.patch(&root, "/api/connections/none", json!({})).await.status, 404);
}

#[tokio::test]
async fn of_many_who_change_a_field_each_at_the_same_time_all_do() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let fields = ["max_sessions", "idle_timeout_seconds", "max_session_seconds"];
    let answers = join_all(fields.map(|field| {
        let mut body = json!({ "name": "pg", "type": "postgres", "agent_id": "dev" });
        body[field] = json!(7);
        world.put(&root, "/api/connections/pg", body)
    }))
    .await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let shown = world.get(&root, "/api/connections/pg").await.body;
    assert!(fields.iter().all(|field| shown[*field] == json!(7)), "{shown}");
}

#[tokio::test]
async fn what_older_clients_send_and_nothing_depends_on_is_taken_and_ignored() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut body = pg_body("pg");
    for (field, value) in [
        ("tags", json!(["a"])),
        ("connection_tags", json!({ "team": "a" })),
        ("resource_name", json!("pg")),
        ("access_schema", json!("enabled")),
        ("default_database", json!(null)),
    ] {
        body[field] = value;
    }
    assert_eq!(world.put(&root, "/api/connections/pg", body.clone()).await.status, 200);
    for promise in ["redact_types", "guardrail_rules", "env_vars"] {
        let mut body = body.clone();
        body[promise] = json!(["x"]);
        let answer = world.put(&root, "/api/connections/pg", body).await;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(promise)));
    }
}

#[tokio::test]
async fn fields_that_make_no_sense_are_named() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    for (field, value, named) in [
        ("name", json!("a/b"), "name"),
        ("type", json!("application"), "type"),
        ("subtype", json!("oracle"), "subtype"),
        ("agent_id", json!("nobody"), "agent_id"),
        ("access_groups", json!([".."]), "access_groups"),
        ("access_mode_connect", json!("on"), "access_mode_connect"),
        ("audit_level", json!("none"), "audit_level"),
        ("audit_level", json!(""), "audit_level"),
        ("audit_level", json!(3), "audit_level"),
        ("secret", json!({}), "secret.envvar:HOST"),
        ("secret", json!({ "envvar:HOST": "?" }), "secret.envvar:HOST"),
        ("colour", json!("red"), "colour"),
    ] {
        let mut body = pg_body("other");
        body[field] = value;
        let answer = world.post(&root, "/api/connections", body).await;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(named)));
    }
    let taken = world.post(&root, "/api/connections", pg_body("pg")).await;
    taken.is_problem(409, "there is a connection of that name already");
}

#[tokio::test]
async fn the_audit_level_is_shown_wherever_a_connection_is_and_strict_unless_it_is_given() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let path = "/api/connections/pg";
    let level = async || {
        let listed = world.get(&root, "/api/connections").await.body;
        let shown = world.get(&root, path).await.body;
        assert_eq!(listed[0]["audit_level"], shown["audit_level"]);
        shown["audit_level"].as_str().unwrap().to_owned()
    };
    assert_eq!(level().await, "strict");
    let mut body = pg_body("pg");
    for given in ["synced", "windowed", "strict", "windowed"] {
        body["audit_level"] = json!(given);
        assert_eq!(world.put(&root, path, body.clone()).await.body["audit_level"], given);
        assert_eq!(level().await, given);
    }
    body["audit_level"] = json!("none");
    let refused = world.put(&root, path, body.clone()).await;
    assert_eq!(
        (refused.status.as_u16(), refused.body["field"].as_str()),
        (422, Some("audit_level"))
    );
    let words = "audit level \"none\" is not one of strict, synced, windowed";
    assert!(refused.body["message"].as_str().unwrap().contains(words), "{refused:?}");
    body["audit_level"] = json!(null);
    assert_eq!(world.put(&root, path, body).await.status, 200);
    assert_eq!(level().await, "strict", "as with a limit, null is the default");
    let mut made = pg_body("made");
    made["audit_level"] = json!("synced");
    assert_eq!(world.post(&root, "/api/connections", made).await.body["audit_level"], "synced");
}

#[tokio::test]
async fn a_command_line_is_made_of_words_variables_and_files() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let body = json!({
        "name": "console", "type": "custom", "subtype": "command-line", "agent_id": "dev",
        "command": ["bash", "-c", "echo $GREETING"],
        "secret": { "envvar:GREETING": "aGk=", "filesystem:KUBECONFIG": "eA==" },
        "idle_timeout_seconds": 60, "max_sessions": 3,
    });
    let made = world.post(&root, "/api/connections", body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(
        (&made.body["type"], &made.body["subtype"]),
        (&json!("custom"), &json!("command-line"))
    );
    assert_eq!(made.body["command"], body["command"]);
    assert_eq!(made.body["secret_names"], json!(["GREETING", "filesystem:KUBECONFIG"]));
    let limits = ["idle_timeout_seconds", "max_sessions", "max_session_seconds"];
    assert_eq!(limits.map(|limit| made.body[limit].as_u64()), [Some(60), Some(3), None]);

    for (field, value, named) in [
        ("command", json!([]), "command"),
        ("command", json!([""]), "command"),
        ("command", json!(["a\u{0}b"]), "command"),
        ("command", json!(vec!["x"; 65]), "command"),
        ("secret", json!({ "filesystem:../x": "eA==" }), "secret.filesystem:../x"),
        ("max_sessions", json!(0), "max_sessions"),
        ("max_sessions_per_user", json!(1_000_001), "max_sessions_per_user"),
        ("idle_timeout_seconds", json!(0), "idle_timeout_seconds"),
        ("max_session_seconds", json!(32_000_000), "max_session_seconds"),
        ("type", json!("database"), "type"),
    ] {
        let mut body = body.clone();
        (body["name"], body[field]) = (json!("other"), value);
        let answer = world.post(&root, "/api/connections", body).await;
        assert_eq!((answer.status.as_u16(), answer.body["field"].as_str()), (422, Some(named)));
    }
    let mut mysql = pg_body("my");
    mysql["subtype"] = json!("mysql");
    assert_eq!(world.post(&root, "/api/connections", mysql).await.status, 201, "it has its own");
}

#[tokio::test]
async fn connections_are_found_by_what_they_are_a_page_at_a_time() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let other = world.post(&root, "/api/agents", json!({ "name": "other" })).await.body;
    let web = json!({
        "name": "Web", "type": "application", "subtype": "tcp", "agent_id": "other",
        "access_groups": ["dba"], "secret": { "HOST": "ZGI=", "PORT": "ODA=" },
    });
    let mut mysql = pg_body("mysql");
    (mysql["subtype"], mysql["access_groups"]) = (json!("mysql"), json!([]));
    for body in [web, mysql, pg_body("pg_two")] {
        assert_eq!(world.post(&root, "/api/connections", body).await.status, 201);
    }
    let dba = world.user("dba@example.com", &["dba"]).await;
    let found = async |token: &str, query: &str| {
        let answer = world.get(token, &format!("/api/connections?{query}")).await;
        let rows = answer.body.as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let by_id = format!("agent_id={}", other["id"].as_str().unwrap());
    let cases: [(&str, &[&str]); 15] = [
        ("type=database", &["mysql", "pg", "pg_two"]),
        ("type=application", &["Web"]),
        ("type=postgres", &["pg", "pg_two"]),
        ("subtype=mysql", &["mysql"]),
        ("type=application&subtype=mysql", &[]),
        ("type=httpproxy", &[]),
        ("agent_id=dev&search=PG", &["pg", "pg_two"]),
        ("agent_id=other", &["Web"]),
        (&by_id, &["Web"]),
        ("agent_id=nobody", &[]),
        ("name=pg", &["pg"]),
        ("name=p", &[]),
        ("search=_", &["pg_two"]),
        ("search=%25", &[]),
        ("search=we&name=&type=&subtype=&agent_id=", &["Web"]),
    ];
    for (query, all) in cases {
        let mut rows = found(&root, query).await;
        rows.sort_by_key(|name| name.to_lowercase());
        let mut expected = all.to_vec();
        expected.sort_by_key(|name| name.to_lowercase());
        assert_eq!(rows, expected, "{query}");
    }
    assert_eq!(found(&dba, "type=database").await, ["pg", "pg_two"]);
    let first = world.asked(&root, "/api/connections?type=postgres&limit=1", "").await;
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    assert!(link.starts_with("</api/connections?type=postgres&limit=1&cursor=n7067>"), "{link}");
    assert_eq!(found(&root, "type=postgres&limit=1&cursor=n7067").await, ["pg_two"]);
    let refused = world.get(&root, "/api/connections?tag_selector=a").await;
    assert_eq!((refused.status.as_u16(), &refused.body["field"]), (422, &json!("tag_selector")));
}
