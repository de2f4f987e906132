//! Who may say what, when, and what it adds up to.

use hoop_domain::time::from_micros;

use super::*;

fn at(second: i64) -> DateTime<Utc> {
    from_micros(second * 1_000_000)
}

fn groups(names: &[&str]) -> Vec<GroupName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn review(reviewers: &[&str], needed: u32) -> Review {
    Review {
        kind: ReviewKind::Jit,
        owner: UserId::generate(),
        votes: groups(reviewers).into_iter().map(|group| Vote { group, said: None }).collect(),
        needed,
        force_groups: groups(&["chiefs"]),
        seconds: 60,
        window: None,
        state: PENDING,
    }
}

/// Longer than any test but one takes.
const PENDING: State = State::Pending { until: DateTime::<Utc>::MAX_UTC };

/// Somebody else who says yes.
fn approve(review: Review, of: &[&str], second: i64) -> Result<Review, Refusal> {
    let voter = groups(of);
    let voter = Voter { id: UserId::generate(), groups: &voter };
    review.approve(&voter, Terms::default(), at(second))
}

fn wrong(status: &'static str, wanted: &'static str) -> Refusal {
    Refusal::WrongState { status, wanted }
}

#[test]
fn enough_groups_approve_and_the_time_counts_from_the_last_of_them() {
    let one = approve(review(&["a", "b"], 2), &["a"], 10).unwrap();
    assert_eq!((one.state, one.approvals()), (PENDING, 1));
    let two = approve(one, &["b"], 20).unwrap();
    assert_eq!(two.state, State::Approved { until: at(80) });
}

#[test]
fn one_person_in_two_groups_is_one_approval() {
    let both = approve(review(&["a", "b"], 2), &["a", "b", "c"], 10).unwrap();
    assert_eq!((both.state, both.approvals()), (PENDING, 1));
    let both = approve(review(&["a", "b"], 1), &["a", "b"], 10).unwrap();
    assert_eq!((both.state, both.approvals()), (State::Approved { until: at(70) }, 1));
}

#[test]
fn the_same_person_who_approves_again_is_no_second_one() {
    let member = groups(&["a", "b"]);
    let voter = Voter { id: UserId::generate(), groups: &member };
    let once = review(&["a", "b"], 2).approve(&voter, Terms::default(), at(1)).unwrap();
    let again = once.clone().approve(&voter, Terms::default(), at(2)).unwrap();
    assert_eq!(again, once);
}

#[test]
fn who_could_speak_for_several_groups_makes_room_for_who_could_not() {
    let one = approve(review(&["a", "b", "c"], 3), &["a", "b"], 1).unwrap();
    let two = approve(one, &["a", "c"], 2).unwrap();
    assert_eq!((two.state, two.approvals()), (PENDING, 2));
    // The first one moves to b, and the second one to a.
    let three = approve(two, &["c"], 3).unwrap();
    assert_eq!(three.state, State::Approved { until: at(63) });
    let when: Vec<_> = three.votes.iter().map(|vote| vote.said.as_ref().unwrap().at).collect();
    assert_eq!(when, [at(2), at(1), at(3)]);
}

#[test]
fn who_filled_several_groups_in_the_version_before_keeps_one_and_others_complete_the_request() {
    let mut before = review(&["a", "b", "c"], 3);
    let (bob, by) = (UserId::generate(), UserId::generate());
    for (vote, by) in before.votes.iter_mut().zip([bob, bob, by]) {
        vote.said = Some(Said { yes: true, by, at: at(1), forced: false, groups: Vec::new() });
    }
    for group in ["a", "b"] {
        let done = approve(before.clone(), &[group], 2).unwrap();
        assert_eq!(done.state, State::Approved { until: at(62) }, "{group}");
        let people: BTreeSet<_> =
            done.votes.iter().map(|vote| vote.said.as_ref().unwrap().by).collect();
        assert_eq!(people.len(), 3, "{done:?}");
    }
    let member = groups(&["a", "b"]);
    let voter = Voter { id: bob, groups: &member };
    let again = before.approve(&voter, Terms::default(), at(2)).unwrap();
    assert_eq!((again.state, again.approvals()), (PENDING, 2));
    let free: Vec<_> = again.votes.iter().map(|vote| vote.said.is_none()).collect();
    assert_eq!(free, [false, true, false], "the first is kept");
}

#[test]
fn a_second_vote_of_the_same_group_adds_nothing() {
    let one = approve(review(&["a", "b"], 2), &["a"], 10).unwrap();
    let first = one.votes.first().unwrap().said.clone();
    let one = approve(one, &["a"], 20).unwrap();
    assert_eq!((one.state, one.approvals()), (PENDING, 1));
    assert_eq!(one.votes.first().unwrap().said, first, "who was first stays on record");
}

#[test]
fn approving_again_does_not_move_the_end() {
    let done = approve(review(&["a"], 1), &["a"], 10).unwrap();
    assert_eq!(approve(done, &["a"], 30), Err(wrong("APPROVED", "approved")));
}

#[test]
fn what_is_over_is_neither_approved_again_nor_taken_back() {
    let admin = groups(&["admin"]);
    let admin = Voter { id: UserId::generate(), groups: &admin };
    let done = approve(review(&["a"], 1), &["a"], 10).unwrap();
    assert_eq!(done.clone().revoke(&admin, at(69)).unwrap().state, State::Revoked);
    assert_eq!(done.clone().revoke(&admin, at(70)), Err(wrong("over", "revoked")));
    assert_eq!(done.clone().reject(&admin, at(70)), Err(wrong("over", "rejected")));
    assert_eq!(approve(done, &["a"], 70), Err(wrong("over", "approved")));
}

#[test]
fn nobody_approves_their_own_request_not_even_by_force_and_everybody_may_withdraw_it() {
    let review = review(&["a"], 1);
    let all = groups(&["a", "chiefs", "admin"]);
    let owner = Voter { id: review.owner, groups: &all };
    for force in [false, true] {
        let terms = Terms { force, window: None };
        let refused = review.clone().approve(&owner, terms, at(1));
        assert_eq!(refused, Err(Refusal::OwnRequest));
    }
    let none = Voter { id: review.owner, groups: &[] };
    assert_eq!(review.reject(&none, at(1)).unwrap().state, State::Rejected);
}

#[test]
fn who_is_in_no_group_of_reviewers_has_no_say_and_administrators_only_a_no() {
    assert_eq!(approve(review(&["a"], 1), &["b"], 1), Err(Refusal::NoReviewer));
    assert_eq!(approve(review(&["a"], 1), &["admin"], 1), Err(Refusal::NoReviewer));
    let stranger = groups(&["b"]);
    let stranger = Voter { id: UserId::generate(), groups: &stranger };
    assert_eq!(review(&["a"], 1).reject(&stranger, at(1)), Err(Refusal::NoReviewer));
    let admin = groups(&["admin"]);
    let admin = Voter { id: UserId::generate(), groups: &admin };
    assert_eq!(review(&["a"], 1).reject(&admin, at(1)).unwrap().state, State::Rejected);
    let approved = approve(review(&["a"], 1), &["a"], 1).unwrap();
    assert_eq!(approved.clone().revoke(&stranger, at(1)), Err(Refusal::NoReviewer));
    assert_eq!(approved.revoke(&admin, at(1)).unwrap().state, State::Revoked);
}

#[test]
fn a_chief_decides_alone_and_says_so() {
    let chief = groups(&["chiefs"]);
    let chief = Voter { id: UserId::generate(), groups: &chief };
    let terms = Terms { force: true, window: None };
    let done = review(&["a", "b"], 2).approve(&chief, terms, at(10)).unwrap();
    assert_eq!(done.state, State::Approved { until: at(70) });
    assert!(done.votes.iter().all(|vote| vote.said.as_ref().is_some_and(|said| said.forced)));
    let plain = review(&["a"], 1).approve(&chief, Terms::default(), at(10));
    assert_eq!(plain, Err(Refusal::NoReviewer), "one that does not say so is no reviewer");
    let member = groups(&["a"]);
    let member = Voter { id: UserId::generate(), groups: &member };
    assert_eq!(review(&["a"], 1).approve(&member, terms, at(10)), Err(Refusal::NoForce));
}

#[test]
fn a_window_is_set_once() {
    let (night, day) = (TimeWindow::parse("22:00", "06:00"), TimeWindow::parse("08:00", "18:00"));
    let member = groups(&["a"]);
    let voter = Voter { id: UserId::generate(), groups: &member };
    let terms = |window| Terms { window, force: false };
    let one = review(&["a", "b"], 2).approve(&voter, terms(night.ok()), at(1)).unwrap();
    let other = groups(&["b"]);
    let other = Voter { id: UserId::generate(), groups: &other };
    let refused = one.clone().approve(&other, terms(day.ok()), at(2));
    assert_eq!(refused, Err(Refusal::OtherWindow));
    for same in [night.ok(), None] {
        let two = one.clone().approve(&other, terms(same), at(2)).unwrap();
        assert_eq!(two.window, night.ok());
    }
}

#[test]
fn what_nobody_decides_in_time_is_over_whether_somebody_has_noticed_or_not() {
    let waits = || Review { state: State::Pending { until: at(60) }, ..review(&["a", "b"], 2) };
    let early = wrong("PENDING", "expired");
    assert_eq!(waits().expire(at(59)), Err(early));
    let one = approve(waits(), &["a"], 59).unwrap();
    assert_eq!(approve(one.clone(), &["b"], 60), Err(Refusal::TooLate));
    let over = one.expire(at(60)).unwrap();
    assert_eq!((over.state, over.state.status()), (State::Expired, ReviewStatus::Rejected));
    let member = groups(&["a"]);
    let voter = Voter { id: UserId::generate(), groups: &member };
    for review in [waits(), over] {
        assert_eq!(approve(review.clone(), &["b"], 61), Err(Refusal::TooLate));
        assert_eq!(review.reject(&voter, at(61)), Err(Refusal::TooLate));
    }
    let approved = approve(review(&["a"], 1), &["a"], 10).unwrap();
    assert_eq!(approved.expire(at(11)), Err(wrong("APPROVED", "expired")));
}

#[test]
fn what_was_decided_stays_decided() {
    let admin = groups(&["admin", "a", "chiefs"]);
    let voter = Voter { id: UserId::generate(), groups: &admin };
    let until = at(60);
    for state in [
        PENDING,
        State::Approved { until },
        State::Rejected,
        State::Expired,
        State::Revoked,
        State::Used { over: false },
        State::Used { over: true },
    ] {
        let review = Review { state, ..review(&["a"], 1) };
        let (open, running) = (state == PENDING, matches!(state, State::Used { over: false }));
        let terms = Terms { force: true, window: None };
        assert_eq!(review.clone().approve(&voter, terms, at(1)).is_ok(), open, "{state:?}");
        assert_eq!(review.clone().reject(&voter, at(1)).is_ok(), open, "{state:?}");
        let revocable = running || matches!(state, State::Approved { .. });
        assert_eq!(review.revoke(&voter, at(1)).is_ok(), revocable, "{state:?}");
    }
}

/// How many people can speak for different groups, found by trying everything. A set of groups
/// is a set of bits.
fn most(voters: &[u32], spoken_for: u32) -> u32 {
    let Some((first, rest)) = voters.split_first() else { return 0 };
    let with = (0..3).map(|group| 1 << group).filter(|group| first & group & !spoken_for != 0);
    let with = with.map(|group| 1 + most(rest, spoken_for | group)).max().unwrap_or(0);
    with.max(most(rest, spoken_for))
}

/// Every sequence of four reviewers, each in some of three groups: it is approved with the vote
/// that makes enough different people for different groups, never before and never later.
#[test]
fn whoever_votes_in_whatever_order_enough_different_people_approve_and_no_fewer_do() {
    let names = ["a", "b", "c"];
    let of = |set: u32| -> Vec<&str> {
        (0..3).filter(|n| set & (1 << n) != 0).map(|n| names[n as usize]).collect()
    };
    for (needed, sets) in (1..=3).flat_map(|needed| (0..4096_u32).map(move |sets| (needed, sets))) {
        let voters: Vec<u32> = (0..4).map(|n| (sets >> (3 * n)) & 7).collect();
        let mut at = review(&names, needed);
        for (second, set) in voters.iter().enumerate() {
            at = approve(at.clone(), &of(*set), second as i64).unwrap_or(at);
            let said = at.votes.iter().filter_map(|vote| Some((&vote.group, vote.said.as_ref()?)));
            let mut people = BTreeSet::new();
            for (group, said) in said {
                assert!(said.groups.contains(group) && people.insert(said.by), "{at:?}");
            }
            let found = most(&voters[..=second], 0);
            assert_eq!(at.approvals(), found.min(needed), "{needed} of {voters:?}");
            let approved = matches!(at.state, State::Approved { .. });
            assert_eq!(approved, needed <= found, "{needed} of {voters:?}");
        }
    }
}
