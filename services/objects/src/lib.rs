//! Recordings in any S3 bucket: the one place that knows the SDK.
//!
//! Objects are whole and small (a segment has 16 MiB at most), so they are put from memory and
//! got into memory. A put is idempotent: the same key always holds the same bytes.

mod client;
mod error;
mod large;
mod settings;

pub use client::Objects;
pub use error::Error;
pub use settings::{Encryption, Lock, LockMode, Settings};
