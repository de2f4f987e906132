//! From the AUDIT stream to recordings nobody can lose.
//!
//! ```text
//!           ┌───────────────── partition ─────────────────┐
//! stream ──▶ consumer ──▶ session (decides) ──▶ spool      │
//!    ▲                        │ step                       │
//!    │                        ▼                            │
//!    └── acknowledge ◀── commit ──▶ segment ──▶ final store│
//!           └──────────────────────────────────────────────┘
//! ```
//!
//! The stream is the truth until the final store has it: nothing is acknowledged before it
//! is committed, so a writer may die at any point, with its disk, and lose nothing.

mod commit;
mod config;
mod consumer;
mod error;
pub mod final_store;
mod journal;
pub mod lease;
mod log_heads;
mod meter;
mod partition;
mod recovery;
pub mod segment;
pub mod session;
pub mod signing;
pub mod spool;
pub mod watermark;

use std::{future, path::PathBuf};

use hoop_runtime::Drain;
use hoop_store::recording::WriterId;

pub use config::Config;
pub use error::Error;

use lease::{Keeper, Timing};
use partition::Shared;
use watermark::Watermarks;

/// A writer that is connected to everything and has not taken any partition yet.
#[derive(Debug)]
pub struct Service {
    shared: Shared,
    writer: WriterId,
    timing: Timing,
    watermarks: Watermarks,
    /// Where the spool is, and what earlier writers left.
    root: PathBuf,
}

impl Service {
    const fn new(
        shared: Shared,
        writer: WriterId,
        timing: Timing,
        watermarks: Watermarks,
        root: PathBuf,
    ) -> Self {
        Self { shared, writer, timing, watermarks, root }
    }

    /// Writes recordings until the drain begins; then stores what is spooled and gives its
    /// partitions back. `ready` is called when the first partitions are taken. Dropping the
    /// future stops everything at once, as a crash does.
    pub async fn run(self, drain: Drain, ready: impl FnOnce()) {
        let (copies, bus) = (self.shared.store.clone(), self.shared.bus.clone());
        self.shared.meter.show();
        copies.database().show();
        bus.show();
        let (root, database) = (self.root, copies.database().clone());
        let recovered = async {
            recovery::recover(&root, &bus, &database).await;
            future::pending::<()>().await;
        };
        let (log, key) = (database.clone(), self.shared.key.clone());
        let keeper = Keeper::new(self.shared, self.writer, self.timing, self.watermarks);
        tokio::select! {
            () = keeper.run(drain, ready) => {}
            // Boxed: what speaks S3 is large.
            () = Box::pin(copies.copy_manifests()) => {}
            () = Box::pin(recovered) => {}
            () = log_heads::sign(&log, &key) => {}
            () = bus.show_streams() => {}
        }
    }
}
