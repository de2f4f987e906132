//! When all runs are over: nothing is left open, and everything verifies together.

use anyhow::{Context, Result, ensure};
use hoop_testkit::eventually_after;

use super::{site::Site, tally::Tally};

/// What must be nothing, and how to count it.
const NOTHING: [(&str, &str); 4] = [
    ("sessions are open", "select count(*) from sessions where state <> 'done'"),
    ("recordings are unfinished", "select count(*) from recordings where finished_at is null"),
    ("recordings have flaws", "select count(*) from recording_flaws"),
    (
        "partitions are nobody's",
        "select count(*) from partition_leases where owner is null or expires_at < clock_timestamp()",
    ),
];

/// Looks at the whole; what is wrong goes into the tally.
pub(super) async fn look(site: &mut Site, tally: &mut Tally) {
    let looked = async {
        site.is_well().await?;
        for (what, sql) in NOTHING {
            eventually_after(6, "nothing to be left", async || {
                let count = site.gateway.run_on_state(sql).await?;
                ensure!(count == "0", "{count} {what}");
                Ok(())
            })
            .await?;
        }
        stream_is_empty(site).await?;
        verifies(site).await
    };
    if let Err(error) = looked.await {
        tally.violated(format!("at the end: {error:#}"));
    }
}

/// All packets were stored, and the broker told so.
async fn stream_is_empty(site: &Site) -> Result<()> {
    let broker = async_nats::connect(site.gateway.nats.url()).await?;
    let jetstream = async_nats::jetstream::new(broker);
    eventually_after(4, "the stream to be empty", async || {
        let stream = jetstream.get_stream("AUDIT").await?;
        let messages = stream.get_info().await?.state.messages;
        ensure!(messages == 0, "{messages} packets are still in the stream");
        Ok(())
    })
    .await
}

/// As an auditor would.
async fn verifies(site: &Site) -> Result<()> {
    let [auditor, _] = &site.people;
    let verify = ["audit", "verify", "--public-key", &site.key];
    let output = auditor.hoop(&verify)?.output().await.context("run hoop audit verify")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong: Vec<&str> = said.lines().filter(|line| !line.starts_with("ok")).take(20).collect();
    ensure!(output.status.success(), "hoop audit verify: {}", wrong.join(" / "));
    Ok(())
}
