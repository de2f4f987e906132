//! Names and sockets.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use super::report::{Broken, Report};

/// Longer than any hop takes that people would put up with.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Where something listens.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Place {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Self { host: bare.unwrap_or(host).to_owned(), port }
    }
}

/// The names of the two hops of a place.
pub(super) struct Hops {
    pub(super) dns: &'static str,
    pub(super) tcp: &'static str,
    /// What to change when nobody listens there.
    pub(super) fix: String,
}

/// Looks a place up and connects.
pub(super) async fn connect(place: &Place, hops: &Hops, report: &mut Report) -> Option<TcpStream> {
    let addresses = report.note(hops.dns, look_up(place).await)?;
    report.note(hops.tcp, dial(place, &addresses, &hops.fix).await)
}

/// Another connection to a place that was reached.
pub(super) async fn again(place: &Place) -> Result<TcpStream, Broken> {
    let (addresses, _) = look_up(place).await?;
    let gone = "it was there a moment ago; run this again";
    dial(place, &addresses, gone).await.map(|(stream, _)| stream)
}

async fn look_up(place: &Place) -> Result<(Vec<SocketAddr>, String), Broken> {
    let Place { host, port } = place;
    let found = timeout(PATIENCE, lookup_host((host.as_str(), *port))).await;
    let fix = "check the name, and this machine's resolver and network; `getent hosts NAME` asks \
               the same";
    let addresses: Vec<SocketAddr> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => {
            return Err(Broken::new(format!("{host} has no address: {error}"), fix));
        }
        Err(_) => return Err(Broken::new(format!("nobody answers for {host}"), fix)),
    };
    if addresses.is_empty() {
        return Err(Broken::new(format!("{host} has no address"), fix));
    }
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let detail = match host.parse::<IpAddr>() {
        Ok(_) => host.clone(),
        Err(_) => format!("{host} is {}", shown.join(", ")),
    };
    Ok((addresses, detail))
}

async fn dial(
    place: &Place,
    addresses: &[SocketAddr],
    fix: &str,
) -> Result<(TcpStream, String), Broken> {
    let mut refusals = Vec::new();
    for address in addresses {
        let begun = Instant::now();
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let took = begun.elapsed().as_millis();
                return Ok((stream, format!("{address} answers in {took} ms")));
            }
            Ok(Err(error)) => refusals.push(format!("{address}: {error}")),
            Err(_) => refusals.push(format!("{address}: no answer; a firewall may be between")),
        }
    }
    let what = format!("{}:{} can't be reached ({})", place.host, place.port, refusals.join("; "));
    Err(Broken::new(what, fix))
}
