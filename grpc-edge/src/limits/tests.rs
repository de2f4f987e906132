//! Warnings come once, in time, and the end comes at the end.

use super::*;

fn warning(text: &str) -> (u64, Due) {
    let (at, sentence) = text.split_once(": ").unwrap();
    (at.parse().unwrap(), Due::Warning(sentence.into()))
}

/// Looks once a second for `seconds`, with data at the seconds `active`.
fn lived(
    mut limits: Limits,
    begin: DateTime<Utc>,
    seconds: u64,
    active: &[u64],
) -> Vec<(u64, Due)> {
    let start = Instant::now();
    let mut active_at = start;
    let mut due = Vec::new();
    for second in 0..=seconds {
        let passed = Duration::from_secs(second);
        if active.contains(&second) {
            active_at = start + passed;
        }
        if let Some(what) = limits.look(begin + passed, start + passed, active_at) {
            let ended = matches!(what, Due::End(_));
            due.push((second, what));
            if ended {
                break;
            }
        }
    }
    due
}

fn granted(seconds: i64) -> (Limits, DateTime<Utc>) {
    let begin = Utc::now();
    let not_after = begin + TimeDelta::seconds(seconds);
    (Limits::new(begin, Some(not_after), Duration::ZERO), begin)
}

#[test]
fn five_minutes_and_one_minute_before_the_end_the_user_is_warned() {
    let (limits, begin) = granted(3600);
    let expected = [
        warning("3300: the time granted for this session ends in 5 minutes"),
        warning("3540: the time granted for this session ends in 1 minute"),
        (3600, Due::End(EndReason::Expired)),
    ];
    assert_eq!(lived(limits, begin, 4000, &[]), expected);
}

#[test]
fn a_short_time_is_warned_of_at_its_half_and_shortly_before_its_end() {
    let (limits, begin) = granted(20);
    let expected = [
        warning("10: the time granted for this session ends in 10 seconds"),
        warning("18: the time granted for this session ends in 2 seconds"),
        (20, Due::End(EndReason::Expired)),
    ];
    assert_eq!(lived(limits, begin, 4000, &[]), expected);
}

#[test]
fn a_late_look_warns_once_and_says_how_much_is_left_now() {
    let (mut limits, begin) = granted(3600);
    let now = Instant::now();
    let late = limits.look(begin + TimeDelta::seconds(3570), now, now);
    let (_, expected) = warning("0: the time granted for this session ends in 30 seconds");
    assert_eq!(late, Some(expected));
    assert_eq!(limits.look(begin + TimeDelta::seconds(3571), now, now), None);
}

#[test]
fn a_time_that_is_over_when_it_begins_ends_at_once() {
    let (limits, begin) = granted(-5);
    assert_eq!(lived(limits, begin, 10, &[]), [(0, Due::End(EndReason::Expired))]);
}

#[test]
fn who_does_nothing_is_warned_and_then_ended() {
    let limits = Limits::new(Utc::now(), None, Duration::from_secs(100));
    let expected = [
        warning("80: nothing happens in this session, so it ends in 20 seconds"),
        (100, Due::End(EndReason::IdleTimeout)),
    ];
    assert_eq!(lived(limits, Utc::now(), 200, &[]), expected);
}

#[test]
fn activity_begins_the_idle_time_anew_and_the_next_one_is_warned_of_again() {
    let limits = Limits::new(Utc::now(), None, Duration::from_secs(100));
    let expected = [
        warning("80: nothing happens in this session, so it ends in 20 seconds"),
        warning("170: nothing happens in this session, so it ends in 20 seconds"),
        (190, Due::End(EndReason::IdleTimeout)),
    ];
    assert_eq!(lived(limits, Utc::now(), 300, &[90]), expected);
}

#[test]
fn without_limits_a_session_goes_on() {
    let limits = Limits::new(Utc::now(), None, Duration::ZERO);
    assert_eq!(lived(limits, Utc::now(), 100_000, &[]), []);
}
