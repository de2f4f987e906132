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
use hoop_testkit::eventually;
use hoop_tests::{Gateway, Options, cli::Person, gateway::CONNECTION};

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

/// Opens sessions one after another until it is told to stop; how many went well.
fn people(
    gateway: &Gateway,
    access: hoop_tests::Access,
    stop: &Arc<AtomicBool>,
) -> (tokio::task::JoinHandle<Result>, Arc<AtomicUsize>) {
    let (stop, count) = (Arc::clone(stop), Arc::new(AtomicUsize::new(0)));
    let (counter, rest) = (Arc::clone(&count), gateway.rest.clone());
    let task = tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            ensure!(access.answer("select 1").await? == "1");
            // And somebody looks at what is rotated.
            rest.get(&format!("/api/connections/{CONNECTION}")).await?;
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    });
    (task, count)
}

#[tokio::test]
async fn a_key_is_replaced_while_sessions_open_and_opens_nothing_at_the_end() -> Result {
    let mut gateway = Gateway::start(Options { edges: 1, ..Options::default() }).await?;
    let person = Person::signed_in(&gateway).await?;
    for number in 0..CONNECTIONS {
        gateway.connection_to_target(&format!("more-{number}")).await?;
    }
    let old = gateway.keys.secrets.clone();
    let new = STANDARD.encode(*b"another key that has 32 bytes ok");
    // Every process learns the new key before one encrypts with it.
    for keys in [format!("{old},{new}"), format!("{new},{old}")] {
        for service in [&mut gateway.api, &mut gateway.notifier] {
            service.set("SECRETS_KEY", &keys);
            service.stop()?;
            service.start()?;
        }
    }
    let access = gateway.access(0).await?;
    let stop = Arc::default();
    let (people, opened) = people(&gateway, access.clone(), &stop);
    let more = async |than: usize| {
        eventually("sessions to open", async || {
            ensure!(than < opened.load(Ordering::Relaxed), "none did");
            Ok(())
        })
        .await
    };
    more(0).await?;
    let status = person.run(&["admin", "rotate-secrets", "--status"]).await?;
    ensure!(status.contains(&format!("{} not under the first key", CONNECTIONS + 1)), "{status}");
    let done = person.run(&["admin", "rotate-secrets"]).await?;
    ensure!(done.contains(&format!("{} encrypted anew", CONNECTIONS + 1)), "{done}");
    more(opened.load(Ordering::Relaxed)).await?;
    stop.store(true, Ordering::Relaxed);
    people.await??;

    let again = person.run(&["admin", "rotate-secrets"]).await?;
    ensure!(again.contains(" 0 encrypted anew"), "{again}");
    for service in [&mut gateway.api, &mut gateway.notifier] {
        service.set("SECRETS_KEY", &new);
        service.stop()?;
        service.start()?;
    }
    assert_eq!(access.answer("select 1").await?, "1");
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
