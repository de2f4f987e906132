//! Points in time as they are typed: a date, a time, or how long ago.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};

use super::duration;

/// Reads `2026-11-01T22:00:00Z`, `2026-11-01` (midnight, in UTC) or `2h` (two hours ago).
pub(super) fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    let day = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let time = text.parse().ok().or_else(|| text.parse().ok().map(day));
    time.or_else(|| ago(text)).ok_or_else(|| {
        format!(
            "{text:?} is not a time; it looks like 2026-11-01T22:00:00Z, 2026-11-01, or 2h for \
             two hours ago"
        )
    })
}

fn ago(text: &str) -> Option<DateTime<Utc>> {
    let time = TimeDelta::from_std(duration::parse(text).ok()?).ok()?;
    Utc::now().checked_sub_signed(time)
}

/// As the API reads it.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_a_time_or_how_long_ago() {
        for (typed, meant) in [
            ("2026-11-01T22:00:00Z", "2026-11-01T22:00:00.000000Z"),
            ("2026-11-01T22:00:00+02:00", "2026-11-01T20:00:00.000000Z"),
            ("2026-11-01", "2026-11-01T00:00:00.000000Z"),
        ] {
            assert_eq!(rfc3339(parse(typed).unwrap()), meant);
        }
        let (before, now) = (Utc::now(), TimeDelta::hours(2));
        let two_hours_ago = parse("2h").unwrap();
        assert!(before - now <= two_hours_ago && two_hours_ago <= Utc::now() - now);
        for wrong in ["", "yesterday", "22:00", "2", "-2h", "9999999999d", "2026-13-01"] {
            assert!(parse(wrong).unwrap_err().contains("is not a time"), "{wrong}");
        }
    }
}
