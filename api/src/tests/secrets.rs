//! Secrets at rest: another key, and who sees them.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use hoop_domain::ConnectionId;
use serde_json::{Value, json};

use super::world::{World, pg_body};
use crate::{
    auth::totp::shown,
    router::ROUTES,
    secrets::{Place, SecretMap, SecretsKey},
};

fn key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

/// A channel with this password.
fn mail(password: &str) -> Value {
    json!({
        "name": "mail", "type": "smtp",
        "settings": { "host": "mail.example.com", "from": "hoop@example.com" },
        "secrets": { "password": password },
    })
}

/// Rotates to the end; what all steps did together.
async fn rotate(world: &World, root: &str) -> (u64, u64, Vec<Value>) {
    let (mut seen, mut renewed, mut broken) = (0, 0, Vec::new());
    let mut body = json!({});
    loop {
        let step = world.post(root, "/api/secrets/rotation", body).await;
        assert_eq!(step.status, 200, "{step:?}");
        seen += step.body["seen"].as_u64().unwrap();
        renewed += step.body["renewed"].as_u64().unwrap();
        broken.extend(step.body["broken"].as_array().unwrap().clone());
        let Some(cursor) = step.body["next_cursor"].as_str() else { break };
        body = json!({ "cursor": cursor });
    }
    (seen, renewed, broken)
}

#[tokio::test]
async fn a_rotation_renews_all_secrets_once_and_names_what_it_can_not_open() {
    let mut world = World::with(&[("SECRETS_KEY", &key(1))]).await;
    world.pg().await;
    let root = world.root().await;
    for number in 0..120 {
        let made = world.post(&root, "/api/connections", pg_body(&format!("pg-{number}"))).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    let made = world.post(&root, "/api/notifications/channels", mail("hunter2")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let before = world.get(&root, "/api/secrets/rotation").await;
    assert_eq!((&before.body["total"], &before.body["remaining"]), (&json!(122), &json!(0)));

    world.restart(&[("SECRETS_KEY", &format!("{},{}", key(2), key(1)))]).await;
    let begun = world.get(&root, "/api/secrets/rotation").await;
    assert_eq!(begun.body["remaining"], 122, "{begun:?}");
    assert_eq!(begun.body["keys"].as_array().unwrap().len(), 2);
    // Somebody gave up after the first step; what was done stays.
    let step = world.post(&root, "/api/secrets/rotation", json!({})).await;
    assert_eq!((&step.body["seen"], &step.body["renewed"]), (&json!(100), &json!(100)));
    let version = world.get(&root, "/api/connections/pg").await.body["secrets_updated_at"].clone();
    assert_eq!(rotate(&world, &root).await, (122, 22, Vec::new()));
    assert_eq!(rotate(&world, &root).await, (122, 0, Vec::new()));
    let after = world.get(&root, "/api/connections/pg").await;
    assert_eq!(after.body["secrets_updated_at"], version, "to people nothing has changed");

    world.restart(&[("SECRETS_KEY", &key(2))]).await;
    let done = world.get(&root, "/api/secrets/rotation").await;
    assert_eq!((&done.body["remaining"], &done.body["broken"]), (&json!(0), &json!([])));
    let (old, new) = [1, 2].map(|byte| SecretsKey::from_base64(&key(byte)).unwrap()).into();
    for stored in world.app.org.sealed_connections(None, 1000).await.unwrap() {
        assert!(old.decrypt(stored.id, &stored.stored).is_err());
        assert_eq!(new.decrypt_map(stored.id, &stored.stored).unwrap()["PASS"], "hunter2");
    }

    world.restart(&[("SECRETS_KEY", &key(1))]).await;
    let (seen, renewed, broken) = rotate(&world, &root).await;
    assert_eq!((seen, renewed, broken.len()), (122, 0, 122));
    assert!(broken.contains(&json!("connection pg")) && broken.contains(&json!("channel mail")));
}

/// Signs the root user in with a second factor; whether that works.
async fn enters_with_a_code(world: &World, secret: &str, steps: i64) -> bool {
    let later = world.app.now() + TimeDelta::seconds(30 * steps);
    let login = json!({
        "email": "root@example.com", "password": "correct horse", "code": shown(secret, later),
    });
    world.post("", "/api/login", login).await.status == 200
}

#[tokio::test]
async fn settings_of_plugins_get_the_other_key_too() {
    let mut world = World::with(&[("SECRETS_KEY", &key(1))]).await;
    let root = world.root().await;
    let slack = json!({
        "name": "slack", "connections": [], "config": { "envvars": { "TOKEN": "aHVudGVyMg==" } },
    });
    assert_eq!(world.post(&root, "/api/plugins", slack).await.status, 201);
    let audit = json!({ "name": "audit", "connections": [] });
    assert_eq!(world.post(&root, "/api/plugins", audit).await.status, 201);
    world.restart(&[("SECRETS_KEY", &format!("{},{}", key(2), key(1)))]).await;
    assert_eq!(rotate(&world, &root).await, (1, 1, Vec::new()));
    let new = SecretsKey::from_base64(&key(2)).unwrap();
    let plugins = world.app.org.sealed_plugins(None, 10).await.unwrap();
    let (id, stored) = (plugins[0].id, &plugins[0].stored);
    assert_eq!(new.decrypt_at(Place::Plugin(id), stored).unwrap()["TOKEN"], "hunter2");
}

#[tokio::test]
async fn second_factors_and_refresh_tokens_are_renewed_too() {
    let mut world = World::with(&[("SECRETS_KEY", &key(1))]).await;
    let (root, path) = (world.root().await, "/api/users/root@example.com/totp");
    let made = world.post(&root, path, json!({ "password": "correct horse" })).await;
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    let code = json!({ "code": shown(&secret, world.app.now()) });
    let confirmed = world.post(&root, &format!("{path}/confirm"), code).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    // As the versions stored it that had no places with names.
    let user = world.app.org.user_fetch("root@example.com").await.unwrap().id;
    let (session, _) = crate::auth::browser::sign_in(&world.app, user).await.unwrap();
    let kept = SecretMap::from([("refresh_token".into(), "hunter2".into())]);
    let old = ConnectionId::from_uuid(session.uuid());
    let sealed = world.app.secrets().encrypt(old, &kept).unwrap();
    let due = world.app.now() + TimeDelta::days(1);
    world.app.org.provider_session_keep(session, &sealed, due).await.unwrap();

    world.restart(&[("SECRETS_KEY", &format!("{},{}", key(2), key(1)))]).await;
    let begun = world.get(&root, "/api/secrets/rotation").await;
    assert_eq!((&begun.body["total"], &begun.body["remaining"]), (&json!(2), &json!(2)));
    assert_eq!(rotate(&world, &root).await, (2, 2, Vec::new()));
    assert_eq!(rotate(&world, &root).await, (2, 0, Vec::new()));

    world.restart(&[("SECRETS_KEY", &key(2))]).await;
    assert!(enters_with_a_code(&world, &secret, 1).await, "the second factor opens");
    let stored = world.app.org.sealed_refresh_tokens(None, 10).await.unwrap();
    let opened = world.app.secrets().decrypt_at(Place::RefreshToken(session), &stored[0].stored);
    assert_eq!(opened, Ok(kept));
    world.restart(&[("SECRETS_KEY", &key(3))]).await;
    let lost = world.get(&root, "/api/secrets/rotation").await.body["broken"].clone();
    let of = |kind: &str| json!(format!("{kind} root@example.com"));
    assert_eq!(lost, json!([of("second factor of"), of("refresh token of")]));
}

#[tokio::test]
async fn a_cursor_of_nobody_is_refused() {
    let world = World::new().await;
    let root = world.root().await;
    for cursor in ["", "x", "connections:x", "channels:0", "second-factors:x", "refresh-tokens"] {
        let body = json!({ "cursor": cursor });
        let answer = world.post(&root, "/api/secrets/rotation", body).await;
        assert_eq!(answer.status, 422, "{cursor}: {answer:?}");
        assert_eq!(answer.body["field"], "cursor");
    }
}

/// What must not be seen again, and how it is written in places.
const CANARY: &str = "c4n4ry-that-nobody-may-see";

#[tokio::test]
async fn no_route_that_reads_shows_a_secret_to_anybody() {
    let world = World::new().await;
    world.pg().await;
    let (root, canary) = (world.root().await, STANDARD.encode(CANARY));
    let mut body = pg_body("canary");
    body["secret"]["envvar:PASS"] = json!(canary);
    body["secret"]["envvar:EXTRA"] = json!(canary);
    let made = world.post(&root, "/api/connections", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = world.post(&root, "/api/notifications/channels", mail(CANARY)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let slack = json!({
        "name": "slack", "connections": [], "config": { "envvars": { "TOKEN": canary } },
    });
    let made = world.post(&root, "/api/plugins", slack).await;
    assert_eq!(made.status, 201, "{made:?}");
    let mut paths = Vec::new();
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let named = ["canary", "mail", "dev", "root@example.com", "pg", "slack"];
        let path = |name: &str| {
            let path = route.path.replace("{name}", name).replace("{id}", name);
            path.replace("{token}", name)
        };
        paths.extend(named.map(path));
    }
    paths.dedup();
    let mut good = 0;
    for path in &paths {
        for query in ["", "?include=secret", "?raw=true"] {
            let answer = world.get(&root, &format!("{path}{query}")).await;
            let text = String::from_utf8_lossy(&answer.bytes);
            let shown = text.contains(CANARY) || text.contains(canary.trim_end_matches('='));
            assert!(!shown, "{path}{query} shows a secret: {text}");
            good += usize::from(answer.status == 200 && text.contains("canary"));
        }
    }
    assert!(good > 0, "no answer was about the connection with the secret");
}
