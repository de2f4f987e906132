//! Signing in, and being nobody.

use axum::body::{Body, to_bytes};
use http::{Request, header};
use serde_json::{Value, json};

use super::world::World;

#[tokio::test]
async fn the_first_user_signs_in_and_is_an_administrator() {
    let world = World::new().await;
    let credentials = json!({ "email": "Root@example.com", "password": "correct horse" });
    let login = world.post("", "/api/login", credentials).await;
    assert_eq!(login.status, 200, "{login:?}");
    let me = world.get(login.body["token"].as_str().unwrap(), "/api/userinfo").await;
    assert_eq!(me.body["email"], "root@example.com");
    assert_eq!(me.body["is_admin"], true);
}

#[tokio::test]
async fn older_clients_find_the_token_in_a_header() {
    let world = World::new().await;
    for path in ["/api/login", "/api/localauth/login", "/api/localauth/register"] {
        if path.ends_with("/register") {
            world.sql("delete from users").await;
        }
        let credentials = json!({ "email": "root@example.com", "password": "correct horse" });
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(credentials.to_string())).unwrap();
        let answer = world.answer(request).await;
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        let token = answer.headers()["token"].to_str().unwrap().to_owned();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(body["token"], json!(token), "{path}");
        assert_eq!(world.get(&token, "/api/userinfo").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_the_same_answer() {
    let world = World::new().await;
    for email in ["root@example.com", "nobody@example.com"] {
        let wrong = json!({ "email": email, "password": "wrong horse" });
        let answer = world.post("", "/api/login", wrong).await;
        answer.is_problem(401, "the e-mail address or the password is wrong");
    }
}

/// How many hashes a login with this address and password costs.
async fn hashes(world: &World, path: &str, email: &str, password: &str) -> u64 {
    let before = world.app.hashing.done();
    let login = json!({ "email": email, "password": password });
    world.post("", path, login).await;
    world.app.hashing.done() - before
}

#[tokio::test]
async fn a_login_costs_the_same_whether_there_is_such_an_account_or_not() {
    let world = World::new().await;
    let root = world.root().await;
    world.user("no-password@example.com", &[]).await;
    let inactive = json!({ "email": "inactive@example.com", "password": "battery staple",
        "status": "inactive" });
    assert_eq!(world.post(&root, "/api/users", inactive).await.status, 201);
    let robot = json!({ "subject": "robot", "name": "Robot" });
    assert_eq!(world.post(&root, "/api/serviceaccounts", robot).await.status, 201);
    let long = "x".repeat(257);
    for path in ["/api/login", "/api/localauth/login"] {
        for email in [
            "root@example.com",
            "nobody@example.com",
            "no-password@example.com",
            "inactive@example.com",
            "service-account:robot",
            "",
        ] {
            for (password, cost) in [("wrong horse", 1), ("", 1), (long.as_str(), 0)] {
                let found = hashes(&world, path, email, password).await;
                assert_eq!(found, cost, "{path} {email} with {} bytes", password.len());
            }
        }
    }
}

#[tokio::test]
async fn passwords_can_not_be_guessed_fast() {
    let world = World::new().await;
    let attempt = |email: &str, password: &str| json!({ "email": email, "password": password });
    for number in 0..20 {
        let path = if number % 2 == 0 { "/api/login" } else { "/api/localauth/login" };
        let wrong = world.post("", path, attempt("root@example.com", "wrong horse")).await;
        assert_eq!(wrong.status, 401, "{number}: {wrong:?}");
    }
    // Not even the right password is looked at, and another spelling is the same account.
    for email in ["root@example.com", "ROOT@example.com"] {
        let refused = world.post("", "/api/login", attempt(email, "correct horse")).await;
        assert_eq!(refused.status, 429, "{refused:?}");
        let message = refused.body["message"].as_str().unwrap();
        assert!(message.starts_with("too many failed logins; try again in "), "{message}");
    }
    let other = world.post("", "/api/login", attempt("ann@example.com", "wrong horse")).await;
    assert_eq!(other.status, 401, "{other:?}");
}

#[tokio::test]
async fn a_token_of_an_inactive_user_is_none() {
    let world = World::new().await;
    let (root, ann) = (world.root().await, world.user("ann@example.com", &[]).await);
    assert_eq!(world.get(&ann, "/api/userinfo").await.status, 200);
    let inactive = json!({ "status": "inactive" });
    assert_eq!(world.put(&root, "/api/users/ann@example.com", inactive).await.status, 200);
    assert_eq!(world.get(&ann, "/api/userinfo").await.status, 401);
    assert_eq!(world.get("hpk_made-up", "/api/userinfo").await.status, 401);
}

#[tokio::test]
async fn in_the_dev_profile_everybody_is_an_administrator() {
    let world = World::with(&[("PROFILE", "dev")]).await;
    let me = world.get("", "/api/userinfo").await;
    assert_eq!(
        (me.body["email"].as_str(), me.body["role"].as_str()),
        (Some("dev@localhost"), Some("admin"))
    );
    assert_eq!(world.post("", "/api/agents", json!({ "name": "dev" })).await.status, 201);
}

#[tokio::test]
async fn health_names_what_is_down() {
    let mut world = World::new().await;
    let answer = world.get("", "/api/healthz").await;
    assert_eq!((answer.status.as_u16(), answer.body["liveness"].as_str()), (200, Some("OK")));
    world.nats.kill().unwrap();
    hoop_testkit::eventually("the broker to be missed", async || {
        let answer = world.get("", "/api/healthz").await;
        anyhow::ensure!(answer.status == 503, "{answer:?}");
        anyhow::ensure!(answer.body["nats"] == "ERR" && answer.body["postgres"] == "OK");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn who_is_signed_in_is_told_what_the_gateway_is_and_where() {
    let world = World::with(&[("API_URL", "https://hoop.example.com")]).await;
    assert_eq!(world.get("", "/api/serverinfo").await.status, 401);
    let ann = world.user("ann@example.com", &[]).await;
    let info = world.get(&ann, "/api/serverinfo").await;
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "auth_method": "local",
        "api_url": "https://hoop.example.com",
        "grpc_url": "grpcs://gateway.example.com:8443",
        "native_pg_address": "gateway.example.com:15432",
        "tenancy_type": "selfhosted",
        "has_idp_audience": false,
    });
    assert_eq!((info.status.as_u16(), info.body), (200, expected));
}
