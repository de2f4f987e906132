//! Private ports, for the database and the broker.

use std::{
    net::{Ipv4Addr, TcpListener},
    ops::Range,
};

use crate::{Error, kept};

/// Below the range that the kernel takes the ports of outgoing connections from: a server
/// that comes back would find its port taken otherwise, at times by a client that, trying to
/// reach it, was connected to itself.
const RANGE: Range<u16> = 16_000..32_000;

/// A port on loopback that nobody listens on now.
pub(crate) fn free(what: &'static str) -> Result<u16, Error> {
    for _ in 0..100 {
        let random = u16::from_ne_bytes(kept::random()?);
        let port = RANGE.start + random % (RANGE.end - RANGE.start);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::NoPort { what })
}
