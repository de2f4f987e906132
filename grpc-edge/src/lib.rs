//! Holds the streams, relays sessions, keeps nothing.
//!
//! What is deliberately absent: a database, a decision, a file. `api` decides; the AUDIT
//! stream remembers; another edge could take over whatever this one holds.
//!
//! A session has two ends, the client's and the agent's, and each end is on some edge.
//! Each edge that holds an end has a [`session::Session`]; the endpoint's stream is a
//! [`link`]. Packets enter through an [`session::Inlet`], which numbers, chains and
//! publishes them, and leave through an outlet once the broker's receipt is in.

mod agents;
mod attach;
mod cancel;
pub mod config;
mod control;
pub mod edge;
mod ended;
mod limits;
pub mod link;
mod metrics;
mod native;
mod open;
mod over;
mod report;
mod resume;
mod server;
pub mod session;
mod summon;
mod sweep;
mod wanted;

pub use config::Config;
pub use edge::Edge;
