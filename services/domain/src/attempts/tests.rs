//! Guessers, users, and users beside guessers.

use std::net::Ipv6Addr;

use super::*;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn stranger(number: u32) -> IpAddr {
    IpAddr::V4((0x0a00_0000 + number).into())
}

/// How many wrong guesses get through at `now`, of as many as `most`.
fn guesses(attempts: &mut Attempts, source: IpAddr, account: &str, now: Instant) -> u32 {
    let guess = |_: &u32| attempts.begin(source, account, now).is_ok();
    u32::try_from((0..10_000).take_while(guess).count()).unwrap()
}

fn log_in(attempts: &mut Attempts, source: IpAddr, account: &str, now: Instant) {
    let attempt = attempts.begin(source, account, now).unwrap();
    attempts.succeeded(attempt);
}

#[test]
fn a_password_can_be_guessed_at_a_few_times_and_then_slowly() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    assert_eq!(guesses(&mut attempts, HOME, "ann", start), 20);
    let refusal = attempts.check(HOME, "ann", start).unwrap_err();
    assert_eq!(refusal.seconds(), 31);
    assert_eq!(refusal.to_string(), "too many failed logins; try again in 31 seconds");
    let day = Duration::from_secs(24 * 3600);
    let in_a_day: u32 = (1..=day.as_secs() / 10)
        .map(|i| guesses(&mut attempts, HOME, "ann", start + Duration::from_secs(i * 10)))
        .sum();
    assert_eq!(in_a_day, 2880);
}

#[test]
fn who_was_refused_and_waits_as_told_gets_on() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    guesses(&mut attempts, HOME, "ann", start);
    let TooMany(wait) = attempts.check(HOME, "ann", start).unwrap_err();
    assert!(attempts.check(HOME, "ann", start + wait - Duration::from_millis(1)).is_err());
    assert!(attempts.check(HOME, "ann", start + wait).is_ok());
}

#[test]
fn successes_cost_nothing() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    for _ in 0..10_000 {
        log_in(&mut attempts, HOME, "ann", start);
    }
    assert_eq!(guesses(&mut attempts, HOME, "ann", start), 20);
}

#[test]
fn one_password_on_all_accounts_is_a_guess_each_time() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    let tried = (0..1000)
        .take_while(|number| attempts.begin(HOME, &format!("user-{number}"), start).is_ok());
    assert_eq!(tried.count(), 60);
    assert!(attempts.check(stranger(1), "user-1", start).is_ok());
}

#[test]
fn one_attacker_locks_no_user_out() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    for second in 0..86_400 {
        let now = start + Duration::from_secs(second);
        while attempts.begin(stranger(1), "ann", now).is_ok() {}
        assert!(attempts.check(HOME, "ann", now).is_ok(), "after {second} s");
    }
}

#[test]
fn many_sources_together_are_slowed_down_and_the_user_is_not() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    log_in(&mut attempts, HOME, "ann", start);
    let total: u32 = (0..1000).map(|i| guesses(&mut attempts, stranger(i), "ann", start)).sum();
    assert_eq!(total, 200);
    assert!(attempts.check(stranger(2000), "ann", start).is_err());
    log_in(&mut attempts, HOME, "ann", start);
    // Even the user may not guess for ever.
    assert_eq!(guesses(&mut attempts, HOME, "ann", start), 20);
}

#[test]
fn a_guesser_at_the_same_address_takes_nothing_from_those_who_were_there_before() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    log_in(&mut attempts, HOME, "ann", start);
    for number in 0..100 {
        let _refused = attempts.begin(HOME, &format!("user-{number}"), start);
    }
    assert!(attempts.check(HOME, "ben", start).is_err());
    assert!(attempts.check(HOME, "ann", start).is_ok());
}

#[test]
fn who_has_an_account_and_very_many_addresses_has_nobody_else_forgotten() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    log_in(&mut attempts, HOME, "ann", start);
    // A provider gives that many networks to who asks for them.
    for network in 0..=u16::MAX {
        let place = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, network, 0, 0, 0, 1));
        log_in(&mut attempts, place, "mallory", start);
    }
    for number in 0..1000 {
        guesses(&mut attempts, stranger(number), "ann", start);
    }
    assert!(attempts.check(stranger(2000), "ann", start).is_err(), "nobody knows Ann there");
    assert!(attempts.check(HOME, "ann", start).is_ok(), "Ann is known there");
}

#[test]
fn addresses_of_one_network_are_one_source() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    let near = |host: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host));
    let total: u32 = (0..100).map(|host| guesses(&mut attempts, near(host), "ann", start)).sum();
    assert_eq!(total, 20);
    let mapped = IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0xc000, 0x201));
    assert_eq!(network(mapped), HOME);
}

#[test]
fn very_many_addresses_take_no_memory_and_push_no_count_out() {
    let start = Instant::now();
    let mut attempts = Attempts::new(start);
    guesses(&mut attempts, HOME, "ann", start);
    for number in 0..100_000 {
        let _refused = attempts.begin(stranger(number), &format!("user-{number}"), start);
    }
    assert!(attempts.check(HOME, "ann", start).is_err(), "the count was lost");
}
