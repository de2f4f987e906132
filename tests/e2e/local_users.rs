//! The first user, who registers, and a second factor at the command line.

use anyhow::{Context, ensure};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_tests::{Gateway, Options, Psql, Rest, Service, cli::Person, rest::text};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::Result;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a-password-of-a-test";

#[tokio::test]
async fn who_registers_first_administers_and_people_are_had_by_address_and_by_id() -> Result {
    let (postgres, nats) = (hoop_testkit::postgres().await?, hoop_testkit::nats().await?);
    let (logs, state) = (tempfile::tempdir()?, postgres.create_database().await?);
    let listen = format!("127.0.0.1:{}", hoop_testkit::free_port()?);
    let url = format!("http://{listen}");
    let mut api = Service::new("api", "hoop-api", logs.path().to_owned())
        .with("API_LISTEN", listen)
        .with("API_URL", &url)
        .with("POSTGRES_DB_URI", &state)
        .with("NATS_URL", nats.url())
        .with("SECRETS_KEY", STANDARD.encode([7; 32]));
    api.start()?;
    // It has made an administrator itself, with a password that nobody has read.
    let database = state.rsplit(['/', '?']).nth(1).context("no database in the URI")?;
    postgres.run(database, "delete from users").await?;

    let nobody = Rest::new(&url)?;
    let register = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ann" });
        nobody.send(Method::POST, "/api/localauth/register", body).await
    };
    let made = register(EMAIL).await?;
    ensure!(made.status == 201, "{made:?}");
    assert_eq!(made.token(), Some(text(&made.body, "token")), "older clients read the header");
    let ann = nobody.with_token(made.token());
    let who = ann.get("/api/userinfo").await?;
    ensure!(text(&who, "email") == EMAIL && text(&who, "role") == "admin", "{who}");
    let late = register("late@example.com").await?;
    ensure!(late.status == 403 && late.token().is_none(), "{late:?}");

    let bob = ann.user_create("bob@example.com", &["dba"]).await?;
    let shown = ann.get("/api/users/bob@example.com").await?;
    ensure!(shown["groups"] == json!(["dba"]), "{shown}");
    let by_id = format!("/api/users/{}", text(&shown, "id"));
    for who in [&ann, &bob] {
        assert_eq!(who.get(&by_id).await?, shown);
    }
    // Who is not an administrator does not even learn that there is an Ann.
    for name in [EMAIL, text(&who, "id"), "nobody@example.com"] {
        let answer = bob.send(Method::GET, &format!("/api/users/{name}"), Value::Null).await?;
        assert_eq!(answer.status, 404, "{name}: {answer:?}");
    }
    Ok(())
}

/// What an authenticator with this secret, in base 32, shows `steps` steps from now.
fn code(secret: &str, steps: u64) -> Result<String> {
    let bits: String = secret
        .bytes()
        .filter_map(|letter| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|b| *b == letter))
        .map(|value| format!("{value:05b}"))
        .collect();
    let bytes = bits.as_bytes().chunks_exact(8).map(|byte| {
        let byte = std::str::from_utf8(byte)?;
        Ok(u8::from_str_radix(byte, 2)?)
    });
    let key = bytes.collect::<Result<Vec<u8>>>()?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let digest = hmac::sign(&key, &(now / 30 + steps).to_be_bytes());
    let offset = usize::from(digest.as_ref().last().context("no digest")? & 15);
    let chosen = digest.as_ref().get(offset..offset + 4).context("no digest")?;
    let number = u32::from_be_bytes(chosen.try_into()?) & 0x7fff_ffff;
    Ok(format!("{:06}", number % 1_000_000))
}

#[tokio::test]
async fn hoop_login_asks_for_the_code() -> Result {
    let gateway = Gateway::usual().await?;
    let ann = gateway.rest.user_create(EMAIL, &[]).await?;
    let path = format!("/api/users/{EMAIL}/totp");
    let made = ann.post(&path, json!({ "password": PASSWORD })).await?;
    let secret = text(&made, "secret");
    let confirm = format!("{path}/confirm");
    let confirmed = ann.post(&confirm, json!({ "code": code(secret, 0)? })).await?;
    let recovery = confirmed["recovery_codes"][0].as_str().context("no recovery codes")?;

    let person = Person::new()?;
    let login = ["login", "--api-url", &gateway.api_url, "--email", EMAIL];
    let refused = person.feed(&login, format!("{PASSWORD}\n000000\n").into_bytes()).await?;
    let complaint = Psql(refused).failure()?;
    ensure!(complaint.contains("the code is wrong"), "{complaint}");
    let typed = format!("{PASSWORD}\n{}\n", code(secret, 1)?);
    Psql(person.feed(&login, typed.into_bytes()).await?).success()?;
    let typed = format!("{PASSWORD}\n{recovery}\n");
    Psql(person.feed(&login, typed.into_bytes()).await?).success()?;
    person.run(&["list"]).await?;
    let dump = gateway.dump_of_state().await?;
    ensure!(!dump.contains(secret) && !dump.contains(recovery), "it is in the database in clear");
    Ok(())
}

/// Sets up a second factor as a person does; the recovery codes.
async fn enable(person: &Person) -> Result<Vec<String>> {
    let mut command = person.hoop(&["account", "totp", "enable"])?;
    let mut child = command.stdin(std::process::Stdio::piped()).spawn()?;
    let mut keyboard = child.stdin.take().context("no standard input")?;
    let stdout = child.stdout.take().context("no standard output")?;
    let mut printed = BufReader::new(stdout).lines();
    keyboard.write_all(format!("{PASSWORD}\n").as_bytes()).await?;
    let line = printed.next_line().await?.context("nothing was printed")?;
    let secret = line.strip_prefix("secret   ").context("no secret was printed")?;
    keyboard.write_all(format!("{}\n", code(secret, 0)?).as_bytes()).await?;
    let mut recovery = Vec::new();
    while let Some(line) = printed.next_line().await? {
        recovery.extend(line.strip_prefix("recovery ").map(str::to_owned));
    }
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "{}", Psql(output).complaint());
    Ok(recovery)
}

#[tokio::test]
async fn a_second_factor_is_set_up_and_taken_away_at_the_command_line() -> Result {
    let gateway = Gateway::start_without_agent(Options::default()).await?;
    let ann = gateway.rest.user_create(EMAIL, &[]).await?;
    let person = Person::new()?
        .with("API_URL", gateway.api_url.clone())
        .with("HOOP_TOKEN", ann.token().context("nobody is signed in")?);
    let state = ["account", "totp", "show"];
    let shown = person.run(&state).await?;
    ensure!(shown.contains("asks for no code"), "{shown}");
    let recovery = enable(&person).await?;
    ensure!(recovery.len() == 10, "{} recovery codes", recovery.len());
    let shown = person.run(&state).await?;
    ensure!(shown.contains("left: 10"), "{shown}");
    let disable = ["account", "totp", "disable"];
    let wrong = Psql(person.feed(&disable, b"000000\n".to_vec()).await?).failure()?;
    ensure!(wrong.contains("code: is wrong"), "{wrong}");
    let first = recovery.first().context("no recovery code")?;
    Psql(person.feed(&disable, format!("{first}\n").into_bytes()).await?).success()?;
    let shown = person.run(&state).await?;
    ensure!(shown.contains("asks for no code"), "{shown}");

    enable(&person).await?;
    let admin = Person::signed_in(&gateway).await?;
    admin.run(&["account", "totp", "reset", EMAIL]).await?;
    let shown = admin.run(&["account", "totp", "show", "--user", EMAIL]).await?;
    ensure!(shown.contains("asks for no code"), "{shown}");
    Ok(())
}
