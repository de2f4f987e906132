//! PostgreSQL: every query we own. No other crate speaks SQL.
//!
//! What belongs to one organisation is reached through [`Store::org`], so no query can
//! forget its tenant. What spans them (a token whose organisation is not known yet, the
//! sweeps, the outbox) is on [`Store`] itself. Methods are named after the thing first:
//! `agent_create`, `session_list`.
//!
//! Queries are checked against `.sqlx/` when they are compiled; `cargo xtask sqlx` renews it.

mod connect;
mod convert;
mod error;
pub mod outbox;
pub mod page;

pub mod agent;
pub mod api_key;
pub mod audit_log;
pub mod connection;
pub mod credential;
mod group;
pub mod idempotency;
pub mod login;
pub mod notification;
mod org;
pub mod plugin;
pub mod recording;
pub mod review;
pub mod sealed;
pub mod search;
pub mod service_account;
pub mod session;
pub mod sign_in;
pub mod token;
pub mod user;

use hoop_domain::OrgId;
use sqlx::PgPool;

pub use error::Error;
pub use page::{Cursor, NameCursor, Page, Window};

/// What every query returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
}

/// The database as one organisation sees it.
#[derive(Debug, Clone)]
pub struct OrgStore {
    pool: PgPool,
    org: OrgId,
}

impl Store {
    /// The database as `org` sees it.
    #[must_use]
    pub fn org(&self, org: OrgId) -> OrgStore {
        OrgStore { pool: self.pool.clone(), org }
    }

    /// The pool, for this crate's modules.
    pub(crate) const fn pool(&self) -> &PgPool {
        &self.pool
    }
}

impl OrgStore {
    /// The organisation.
    #[must_use]
    pub const fn id(&self) -> OrgId {
        self.org
    }
}
