//! The audit log of who was refused: wherever they asked, and not more often than it can bear.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::{body::Body, extract::ConnectInfo};
use hoop_bus::{Bus, ControlRequest, Subject};
use hoop_domain::{DenialCode, Role};
use hoop_proto::v1::{
    self, authorize_reply::Outcome, authorize_request::Proof, edge_refusal::Asked,
};
use hoop_runtime::metrics::counter;
use hoop_testkit::eventually;
use http::{HeaderName, Request, header};
use serde_json::{Value, json};

use super::{
    audit_logs::{everything, holds},
    authorize::{authorize, request},
    world::{World, pg_body},
};

/// Status, action, path and address of the lines with these filters, the newest first.
async fn lines(world: &World, root: &str, query: &str) -> Vec<(u64, String, String, String)> {
    let list = world.get(root, &format!("/api/audit/logs?{query}")).await.body;
    let line = |line: &Value| {
        let word = |name: &str| line[name].as_str().unwrap().to_owned();
        let status = line["http_status"].as_u64().unwrap_or_default();
        (status, word("action"), word("http_path"), word("client_ip"))
    };
    list["data"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn who_may_not_read_is_written_down_and_who_may_is_not() {
    let world = World::new().await;
    let (root, standard) = (world.root().await, world.somebody(Role::Standard).await);
    for (token, status) in [(root.as_str(), 200), (standard.as_str(), 403), ("", 401)] {
        assert_eq!(world.get(token, "/api/audit/logs/heads").await.status, status);
    }
    let written = lines(&world, &root, "resource=heads").await;
    let written: Vec<_> = written.iter().map(|(status, _, path, _)| (*status, &**path)).collect();
    assert_eq!(written, [(401, "/api/audit/logs/heads"), (403, "/api/audit/logs/heads")]);
    let mine = lines(&world, &root, "actor=standard@example.com&outcome=failure").await;
    assert_eq!(mine.len(), 1, "{mine:?}");
}

/// The status of a read from `peer` with this header.
async fn read(world: &World, peer: &str, (name, value): (HeaderName, &str)) -> u16 {
    let request = Request::get("/api/userinfo")
        .header(name, value)
        .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    world.answer(request.body(Body::empty()).unwrap()).await.status().as_u16()
}

#[tokio::test]
async fn each_wrong_token_is_a_line_and_asking_again_is_no_other() {
    let world = World::new().await;
    let (root, gone) = (world.root().await, world.user("gone@example.com", &[]).await);
    world.user("late@example.com", &[]).await;
    let late = world.token_of("late@example.com").await;
    let of = |who: &str| format!("user_id = (select id from users where email = '{who}')");
    world.sql(&format!("delete from api_tokens where {}", of("gone@example.com"))).await;
    let past = "update api_tokens set expires_at = now() - interval '1 second'";
    world.sql(&format!("{past} where {}", of("late@example.com"))).await;

    let (here, there) = ("192.0.2.9", "192.0.2.10");
    let bearer = |token: &str| (header::AUTHORIZATION, format!("Bearer {token}"));
    let shown = [
        (here, (header::ACCEPT, "*/*".to_owned())),
        (here, bearer("hpt_canary-4711")),
        (here, bearer(&gone)),
        (here, bearer(&late)),
        (here, (header::AUTHORIZATION, "Basic canary-4711".to_owned())),
        (here, (header::COOKIE, "hoop_session=hpb_canary-4711".to_owned())),
        (there, (header::ACCEPT, "*/*".to_owned())),
    ];
    for _ in 0..5 {
        for (address, (name, value)) in &shown {
            let status =
                read(&world, &format!("{address}:4711"), (name.clone(), value.as_str())).await;
            assert_eq!(status, 401, "{name}: {value}");
        }
    }
    let written = lines(&world, &root, "outcome=failure").await;
    assert!(written.iter().all(|line| (line.0, &*line.2) == (401, "/api/userinfo")), "{written:?}");
    let from: Vec<&str> = written.iter().rev().map(|line| line.3.as_str()).collect();
    assert_eq!(from, shown.each_ref().map(|(address, _)| *address));
    let text = everything(&world).await;
    assert!(!text.contains("canary") && !text.contains(gone.as_str()), "{text}");
}

#[tokio::test]
async fn strangers_who_read_leave_room_for_the_lines_of_others() {
    let world = World::new().await;
    let root = world.root().await;
    let address = |number: u32| IpAddr::from(Ipv4Addr::from(number));
    let limits = &world.app.limits;
    let written = (0..100_000).filter(|of| limits.reading(address(*of), None).is_ok()).count();
    assert!((1..50_000).contains(&written), "{written}");
    assert_eq!(world.post("", "/api/users/groups", json!({})).await.status, 401);
    assert_eq!(lines(&world, &root, "resource=groups").await.len(), 1);
}

#[tokio::test]
async fn a_flood_over_http_fills_no_log_and_leaves_room_for_the_lines_of_edges() {
    let world = World::with(&[("API_RATE_STRANGER", "off")]).await;
    let limits = &world.app.limits;
    let written = (0..100_000).filter(|_| limits.written().is_ok()).count();
    assert!((1..50_000).contains(&written), "{written}");
    assert!(0 < counter("hoop_refusals_unwritten_total", &[]).get());
    let address = |number: u32| IpAddr::from(Ipv4Addr::from(number));
    let written = (0..1000).filter(|of| limits.denied(None, address(*of)).is_ok()).count();
    assert_eq!(written, 1000);
}

#[tokio::test]
async fn who_asks_for_what_they_may_not_have_fills_no_log() {
    let world = World::with(&[("API_RATE_STRANGER", "5")]).await;
    let (root, standard) = (world.root().await, world.somebody(Role::Standard).await);
    for _ in 0..20 {
        assert_eq!(world.get(&standard, "/api/audit/logs/heads").await.status, 403);
    }
    let written = lines(&world, &root, "resource=heads").await.len();
    assert!((1..20).contains(&written), "{written}");
    let nobody = request(Proof::CredentialUsername("c-nobody".into()));
    for _ in 0..20 {
        assert!(matches!(authorize(&world, &nobody).await, Outcome::Denial(_)));
    }
    // What comes after all of them, of somebody who is counted apart.
    let ann = world.user("ann@example.com", &[]).await;
    assert!(matches!(authorize(&world, &over_grpc(&ann)).await, Outcome::Denial(_)));
    eventually("the lines of both", async || {
        for actor in ["ann@example.com", "c-nobody"] {
            let written = lines(&world, &root, &format!("actor={actor}")).await;
            anyhow::ensure!(!written.is_empty(), "{actor}");
        }
        Ok(())
    })
    .await
    .unwrap();
    let written = lines(&world, &root, "actor=c-nobody").await.len();
    assert!((1..20).contains(&written), "{written}");
}

/// A request for the connection `pg` with this token.
fn over_grpc(token: &str) -> v1::AuthorizeRequest {
    let asked = request(Proof::BearerToken(token.into()));
    v1::AuthorizeRequest { protocol: String::new(), ..asked }
}

/// Tells `api` that an edge refused somebody by itself.
async fn tell(world: &World, address: &str, asked: Asked) {
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let refusal = v1::EdgeRefusal { client_address: address.into(), asked: Some(asked) };
    edge.publish(&Subject::Control(ControlRequest::Refused), &refusal).await.unwrap();
    edge.flush(Duration::from_secs(10)).await;
}

/// A wrong password for this user name, on the way to `pg`.
fn wrong_password(username: &str) -> Asked {
    Asked::Connection(v1::RefusedConnection {
        credential_username: username.into(),
        connection_name: "pg".into(),
        verb: "connect".into(),
    })
}

/// Somebody's credential for `pg`.
async fn credential(world: &World, token: &str) -> String {
    let made = world.post(token, "/api/connections/pg/credentials", json!({})).await;
    made.body["username"].as_str().unwrap().to_owned()
}

/// A line of a refusal of this actor, once it is there.
async fn line_of(world: &World, root: &str, actor: &str) -> Value {
    eventually("the line", async || {
        let path = format!("/api/audit/logs?actor={actor}&outcome=failure");
        let mut list = world.get(root, &path).await.body["data"].take();
        let found = list.as_array_mut().and_then(Vec::pop);
        let complete = found.filter(|line| line["http_status"].is_u64());
        complete.ok_or_else(|| anyhow::anyhow!("no complete line of {actor}"))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_wrong_password_is_a_line_with_whose_credential_it_was_and_nobodys_id() {
    let world = World::new().await;
    world.pg().await;
    let (root, dba) = (world.root().await, world.user("dba@example.com", &["dba"]).await);
    let username = credential(&world, &dba).await;
    // Who answers this also hears what is told afterwards.
    let known = request(Proof::CredentialUsername(username.clone()));
    assert!(matches!(authorize(&world, &known).await, Outcome::Grant(_)));
    tell(&world, "[2001:db8::1]:4711", wrong_password(&username)).await;
    let line = line_of(&world, &root, "dba@example.com").await;
    assert_eq!(line["actor_id"], Value::Null, "nobody has proved that: {line}");
    for (name, value) in [
        ("actor_subject", username.as_str()),
        ("actor_name", "dba@example.com"),
        ("http_path", "/connections/pg"),
        ("action", "connect"),
        ("client_ip", "2001:db8::1"),
        ("error_message", DenialCode::Unauthenticated.message()),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!((&line["http_status"], &line["http_method"]), (&json!(401), &json!("")));

    // Who knows the password is known, though it is of no use any more.
    world.sql("update credentials set expires_at = now() - interval '1 second'").await;
    let Outcome::Denial(denial) = authorize(&world, &known).await else { panic!("let in") };
    assert_eq!(denial.code, "credential_expired");
    let id = world.app.org.user_fetch("dba@example.com").await.unwrap().id.to_string();
    let line = line_of(&world, &root, &id).await;
    assert_eq!((&line["actor_id"], &line["http_status"]), (&json!(id), &json!(401)));
}

#[tokio::test]
async fn a_guesser_of_passwords_fills_no_log_and_hides_nobody_at_another_address() {
    let world = World::with(&[("API_RATE_STRANGER", "5")]).await;
    world.pg().await;
    let (root, dba) = (world.root().await, world.user("dba@example.com", &["dba"]).await);
    let username = credential(&world, &dba).await;
    let known = request(Proof::CredentialUsername(username.clone()));
    assert!(matches!(authorize(&world, &known).await, Outcome::Grant(_)));
    for _ in 0..20 {
        tell(&world, "192.0.2.1:4711", wrong_password(&username)).await;
    }
    tell(&world, "192.0.2.2:4711", wrong_password("c-nobody")).await;
    line_of(&world, &root, "c-nobody").await;
    line_of(&world, &root, &username).await;
    let written = lines(&world, &root, &format!("actor={username}")).await.len();
    assert!((1..20).contains(&written), "{written}");
}

#[tokio::test]
async fn who_is_refused_at_an_edge_is_a_line_and_who_is_let_in_or_waits_is_none() {
    let world = World::new().await;
    world.pg().await;
    let root = world.root().await;
    let mut held = pg_body("held");
    held["reviewers"] = json!(["dba"]);
    assert_eq!(world.post(&root, "/api/connections", held).await.status, 201);
    let (dba, dev) =
        (world.user("dba@example.com", &["dba"]).await, world.user("dev@example.com", &[]).await);
    let asked = over_grpc(&dba);
    assert!(matches!(authorize(&world, &asked).await, Outcome::Grant(_)));
    let waits = v1::AuthorizeRequest { connection_name: "held".into(), ..asked };
    let Outcome::Denial(denial) = authorize(&world, &waits).await else { panic!("no review") };
    assert_eq!((denial.code.as_str(), denial.review.is_empty()), ("review_required", false));

    let mut no_name = over_grpc("hpk_made-up");
    no_name.verb = "exec".into();
    no_name.connection_name = "canary\0 4711".into();
    no_name.client_address = "canary".into();
    for (asked, code) in [
        (over_grpc(&dev), "connection_not_found"),
        (over_grpc("hpk_made-up"), "unauthenticated"),
        (no_name, "unauthenticated"),
        (request(Proof::CredentialUsername("c-nobody".into())), "unauthenticated"),
    ] {
        let Outcome::Denial(denial) = authorize(&world, &asked).await else { panic!("let in") };
        assert_eq!(denial.code, code);
    }
    let edge = Bus::connect(&world.nats.url(), "edge").await.unwrap();
    let wait = Duration::from_secs(10);
    tell(&world, "[2001:db8::1]:1", wrong_password("hunter2")).await;
    tell(&world, "192.0.2.3:1", Asked::AgentName("no-key".into())).await;
    let question = v1::AgentAuthRequest {
        name: "dev".into(),
        token: "canary-4711".into(),
        address: "192.0.2.2:1".into(),
    };
    let subject = Subject::Control(ControlRequest::Agent);
    let _: v1::AgentAuthReply = edge.request(&subject, &question, wait).await.unwrap();

    let line = |status: u64, action: &str, path: &str, address: &str| {
        (status, action.to_owned(), path.to_owned(), address.to_owned())
    };
    let mut expected = vec![
        line(401, "connect", "/connections/pg", "2001:db8::1"),
        line(401, "connect", "/connections/pg", "192.0.2.1"),
        line(401, "exec", "/connections/[redacted]", "-"),
        line(401, "connect", "/connections/pg", "192.0.2.1"),
        line(403, "connect", "/agents/dev", "192.0.2.2"),
        line(403, "connect", "/agents/no-key", "192.0.2.3"),
        line(403, "connect", "/connections/pg", "192.0.2.1"),
    ];
    expected.sort();
    eventually("every refusal to be a line", async || {
        let mut written = lines(&world, &root, "outcome=failure").await;
        written.sort();
        anyhow::ensure!(written == expected, "{written:?}");
        Ok(())
    })
    .await
    .unwrap();
    let dev = world.get(&root, "/api/audit/logs?actor=dev@example.com&outcome=failure").await.body;
    assert_eq!(
        (&dev["data"][0]["error_message"], &dev["data"][0]["http_method"]),
        (&json!("there is no connection of that name that you may use"), &json!(""))
    );
    assert_eq!(lines(&world, &root, "actor=c-nobody").await.len(), 1);
    let text = everything(&world).await;
    assert!(!text.contains("canary") && !text.contains("hunter2"), "{text}");
    assert!(holds(&world).await > 6, "they are part of the chain");
}
