//! Who speaks for which group, so that as many people as can be speak for different groups: a
//! matching in the graph of people and groups, which grows by one person at a time.
//!
//! Somebody who finds no place among those who spoke before finds none among those who speak
//! later, either (that is how augmenting paths are), so nobody has to be remembered but those
//! who speak.

use std::collections::BTreeMap;

use hoop_domain::{GroupName, UserId};

use super::{Said, Vote};

/// Lets somebody speak for one of their groups, unless they speak already or all of these are
/// spoken for by people who are needed there.
pub(super) fn add(votes: &mut [Vote], said: &Said) {
    one_each(votes);
    let speaks = votes.iter().filter_map(|vote| vote.said.as_ref()).any(|it| it.by == said.by);
    if !speaks {
        let _found = place(votes, said, &mut Vec::new());
    }
}

/// Leaves everybody the first of the groups that they speak for, and remembers the others as
/// theirs: in the version before, a person spoke for all of their groups, and it was not kept
/// which those are.
fn one_each(votes: &mut [Vote]) {
    let mut people: BTreeMap<UserId, Vec<GroupName>> = BTreeMap::new();
    let spoken = votes.iter().filter_map(|vote| Some((&vote.group, vote.said.as_ref()?)));
    for (group, said) in spoken.filter(|(_, said)| !said.forced) {
        people.entry(said.by).or_default().push(group.clone());
    }
    for vote in votes {
        let Some(said) = vote.said.as_mut().filter(|said| !said.forced) else { continue };
        if let Some(mut theirs) = people.remove(&said.by) {
            theirs.retain(|group| !said.groups.contains(group));
            said.groups.append(&mut theirs);
        } else {
            vote.said = None;
        }
    }
}

/// Finds a group that nobody speaks for, or one whose speaker finds another. `tried` are groups
/// that others are to be moved away from: each is tried once.
fn place(votes: &mut [Vote], said: &Said, tried: &mut Vec<GroupName>) -> bool {
    let mut theirs = votes.iter_mut().filter(|vote| said.groups.contains(&vote.group));
    if let Some(free) = theirs.find(|vote| vote.said.is_none()) {
        free.said = Some(said.clone());
        return true;
    }
    for group in &said.groups {
        if tried.contains(group) {
            continue;
        }
        tried.push(group.clone());
        let speaker = votes.iter().find(|vote| vote.group == *group);
        let Some(speaker) = speaker.and_then(|vote| vote.said.clone()) else { continue };
        if place(votes, &speaker, tried) {
            let left = votes.iter_mut().find(|vote| vote.group == *group);
            if let Some(left) = left {
                left.said = Some(said.clone());
            }
            return true;
        }
    }
    false
}
