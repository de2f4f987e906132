//! Local users: their passwords, their second factors, and how often a stranger may guess.

use std::time::Instant;

use axum::{body::Body, response::Response};
use hoop_domain::Attempts;
use http::{Request, header};
use serde_json::{Value, json};

use super::world::{Answer, World};
use crate::auth::totp::shown;

const ANN: &str = "ann@example.com";

async fn login(world: &World, password: &str, code: Option<&str>) -> Answer {
    let mut body = json!({ "email": ANN, "password": password });
    if let Some(code) = code {
        body["code"] = code.into();
    }
    world.post("", "/api/login", body).await
}

/// Ann, who has a password, and a token of hers.
async fn ann(world: &World) -> String {
    let body = json!({ "email": ANN, "password": "battery staple" });
    assert_eq!(world.post(&world.root().await, "/api/users", body).await.status, 201);
    let answer = login(world, "battery staple", None).await;
    answer.body["token"].as_str().unwrap().into()
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_other_tokens_end() {
    let world = World::new().await;
    let (here, elsewhere) = (ann(&world).await, world.token_of(ANN).await);
    let path = "/api/users/ann@example.com/password";
    let change = |old: &str, new: &str| json!({ "old_password": old, "new_password": new });
    let wrong = world.put(&here, path, change("a guess", "correct horse")).await;
    assert_eq!((wrong.status.as_u16(), &wrong.body["field"]), (422, &json!("old_password")));
    let none = world.put(&here, path, json!({ "new_password": "correct horse" })).await;
    assert_eq!(none.status, 422, "{none:?}");
    let short = world.put(&here, path, change("battery staple", "short")).await;
    assert_eq!(short.body["field"], "new_password");
    assert_eq!(world.get(&elsewhere, "/api/userinfo").await.status, 200);

    let done = world.put(&here, path, change("battery staple", "correct horse")).await;
    assert_eq!(done.status, 204, "{done:?}");
    assert_eq!(world.get(&here, "/api/userinfo").await.status, 200, "one stays signed in");
    assert_eq!(world.get(&elsewhere, "/api/userinfo").await.status, 401);
    assert_eq!(login(&world, "battery staple", None).await.status, 401);
    assert_eq!(login(&world, "correct horse", None).await.status, 200);

    let root = world.root().await;
    let other = world.put(&here, "/api/users/root@example.com/password", change("", "x")).await;
    assert_eq!(other.status, 404, "{other:?}");
    let own = json!({ "groups": ["admin"], "password": "another horse" });
    let own = world.put(&root, "/api/users/root@example.com", own).await;
    assert_eq!((own.status.as_u16(), &own.body["field"]), (422, &json!("password")));
    let reset = json!({ "new_password": "another horse" });
    assert_eq!(world.put(&root, path, reset).await.status, 204);
    assert_eq!(world.get(&here, "/api/userinfo").await.status, 401);
    assert_eq!(login(&world, "another horse", None).await.status, 200);
    assert_eq!(world.get(&root, "/api/userinfo").await.status, 200);
}

/// How a hash begins that costs what OWASP asks for: 19 MiB, twice.
const ARGON2ID: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

#[tokio::test]
async fn a_password_is_kept_as_a_hash_of_its_own_whoever_sets_it() {
    let world = World::new().await;
    let hashes = async || {
        let good = format!("password_hash like '{ARGON2ID}%'");
        let counts = "count(password_hash), count(distinct password_hash)";
        world.sql(&format!("select {counts}, count(*) filter (where {good}) from users")).await
    };
    assert_eq!(hashes().await, "1|1|1", "of the first user");
    let here = ann(&world).await;
    assert_eq!(hashes().await, "2|2|2", "of a user that an administrator made");
    let path = "/api/users/ann@example.com/password";
    let own = json!({ "old_password": "battery staple", "new_password": "correct horse" });
    assert_eq!(world.put(&here, path, own).await.status, 204);
    // It is the first user's password, too, and nobody sees that.
    assert_eq!(hashes().await, "2|2|2", "of one's own");
    let reset = json!({ "new_password": "another horse" });
    assert_eq!(world.put(&world.root().await, path, reset).await.status, 204);
    let changed = json!({ "password": "a third horse" });
    let user = "/api/users/ann@example.com";
    assert_eq!(world.put(&world.root().await, user, changed).await.status, 200);
    assert_eq!(hashes().await, "2|2|2", "of an administrator's making");
    world.sql("delete from users").await;
    let first = json!({ "email": ANN, "password": "battery staple" });
    assert_eq!(world.post("", "/api/localauth/register", first).await.status, 201);
    assert_eq!(hashes().await, "1|1|1", "of who registers");
}

/// As if another process, with a memory of its own, took the next call.
pub(super) fn another_process(world: &World) {
    *world.app.logins.lock().unwrap() = Attempts::new(Instant::now());
}

#[tokio::test]
async fn guesses_are_counted_by_all_processes_together_and_waits_grow_until_one_is_right() {
    let world = World::new().await;
    ann(&world).await;
    for number in 0..20 {
        another_process(&world);
        assert_eq!(login(&world, "a wrong one", None).await.status, 401, "{number}");
    }
    let mut before = 0;
    for most in [30, 60, 120, 240] {
        another_process(&world);
        let refused = login(&world, "battery staple", None).await;
        assert_eq!(refused.status, 429, "{refused:?}");
        let words = refused.body["message"].as_str().unwrap().split(' ');
        let wait: u64 = words.filter_map(|word| word.parse().ok()).next().unwrap();
        assert!(before < wait && wait <= most + 1, "{wait} of {most}");
        before = most;
        // As if that time had passed.
        world.sql("update login_slots set wait_until = 0").await;
        assert_eq!(login(&world, "a wrong one", None).await.status, 401, "{most}");
    }
    let root = json!({ "email": "root@example.com", "password": "correct horse" });
    assert_eq!(world.post("", "/api/login", root).await.status, 200, "nobody else is locked out");
    world.sql("update login_slots set wait_until = 0").await;
    another_process(&world);
    assert_eq!(login(&world, "battery staple", None).await.status, 200);
    for _ in 0..2 {
        assert_eq!(login(&world, "a wrong one", None).await.status, 401, "all was forgotten");
    }
}

/// Makes a second factor of Ann's and returns its secret and its recovery codes.
async fn enrol(world: &World, token: &str) -> (String, Vec<String>) {
    let path = "/api/users/ann@example.com/totp";
    let made = world.post(token, path, json!({ "password": "battery staple" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    assert!(made.body["uri"].as_str().unwrap().starts_with("otpauth://totp/hoop:ann%40"));
    assert_eq!(
        login(world, "battery staple", None).await.status,
        200,
        "not before it is confirmed"
    );
    let wrong = world.post(token, &format!("{path}/confirm"), json!({ "code": "nothing" })).await;
    assert_eq!((wrong.status.as_u16(), &wrong.body["field"]), (422, &json!("code")));
    let code = shown(&secret, world.app.now());
    let confirmed = world.post(token, &format!("{path}/confirm"), json!({ "code": code })).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let codes = confirmed.body["recovery_codes"].as_array().unwrap();
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

#[tokio::test]
async fn login_asks_for_a_code_that_works_once() {
    let world = World::new().await;
    let token = ann(&world).await;
    let (secret, recovery) = enrol(&world, &token).await;
    let asked = login(&world, "battery staple", None).await;
    assert_eq!((asked.status.as_u16(), &asked.body["field"]), (401, &json!("code")));
    let wrong = login(&world, "a wrong one", Some("000000")).await;
    wrong.is_problem(401, "the e-mail address or the password is wrong");

    // The step of the code that confirmed it is used up, and so is each one after its use.
    let later = world.app.now() + chrono::TimeDelta::seconds(30);
    let code = shown(&secret, later);
    assert_eq!(login(&world, "battery staple", Some(&code)).await.status, 200);
    let again = login(&world, "battery staple", Some(&code)).await;
    again.is_problem(401, "the code is wrong, or was used before");
    assert_eq!(login(&world, "battery staple", Some(&recovery[0])).await.status, 200);
    assert_eq!(login(&world, "battery staple", Some(&recovery[0])).await.status, 401);
    let state = world.get(&token, "/api/users/ann@example.com/totp").await.body;
    assert_eq!(state, json!({ "enabled": true, "recovery_codes": 9 }));
    for number in 0..7 {
        let wrong = login(&world, "battery staple", Some("none")).await;
        assert_eq!(wrong.status, 401, "{number}");
    }
    let refused = login(&world, "battery staple", Some(&recovery[1])).await;
    assert_eq!(refused.status, 429, "codes can't be guessed: {refused:?}");
}

#[tokio::test]
async fn who_signs_in_with_a_code_is_not_locked_out_by_strangers_afterwards() {
    let world = World::new().await;
    let token = ann(&world).await;
    let (_, recovery) = enrol(&world, &token).await;
    let forget = async || {
        another_process(&world);
        world.sql("delete from login_places").await;
    };
    forget().await;
    assert_eq!(login(&world, "battery staple", Some(&recovery[0])).await.status, 200);
    // As if strangers had used up what accounts have.
    let full = "update login_slots set wait_until = 9000000000000000000
        where slot between 131072 and 196607";
    world.sql(full).await;
    assert_eq!(login(&world, "battery staple", Some(&recovery[1])).await.status, 200);
    forget().await;
    let stranger = login(&world, "battery staple", Some(&recovery[2])).await;
    assert_eq!(stranger.status, 429, "{stranger:?}");
}

#[tokio::test]
async fn who_has_the_password_and_guesses_codes_locks_nobody_out_where_they_are_known() {
    let world = World::new().await;
    let token = ann(&world).await;
    let (_, recovery) = enrol(&world, &token).await;
    assert_eq!(login(&world, "battery staple", Some(&recovery[0])).await.status, 200);
    // A test calls from one place. This is as if it were another.
    world.sql("create table kept as select * from login_places").await;
    world.sql("delete from login_places").await;
    another_process(&world);
    for number in 0..10 {
        let wrong = login(&world, "battery staple", Some("none")).await;
        assert_eq!(wrong.status, 401, "{number}");
    }
    assert_eq!(login(&world, "battery staple", Some(&recovery[1])).await.status, 429);
    world.sql("insert into login_places select * from kept").await;
    assert_eq!(login(&world, "battery staple", Some(&recovery[1])).await.status, 200);
}

/// Signs somebody in through the form.
async fn submit(world: &World, email: &str, password: &str) -> Response {
    let body = format!("email={email}&password={password}");
    let request = Request::post("/api/login/form")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(body));
    world.answer(request.unwrap()).await
}

#[tokio::test]
async fn the_form_says_when_to_try_again() {
    let world = World::new().await;
    for _ in 0..100 {
        let answer = submit(&world, "ann%40example.com", "a+wrong+one").await;
        if answer.status() == 429 {
            let wait = answer.headers()[header::RETRY_AFTER].to_str().unwrap();
            assert!(0 < wait.parse::<u64>().unwrap(), "{wait}");
            return;
        }
    }
    panic!("nobody was told to wait");
}

#[tokio::test]
async fn a_login_with_a_password_that_is_changed_meanwhile_is_refused() {
    let world = World::new().await;
    ann(&world).await;
    assert_eq!(submit(&world, "ann%40example.com", "battery+staple").await.status(), 303);
    // A try is counted after the hash was read, and before the token is kept.
    let change = "create table kept as select id, password_hash from users;
        create function change() returns trigger language plpgsql as $$ begin
          update users set password_hash = 'another' where email = 'ann@example.com';
          return null;
        end $$;
        create trigger change after update on login_slots
          for each statement execute function change();";
    world.sql(change).await;
    let tokens = world.sql("select count(*) from api_tokens").await;
    let refused = login(&world, "battery staple", None).await;
    refused.is_problem(401, "the e-mail address or the password is wrong");
    let back = "update users u set password_hash = k.password_hash from kept k where k.id = u.id";
    world.sql(back).await;
    assert_eq!(submit(&world, "ann%40example.com", "battery+staple").await.status(), 401);
    assert_eq!(world.sql("select count(*) from api_tokens").await, tokens);
    world.sql(back).await;
    world.sql("drop trigger change on login_slots").await;
    assert_eq!(login(&world, "battery staple", None).await.status, 200);
}

#[tokio::test]
async fn a_password_that_an_administrator_sets_is_changed_with_its_tokens_or_not_at_all() {
    let world = World::new().await;
    ann(&world).await;
    let broken = "create function broken() returns trigger language plpgsql as $$ begin
          raise exception 'broken';
        end $$;
        create trigger broken before delete on api_tokens
          for each row execute function broken();";
    world.sql(broken).await;
    let body = json!({ "password": "another horse" });
    let failed = world.put(&world.root().await, "/api/users/ann@example.com", body).await;
    assert_eq!(failed.status, 500, "{failed:?}");
    assert_eq!(login(&world, "another horse", None).await.status, 401);
    assert_eq!(login(&world, "battery staple", None).await.status, 200);
}

#[tokio::test]
async fn a_second_factor_is_taken_away_with_a_code_or_by_an_administrator() {
    let world = World::new().await;
    let (root, token) = (world.root().await, ann(&world).await);
    let (_, recovery) = enrol(&world, &token).await;
    let path = "/api/users/ann@example.com/totp";
    let again = world.post(&token, path, json!({ "password": "battery staple" })).await;
    assert_eq!(again.status, 409, "{again:?}");
    let disable = |code: &str| json!({ "code": code });
    let wrong = world.post(&token, &format!("{path}/disable"), disable("nothing")).await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
    let done = world.post(&token, &format!("{path}/disable"), disable(&recovery[0])).await;
    assert_eq!(done.status, 204, "{done:?}");
    assert_eq!(login(&world, "battery staple", None).await.status, 200);

    enrol(&world, &token).await;
    assert_eq!(world.delete(&token, path).await.status, 403);
    assert_eq!(world.delete(&root, "/api/users/root@example.com/totp").await.status, 422);
    let foreign = world.post(&root, &format!("{path}/disable"), disable(&recovery[1])).await;
    assert_eq!(foreign.status, 404, "{foreign:?}");
    assert_eq!(world.delete(&root, path).await.status, 204);
    assert_eq!(login(&world, "battery staple", None).await.status, 200);
}

#[tokio::test]
async fn nobody_registers_where_people_come_from_a_provider() {
    let world = World::with(&[
        ("API_URL", "https://hoop.example.com"),
        ("IDP_ISSUER", "https://idp.invalid"),
        ("IDP_CLIENT_ID", "hoop"),
        ("IDP_CLIENT_SECRET", "hunter2"),
    ])
    .await;
    world.sql("delete from users").await;
    let first = json!({ "email": "first@example.com", "password": "battery staple" });
    assert_eq!(world.post("", "/api/localauth/register", first).await.status, 403);
    let info = world.get("", "/api/publicserverinfo").await;
    assert_eq!(info.body["setup_required"], json!(false));
}

#[tokio::test]
async fn a_gateway_is_to_be_set_up_while_nobody_is_a_user() {
    let world = World::new().await;
    let required =
        async || world.get("", "/api/publicserverinfo").await.body["setup_required"].clone();
    assert_eq!(required().await, json!(false));
    world.sql("delete from users").await;
    assert_eq!(required().await, json!(true));
    let first = json!({ "email": "first@example.com", "password": "battery staple" });
    let made = world.post("", "/api/localauth/register", first).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(required().await, json!(false));
}

#[tokio::test]
async fn the_first_user_registers_and_nobody_after_them() {
    let world = World::new().await;
    let register = json!({ "email": "First@example.com", "password": "battery staple" });
    let closed = world.post("", "/api/localauth/register", register.clone()).await;
    closed.is_problem(403, "there are users already; ask an administrator for an account");
    world.sql("delete from users").await;
    let both = futures_util::future::join(
        world.post("", "/api/localauth/register", register.clone()),
        world.post(
            "",
            "/api/localauth/register",
            json!({
                "email": "second@example.com", "password": "battery staple",
            }),
        ),
    )
    .await;
    let (made, refused) = if both.0.status == 201 { both } else { (both.1, both.0) };
    assert_eq!((made.status.as_u16(), refused.status.as_u16()), (201, 403), "{made:?} {refused:?}");
    let me = world.get(made.body["token"].as_str().unwrap(), "/api/userinfo").await.body;
    assert_eq!((&me["role"], &me["is_admin"]), (&json!("admin"), &Value::Bool(true)));
}
