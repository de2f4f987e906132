//! The delivered programs as children: what each is told, and how long each may take to stop.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use hoop_runtime::{Env, config::VARIABLES};
use rustix::process::Signal;

use crate::{
    Error,
    child::{Environment, Ready, Spec},
    data::Data,
    endpoint::Endpoints,
    kept::Kept,
    programs,
};

/// What a process needs beyond its own drain: to close connections and leave.
const MARGIN: Duration = Duration::from_secs(10);

/// The usual time that a process drains, see each process's own constant.
const DRAIN: Duration = Duration::from_secs(15);

/// Where things are.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) endpoints: Endpoints,
    pub(crate) postgres: String,
    pub(crate) nats: String,
    /// How users reach the API.
    pub(crate) api_url: String,
    /// How agents reach the edge.
    pub(crate) grpc_url: String,
    /// How `psql` does.
    pub(crate) pg: Option<String>,
}

/// The programs' files.
#[derive(Debug)]
pub(crate) struct Programs {
    api: PathBuf,
    edge: PathBuf,
    writer: PathBuf,
    notifier: PathBuf,
}

impl Programs {
    /// Finds them all.
    pub(crate) fn find(this: &Path) -> Result<Self, Error> {
        Ok(Self {
            api: programs::ours(this, "hoop-api")?,
            edge: programs::ours(this, "hoop-grpc-edge")?,
            writer: programs::ours(this, "hoop-audit-writer")?,
            notifier: programs::ours(this, "hoop-notifier")?,
        })
    }
}

impl Addresses {
    /// What the environment says, else what follows from where things listen.
    pub(crate) fn new(endpoints: Endpoints, env: &Env, postgres: String, nats: String) -> Self {
        let or = |variable: &str, usual: String| env.text(variable).unwrap_or(usual);
        let api_url = or("API_URL", format!("http://{}", endpoints.api.local()));
        let grpc_url = or("GRPC_URL", format!("grpc://{}", endpoints.grpc.local()));
        let pg = endpoints.pg.map(|pg| or("NATIVE_PG_ADDRESS", pg.local().to_string()));
        Self { endpoints, postgres, nats, api_url, grpc_url, pg }
    }
}

/// `api`, which brings the database up to date before the others use it.
pub(crate) fn api(programs: &Programs, data: &Data, to: &Addresses, kept: &Kept) -> Spec {
    let mut with = vec![
        ("POSTGRES_DB_URI", to.postgres.clone()),
        ("NATS_URL", to.nats.clone()),
        ("API_LISTEN", to.endpoints.api.address.to_string()),
        ("API_URL", to.api_url.clone()),
        ("GRPC_URL", to.grpc_url.clone()),
        ("SECRETS_KEY", kept.secrets_key.reveal().clone()),
        // Read already, where it was set.
        ("SECRETS_KEY_FILE", String::new()),
        ("ADMIN_PASSWORD", kept.admin_password.reveal().clone()),
    ];
    with.extend(to.pg.iter().map(|pg| ("NATIVE_PG_ADDRESS", pg.clone())));
    with.extend(metrics(to, 0));
    spec("api", &programs.api, data, with, DRAIN)
}

/// The edge, the audit-writer and the notifier, which need nothing of each other.
pub(crate) fn others(
    programs: &Programs,
    data: &Data,
    to: &Addresses,
    kept: &Kept,
    env: &Env,
) -> Result<[Spec; 3], Error> {
    let nats = || ("NATS_URL", to.nats.clone());
    let postgres = || ("POSTGRES_DB_URI", to.postgres.clone());
    let pg = to.endpoints.pg.map_or_else(|| "off".to_owned(), |pg| pg.address.to_string());
    let mut edge =
        vec![nats(), ("GRPC_LISTEN", to.endpoints.grpc.address.to_string()), ("PG_LISTEN", pg)];
    let mut writer = vec![nats(), postgres()];
    writer.push(("AUDIT_SIGNING_KEY", kept.signing_key.reveal().clone()));
    if env.text("PLUGIN_AUDIT_PATH").is_none() {
        writer.push(("PLUGIN_AUDIT_PATH", data.join("spool").display().to_string()));
    }
    let secrets_key = ("SECRETS_KEY", kept.secrets_key.reveal().clone());
    let mut notifier = vec![nats(), postgres(), secrets_key, ("SECRETS_KEY_FILE", String::new())];
    for (place, process) in [(1, &mut edge), (2, &mut writer), (3, &mut notifier)] {
        process.extend(metrics(to, place));
    }
    let sessions = env.duration("EDGE_DRAIN_TIMEOUT", Duration::from_secs(30))?;
    Ok([
        spec("grpc-edge", &programs.edge, data, edge, sessions),
        spec("audit-writer", &programs.writer, data, writer, DRAIN),
        spec("notifier", &programs.notifier, data, notifier, DRAIN),
    ])
}

fn metrics(to: &Addresses, place: u16) -> Option<(&'static str, String)> {
    to.endpoints.metrics.told(place).map(|address| ("METRICS_LISTEN", address))
}

/// A process of ours. It gets our environment but for those variables that are for others:
/// the edge has no business with the database's password.
fn spec(
    name: &'static str,
    program: &Path,
    data: &Data,
    with: Vec<(&'static str, String)>,
    drain: Duration,
) -> Spec {
    let others = VARIABLES.iter().filter(|variable| !variable.processes.contains(&name));
    let without = others.map(|variable| variable.name).collect();
    // What it does not read is not given to it.
    let reads = |variable: &str| {
        VARIABLES.iter().any(|each| each.name == variable && each.processes.contains(&name))
    };
    let with = with.into_iter().filter(|(variable, _)| reads(variable)).collect();
    Spec {
        name,
        program: program.to_owned(),
        arguments: Vec::new(),
        environment: Environment { inherited: true, without, with },
        folder: data.path().to_owned(),
        account: None,
        ready: Ready::Line,
        stop: Signal::TERM,
        now: Signal::KILL,
        patience: drain + MARGIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_told_nothing_of_the_database_and_the_api_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::open(folder.path().join("data")).unwrap();
        let env = Env::from_pairs([("PG_LISTEN", "off")]).unwrap();
        let kept = Kept::load(&data, &env).unwrap();
        let endpoints = Endpoints::read(&crate::Options::default(), &env).unwrap();
        let to = Addresses::new(endpoints, &env, "postgres://x".into(), "nats://y".into());
        let none = || PathBuf::from("/none");
        let programs = Programs { api: none(), edge: none(), writer: none(), notifier: none() };
        let [edge, writer, _] = others(&programs, &data, &to, &kept, &env).unwrap();
        let names = |spec: &Spec| spec.environment.with.iter().map(|(n, _)| *n).collect::<Vec<_>>();
        let api = api(&programs, &data, &to, &kept);
        let url = ("API_URL", format!("http://{}", to.endpoints.api.local()));
        assert!(api.environment.with.contains(&url), "production does not start without one");
        assert_eq!(names(&edge), ["NATS_URL", "GRPC_LISTEN", "PG_LISTEN"]);
        for secret in
            ["POSTGRES_DB_URI", "PGPASSWORD", "SECRETS_KEY", "HOOP_TOKEN", "AGENT_SENTRY_DSN"]
        {
            assert!(edge.environment.without.contains(&secret), "{secret}");
        }
        for told in ["SENTRY_DSN", "PYROSCOPE_INGEST_URL", "PYROSCOPE_AUTH_TOKEN"] {
            let kept = |spec: &Spec| !spec.environment.without.contains(&told);
            assert!([&api, &edge, &writer].into_iter().all(kept), "{told}");
        }
        assert!(!api.environment.without.contains(&"AGENT_SENTRY_DSN"), "it hands it to agents");
        assert!(names(&writer).contains(&"AUDIT_SIGNING_KEY"));
        assert!(!names(&writer).contains(&"SECRETS_KEY"));
    }
}
