//! One HTTP/2 connection to a gateway, with windows that do not throttle.

use std::time::Duration;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::{Error, GatewayUrl};

/// Long enough for a handshake across the world; a person waits no longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Two windows of credit, so that HTTP/2 never stops a session before its credit does.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;

/// Room for many busy sessions on one connection. Frames are read promptly, so a stalled
/// session occupies none of it.
const CONNECTION_WINDOW: u32 = 32 * 1024 * 1024;

/// A whole piece of data in one HTTP/2 frame, rather than in sixteen.
const LARGEST_HTTP2_FRAME: u32 = 1024 * 1024;

/// How often a connection is probed, and how long the answer may take.
const PING: Duration = Duration::from_secs(20);

/// Connects to a gateway. With TLS its certificate has to be signed by an authority that
/// the system trusts, or by one in `extra_ca` (PEM).
///
/// # Errors
/// When the gateway can't be reached or not be trusted.
pub async fn dial(gateway: &GatewayUrl, extra_ca: Option<&[u8]>) -> Result<Channel, Error> {
    let endpoint = endpoint(gateway, extra_ca)?;
    match tokio::time::timeout(CONNECT_TIMEOUT, endpoint.connect()).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(source)) => Err(Error::Unreachable { gateway: gateway.clone(), source }),
        Err(_) => Err(Error::TimedOut { seconds: CONNECT_TIMEOUT.as_secs() }),
    }
}

fn endpoint(gateway: &GatewayUrl, extra_ca: Option<&[u8]>) -> Result<Endpoint, Error> {
    let unusable = |source| Error::Tls { gateway: gateway.clone(), source };
    let endpoint = Endpoint::from_shared(gateway.endpoint())
        .map_err(|source| Error::Unreachable { gateway: gateway.clone(), source })?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(LARGEST_HTTP2_FRAME)
        .http2_keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .keep_alive_while_idle(true);
    if !gateway.tls() {
        return Ok(endpoint);
    }
    let mut tls = ClientTlsConfig::new().with_native_roots();
    if let Some(pem) = extra_ca {
        tls = tls.ca_certificate(Certificate::from_pem(pem));
    }
    endpoint.tls_config(tls).map_err(unusable)
}
