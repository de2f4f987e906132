//! Native protocol listeners: a psql in, a session out.
//!
//! Whoever mounts a listener gives it a [`Gateway`]; the listener gives the gateway a
//! client whose password is proven, and then bytes. PostgreSQL is the one protocol so far.
//!
//! In reading order: what the gateway has to do ([`opener`]), accepting ([`listen`],
//! [`tls`]), one connection from its first byte ([`postgres`]), the proof ([`login`]), the
//! byte pump (`relay`), and what a client is told when it fails ([`error`]).

pub mod opener;

pub mod listen;
pub mod tls;

mod client;
mod guesses;
mod notices;
mod patience;
mod pieces;
mod stream;
mod waiting;

pub mod login;
pub mod postgres;
mod relay;

pub mod error;
mod figures;

pub use listen::Listener;
pub use opener::{Denied, Ended, FromTarget, Gateway, OpenRequest, SessionRx, SessionTx, ToTarget};
pub use tls::Tls;
