//! A recorded packet, as the API shows it.

use anyhow::{Context as _, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

/// What is read of it; there is more.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Packet {
    pub(super) direction: String,
    pub(super) at: String,
    pub(super) channel: u32,
    pub(super) kind: String,
    #[serde(default)]
    data: String,
    #[serde(default)]
    pub(super) detail: Value,
}

impl Packet {
    pub(super) fn read(value: &Value) -> Result<Self> {
        Self::deserialize(value)
            .context("the gateway's answer is no packet; is it of another version?")
    }

    /// Microseconds since the epoch.
    pub(super) fn micros(&self) -> i64 {
        micros(&self.at)
    }

    /// The bytes of data and stderr; none for any other.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        STANDARD.decode(&self.data).context("a packet's data is not base64")
    }

    /// Whether it is from the user.
    pub(super) fn inward(&self) -> bool {
        self.direction == "in"
    }
}

/// An instant of the API in microseconds since the epoch; 0 when it can't be read.
pub(super) fn micros(instant: &str) -> i64 {
    DateTime::parse_from_rfc3339(instant).map(|at| at.timestamp_micros()).unwrap_or_default()
}
