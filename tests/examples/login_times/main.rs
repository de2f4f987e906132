//! How long refusals take: whether there is such an account must not show.
//!
//! `cargo run --release -p hoop-tests --example login_times` starts a gateway, tries every case
//! in turn, and prints medians and 90th percentiles, and their ratios to the first case. It takes
//! about four minutes, since each wrong password at a native port is told after half a second.
//! Nothing is asserted: what else the machine does shows.

mod passwords;
mod scram;
mod times;
mod tokens;

use anyhow::Result;
use hoop_tests::{Gateway, Options};

/// Each address has twenty mistakes for an account, and an account two hundred.
const ADDRESSES: u8 = 12;
const TRIES: usize = 15;

#[tokio::main]
async fn main() -> Result<()> {
    let mut options = Options::default();
    // It asks faster than anybody else would.
    for limit in ["IDENTITY", "ADDRESS", "STRANGER", "SIGN_IN"] {
        options = options.with("api", &format!("API_RATE_{limit}"), "off");
    }
    let gateway = Gateway::start(options).await?;
    passwords::measure(&gateway).await?;
    scram::measure(&gateway).await?;
    tokens::measure(&gateway).await
}
