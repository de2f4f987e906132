//! Throw-away PostgreSQL and NATS, child processes that can't outlive a test, and `eventually`.
//!
//! For tests and the demo only. Everything listens on loopback, on free ports, and is gone
//! when its owner is, even when the owner is killed: see [`reaper`](mod@reaper).
//!
//! ```no_run
//! # async fn test() -> anyhow::Result<()> {
//! let nats = hoop_testkit::nats().await?;
//! let postgres = hoop_testkit::postgres().await?;
//! let uri = postgres.create_database().await?;
//! # Ok(()) }
//! ```

mod account;
pub mod aws;
mod balancer;
pub mod certificate;
mod eventually;
mod http;
pub mod identity_provider;
pub mod mariadb;
mod nats;
mod nginx;
mod ports;
mod postgres;
pub mod process;
pub mod pyroscope;
pub mod reaper;
mod s3;
pub mod sentry;
pub mod smtp;
mod tap;
pub mod tools;
mod unique;
pub mod vault;
mod wire;

pub use balancer::Balancer;
pub use eventually::{eventually, eventually_after, patience};
pub use identity_provider::{IdentityProvider, identity_provider, saml_provider};
pub use mariadb::MariaDb;
pub use nats::{Nats, nats};
pub use nginx::{Nginx, nginx};
pub use ports::{free_port, free_port_near};
pub use postgres::{Login, Postgres, postgres};
pub use process::Process;
pub use pyroscope::{Pyroscope, pyroscope};
pub use s3::{S3, s3};
pub use sentry::{Sentry, sentry};
pub use tap::Tap;
pub use vault::Vault;
pub use wire::{Call, Wire};
