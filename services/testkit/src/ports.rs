//! Free ports, for servers that have to come back on the port they had.

use std::{
    net::{Ipv4Addr, TcpListener},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
    sync::{Mutex, PoisonError},
};

use anyhow::{Result, bail};

/// Below the range from which the kernel takes the ports of outgoing connections. A server
/// that stops and comes back on its port would find it taken otherwise, at times by a client
/// that, trying to reach it, was connected to itself.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// Names in the abstract namespace that say "taken" to other tests. The kernel drops them with us.
static TAKEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A port on loopback that nothing listens on, and that no other test gets while this process lives.
///
/// # Errors
/// When a hundred random ports were taken.
pub fn free_port() -> Result<u16> {
    for _ in 0..100 {
        let span = u64::from(RANGE.end - RANGE.start);
        let offset = u16::try_from(crate::unique::number() % span)?;
        let port = RANGE.start + offset;
        if take(port) {
            return Ok(port);
        }
    }
    bail!("a hundred ports from {RANGE:?} on loopback are taken; is something leaking servers?")
}

/// `wanted` if it is free, any free port if not.
///
/// # Errors
/// See [`free_port`].
pub fn free_port_near(wanted: u16) -> Result<u16> {
    if take(wanted) { Ok(wanted) } else { free_port() }
}

fn take(port: u16) -> bool {
    let Ok(name) = SocketAddr::from_abstract_name(format!("hoop-testkit-port-{port}")) else {
        return false;
    };
    let Ok(mark) = UnixListener::bind_addr(&name) else { return false };
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    if free {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on_and_is_given_once() {
        let port = free_port().unwrap();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(!take(port));
    }
}
