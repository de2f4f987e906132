//! Durations as they are typed: a number and a unit.

use std::time::Duration;

/// Reads `250ms`, `30s`, `5m`, `2h` or `1d`.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(digits).unwrap_or_default();
    let wrong = || format!("{text:?} is not a duration; it looks like 250ms, 30s, 5m, 2h or 1d");
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

/// Reads how many times faster something is to be.
pub(super) fn speed(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is not a speed; it looks like 0.5, 1, 4 or 100");
    let speed: f64 = text.trim_end_matches('x').parse().map_err(|_| wrong())?;
    if (0.01..=1_000_000.0).contains(&speed) { Ok(speed) } else { Err(wrong()) }
}
