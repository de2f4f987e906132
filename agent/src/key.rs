//! `HOOP_KEY`: who the agent is, where its gateway is, and its secret.

use std::{fmt, str::FromStr};

use hoop_client::GatewayUrl;
use hoop_domain::{
    AgentName,
    agent_key::{AgentKey, InvalidAgentKey},
};
use url::Url;

/// How the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A process of its own that serves many connections.
    Standard,
    /// Beside an application's process, for ad-hoc tasks.
    Embedded,
}

/// A `HOOP_KEY`, read.
pub struct HoopKey {
    /// Where to dial.
    pub gateway: GatewayUrl,
    /// What the agent is called.
    pub name: AgentName,
    /// Its secret.
    pub key: AgentKey,
    /// How it runs.
    pub mode: Mode,
}

/// What is wrong with a `HOOP_KEY`, without a word of it: any part may be the secret in the
/// wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not a URL at all.
    #[error("it does not have the form <scheme>://<name>:<auth-key>@<host>:<port>?mode=standard")]
    Form,
    /// Another scheme.
    #[error("its scheme is not one of http, https, grpc, grpcs")]
    Scheme,
    /// No name, or none that an agent can have.
    #[error("the agent name before the first ':' is missing or malformed")]
    Name,
    /// No secret.
    #[error("the auth key between ':' and '@' is missing")]
    NoSecret,
    /// A secret of another kind.
    #[error("the auth key between ':' and '@' is malformed: {0}")]
    Secret(#[from] InvalidAgentKey),
    /// No host.
    #[error("the host after '@' is missing")]
    Host,
    /// No port.
    #[error("the port after the host is missing")]
    Port,
    /// Another mode.
    #[error("its mode is not one of standard, embedded")]
    Mode,
}

impl FromStr for HoopKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => InvalidKey::Host,
            url::ParseError::InvalidPort => InvalidKey::Port,
            _ => InvalidKey::Form,
        })?;
        let scheme = url.scheme();
        if !matches!(scheme, "http" | "https" | "grpc" | "grpcs") {
            return Err(InvalidKey::Scheme);
        }
        let name = url.username().parse().map_err(|_| InvalidKey::Name)?;
        let secret = url.password().ok_or(InvalidKey::NoSecret)?;
        let key = AgentKey::parse(secret)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidKey::Host)?;
        // `http` and `https` have a port of their own, which `url` leaves out.
        let port = url.port_or_known_default().ok_or(InvalidKey::Port)?;
        let gateway = GatewayUrl::from_parts(scheme, host, port).ok_or(InvalidKey::Scheme)?;
        Ok(Self { gateway, name, key, mode: mode(&url)? })
    }
}

fn mode(url: &Url) -> Result<Mode, InvalidKey> {
    let mode = url.query_pairs().find(|(name, _)| name == "mode").map(|(_, mode)| mode);
    match mode.as_deref() {
        None | Some("standard") => Ok(Mode::Standard),
        Some("embedded") => Ok(Mode::Embedded),
        Some(_) => Err(InvalidKey::Mode),
    }
}

impl Mode {
    /// Its name in keys and lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Embedded => "embedded",
        }
    }
}

impl fmt::Debug for HoopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HoopKey({}@{})", self.name, self.gateway)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "xagt-mzv7CRgUs23TgHpk0XNmll0TO37qfwM0D3JGQpwGPa8";

    fn key(template: &str) -> Result<HoopKey, InvalidKey> {
        template.replace("SECRET", SECRET).parse()
    }

    #[test]
    fn every_scheme_and_mode_is_read() {
        for (template, gateway, mode) in [
            (
                "grpc://dev:SECRET@127.0.0.1:8010?mode=standard",
                "grpc://127.0.0.1:8010",
                Mode::Standard,
            ),
            (
                "grpcs://dev:SECRET@gw.example.com:8443",
                "grpcs://gw.example.com:8443",
                Mode::Standard,
            ),
            ("http://dev:SECRET@[::1]:8010?mode=embedded", "grpc://[::1]:8010", Mode::Embedded),
            (
                "https://dev:SECRET@gw.example.com:443?mode=standard",
                "grpcs://gw.example.com:443",
                Mode::Standard,
            ),
        ] {
            let key = key(template).unwrap();
            assert_eq!(key.gateway.to_string(), gateway);
            assert_eq!(key.mode, mode);
            assert_eq!(key.name.as_str(), "dev");
            assert_eq!(key.key.reveal(), SECRET);
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_the_secret_is_not() {
        for (template, expected) in [
            ("", InvalidKey::Form),
            ("SECRET", InvalidKey::Form),
            ("ftp://dev:SECRET@gw:8010", InvalidKey::Scheme),
            ("grpc://SECRET@gw:8010", InvalidKey::NoSecret),
            ("grpc://:SECRET@gw:8010", InvalidKey::Name),
            ("grpc://a%2Fb:SECRET@gw:8010", InvalidKey::Name),
            ("grpc://dev@gw:8010", InvalidKey::NoSecret),
            ("grpc://dev:hunter2@gw:8010", InvalidKey::Secret(InvalidAgentKey)),
            ("grpc://dev:SECRET@:8010", InvalidKey::Host),
            ("grpc://dev:SECRET@gw", InvalidKey::Port),
            ("grpc://dev:SECRET@gw:80100", InvalidKey::Port),
            ("grpc://dev:SECRET@gw:8010?mode=SECRET", InvalidKey::Mode),
        ] {
            let error = key(template).err();
            assert_eq!(error, Some(expected), "{template}");
            let message = expected.to_string();
            assert!(!message.contains("hunter2") && !message.contains(SECRET), "{message}");
        }
    }

    #[test]
    fn debug_output_has_no_secret() {
        let shown = format!("{:?}", key("grpc://dev:SECRET@gw:8010").unwrap());
        assert_eq!(shown, "HoopKey(dev@grpc://gw:8010)");
    }
}
