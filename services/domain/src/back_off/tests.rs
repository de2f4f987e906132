//! Those who go on, those who stop, and those who were right after all.

use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
/// Somewhere in this century.
const START: i64 = 1_800_000_000 * SECOND;
const DAY: i64 = 24 * 3600 * SECOND;

const RULE: BackOff =
    BackOff { free: 3, first: Duration::from_secs(10), most: Duration::from_secs(900) };

/// Makes mistakes, each as soon as it may be made; the waits before each.
fn waits(count: usize, mut now: i64, mistakes: &mut Mistakes) -> Vec<u64> {
    let mut waits = Vec::new();
    for _ in 0..count {
        let wait = mistakes.wait(now);
        waits.push(wait.as_secs());
        now += micros(wait);
        *mistakes = RULE.one_more(*mistakes, now);
    }
    waits
}

#[test]
fn the_wait_doubles_after_the_first_few_and_has_an_end() {
    let mut mistakes = Mistakes::default();
    let waits = waits(15, START, &mut mistakes);
    // While one waits that long, one is forgotten.
    assert_eq!(waits, [0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 640, 640, 900, 900, 900]);
}

#[test]
fn who_waits_as_told_may_try_and_not_before() {
    let mut mistakes = Mistakes::default();
    for _ in 0..RULE.free {
        mistakes = RULE.one_more(mistakes, START);
    }
    assert_eq!(mistakes.wait(START), RULE.first);
    let end = START + micros(RULE.first);
    assert_eq!(mistakes.wait(end - 1), Duration::from_micros(1));
    assert_eq!(mistakes.wait(end), Duration::ZERO);
}

#[test]
fn after_a_quiet_time_all_is_as_it_was_at_first() {
    let mut mistakes = Mistakes::default();
    let anew = waits(5, START, &mut mistakes);
    let later = mistakes.forgotten_at;
    assert!(later <= START + DAY, "it takes more than a day");
    assert_eq!(waits(5, later, &mut mistakes), anew);
}

#[test]
fn one_that_was_none_leaves_nothing_behind() {
    let mut mistakes = Mistakes::default();
    for _ in 0..5 {
        mistakes = RULE.one_more(mistakes, START);
    }
    let now = START + DAY / 100;
    assert_eq!(mistakes.wait(now), Duration::ZERO);
    let taken_back = RULE.one_less(RULE.one_more(mistakes, now));
    assert_eq!(taken_back.wait(now), Duration::ZERO);
    assert_eq!(taken_back.forgotten_at, mistakes.forgotten_at);
    assert_eq!(RULE.one_less(Mistakes::default()), Mistakes::default());
}

fn rules() -> impl Strategy<Value = BackOff> {
    (0_u32..300, 1_u64..1000, 0_u64..10_000).prop_map(|(free, first, more)| BackOff {
        free,
        first: Duration::from_millis(first),
        most: Duration::from_millis(first + more),
    })
}

proptest! {
    /// Whenever somebody tries and however often, no more get through than those that are free,
    /// those of the doubling, and one for each time in which one is forgotten.
    #[test]
    fn nobody_gets_more_tries_than_the_rule_has(
        rule in rules(),
        pauses in proptest::collection::vec((0_i64..20 * SECOND, any::<bool>()), 1..2000),
    ) {
        let (mut now, mut mistakes, mut through) = (START, Mistakes::default(), 0_i64);
        for (pause, patient) in pauses {
            now += if patient { micros(mistakes.wait(now)) } else { pause };
            if mistakes.wait(now).is_zero() {
                let after = rule.one_more(mistakes, now);
                prop_assert!(after.wait(now) <= rule.most);
                prop_assert!(mistakes.forgotten_at < after.forgotten_at);
                mistakes = after;
                through += 1;
            }
        }
        let forgotten = (now - START) / micros(rule.most);
        // The doubling from 1 ms to 11 s takes 14.
        prop_assert!(through <= i64::from(rule.free) + 16 + forgotten, "{through} of {rule:?}");
    }

    /// No value of a clock or of a row makes a panic, and no wait is longer than the longest.
    #[test]
    fn any_times_make_sense(rule in rules(), forgotten_at: i64, wait_until: i64, now: i64) {
        let mistakes = Mistakes { forgotten_at, wait_until };
        let after = rule.one_more(mistakes, now);
        prop_assert!(after.wait(now) <= rule.most);
        prop_assert_eq!(rule.one_less(mistakes).wait(now.max(0)), Duration::ZERO);
    }
}
