//! The harness: a whole gateway of real processes, started for one test, one demo or one person.
//!
//! [`Gateway`] is the way in. The `stack` program shows it to people; the tests are in `e2e/`.

mod balanced;
mod binaries;
pub mod browser;
pub mod cli;
pub mod cost;
pub mod crash;
mod echo;
pub mod gateway;
pub mod keys;
pub mod proxied;
pub mod psql;
pub mod pty;
pub mod rest;
pub mod service;
pub mod stack;
pub mod target;

pub use balanced::Balanced;
pub use browser::Browser;
pub use echo::echo;
pub use gateway::{Gateway, Options};
pub use hoop_testkit::Tap;
pub use proxied::Proxied;
pub use psql::{Access, Psql};
pub use rest::{Answer, Rest};
pub use service::Service;
pub use target::Target;
