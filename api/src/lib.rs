//! REST API, and every decision.
//!
//! Two doors lead in: HTTP ([`router`], where one table lists every route with who may
//! call it) and the bus ([`control`], where edges ask). Behind both, `hoop_policy`
//! decides and `hoop_store` remembers. [`reconcile`] and [`outbox`] work in the
//! background; any number of these processes may run side by side.

mod app;
mod client;
pub mod config;
mod listen;
mod metrics;
mod service;
mod start;

mod auth;
pub mod error;
mod etag;
mod extract;
mod guard;
mod oidc;
mod openapi;
mod outward;
mod paging;
mod places;
mod remembered;
pub mod router;
mod routes;
mod saml;

mod control;
mod outbox;
mod reconcile;
mod review;
mod runbook;
pub mod secrets;
mod ui;
mod visit;

pub use app::App;
pub use config::Config;
pub use error::Error;
pub use service::Service;

#[cfg(test)]
mod tests;
