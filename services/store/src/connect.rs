//! Connecting, with patience at start-up, and migrating, one process at a time.

use std::{str::FromStr, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::time::{Instant, sleep};

use crate::{Error, Result, Store};

/// Databases are often started together with us; this is how long one may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections per process. PostgreSQL allows 100 by default, for several processes.
const CONNECTIONS: u32 = 16;

/// How long a request waits for a free connection before it is told to come again.
const ACQUIRE: Duration = Duration::from_secs(5);

impl Store {
    /// Connects to the database at `uri`; waits up to 30 s for it to come up.
    ///
    /// # Errors
    /// [`Error::Corrupt`] at once when the URI makes no sense or the database refuses the
    /// login, [`Error::Unavailable`] when it does not come up.
    pub async fn connect(uri: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(uri)
            .map_err(|error| Error::Corrupt {
                what: "its URI is malformed; expected postgres://user:password@host:port/database",
                source: Some(error),
            })?
            .application_name("hoop");
        let deadline = Instant::now() + PATIENCE;
        let mut delay = Duration::from_millis(100);
        loop {
            let pool = PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(ACQUIRE)
                .connect_with(options.clone());
            match pool.await.map_err(Error::from) {
                Ok(pool) => return Ok(Self { pool }),
                Err(Error::Unavailable(cause)) if Instant::now() + delay < deadline => {
                    tracing::warn!(%cause, "the database is not there yet");
                    sleep(delay).await;
                    delay = (delay * 2).min(Duration::from_secs(2));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Shows, from now on, how many of its connections are busy.
    pub fn show(&self) {
        let pool = self.pool.clone();
        hoop_runtime::metrics::bounded("database_connections", CONNECTIONS.into(), move || {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            Some(pool.size().saturating_sub(idle).into())
        });
    }

    /// Brings the schema up to date. Several processes may call this at once: an advisory
    /// lock lets one do it and the others find it done.
    ///
    /// # Errors
    /// When a migration fails, or the schema is newer than this version.
    pub async fn migrate(&self) -> Result<()> {
        sqlx::migrate!("../../migrations").run(&self.pool).await.map_err(|error| Error::Corrupt {
            what: "a migration failed",
            source: Some(error.into()),
        })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query_scalar!("SELECT 1").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Waits for queries in progress and closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
