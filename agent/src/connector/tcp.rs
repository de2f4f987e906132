//! Any TCP service: a socket per channel, bytes as they are.

use std::{io, time::Duration};

use hoop_domain::EndReason;
use tokio::net::TcpStream;

use super::{Failure, Reached};
use crate::secrets::Secrets;

/// A target that does not answer by then is as good as down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a target is.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A TCP target.
#[derive(Debug)]
pub(crate) struct Tcp {
    address: Address,
}

impl Address {
    /// Reads `HOST` and `PORT`.
    pub(crate) fn new(secrets: &Secrets, default_port: Option<u16>) -> Result<Self, Failure> {
        let host = secrets.text("HOST");
        let host = host.ok_or_else(|| Failure::misconfigured(format_args!("HOST is not set")))?;
        let port = match (secrets.text("PORT"), default_port) {
            (Some(port), _) => port.parse().ok().filter(|port| *port != 0),
            (None, default) => default,
        };
        let wrong = || Failure::misconfigured(format_args!("PORT is not a number from 1 to 65535"));
        Ok(Self { host: host.to_owned(), port: port.ok_or_else(wrong)? })
    }

    /// Connects.
    pub(crate) async fn connect(&self) -> Result<TcpStream, Failure> {
        let connect = TcpStream::connect((self.host.as_str(), self.port));
        let connected = match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
            Ok(connected) => connected.and_then(|stream| {
                stream.set_nodelay(true)?;
                Ok(stream)
            }),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        connected.map_err(|error| self.unreachable(&error))
    }

    /// The failure that `error` is: what kind for the user, where for the log as well.
    pub(crate) fn unreachable(&self, error: &io::Error) -> Failure {
        let message = match error.kind() {
            io::ErrorKind::ConnectionRefused => "the target refused the connection",
            io::ErrorKind::TimedOut => "the target did not answer within 10 s",
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => "the target closed the connection",
            _ => EndReason::TargetUnreachable.message(),
        };
        let cause = format!("{}:{}: {error}", self.host, self.port);
        Failure::new(EndReason::TargetUnreachable, message).because(cause)
    }
}

impl Tcp {
    pub(crate) fn new(secrets: &Secrets) -> Result<Self, Failure> {
        Ok(Self { address: Address::new(secrets, None)? })
    }

    pub(crate) async fn reach(&self) -> Result<Reached, Failure> {
        let (reader, writer) = self.address.connect().await?.into_split();
        Ok(Reached {
            parameters: Vec::new(),
            reader: Box::new(reader),
            writer: Box::new(writer),
            cancel: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(json: &str, default: Option<u16>) -> Result<Address, Failure> {
        Address::new(&Secrets::parse(json.as_bytes()).unwrap(), default)
    }

    #[test]
    fn host_and_port_say_where_the_target_is() {
        let Address { host, port } = address(r#"{"HOST":"::1","PORT":"22"}"#, None).unwrap();
        assert_eq!((host.as_str(), port), ("::1", 22));
        let Address { port, .. } = address(r#"{"HOST":"db"}"#, Some(5432)).unwrap();
        assert_eq!(port, 5432);
    }

    #[test]
    fn a_setting_that_makes_no_sense_is_named() {
        for (json, name) in [
            (r#"{"PORT":"22"}"#, "HOST"),
            (r#"{"HOST":"a"}"#, "PORT"),
            (r#"{"HOST":"a","PORT":"0"}"#, "PORT"),
            (r#"{"HOST":"a","PORT":"abc"}"#, "PORT"),
            (r#"{"HOST":"a","PORT":"70000"}"#, "PORT"),
        ] {
            let failure = address(json, None).unwrap_err();
            assert_eq!(failure.reason, EndReason::Misconfigured);
            assert!(failure.message.starts_with(name), "{}", failure.message);
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_an_unreachable_target() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let address = Address { host: "127.0.0.1".into(), port };
        let failure = address.connect().await.unwrap_err();
        assert_eq!(failure.reason, EndReason::TargetUnreachable);
        assert_eq!(failure.message, "the target refused the connection");
    }
}
