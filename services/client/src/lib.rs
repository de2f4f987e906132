//! Speaks the Transport protocol with an edge, from either end.
//!
//! The agent and the command line share this one implementation of dialing, keep-alive
//! and credit. Nothing forwards: tonic's own sending task polls the readers of a session's
//! channels (`outbox`), and the session's task writes what arrives straight to their
//! writers ([`pipe`]). No task of ours stands between a socket and HTTP/2.

pub mod dial;
pub mod error;
pub mod gateway;
mod incoming;
pub mod keep_alive;
mod outbox;
mod outgoing;
pub mod pipe;
pub mod session;
pub mod stream;

pub use dial::dial;
pub use error::Error;
pub use gateway::GatewayUrl;
pub use incoming::Incoming;
pub use keep_alive::KeepAlive;
pub use pipe::{Event, Pipe};
