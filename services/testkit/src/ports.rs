//! Free ports, for servers that can't choose one themselves.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

/// Below the range from which the kernel takes the ports of outgoing connections. A server
/// that stops and comes back on its port would find it taken otherwise, at times by a client
/// that, trying to reach it, was connected to itself.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// A port on loopback that nothing listens on now.
///
/// Another process can take it before it is used: whoever starts a server on it tries again
/// with the next one. Servers that can listen on port 0 should.
///
/// # Errors
/// When a hundred random ports were taken.
pub fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let span = u64::from(RANGE.end - RANGE.start);
        let offset = u16::try_from(crate::unique::number() % span)?;
        let port = RANGE.start + offset;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("a hundred ports from {RANGE:?} on loopback are taken; is something leaking servers?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on() {
        let port = free_port().unwrap();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
