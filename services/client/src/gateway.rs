//! Where a gateway listens for gRPC: `grpc://host:port` and its relatives.

use std::{fmt, str::FromStr};

use tonic::transport::Uri;

/// The address of a gateway's gRPC port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayUrl {
    tls: bool,
    host: Box<str>,
    port: u16,
}

/// Text that does not say where a gateway is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "gateway URL {given:?} {why}; it has the form grpc://HOST:PORT, or grpcs://HOST:PORT with TLS"
)]
pub struct InvalidUrl {
    given: String,
    why: &'static str,
}

impl GatewayUrl {
    /// The address with these parts; `None` when `scheme` is not one of `http`, `https`,
    /// `grpc`, `grpcs`. An IPv6 host stands in brackets.
    #[must_use]
    pub fn from_parts(scheme: &str, host: &str, port: u16) -> Option<Self> {
        let tls = match scheme {
            "grpc" | "http" => false,
            "grpcs" | "https" => true,
            _ => return None,
        };
        Some(Self { tls, host: host.into(), port })
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn tls(&self) -> bool {
        self.tls
    }

    /// The host; an IPv6 address stands in brackets.
    #[must_use]
    pub const fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What tonic dials.
    pub(crate) fn endpoint(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

impl FromStr for GatewayUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let invalid = |why| InvalidUrl { given: text.into(), why };
        let uri: Uri = text.parse().map_err(|_| invalid("can't be read"))?;
        let scheme = uri.scheme_str().ok_or_else(|| invalid("has no scheme"))?;
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| invalid("names no host"))?;
        let port = uri.port_u16().ok_or_else(|| invalid("names no port"))?;
        Self::from_parts(scheme, host, port)
            .ok_or_else(|| invalid("has a scheme that is not one of http, https, grpc, grpcs"))
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "grpcs" } else { "grpc" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_says_whether_there_is_tls() {
        for (text, shown) in [
            ("grpc://127.0.0.1:8010", "grpc://127.0.0.1:8010"),
            ("http://gateway:8010", "grpc://gateway:8010"),
            ("grpcs://gateway.example.com:8443", "grpcs://gateway.example.com:8443"),
            ("https://[::1]:8443/", "grpcs://[::1]:8443"),
        ] {
            assert_eq!(text.parse::<GatewayUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        for (text, why) in [
            ("", "can't be read"),
            ("gateway:8010", "has no scheme"),
            ("grpc://gateway", "names no port"),
            ("ftp://gateway:21", "has a scheme that is not one of"),
        ] {
            let message = text.parse::<GatewayUrl>().unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
    }
}
