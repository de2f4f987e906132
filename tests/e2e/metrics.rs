//! What every process shows of itself, after a little work.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail, ensure};
use hoop_runtime::metrics::{METRICS, Metric};
use hoop_testkit::eventually;
use hoop_tests::{Gateway, Service, gateway::CONNECTION, rest::text};

use crate::Result;

/// A page, read to the letter: samples by their name with labels.
struct Page {
    types: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
    text: String,
}

impl Page {
    /// Fetches the page of a running process.
    async fn of(service: &mut Service) -> Result<Self> {
        let printed = service.process()?.printed();
        let ready = printed.lines().find_map(|line| line.strip_prefix("READY "));
        let ready: serde_json::Value = serde_json::from_str(ready.context("it is not ready")?)?;
        let url = format!("http://{}/metrics", text(&ready, "metrics"));
        let answer = reqwest::get(&url).await?.error_for_status()?;
        let format = answer.headers().get("content-type").context("no content type")?;
        ensure!(format.to_str()?.starts_with("application/openmetrics-text; version=1.0.0"));
        Self::read(answer.text().await?)
    }

    fn read(text: String) -> Result<Self> {
        let body = text.strip_suffix("# EOF\n").context("the page has no end")?;
        let (mut types, mut samples) = (BTreeMap::new(), BTreeMap::new());
        let mut family = String::new();
        for line in body.lines() {
            if let Some(described) = line.strip_prefix("# TYPE ") {
                let (name, kind) = described.split_once(' ').context("a type without a kind")?;
                name.clone_into(&mut family);
                let before = types.insert(name.to_owned(), kind.to_owned());
                ensure!(before.is_none(), "{name} is described twice");
            } else if !line.starts_with("# HELP ") {
                let (series, value) = line.rsplit_once(' ').context("a sample without a value")?;
                check_series(series, &family)?;
                let before = samples.insert(series.to_owned(), value.parse()?);
                ensure!(before.is_none(), "{series} is there twice");
            }
        }
        Ok(Self { types, samples, text })
    }

    fn value(&self, series: &str) -> Result<f64> {
        let found = self.samples.get(series).copied();
        found.with_context(|| format!("there is no {series} in\n{}", self.text))
    }

    fn at_least(&self, series: &str, least: f64) -> Result {
        let value = self.value(series)?;
        ensure!(least <= value, "{series} is {value}");
        Ok(())
    }

    /// The metrics on it, by the names that the list has.
    fn metrics(&self) -> BTreeSet<String> {
        let listed = |(name, kind): (&String, &String)| match kind.as_str() {
            "counter" => format!("{name}_total"),
            _ => name.clone(),
        };
        self.types.iter().map(listed).collect()
    }
}

/// `name{label="value",…}`, of the family that was described last.
fn check_series(series: &str, family: &str) -> Result {
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').context("labels without an end")?),
        None => (series, ""),
    };
    let rest = name.strip_prefix(family).context("a sample of another family")?;
    ensure!(["", "_total", "_sum", "_count", "_bucket"].contains(&rest), "{series}");
    for label in labels.split("\",").filter(|label| !label.is_empty()) {
        let (name, value) = label.split_once("=\"").context("a label without a value")?;
        ensure!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{series}");
        ensure!(!value.trim_end_matches('"').contains('"'), "{series}");
    }
    Ok(())
}

/// Waits until the broker's receipt for each packet that this edge has published is in.
pub(crate) async fn receipts_are_in(edge: &mut Service) -> Result {
    eventually("every receipt to be in", async || {
        let page = Page::of(edge).await?;
        let published = page.samples.iter().filter(|(s, _)| s.starts_with("hoop_packets_total"));
        let published: f64 = published.map(|(_, value)| value).sum();
        let receipts = page.value("hoop_publish_ack_seconds_count")?;
        ensure!(published <= receipts, "{published} packets have {receipts} receipts");
        Ok(())
    })
    .await
}

fn listed(process: &str) -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().filter(move |metric| metric.processes.contains(&process))
}

/// A page of each process, with what the list calls it.
async fn all(gateway: &mut Gateway) -> Result<Vec<(&'static str, Page)>> {
    let mut pages = Vec::new();
    for edge in &mut gateway.edges {
        pages.push(("grpc-edge", Page::of(&mut edge.service).await?));
    }
    pages.push(("api", Page::of(&mut gateway.api).await?));
    pages.push(("audit-writer", Page::of(&mut gateway.audit_writer).await?));
    pages.push(("notifier", Page::of(&mut gateway.notifier).await?));
    pages.push(("agent", Page::of(gateway.agent_mut()?).await?));
    Ok(pages)
}

/// A session through the second edge to the agent on the first, and a wrong password.
async fn work(gateway: &Gateway) -> Result<Vec<String>> {
    let mut access = gateway.access(1).await?;
    access.answer("select 1").await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    let id = text(&session, "id").to_owned();
    gateway.rest.session_done(&id).await?;
    let right = std::mem::replace(&mut access.password, "not-the-password".into());
    ensure!(access.query("select 1").await?.failure().is_ok(), "a wrong password was right");
    Ok(vec![id, right, access.username, hoop_tests::gateway::ADMIN.into()])
}

#[tokio::test]
async fn every_process_counts_what_a_session_does() -> Result {
    let mut gateway = Gateway::usual().await?;
    let names = work(&gateway).await?;
    eventually("every process to have counted", async || {
        let pages = all(&mut gateway).await?;
        let [first, second, api, writer, notifier, agent] = &pages[..] else {
            bail!("there are {} pages", pages.len())
        };
        for (series, least) in [
            ("hoop_sessions_opened_total{type=\"postgres\"}", 1.0),
            ("hoop_sessions_ended_total{reason=\"client_closed\"}", 1.0),
            ("hoop_packets_total{direction=\"in\"}", 3.0),
            ("hoop_packet_bytes_total{direction=\"in\"}", 100.0),
            ("hoop_publish_ack_seconds_count", 3.0),
            ("hoop_session_open_seconds_count", 1.0),
            ("hoop_native_logins_total{outcome=\"right\"}", 1.0),
            ("hoop_native_logins_total{outcome=\"wrong\"}", 1.0),
            ("hoop_control_requests_total{request=\"authorize\",outcome=\"answered\"}", 1.0),
            ("hoop_broker_connected", 1.0),
            ("hoop_queue_limit{queue=\"over_sessions\"}", 10_000.0),
            ("hoop_queue_limit{queue=\"native_logins\"}", 1000.0),
        ] {
            second.1.at_least(series, least)?;
        }
        ensure!(second.1.value("hoop_sessions_open{end=\"client\"}")? == 0.0);
        first.1.at_least("hoop_packets_total{direction=\"out\"}", 2.0)?;
        first.1.at_least("hoop_agents_connected", 1.0)?;
        api.1.at_least("hoop_decisions_total{outcome=\"granted\"}", 1.0)?;
        api.1.at_least("hoop_logins_total{outcome=\"right\"}", 1.0)?;
        api.1.at_least("hoop_events_published_total", 1.0)?;
        let login = "{method=\"POST\",route=\"/api/localauth/login\",status=\"200\"}";
        api.1.at_least(&format!("hoop_http_requests_total{login}"), 1.0)?;
        for (series, least) in [
            ("hoop_packets_recorded_total", 5.0),
            ("hoop_segment_commit_seconds_count", 1.0),
            ("hoop_segments_total", 1.0),
            ("hoop_recordings_finished_total", 1.0),
            ("hoop_partitions_held", 1.0),
            ("hoop_stream_limit_bytes{stream=\"AUDIT\"}", 1.0),
        ] {
            writer.1.at_least(series, least)?;
        }
        ensure!(writer.1.value("hoop_spool_bytes")? == 0.0, "the spool is not empty");
        ensure!(writer.1.value("hoop_recording_flaws_total{kind=\"gap\"}")? == 0.0);
        notifier.1.at_least("hoop_events_total{outcome=\"taken\"}", 1.0)?;
        agent.1.at_least("hoop_target_reach_seconds_count", 1.0)?;
        agent.1.at_least("hoop_gateway_connected", 1.0)
    })
    .await?;
    for (process, page) in all(&mut gateway).await? {
        page.at_least("process_resident_memory_bytes", 1e6)?;
        page.at_least("process_open_fds", 3.0)?;
        let known: BTreeSet<_> = listed(process).map(|metric| metric.name.to_owned()).collect();
        let strangers: Vec<_> = page.metrics().difference(&known).cloned().collect();
        ensure!(strangers.is_empty(), "{process} has {strangers:?}, which the list does not say");
        for name in &names {
            ensure!(!page.text.contains(name), "{process} shows {name}:\n{}", page.text);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_address_that_was_asked_for_and_is_taken_stops_the_start() -> Result {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let logs = tempfile::tempdir()?;
    let key = "grpc://dev:xagt-mzv7CRgUs23TgHpk0XNmll0TO37qfwM0D3JGQpwGPa8@127.0.0.1:1";
    let mut agent = Service::new("agent", "hoop-agent", logs.path().to_owned())
        .with("HOOP_KEY", key)
        .with("METRICS_LISTEN", &address);
    let said = agent.start().err().context("it started")?;
    ensure!(format!("{said:#}").contains(&format!("METRICS_LISTEN {address}: ")), "{said:#}");
    Ok(())
}
