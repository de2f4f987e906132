//! Addresses that are not ours to listen on but to tell others.

use std::{fmt, str::FromStr};

use hoop_domain::{AgentName, agent_key::AgentKey};

/// An address that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not `scheme://host:port`.
    #[error("expected grpc://host:port, or grpcs, http or https for the scheme")]
    Url,
    /// Not `host:port`.
    #[error("expected host:port")]
    Address,
}

/// Where agents dial: `grpcs://gateway.example.com:8443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcUrl {
    scheme: String,
    authority: String,
}

/// Where native clients connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeAddress {
    /// The host; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl GrpcUrl {
    /// The whole `HOOP_KEY` of an agent.
    #[must_use]
    pub fn hoop_key(&self, name: &AgentName, key: &AgentKey, mode: &str) -> String {
        format!("{}://{name}:{}@{}?mode={mode}", self.scheme, key.reveal(), self.authority)
    }
}

impl FromStr for GrpcUrl {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text.split_once("://").ok_or(Error::Url)?;
        let authority = rest.trim_end_matches('/');
        if !["grpc", "grpcs", "http", "https"].contains(&scheme)
            || authority.contains(['/', '@', '?'])
        {
            return Err(Error::Url);
        }
        authority.parse::<NativeAddress>().map_err(|_| Error::Url)?;
        Ok(Self { scheme: scheme.into(), authority: authority.into() })
    }
}

impl FromStr for NativeAddress {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (host, port) = text.rsplit_once(':').ok_or(Error::Address)?;
        let port = port.parse().map_err(|_| Error::Address)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let plausible = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
        if host.is_empty() || port == 0 || !host.chars().all(plausible) {
            return Err(Error::Address);
        }
        Ok(Self { host: host.into(), port })
    }
}

impl fmt::Display for GrpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Display for NativeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
