//! Which proxies are believed when they say on whose behalf they ask.
//!
//! A proxy names its client in `X-Forwarded-For`, and so can anybody who connects without
//! one. What is said there counts when it comes from an address in the list, and no further
//! than up to the first address that is not in it.

use std::{fmt, net::IpAddr, str::FromStr};

/// More proxies than this in a row are a loop, or a lie.
const MOST_HOPS: usize = 32;

/// The addresses of proxies; none to begin with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// An address, or all that begin like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no address such as 10.0.0.7 and no network such as 10.0.0.0/8 or fd00::/8")]
pub struct InvalidNetwork {
    given: String,
}

impl TrustedProxies {
    /// Whether what comes from `address` is believed.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.has(address))
    }

    /// Who really asks: `peer`, or whom the proxies between them and us name. `forwarded` are
    /// the values of `X-Forwarded-For`, in the order in which they came.
    #[must_use]
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        let mut client = peer.to_canonical();
        // Each proxy adds its client at the end, so the nearest one is the last.
        let mut named = forwarded.rev().flat_map(|value| value.rsplit(',')).take(MOST_HOPS);
        while self.trusts(client) {
            // What can't be read was not written by a proxy of ours.
            let Some(next) = named.next().and_then(read_address) else { break };
            client = next.to_canonical();
        }
        client
    }
}

/// An address as proxies write it: some add a port, and some put IPv6 in brackets.
fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

impl Network {
    fn has(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                ours.to_bits() & mask == theirs.to_bits() & mask
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                ours.to_bits() & mask == theirs.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork { given: text.into() };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(prefix) => prefix.parse().map_err(|_| invalid())?,
        };
        if longest < prefix {
            return Err(invalid());
        }
        Ok(Self { address, prefix })
    }
}

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    /// Addresses and networks with commas or spaces between them.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let separate = |c: char| c == ',' || c.is_whitespace();
        let parts = text.split(separate).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Network { address, prefix }) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{address}/{prefix}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
