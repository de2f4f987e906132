//! Native protocol listeners: a psql in, a session out.

pub mod login;
pub mod opener;

pub use opener::{Denied, Ended, FromTarget, Gateway, OpenRequest, SessionRx, SessionTx, ToTarget};
