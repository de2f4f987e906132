//! Configuration, logs, metrics, traces, reports, shutdown and back-off for every process.
//!
//! A process is `process::run(name, |env, drain| …)`: the environment is read once, the
//! signals become a [`Drain`](shutdown::Drain), an error is printed once.

pub mod backoff;
pub mod config;
pub mod metrics;
pub mod process;
pub mod reports;
pub mod shutdown;
pub mod step;
mod telemetry;
pub mod trace;

pub use config::Env;
pub use shutdown::Drain;
