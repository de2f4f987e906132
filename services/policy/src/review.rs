//! What may become of a request for access: votes, and their sum.
//!
//! ```text
//! Pending ──enough people say yes──▶ Approved ──claimed──▶ Processing ──▶ Executed
//!    │                                  │  (a command, once)
//!    ├──one says no──▶ Rejected         └──taken back──▶ Revoked
//!    └──nobody decides in time──▶ Expired
//! ```
//!
//! Each person speaks for one group, however many they are in: so many groups have to say yes,
//! and so many different people. Who speaks for which is found out in `speakers`.
//!
//! A request is consumed by whatever happens to it, so there is no way back. Rows are the
//! store's: who decides here holds the row's lock.

mod speakers;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{GroupName, ReviewKind, ReviewStatus, Role, TimeWindow, UserId};

/// Who has a say, or thinks so.
#[derive(Debug, Clone)]
pub struct Voter<'a> {
    /// The user.
    pub id: UserId,
    /// Their groups.
    pub groups: &'a [GroupName],
}

/// What one group of reviewers says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// The group.
    pub group: GroupName,
    /// What the member who speaks for it has said; `None` while nobody does.
    pub said: Option<Said>,
}

/// What somebody has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Yes or no.
    pub yes: bool,
    /// Who.
    pub by: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether they decided alone.
    pub forced: bool,
    /// The groups that they could speak for.
    pub groups: Vec<GroupName>,
}

/// A request as it is decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// What it is for.
    pub kind: ReviewKind,
    /// Who asks.
    pub owner: UserId,
    /// The groups that have to say yes.
    pub votes: Vec<Vote>,
    /// How many of them are enough, each by somebody else.
    pub needed: u32,
    /// Groups of which one member may decide alone.
    pub force_groups: Vec<GroupName>,
    /// How long an approval holds.
    pub seconds: u32,
    /// The hours of the day in which it holds; all when `None`.
    pub window: Option<TimeWindow>,
    /// Where it is.
    pub state: State,
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for reviewers.
    Pending {
        /// And no longer than that.
        until: DateTime<Utc>,
    },
    /// Nobody decided in time.
    Expired,
    /// It holds until then, counted from the last vote that it needed.
    Approved {
        /// The end.
        until: DateTime<Utc>,
    },
    /// It will never be.
    Rejected,
    /// It is no more.
    Revoked,
    /// It has been used and may not be again.
    Used {
        /// Whether the session is over.
        over: bool,
    },
}

/// How somebody wants to approve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// Only in these hours.
    pub window: Option<TimeWindow>,
    /// Alone, as a member of a force group.
    pub force: bool,
}

/// Why nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Four eyes, and these are the same two.
    #[error("nobody approves their own request; ask another reviewer")]
    OwnRequest,
    /// The voter has no say in this.
    #[error("you are in no group that reviews this request")]
    NoReviewer,
    /// The voter is in no group whose members decide alone.
    #[error("you are in no group that may approve alone; approve without force_review")]
    NoForce,
    /// Nothing like this can happen to it any more, or not yet.
    #[error("this request is {status}, so it can't be {wanted}")]
    WrongState {
        /// What it is.
        status: &'static str,
        /// What it was to become.
        wanted: &'static str,
    },
    /// It has waited too long.
    #[error("nobody decided about this request in time, so it is over; who needs it asks again")]
    TooLate,
    /// Another reviewer has said other hours.
    #[error("another reviewer has set a time window; approve without one, or reject")]
    OtherWindow,
}

impl Review {
    /// A reviewer says yes, for one of their groups.
    ///
    /// # Errors
    /// When they may not, or it is too late.
    pub fn approve(
        mut self,
        voter: &Voter<'_>,
        terms: Terms,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        self.state.is_pending("approved", now)?;
        if voter.id == self.owner {
            return Err(Refusal::OwnRequest);
        }
        if terms.force && !member(voter, &self.force_groups) {
            return Err(Refusal::NoForce);
        }
        if !terms.force && !self.reviews(voter) {
            return Err(Refusal::NoReviewer);
        }
        match (self.window, terms.window) {
            (Some(set), Some(wanted)) if set != wanted => return Err(Refusal::OtherWindow),
            (set, wanted) => self.window = set.or(wanted),
        }
        let groups = self.groups_of(voter);
        let said = Said { yes: true, by: voter.id, at: now, forced: terms.force, groups };
        if terms.force {
            for vote in &mut self.votes {
                vote.said.get_or_insert_with(|| said.clone());
            }
        } else {
            speakers::add(&mut self.votes, &said);
        }
        if terms.force || self.needed <= self.approvals() {
            let until = now + TimeDelta::seconds(self.seconds.into());
            self.state = State::Approved { until };
        }
        Ok(self)
    }

    /// A reviewer, an administrator, or the one who asked says no.
    ///
    /// # Errors
    /// When they may not, or it is too late.
    pub fn reject(mut self, voter: &Voter<'_>, now: DateTime<Utc>) -> Result<Self, Refusal> {
        self.state.is_pending("rejected", now)?;
        if !self.may_stop(voter) {
            return Err(Refusal::NoReviewer);
        }
        let groups = self.groups_of(voter);
        let said = Said { yes: false, by: voter.id, at: now, forced: false, groups };
        for vote in &mut self.votes {
            if said.groups.contains(&vote.group) {
                vote.said = Some(said.clone());
            }
        }
        self.state = State::Rejected;
        Ok(self)
    }

    /// A reviewer, an administrator, or the one who asked takes it back.
    ///
    /// # Errors
    /// When they may not, or there is nothing to take back.
    pub fn revoke(mut self, voter: &Voter<'_>, now: DateTime<Utc>) -> Result<Self, Refusal> {
        // What runs can be taken back as well; it is ended then.
        let holds = match self.state {
            State::Approved { until } => now < until,
            state => state == State::Used { over: false },
        };
        if !holds {
            return Err(self.state.wrong("revoked", now));
        }
        if !self.may_stop(voter) {
            return Err(Refusal::NoReviewer);
        }
        self.state = State::Revoked;
        Ok(self)
    }

    /// Nobody has decided.
    ///
    /// # Errors
    /// When it does not wait, or may go on waiting.
    pub fn expire(mut self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.state {
            State::Pending { until } if until <= now => self.state = State::Expired,
            state => return Err(state.wrong("expired", now)),
        }
        Ok(self)
    }

    /// Whether the voter is in a group that reviews.
    #[must_use]
    pub fn reviews(&self, voter: &Voter<'_>) -> bool {
        !self.groups_of(voter).is_empty()
    }

    /// How many people have said yes, each for another group.
    #[must_use]
    pub fn approvals(&self) -> u32 {
        let yes = self.votes.iter().filter_map(|vote| vote.said.as_ref()).filter(|said| said.yes);
        let people: BTreeSet<UserId> = yes.map(|said| said.by).collect();
        u32::try_from(people.len()).unwrap_or(u32::MAX)
    }

    /// The reviewing groups that the voter is in.
    fn groups_of(&self, voter: &Voter<'_>) -> Vec<GroupName> {
        let groups = self.votes.iter().map(|vote| &vote.group);
        groups.filter(|group| voter.groups.contains(group)).cloned().collect()
    }

    fn may_stop(&self, voter: &Voter<'_>) -> bool {
        let role = Role::of_groups(voter.groups.iter().map(GroupName::as_str));
        voter.id == self.owner
            || role == Role::Admin
            || self.reviews(voter)
            || member(voter, &self.force_groups)
    }
}

impl State {
    /// What it is called.
    #[must_use]
    pub const fn status(self) -> ReviewStatus {
        match self {
            Self::Pending { .. } => ReviewStatus::Pending,
            Self::Approved { .. } => ReviewStatus::Approved,
            // Clients know no other word for what will never be.
            Self::Rejected | Self::Expired => ReviewStatus::Rejected,
            Self::Revoked => ReviewStatus::Revoked,
            Self::Used { over: false } => ReviewStatus::Processing,
            Self::Used { over: true } => ReviewStatus::Executed,
        }
    }

    fn is_pending(self, wanted: &'static str, now: DateTime<Utc>) -> Result<(), Refusal> {
        match self {
            Self::Pending { until } if now < until => Ok(()),
            _ => Err(self.wrong(wanted, now)),
        }
    }

    fn wrong(self, wanted: &'static str, now: DateTime<Utc>) -> Refusal {
        let status = match self {
            Self::Expired => return Refusal::TooLate,
            Self::Pending { until } if until <= now => return Refusal::TooLate,
            Self::Approved { until } if until <= now => "over",
            _ => self.status().as_str(),
        };
        Refusal::WrongState { status, wanted }
    }
}

fn member(voter: &Voter<'_>, groups: &[GroupName]) -> bool {
    voter.groups.iter().any(|group| groups.contains(group))
}

#[cfg(test)]
mod tests;
