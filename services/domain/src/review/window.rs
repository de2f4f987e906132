//! Hours of the day in which an approval holds, in UTC; they may lie across midnight.

use std::fmt;

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};

/// From one minute of the day, inclusively, to another, exclusively.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    start: u32,
    end: u32,
}

/// A window that no time of the day is in, or that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("has start_time and end_time as HH:MM in UTC, which are not the same")]
pub struct InvalidWindow;

impl TimeWindow {
    /// The window between two times such as `22:00` and `06:00`.
    ///
    /// # Errors
    /// When one of them is no time, or both are the same.
    pub fn parse(start: &str, end: &str) -> Result<Self, InvalidWindow> {
        let minute = |text: &str| {
            let time = NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| InvalidWindow)?;
            Ok(time.num_seconds_from_midnight() / 60)
        };
        let window = Self { start: minute(start)?, end: minute(end)? };
        if window.start == window.end { Err(InvalidWindow) } else { Ok(window) }
    }

    /// When it begins, as `HH:MM`.
    #[must_use]
    pub fn start(&self) -> String {
        clock(self.start)
    }

    /// When it ends, as `HH:MM`.
    #[must_use]
    pub fn end(&self) -> String {
        clock(self.end)
    }

    /// When the window that `now` is in ends; `None` when it is in none.
    #[must_use]
    pub fn open_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let minute = now.num_seconds_from_midnight() / 60;
        let tomorrow = self.end < self.start && self.start <= minute;
        let open = if self.start < self.end {
            (self.start..self.end).contains(&minute)
        } else {
            self.start <= minute || minute < self.end
        };
        if !open {
            return None;
        }
        let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
        let day = if tomorrow { TimeDelta::days(1) } else { TimeDelta::zero() };
        Some(midnight + day + TimeDelta::minutes(self.end.into()))
    }
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

impl fmt::Display for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} UTC", clock(self.start), clock(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_across_midnight_is_open_on_both_sides_of_it() {
        let night = TimeWindow::parse("22:00", "06:00").unwrap();
        assert_eq!(night.to_string(), "22:00 to 06:00 UTC");
        for (now, until) in [
            ("2026-11-23T21:59:59Z", None),
            ("2026-11-23T22:00:00Z", Some("2026-11-24T06:00:00Z")),
            ("2026-11-23T23:59:59Z", Some("2026-11-24T06:00:00Z")),
            ("2026-11-24T00:00:00Z", Some("2026-11-24T06:00:00Z")),
            ("2026-11-24T05:59:59Z", Some("2026-11-24T06:00:00Z")),
            ("2026-11-24T06:00:00Z", None),
            ("2026-11-24T12:00:00Z", None),
        ] {
            assert_eq!(night.open_until(at(now)), until.map(at), "{now}");
        }
    }

    #[test]
    fn a_window_within_a_day_is_open_in_it_only() {
        let day = TimeWindow::parse("09:00", "17:30").unwrap();
        assert_eq!(day.open_until(at("2026-11-23T08:59:59Z")), None);
        let end = Some(at("2026-11-23T17:30:00Z"));
        assert_eq!(day.open_until(at("2026-11-23T09:00:00Z")), end);
        assert_eq!(day.open_until(at("2026-11-23T17:29:59Z")), end);
        assert_eq!(day.open_until(at("2026-11-23T17:30:00Z")), None);
    }

    #[test]
    fn a_window_and_what_it_leaves_out_make_a_day() {
        let times = ["00:00", "00:01", "06:30", "12:00", "23:59"];
        for start in times {
            for end in times.into_iter().filter(|end| *end != start) {
                let inside = TimeWindow::parse(start, end).unwrap();
                let outside = TimeWindow::parse(end, start).unwrap();
                for minute in 0..24 * 60 {
                    let now = at("2026-11-23T00:00:30Z") + TimeDelta::minutes(minute);
                    let (open, closed) = (inside.open_until(now), outside.open_until(now));
                    assert_ne!(open.is_some(), closed.is_some(), "{start} {end} {now}");
                    let left = open.or(closed).unwrap() - now;
                    assert!(TimeDelta::zero() < left && left <= TimeDelta::days(1));
                }
            }
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (start, end) in [("22:00", "22:00"), ("24:00", "06:00"), ("", "06:00"), ("9", "x")] {
            assert_eq!(TimeWindow::parse(start, end), Err(InvalidWindow), "{start} {end}");
        }
    }
}
