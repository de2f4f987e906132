//! Times as the wire and the recordings have them: microseconds since the epoch.

use chrono::{DateTime, Utc};

/// A time, in microseconds since the epoch.
#[must_use]
pub fn to_micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// The time that `micros` stands for; the epoch when it is out of range.
#[must_use]
pub fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
