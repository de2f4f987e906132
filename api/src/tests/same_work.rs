//! What strangers can't tell from how long an answer takes: the same is looked up for what exists
//! and for what does not. Work is counted here, and no time is measured.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use hoop_bus::{Bus, ControlRequest, Subject};
use hoop_proto::v1;
use serde_json::json;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use super::world::World;
use crate::auth::token::{self, Kind};

/// What sqlx calls its events, one for each statement.
const STATEMENTS: &str = "sqlx::query";

/// Lookups by what a stranger presents, and the table that each looks at.
const LOOKUPS: [(&str, &str); 3] = [
    ("WHERE t.digest = $1", "api_tokens"),
    ("WHERE k.digest = $1", "api_keys"),
    ("FROM credentials WHERE username = $1", "credentials"),
];

/// Writes down which of them are made. The tests of this crate have a thread each, in which all
/// processes of theirs run.
#[derive(Clone, Default)]
struct Lookups(Arc<Mutex<Vec<&'static str>>>);

/// All texts of an event.
#[derive(Default)]
struct Texts(String);

impl Visit for Texts {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.push_str(value);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Lookups {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == STATEMENTS
    }

    fn event(&self, event: &Event<'_>) {
        let mut texts = Texts::default();
        event.record(&mut texts);
        let text = texts.0.split_whitespace().collect::<Vec<_>>().join(" ");
        let made = LOOKUPS.iter().filter(|(condition, _)| text.contains(condition));
        self.0.lock().unwrap().extend(made.map(|(_, table)| *table));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// What is looked up while `work` is done, and what came of it.
async fn counted<T>(work: impl Future<Output = T>) -> (Vec<&'static str>, T) {
    let lookups = Lookups::default();
    let listening = tracing::subscriber::set_default(lookups.clone());
    let done = work.await;
    drop(listening);
    let made = lookups.0.lock().unwrap().clone();
    (made, done)
}

#[tokio::test]
async fn a_token_is_looked_up_once_whatever_is_wrong_with_it() {
    let world = World::new().await;
    let root = world.root().await;
    let (revoked, expired, inactive) = (
        world.user("revoked@example.com", &[]).await,
        world.user("expired@example.com", &[]).await,
        world.user("inactive@example.com", &[]).await,
    );
    let of = |who: &str| format!("user_id = (select id from users where email = '{who}')");
    let (ended, over) = (of("revoked@example.com"), of("expired@example.com"));
    world.sql(&format!("delete from api_tokens where {ended}")).await;
    let past = "update api_tokens set expires_at = now() - interval '1 second'";
    world.sql(&format!("{past} where {over}")).await;
    let change = json!({ "status": "inactive" });
    assert_eq!(world.put(&root, "/api/users/inactive@example.com", change).await.status, 200);
    let unknown = token::generate(Kind::Person).unwrap();
    for (what, text) in
        [("unknown", unknown), ("revoked", revoked), ("expired", expired), ("inactive", inactive)]
    {
        let (made, answer) = counted(world.get(&text, "/api/userinfo")).await;
        assert_eq!((answer.status.as_u16(), made), (401, vec!["api_tokens"]), "{what}");
    }
    let (made, answer) = counted(world.get(&root, "/api/userinfo")).await;
    assert_eq!((answer.status.as_u16(), made), (200, vec!["api_tokens"]), "one that is good");
}

#[tokio::test]
async fn an_api_key_that_is_not_good_is_looked_up_like_one_that_is_none() {
    let world = World::new().await;
    let root = world.root().await;
    let mut keys = vec![("unknown", token::generate(Kind::Key).unwrap())];
    for name in ["revoked", "expired"] {
        let made = world.post(&root, "/api/api-keys", json!({ "name": name })).await;
        keys.push((name, made.body["key"].as_str().unwrap().to_owned()));
    }
    assert_eq!(world.delete(&root, "/api/api-keys/revoked").await.status, 204);
    let past = "update api_keys set expires_at = now() - interval '1 second'";
    world.sql(&format!("{past} where name = 'expired'")).await;
    for (what, key) in keys {
        let (made, answer) = counted(world.get(&key, "/api/userinfo")).await;
        let expected = vec!["api_keys", "api_tokens"];
        assert_eq!((answer.status.as_u16(), made), (401, expected), "{what}");
    }
}

/// What an edge is answered about a user name.
async fn verifier(bus: &Bus, username: &str) -> v1::ScramVerifier {
    let request = v1::VerifierRequest { username: username.into() };
    let subject = Subject::Control(ControlRequest::Verifier);
    let reply: v1::VerifierReply =
        bus.request(&subject, &request, Duration::from_secs(10)).await.unwrap();
    reply.verifier.unwrap()
}

#[tokio::test]
async fn a_verifier_costs_an_edge_and_its_client_the_same_for_every_user_name() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let (path, mut names) = ("/api/connections/pg/credentials", Vec::new());
    for what in ["good", "revoked", "expired"] {
        let made = world.post(&root, path, json!({})).await;
        let text = |name: &str| made.body[name].as_str().unwrap().to_owned();
        names.push((what, text("id"), text("username")));
    }
    let revoke = format!("{path}/{}/revoke", names[1].1);
    assert_eq!(world.post(&root, &revoke, json!({})).await.status, 204);
    let past = "update credentials set expires_at = created_at + interval '1 microsecond'";
    world.sql(&format!("{past} where username = '{}'", names[2].2)).await;
    names.push(("unknown", String::new(), "c-000000000000".to_owned()));

    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let mut shapes = Vec::new();
    for (what, _, username) in &names {
        let (made, of) = counted(verifier(&edge, username)).await;
        assert_eq!(made, ["credentials"], "{what}");
        // The client derives its key in as many rounds, from as much salt.
        shapes.push((of.iterations, of.salt.len(), of.stored_key.len(), of.server_key.len()));
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
}
