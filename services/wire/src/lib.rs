//! Database wire protocols, bytes to messages, without I/O.
//!
//! Nothing here opens a socket, waits or reads a clock: bytes go in, values and bytes come
//! out. Whatever a peer sends, the answer is a value or an error, never a panic, and every
//! buffer has a bound.

pub mod certificate;
pub mod postgres;
