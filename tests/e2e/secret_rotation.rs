//! Another key for what is encrypted at rest, while people work.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::{ConnectionId, Keyring, keyring::KeyList};
use hoop_testkit::{Balancer, eventually, free_port};
use hoop_tests::{
    Access, Gateway, Options, Rest, Service,
    cli::Person,
    gateway::{AGENT, CONNECTION},
};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::Result;

/// Connections beside the one that is used.
const CONNECTIONS: usize = 250;

fn ring(key: &str) -> Result<Keyring> {
    Ok(Keyring::new(&key.parse::<KeyList>()?, b"")?)
}

/// Every secret of a connection, as it is stored.
async fn stored(gateway: &Gateway) -> Result<BTreeMap<ConnectionId, Vec<u8>>> {
    let sql = "select id || ' ' || replace(encode(secret, 'base64'), E'\\n', '') from connections";
    let rows = gateway.run_on_state(sql).await?;
    rows.lines()
        .map(|line| {
            let (id, text) = line.split_once(' ').context("no id")?;
            Ok((id.parse()?, STANDARD.decode(text)?))
        })
        .collect()
}

/// People who work until they are told to stop.
struct People {
    task: JoinHandle<Result>,
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
}

impl People {
    fn begin(rest: Rest, access: Access) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, done) = (Arc::clone(&stop), Arc::clone(&rounds));
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                round(&rest, &access).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        Self { task, stop, rounds }
    }

    /// Waits until a round is over; at once with what went wrong, if something did.
    async fn go_on(&mut self) -> Result {
        let (rounds, before) = (&self.rounds, self.rounds.load(Ordering::Relaxed));
        let more = eventually("people to work", async || {
            ensure!(before < rounds.load(Ordering::Relaxed), "they do not");
            Ok(())
        });
        tokio::select! {
            ended = &mut self.task => ended?,
            more = more => more,
        }
    }

    async fn end(self) -> Result {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

/// Somebody stores the secret of the connection anew, all of it as it was, and a session opens
/// with it. Which process does the one and which the other is up to the load balancer and the
/// broker.
async fn round(rest: &Rest, access: &Access) -> Result {
    let body = json!({
        "name": CONNECTION, "type": "postgres", "agent_id": AGENT,
        "secret": { "HOST": "", "PORT": "", "USER": "", "PASS": "", "DB": "", "SSLMODE": "" },
    });
    let stored = rest.send(Method::PUT, &format!("/api/connections/{CONNECTION}"), body).await?;
    ensure!(stored.status == 200, "{stored:?}");
    ensure!(access.answer("select 1").await? == "1");
    Ok(())
}

/// Starts every process again with these keys, one after the other, as an operator does it who
/// has two: the load balancer sends nobody to the one that is about to stop.
async fn in_turn(
    gateway: &mut Gateway,
    other: &mut Service,
    balancer: &Balancer,
    people: &mut People,
    keys: &str,
) -> Result {
    for (staying, service) in [(1, &mut gateway.api), (0, other), (0, &mut gateway.notifier)] {
        balancer.prefer(staying);
        // Whoever was sent there before has an answer then.
        people.go_on().await?;
        service.set("SECRETS_KEY", keys);
        service.stop()?;
        service.start()?;
    }
    people.go_on().await
}

// Processes are started in the foreground, so people need threads of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_while_sessions_open_and_opens_nothing_at_the_end() -> Result {
    let mut gateway = Gateway::start(Options { edges: 1, ..Options::default() }).await?;
    let person = Person::signed_in(&gateway).await?;
    for number in 0..CONNECTIONS {
        gateway.connection_to_target(&format!("more-{number}")).await?;
    }
    let port = free_port()?;
    let mut other = gateway.api.another("api-2").with("API_LISTEN", format!("127.0.0.1:{port}"));
    other.start()?;
    let first = gateway.api_url.rsplit(':').next().context("no port")?.parse()?;
    let balancer = Balancer::start(&[first, port]).await?;
    let rest = Rest::new(&format!("http://127.0.0.1:{}", balancer.port))?;
    let rest = rest.with_token(gateway.rest.token());
    let mut people = People::begin(rest, gateway.access(0).await?);

    let old = gateway.keys.secrets.clone();
    let new = STANDARD.encode(*b"another key that has 32 bytes ok");
    // Every process learns the new key before one encrypts with it.
    for keys in [format!("{old},{new}"), format!("{new},{old}")] {
        in_turn(&mut gateway, &mut other, &balancer, &mut people, &keys).await?;
    }
    // What people store is under the new key already.
    let status = person.run(&["admin", "rotate-secrets", "--status"]).await?;
    ensure!(status.contains(&format!(" {CONNECTIONS} not under the first key")), "{status}");
    let done = person.run(&["admin", "rotate-secrets"]).await?;
    ensure!(done.contains(&format!(" {CONNECTIONS} encrypted anew")), "{done}");
    people.go_on().await?;
    let again = person.run(&["admin", "rotate-secrets"]).await?;
    ensure!(again.contains(" 0 encrypted anew"), "{again}");
    in_turn(&mut gateway, &mut other, &balancer, &mut people, &new).await?;
    people.end().await?;

    let (old, new, secrets) = (ring(&old)?, ring(&new)?, stored(&gateway).await?);
    ensure!(secrets.len() == CONNECTIONS + 1, "{} secrets", secrets.len());
    for (id, secret) in &secrets {
        ensure!(old.open(id.as_bytes(), secret).is_err(), "{id} opens with the old key");
        new.open(id.as_bytes(), secret).with_context(|| format!("{id}"))?;
    }
    Ok(())
}

// Processes are started in the foreground, so Vault needs a thread of its own.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_unwrapped_by_vault_when_processes_start() -> Result {
    let vault = hoop_testkit::vault::vault().await?;
    let mut gateway = Gateway::start(Options { edges: 1, ..Options::default() }).await?;
    let (url, wrapped) = (vault.url(), vault.wrap(&gateway.keys.secrets));
    let settings = [
        ("SECRETS_KEY", wrapped.as_str()),
        ("SECRETS_KMS", "vault:transit/hoop"),
        ("VAULT_ADDR", &url),
        ("VAULT_TOKEN", hoop_testkit::vault::TOKEN),
    ];
    for service in [&mut gateway.api, &mut gateway.notifier] {
        for (name, value) in settings {
            service.set(name, value);
        }
        service.stop()?;
        service.start()?;
    }
    // What was stored before opens with the key that only Vault could unwrap.
    ensure!(gateway.access(0).await?.answer("select 1").await? == "1");
    Ok(())
}
