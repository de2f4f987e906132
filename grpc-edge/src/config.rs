//! What the edge can be told.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use hoop_domain::TrustedProxies;
use hoop_runtime::{Env, config::Error};

/// The edge's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where agents and native clients connect.
    pub grpc_listen: SocketAddr,
    /// Where psql connects, if anywhere.
    pub pg_listen: Option<SocketAddr>,
    /// The broker.
    pub nats_url: String,
    /// Certificate and key files of the native ports; self-signed when absent.
    pub native_tls: Option<(PathBuf, PathBuf)>,
    /// Certificate and key files of the gRPC port; plain HTTP/2 when absent.
    pub grpc_tls: Option<(PathBuf, PathBuf)>,
    /// How long sessions may go on after the drain began.
    pub drain_timeout: Duration,
    /// How long an end of a session may be away, with nobody at its stream, and come back.
    pub resume_grace: Duration,
    /// How often an endpoint that is told nothing gets a message all the same.
    pub keep_alive: Duration,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// How long the broker may take no packet before its session ends.
    pub stall_timeout: Duration,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a variable is missing or malformed.
    pub fn from_env(env: &Env) -> Result<Self, Error> {
        Ok(Self {
            grpc_listen: env.address("GRPC_LISTEN", "0.0.0.0:8010")?,
            pg_listen: match env.text("PG_LISTEN").as_deref() {
                Some("off") => None,
                _ => Some(env.address("PG_LISTEN", "0.0.0.0:15432")?),
            },
            nats_url: env.required("NATS_URL")?,
            native_tls: pair(env, "TLS_CERT_PATH", "TLS_KEY_PATH")?,
            grpc_tls: pair(env, "GRPC_TLS_CERT_PATH", "GRPC_TLS_KEY_PATH")?,
            drain_timeout: env.duration("EDGE_DRAIN_TIMEOUT", Duration::from_secs(30))?,
            resume_grace: env.duration("EDGE_RESUME_GRACE", Duration::from_secs(60))?,
            keep_alive: keep_alive(env)?,
            trusted_proxies: env.explained("TRUSTED_PROXIES")?.unwrap_or_default(),
            stall_timeout: env.duration("EDGE_STALL_TIMEOUT", Duration::from_secs(15))?,
        })
    }
}

/// Often enough for proxies that cut what is silent for 20 s, and not so often that idle
/// streams cost something.
fn keep_alive(env: &Env) -> Result<Duration, Error> {
    let every = env.duration("EDGE_KEEP_ALIVE", Duration::from_secs(15))?;
    if (Duration::from_secs(1)..=Duration::from_secs(20)).contains(&every) {
        return Ok(every);
    }
    let (name, why) = ("EDGE_KEEP_ALIVE".into(), "it is from 1s to 20s".into());
    Err(Error::Malformed { name, why })
}

/// Both or neither: half a TLS configuration must not become none.
fn pair(env: &Env, cert: &str, key: &str) -> Result<Option<(PathBuf, PathBuf)>, Error> {
    if env.text(cert).is_none() && env.text(key).is_none() {
        return Ok(None);
    }
    Ok(Some((env.required(cert)?.into(), env.required(key)?.into())))
}
