//! Channels, subscriptions and the log of deliveries over REST.

use hoop_domain::Role;
use hoop_store::notification::ChannelKind;
use serde_json::json;

use super::world::World;

fn mail(password: Option<&str>) -> serde_json::Value {
    json!({
        "name": "mail",
        "type": "smtp",
        "settings": { "host": "mail.example.com", "from": "Hoop <hoop@example.com>" },
        "secrets": { "password": password },
    })
}

#[tokio::test]
async fn the_secret_of_a_channel_is_kept_and_never_shown() {
    let world = World::new().await;
    let root = world.root().await;
    let made = world.post(&root, "/api/notifications/channels", mail(Some("hunter2"))).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body["secret_names"], json!(["password"]));
    let kept = world.put(&root, "/api/notifications/channels/mail", mail(None)).await;
    assert_eq!(kept.status, 200, "{kept:?}");
    let shown = world.get(&root, "/api/notifications/channels").await;
    for answer in [made, kept, shown] {
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("hunter2"), "{answer:?}");
    }
    let key = &world.app.config.channel_key;
    let (_, secrets) = world.app.org.channel_open(key, "mail").await.unwrap();
    assert_eq!(secrets["password"], "hunter2");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_the_name_of_the_field() {
    let world = World::new().await;
    let root = world.root().await;
    let refused = async |path: &str, body: serde_json::Value, field: &str| {
        let answer = world.post(&root, &format!("/api/notifications/{path}"), body).await;
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(answer.body["field"], field, "{answer:?}");
    };
    let channel = |kind: &str, settings: serde_json::Value, secrets: serde_json::Value| json!({ "name": "c", "type": kind, "settings": settings, "secrets": secrets });
    let secret = json!({ "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });
    let url = |url: &str| channel("webhook", json!({ "url": url }), secret.clone());
    for wrong in ["ftp://x/", "nothing", "http://user:pass@x/", "http://169.254.169.254/"] {
        refused("channels", url(wrong), "settings.url").await;
    }
    let off = json!({ "host": "mail.example.com", "from": "a@x", "tls": "off" });
    refused("channels", channel("smtp", off, json!({})), "settings.tls").await;
    refused("channels", channel("smtp", json!({}), json!({})), "settings.host").await;
    refused("channels", channel("slack", json!({}), json!({})), "secrets").await;
    refused("channels", channel("pigeon", json!({}), json!({})), "type").await;

    assert_eq!(
        world.post(&root, "/api/notifications/channels", url("http://x/")).await.status,
        201
    );
    let subscription = |channel: &str, events: &str, to: &[&str]| json!({ "name": "s", "channel": channel, "events": [events], "recipients": to });
    refused("subscriptions", subscription("nothing", "*", &[]), "channel").await;
    refused("subscriptions", subscription("c", "session", &[]), "events").await;
    refused("subscriptions", subscription("c", "*", &["ann@example.com"]), "recipients").await;
    let made = world
        .post(&root, "/api/notifications/subscriptions", subscription("c", "session.*", &[]))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let gone = world.delete(&root, "/api/notifications/channels/c").await;
    gone.is_problem(409, "subscriptions use this channel; delete them first");
    let gone = world.delete(&root, "/api/notifications/subscriptions/s").await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(world.delete(&root, "/api/notifications/channels/c").await.status, 204);
}

#[tokio::test]
async fn the_log_is_for_auditors_and_sending_again_for_administrators() {
    let world = World::new().await;
    let auditor = world.somebody(Role::Auditor).await;
    let list = world.get(&auditor, "/api/notifications/deliveries?status=dead&limit=5").await;
    assert_eq!((list.status.as_u16(), &list.body["data"]), (200, &json!([])));
    let wrong = world.get(&auditor, "/api/notifications/deliveries?cursor=x").await;
    assert_eq!(wrong.body["field"], "cursor");
    let nul = world.get(&auditor, "/api/notifications/deliveries?limit=5&channel=a%00b").await;
    assert_eq!((nul.status.as_u16(), &nul.body["field"]), (422, &json!("channel")));
    let redrive = "/api/notifications/deliveries/nothing/redrive";
    assert_eq!(world.post(&auditor, redrive, json!({})).await.status, 403);
    let root = world.root().await;
    world.post(&root, redrive, json!({})).await.is_problem(404, "there is no such delivery");
}

#[tokio::test]
async fn a_test_goes_to_one_recipient_who_makes_sense_and_not_through_what_is_off() {
    let world = World::new().await;
    let root = world.root().await;
    world.post(&root, "/api/notifications/channels", mail(Some("hunter2"))).await;
    let path = "/api/notifications/channels/mail/test";
    let to = |recipient: &str| json!({ "recipient": recipient });
    for (body, status) in [(to("ann@example.com"), 202), (to("ann"), 422), (json!({}), 422)] {
        let answer = world.post(&root, path, body).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let log = world.get(&root, "/api/notifications/deliveries").await.body;
    assert_eq!(log["data"].as_array().unwrap().len(), 1);
    assert_eq!(log["data"][0]["type"], "channel.test");
    let mut off = mail(None);
    off["enabled"] = json!(false);
    world.put(&root, "/api/notifications/channels/mail", off).await;
    assert_eq!(world.post(&root, path, to("ann@example.com")).await.status, 409);
}

#[tokio::test]
async fn only_the_environment_sets_up_where_product_metrics_go() {
    let world = World::new().await;
    let root = world.root().await;
    let channels = "/api/notifications/channels";
    let segment = json!({ "name": "segment", "type": "segment", "secrets": { "write_key": "k" } });
    let refused = world.post(&root, channels, segment.clone()).await;
    refused.is_problem(422, "type: only the notifier's environment sets up such a channel");
    // As a notifier does that has SEGMENT_KEY.
    world.app.store.channel_ensure(ChannelKind::Segment, true, world.app.now()).await.unwrap();
    let path = format!("{channels}/segment");
    let shown = world.get(&root, &path).await.body;
    assert_eq!((&shown["type"], &shown["source"]), (&json!("segment"), &json!("environment")));
    assert_eq!(world.put(&root, &path, segment).await.status, 409);
    assert_eq!(world.delete(&root, &path).await.status, 409);
    // Which events it gets is decided like that of any channel.
    let narrow = |to: &[&str]| json!({ "name": "segment", "channel": "segment", "events": ["session.*"], "recipients": to });
    let subscription = "/api/notifications/subscriptions/segment";
    assert_eq!(world.get(&root, subscription).await.body["events"], json!(["*"]));
    assert_eq!(world.put(&root, subscription, narrow(&["ann"])).await.body["field"], "recipients");
    let narrowed = world.put(&root, subscription, narrow(&[])).await;
    assert_eq!(narrowed.body["events"], json!(["session.*"]), "{narrowed:?}");
    assert_eq!(world.post(&root, &format!("{path}/test"), json!({})).await.status, 202);
}
