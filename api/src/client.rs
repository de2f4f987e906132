//! Who sent a request: the other end of the socket, or whom a trusted proxy names.
//!
//! It is found out once, before anything else happens to a request, and everything that
//! counts or notes addresses reads it from here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Extensions, HeaderMap, HeaderValue, header};

use crate::App;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// For browsers: a year of nothing but TLS.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Who sent a request, and whether nobody could read it on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// `None` where a test calls without a network.
    pub(crate) address: Option<IpAddr>,
    /// Whether it came over TLS, as the proxy says that ended it: we have none of our own.
    pub(crate) tls: bool,
}

impl Client {
    fn of(app: &App, request: &Request) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let Some(peer) = peer.map(|ConnectInfo(address)| address.ip()) else {
            return Self { address: None, tls: false };
        };
        let trusted = &app.config.trusted_proxies;
        let forwarded = texts(request.headers(), FORWARDED_FOR);
        let address = trusted.client(peer, forwarded);
        let tls = trusted.trusts(peer)
            && texts(request.headers(), FORWARDED_PROTO)
                .next_back()
                .and_then(|value| value.rsplit(',').next())
                .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
        Self { address: Some(address), tls }
    }

    /// For counting; one address for all where a test calls without a network.
    pub(crate) fn source(self) -> IpAddr {
        self.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into())
    }
}

/// Where the request with these extensions comes from, for counting.
pub(crate) fn source(extensions: &Extensions) -> IpAddr {
    let client = extensions.get::<Client>();
    client.map_or(Ipv4Addr::UNSPECIFIED.into(), |client| client.source())
}

/// The values of a header, as far as they are text.
fn texts<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> impl DoubleEndedIterator<Item = &'a str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

/// Finds out who asks, for all that comes after.
pub(crate) async fn find(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let client = Client::of(&app, &request);
    request.extensions_mut().insert(client);
    let mut response = next.run(request).await;
    if client.tls {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    response
}
