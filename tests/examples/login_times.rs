//! How long a refused login takes for an account that exists and for one that does not.
//!
//! `cargo run --release -p hoop-tests --example login_times` starts a gateway, tries in turn,
//! and prints both distributions. Nothing is asserted: what else the machine does shows.

use std::{
    io::{Write, stdout},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use hoop_tests::{Gateway, gateway::ADMIN};
use reqwest::Method;
use serde_json::json;

/// Each address has twenty mistakes for an account, and an account two hundred.
const ADDRESSES: u8 = 12;
const TRIES: usize = 15;

#[tokio::main]
async fn main() -> Result<()> {
    let gateway = Gateway::usual().await?;
    let accounts = [ADMIN, "nobody@example.com"];
    let mut took = [Vec::new(), Vec::new()];
    for address in 1..=ADDRESSES {
        let rest = gateway.rest.with_token(None).from_address([127, 0, 1, address])?;
        for _ in 0..TRIES {
            for (account, took) in accounts.iter().zip(&mut took) {
                let login = json!({ "email": account, "password": "not the password" });
                let begun = Instant::now();
                let answer = rest.send(Method::POST, "/api/login", login).await?;
                took.push(begun.elapsed());
                ensure!(answer.status == 401, "{answer:?}");
            }
        }
    }
    for (account, took) in ["an account that exists", "one that does not"].iter().zip(&mut took) {
        took.sort_unstable();
        let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
        let shown = [1, 10, 50, 90, 99].map(|share| format!("p{share} {}", millis(at(share))));
        writeln!(stdout().lock(), "{account:24} {}  ({} logins)", shown.join("  "), took.len())?;
    }
    Ok(())
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
