//! A wrong setting stops a process at once, with a sentence that names it; and what may be set
//! in two ways works in both.

use anyhow::{Context, ensure};
use hoop_testkit::{
    Login, eventually,
    smtp::{Tls, smtp},
};
use hoop_tests::{Rest, Service, gateway::ADMIN, rest::text};
use serde_json::json;

use crate::{Result, notifications::mail_channel};

const NATS: (&str, &str) = ("NATS_URL", "nats://127.0.0.1:1");
/// What has a meaning of its own in a URI.
const PASSWORD: &str = "p@ss/word?#%25 &";
const KEY: (&str, &str) = ("SECRETS_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");

/// Starts `program` with `settings`; what it complains about before it ends.
fn complaint(program: &'static str, settings: &[(&str, &str)]) -> Result<String> {
    let logs = tempfile::tempdir()?;
    let mut service = Service::new(program, program, logs.path().to_owned());
    for (name, value) in settings {
        service.set(name, *value);
    }
    ensure!(service.start().is_err(), "{program} started with {settings:?}");
    Ok(service.log())
}

fn refused(program: &'static str, settings: &[(&str, &str)], sentence: &str) -> Result {
    let complaint = complaint(program, settings)?;
    ensure!(
        complaint.contains(sentence),
        "{program} {settings:?}: no {sentence:?} in {complaint:?}"
    );
    ensure!(!complaint.contains("panicked"), "{complaint}");
    Ok(())
}

#[test]
fn a_port_that_is_no_number_is_named() -> Result {
    let pg = [("PG_HOST", "db"), ("PG_USER", "u"), ("PG_DB", "d"), ("PG_PORT", "abc")];
    let settings: Vec<_> = pg.into_iter().chain([NATS, KEY]).collect();
    refused("hoop-api", &settings, "PG_PORT is malformed")
}

#[test]
fn a_setting_that_nobody_knows_stops_every_process() -> Result {
    for program in
        ["hoop-api", "hoop-grpc-edge", "hoop-audit-writer", "hoop-notifier", "hoop-agent"]
    {
        refused(
            program,
            &[("NATS_URI", "x")],
            "NATS_URI is not a setting of hoop; did you mean NATS_URL?",
        )?;
    }
    Ok(())
}

#[test]
fn the_state_store_of_the_old_product_is_refused_with_what_replaces_it() -> Result {
    refused("hoop-api", &[("XTDB_ADDRESS", "x"), NATS, KEY], "set POSTGRES_DB_URI")
}

#[test]
fn what_is_required_is_named() -> Result {
    refused("hoop-api", &[("POSTGRES_DB_URI", "postgres://db/x"), KEY], "NATS_URL is not set")?;
    refused("hoop-api", &[("POSTGRES_DB_URI", "postgres://db/x"), NATS], "SECRETS_KEY is not set")?;
    refused("hoop-api", &[NATS, KEY], "POSTGRES_DB_URI is not set")?;
    let store = ("POSTGRES_DB_URI", "postgres://db/x");
    refused("hoop-api", &[store, NATS, KEY], "API_URL is not set: the public URL of the REST API")?;
    refused("hoop-grpc-edge", &[], "NATS_URL is not set")?;
    refused("hoop-audit-writer", &[NATS], "POSTGRES_DB_URI is not set")?;
    refused("hoop-agent", &[], "HOOP_KEY is not set")
}

#[test]
fn addresses_durations_and_keys_are_checked() -> Result {
    refused("hoop-grpc-edge", &[NATS, ("PG_LISTEN", "15432")], "PG_LISTEN is malformed")?;
    refused(
        "hoop-grpc-edge",
        &[NATS, ("EDGE_DRAIN_TIMEOUT", "30")],
        "EDGE_DRAIN_TIMEOUT is malformed",
    )?;
    refused("hoop-grpc-edge", &[NATS, ("LOG_GRPC", "true")], "LOG_GRPC is malformed")?;
    let store = ("POSTGRES_DB_URI", "postgres://db/x");
    for name in ["PROFILE", "PROFILE_DEV_FORCE"] {
        let sentence = format!("{name} is malformed");
        refused("hoop-api", &[store, NATS, KEY, (name, "Dev")], &sentence)?;
    }
    refused("hoop-audit-writer", &[store, NATS, ("PROFILE", "Dev")], "PROFILE is malformed")?;
    refused("hoop-agent", &[("HOOP_KEY", "grpc://dev:nonsense@localhost:8010")], "HOOP_KEY")?;
    let url = ("API_URL", "https://hoop.example.com");
    let ui = [store, NATS, KEY, url, ("STATIC_UI_PATH", "/no/such/folder")];
    refused("hoop-api", &ui, "STATIC_UI_PATH is malformed: /no/such/folder is no folder")?;
    refused("hoop-notifier", &[store, NATS, ("SEGMENT_KEY", "a:b")], "SEGMENT_KEY is malformed")?;
    let api = [("POSTGRES_DB_URI", "postgres://db/x"), NATS, ("SECRETS_KEY", "c2hvcnQ=")];
    refused("hoop-api", &api, "SECRETS_KEY")
}

#[test]
fn where_errors_and_profiles_go_is_checked_and_its_keys_are_not_repeated() -> Result {
    const SECRET: &str = "s3cret-of-the-reports";
    let (nonsense, ingest) = (format!("https://{SECRET}@"), "PYROSCOPE_INGEST_URL");
    let gateway = ["hoop-api", "hoop-grpc-edge", "hoop-audit-writer", "hoop-notifier"];
    let stopped = |program, name: &str| -> Result {
        let said = complaint(program, &[(name, nonsense.as_str())])?;
        ensure!(said.contains(&format!("{name} is malformed: ")), "{program}: {said}");
        ensure!(!said.contains(SECRET) && !said.contains("panicked"), "{program}: {said}");
        Ok(())
    };
    for program in gateway {
        stopped(program, "SENTRY_DSN")?;
        stopped(program, ingest)?;
    }
    stopped("hoop-agent", "AGENT_SENTRY_DSN")?;
    stopped("hoop-agent", ingest)?;
    stopped("hoop-grpc-edge", "PYROSCOPE_AUTH_TOKEN")?;
    let (store, url) = (("POSTGRES_DB_URI", "postgres://db/x"), ("API_URL", "https://hoop.test"));
    let settings = [store, url, NATS, KEY, ("AGENT_SENTRY_DSN", nonsense.as_str())];
    refused("hoop-api", &settings, "AGENT_SENTRY_DSN is malformed: ")
}

#[test]
fn a_secret_in_a_setting_is_not_repeated() -> Result {
    let uri = "postgres://user:s3cret-of-the-store@127.0.0.1:abc/db";
    let said = complaint("hoop-api", &[("POSTGRES_DB_URI", uri), NATS, KEY])?;
    ensure!(!said.contains("s3cret-of-the-store"), "{said}");
    let key = "grpc://dev:xagt-s3cret-of-the-agent@localhost:8010?mode=standard";
    let said = complaint("hoop-agent", &[("HOOP_KEY", key)])?;
    ensure!(!said.contains("s3cret-of-the-agent"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_asks_nobody_who_they_are_says_so_loudly() -> Result {
    let (postgres, nats) = (hoop_testkit::postgres().await?, hoop_testkit::nats().await?);
    let logs = tempfile::tempdir()?;
    let address = format!("127.0.0.1:{}", hoop_testkit::free_port()?);
    let mut api = Service::new("api", "hoop-api", logs.path().to_owned())
        .with("PROFILE", "dev")
        .with("API_LISTEN", &address)
        .with("POSTGRES_DB_URI", postgres.create_database().await?)
        .with("NATS_URL", nats.url());
    api.start()?;
    let log = api.log();
    let line = log.lines().find(|line| line.contains("PROFILE=dev: nobody is authenticated"));
    ensure!(line.with_context(|| format!("not in {log}"))?.contains("WARN"), "{log}");
    let who = Rest::new(&format!("http://{address}"))?.get("/api/userinfo").await?;
    ensure!(text(&who, "email") == "dev@localhost", "{who}");
    Ok(())
}

#[tokio::test]
async fn the_state_store_may_be_given_in_parts_and_the_key_in_a_file() -> Result {
    let (postgres, nats) = (hoop_testkit::postgres().await?, hoop_testkit::nats().await?);
    let (mail, folder) = (smtp(Tls::Implicit).await?, tempfile::tempdir()?);
    let uri = postgres.create_database().await?;
    let database = uri.rsplit(['/', '?']).nth(1).context("no database in the URI")?;
    let owner = format!("{database}_owner");
    postgres.create_login(&owner, PASSWORD, Login::Scram).await?;
    postgres.run("postgres", &format!("alter database {database} owner to {owner}")).await?;
    let key = folder.path().join("secrets-key");
    std::fs::write(&key, format!("# of the tests\n{}\n", KEY.1))?;
    let (key, spool) = (key.display().to_string(), folder.path().join("spool"));

    let process = |program: &'static str| {
        Service::new(program, program, folder.path().join("logs"))
            .with("NATS_URL", nats.url())
            .with("PG_HOST", "127.0.0.1")
            .with("PG_PORT", postgres.port().to_string())
            .with("PG_USER", &owner)
            .with("PGPASSWORD", PASSWORD)
            .with("PG_DB", database)
    };
    let listen = format!("127.0.0.1:{}", hoop_testkit::free_port()?);
    let url = format!("http://{listen}");
    let mut api = process("hoop-api")
        .with("API_LISTEN", listen)
        .with("API_URL", &url)
        .with("SECRETS_KEY_FILE", &key)
        .with("ADMIN_EMAIL", ADMIN)
        .with("ADMIN_PASSWORD", PASSWORD);
    let mut notifier = process("hoop-notifier").with("SECRETS_KEY_FILE", &key);
    let mut writer = process("hoop-audit-writer")
        .with("AUDIT_SIGNING_KEY", KEY.1)
        .with("PLUGIN_AUDIT_PATH", spool.display().to_string());
    for service in [&mut api, &mut notifier, &mut writer] {
        service.start()?;
    }

    // One encrypts the password of a mail server, the other one opens it.
    let rest = Rest::new(&url)?.login(ADMIN, PASSWORD).await?;
    rest.post("/api/notifications/channels", mail_channel(&mail)?).await?;
    let to = json!({ "recipient": ADMIN });
    rest.post("/api/notifications/channels/mail/test", to).await?;
    eventually("the mail", async || mail.mail()?.pop().context("nothing came")).await?;
    eventually("the end of the audit log to be signed", async || {
        let heads = rest.get("/api/audit/logs/heads").await?;
        ensure!(heads["data"].as_array().is_some_and(|heads| !heads.is_empty()), "{heads}");
        Ok(())
    })
    .await
}
