//! A whole gateway on one machine, as `hoop start gateway` runs it.
//!
//! It is a supervisor and not a second implementation: the delivered programs run as
//! children, with a private PostgreSQL and `nats-server` where no others are set.
//! Everything that is kept is in one data directory, which one gateway at a time owns.
//! No child outlives the supervisor: it stops them in order, and when it is killed its
//! [`guard`] ends them.

mod account;
mod child;
mod data;
mod endpoint;
mod error;
mod first_run;
mod gateway;
pub mod guard;
mod kept;
mod logs;
mod nats;
mod options;
mod port;
mod postgres;
mod processes;
mod programs;
mod reach;
mod roster;
mod say;
mod signals;

pub use error::Error;
pub use first_run::FirstRun;
pub use gateway::{Gateway, Summary};
pub use options::{Options, Ports};
pub use programs::ours as program;
pub use signals::Signals;
