//! Whether servers that others run are there, asked before anything is started.

use std::{io, time::Duration};

use tokio::{net::TcpStream, time};
use url::Url;

use crate::Error;

/// A server that takes longer to accept a connection is not there for anybody.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fails when nobody listens at the host and port of `uri`. A URI that can't be read, or has
/// no host because of a socket, is for the processes to judge.
pub(crate) async fn check(
    what: &'static str,
    variable: &'static str,
    uri: &str,
    usual_port: u16,
) -> Result<(), Error> {
    let Ok(url) = Url::parse(uri) else { return Ok(()) };
    let Some(host) = url.host_str().filter(|host| !host.is_empty() && !host.contains(',')) else {
        return Ok(());
    };
    let address = format!("{host}:{}", url.port().unwrap_or(usual_port));
    let connected = time::timeout(PATIENCE, TcpStream::connect(&address)).await;
    let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    connected.map(drop).map_err(|source| Error::Unreachable { what, address, variable, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_without_its_password() {
        let uri = "postgres://user:s3cret@127.0.0.1:1/db";
        let message =
            check("PostgreSQL", "POSTGRES_DB_URI", uri, 5432).await.unwrap_err().to_string();
        assert!(message.contains("PostgreSQL at 127.0.0.1:1 (POSTGRES_DB_URI)"), "{message}");
        assert!(!message.contains("s3cret"), "{message}");
    }

    #[tokio::test]
    async fn what_has_no_host_is_left_to_the_processes() {
        check("PostgreSQL", "POSTGRES_DB_URI", "postgres:///db?host=/run", 5432).await.unwrap();
        check("NATS", "NATS_URL", "nonsense", 4222).await.unwrap();
    }
}
