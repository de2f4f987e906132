//! `hoop doctor`: which hop is broken, and what it says to do.

use anyhow::{Context, ensure};
use hoop_testkit::{certificate, free_port};
use hoop_tests::{Gateway, Options, Proxied, Psql, cli::Person, proxied::Setup, rest::text};
use serde_json::Value;

use crate::Result;

/// What the doctor found: the whole, and whether it ended with 0.
struct Found(Value, bool);

impl Found {
    async fn by(person: &Person) -> Result<Self> {
        let output = person.hoop(&["doctor", "--json"])?.output().await?;
        let found = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("doctor printed {:?}", Psql(output.clone())))?;
        Ok(Self(found, output.status.success()))
    }

    fn hop(&self, name: &str) -> Result<&Value> {
        let hops = self.0.get("checks").and_then(Value::as_array).into_iter().flatten();
        let mut hops = hops.filter(|hop| text(hop, "hop") == name);
        hops.next().with_context(|| format!("nothing about {name} in {}", self.0))
    }

    /// Fails unless this hop alone is broken, or those that could not be tried for it.
    fn broken(&self, name: &str, what: &str, fix: &str) -> Result {
        ensure!(!self.1, "it ended with 0 in spite of {}", self.0);
        let hop = self.hop(name)?;
        ensure!(text(hop, "status") == "broken", "{}", self.0);
        ensure!(text(hop, "detail").contains(what), "{hop}");
        ensure!(text(hop, "fix").contains(fix), "{hop}");
        let all = self.0.get("checks").and_then(Value::as_array).into_iter().flatten();
        for other in all.filter(|other| text(other, "hop") != name) {
            ensure!(text(other, "status") != "broken", "{other} in {}", self.0);
        }
        Ok(())
    }

    fn skipped(&self, name: &str) -> Result {
        let hop = self.hop(name)?;
        ensure!(text(hop, "status") == "skipped", "{hop}");
        Ok(())
    }

    fn all_well(&self) -> Result {
        ensure!(self.1 && self.0.get("ok") == Some(&Value::Bool(true)), "{}", self.0);
        Ok(())
    }
}

async fn one_edge() -> Result<Gateway> {
    Gateway::start_without_agent(Options { edges: 1, ..Options::default() }).await
}

#[tokio::test]
async fn a_good_gateway_is_well_on_every_hop() -> Result {
    let gateway = one_edge().await?;
    let person = Person::signed_in(&gateway).await?;
    let found = Found::by(&person).await?;
    found.all_well()?;
    ensure!(text(found.hop("sign-in")?, "detail").contains("(admin)"), "{}", found.0);
    let shown = person.run(&["doctor"]).await?;
    ensure!(shown.lines().filter(|line| line.starts_with("ok ")).count() == 13, "{shown}");
    ensure!(shown.ends_with("all is well"), "{shown}");
    // What passes is shown to those who ask, beside the result.
    let quiet = person.hoop(&["doctor"])?.output().await?;
    let loud = person.hoop(&["doctor"])?.env("LOG_GRPC", "1").output().await?;
    ensure!(quiet.stderr.is_empty(), "{:?}", Psql(quiet));
    ensure!(String::from_utf8_lossy(&loud.stderr).contains("h2"), "{:?}", Psql(loud));
    Ok(())
}

#[tokio::test]
async fn who_has_set_up_nothing_is_told_how_to_begin() -> Result {
    let person = Person::new()?;
    let found = Found::by(&person).await?;
    found.broken("config", "no gateway is known", "hoop login --api-url URL")?;
    found.skipped("api dns")?;
    found.skipped("grpc stream")
}

#[tokio::test]
async fn a_name_a_port_and_a_login_that_are_wrong_are_told_apart() -> Result {
    let gateway = one_edge().await?;
    let person = Person::signed_in(&gateway).await?;
    let (good, nobodys) = (format!("grpc://127.0.0.1:{}", gateway.edge(0)?.grpc), free_port()?);

    person.run(&["config", "set", "grpc_url", &format!("grpc://127.0.0.1:{nobodys}")]).await?;
    let found = Found::by(&person).await?;
    found.broken("grpc tcp", "can't be reached", "hoop config set grpc_url")?;
    found.skipped("grpc path")?;

    // The API's own port speaks another language.
    let api = gateway.api_url.replace("http://", "grpc://");
    person.run(&["config", "set", "grpc_url", &api]).await?;
    Found::by(&person).await?.broken("grpc http/2", "HTTP/", "port")?;

    person.run(&["config", "set", "grpc_url", "grpc://nowhere.invalid:8010"]).await?;
    Found::by(&person).await?.broken("grpc dns", "nowhere.invalid has no address", "resolver")?;

    person.run(&["config", "set", "grpc_url", &good]).await?;
    gateway.run_on_state("update api_tokens set expires_at = now() - interval '1 hour'").await?;
    let found = Found::by(&person).await?;
    let (api, edge) = (found.hop("sign-in")?, found.hop("grpc stream")?);
    ensure!(text(api, "detail").contains("not valid any more"), "{api}");
    ensure!(text(api, "fix").contains("hoop login"), "{api}");
    ensure!(text(edge, "fix").contains("hoop login"), "{edge}");
    ensure!(!found.1, "it ended with 0");
    // What lies on the way is well all the same.
    ensure!(text(found.hop("grpc path")?, "status") == "ok", "{}", found.0);
    Ok(())
}

#[tokio::test]
async fn a_broker_that_is_away_is_the_gateways_own_trouble() -> Result {
    let mut gateway = one_edge().await?;
    let person = Person::signed_in(&gateway).await?;
    gateway.nats.kill()?;
    hoop_testkit::eventually("the broker to be missed", async || {
        let found = Found::by(&person).await?;
        let (api, edge) = (found.hop("api health")?, found.hop("grpc path")?);
        ensure!(text(api, "detail") == "the gateway can't reach its nats", "{}", found.0);
        ensure!(text(edge, "detail").contains("lost its broker"), "{}", found.0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn behind_nginx_every_hop_is_well_and_what_nginx_leaves_out_is_named() -> Result {
    let whole = |text: String| text;
    let options = Options::default();
    let mut proxied = Proxied::without_agent(Setup::SinglePort, options, whole).await?;
    let person = proxied.signed_in().await?;
    let found = Found::by(&person).await?;
    found.all_well()?;
    ensure!(text(found.hop("grpc tls")?, "detail").contains("certificate trusted"), "{}", found.0);

    // Somebody who does not trust the authority.
    let untrusting = person.settings_of_another("SSL_CERT_FILE", &another_authority()?)?;
    let found = Found::by(&untrusting).await?;
    for hop in ["api tls", "grpc tls"] {
        let hop = found.hop(hop)?;
        ensure!(text(hop, "detail").contains("nobody whom this machine trusts"), "{hop}");
        ensure!(text(hop, "fix").contains("SSL_CERT_FILE"), "{hop}");
    }
    ensure!(!found.1, "it ended with 0");

    // nginx without the location for gRPC hands everything to the API.
    proxied
        .reconfigure(|text| text.replace("location /protobuf.Transport/", "location /elsewhere/"))
        .await?;
    let found = Found::by(&person).await?;
    let (path, stream) = (found.hop("grpc path")?, found.hop("grpc stream")?);
    ensure!(text(path, "detail").contains("what answers for /protobuf.Transport/"), "{path}");
    ensure!(text(path, "fix").contains("grpc_pass"), "{path}");
    // nginx waits for the end of what it takes for a form.
    ensure!(text(stream, "status") == "broken", "{stream}");
    ensure!(text(stream, "fix").contains("grpc_pass"), "{stream}");
    ensure!(text(found.hop("api health")?, "status") == "ok", "{}", found.0);

    // nginx whose edge is gone.
    proxied.reconfigure(|text| text).await?;
    proxied.gateway.edge_mut(0)?.kill()?;
    let found = Found::by(&person).await?;
    let path = found.hop("grpc path")?;
    ensure!(text(path, "detail").contains("no edge behind it"), "{path}");
    // nginx without HTTP/2.
    proxied.reconfigure(|text| text.replace("ssl http2;", "ssl;")).await?;
    let found = Found::by(&person).await?;
    let http2 = found.0.to_string();
    ensure!(http2.contains("HTTP/2") && !found.1, "{http2}");
    Ok(())
}

/// The file of an authority that has signed nothing here.
fn another_authority() -> Result<String> {
    let folder = tempfile::Builder::new().prefix("hoop-other-").tempdir()?.keep();
    hoop_testkit::reaper::remove(&folder);
    Ok(certificate::create(&folder)?.authority.display().to_string())
}
