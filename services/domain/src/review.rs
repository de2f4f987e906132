//! Approvals: what one is for, when it holds, and how a connection asks for one.

use std::collections::BTreeSet;

use crate::{GroupName, session::Verb};

mod input;
mod window;

pub use input::InputHash;
pub use window::{InvalidWindow, TimeWindow};

/// The longest input of a command that somebody approves: it is kept, shown and compared.
pub const MOST_INPUT: usize = 256 * 1024;

/// What an approval lets somebody do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReviewKind {
    /// One command with exactly the input that was shown, once.
    OneTime,
    /// Sessions to a connection, for a time ("just in time").
    Jit,
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReviewStatus {
    /// Not enough reviewers have said yes, and none no.
    Pending,
    /// It may be used until its end.
    Approved,
    /// Somebody said no.
    Rejected,
    /// It was approved, and somebody took that back.
    Revoked,
    /// The one session that it was for is running.
    Processing,
    /// The one session that it was for is over.
    Executed,
}

/// A word that is neither a kind nor a status of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is {0}")]
pub struct InvalidReview(&'static str);

/// What a connection asks of who opens it; nothing when nobody reviews.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewRule {
    /// Groups that have to say yes; no group, no review.
    pub reviewers: Vec<GroupName>,
    /// How many of them are enough, each by another person; all when `None`.
    pub min_approvals: Option<u32>,
    /// Groups of which one member may decide alone, when they say that they do.
    pub force_groups: Vec<GroupName>,
    /// The longest time that is granted.
    pub max_seconds: Option<u32>,
    /// The time that is granted when nobody asks for another.
    pub jit_seconds: Option<u32>,
}

impl ReviewRule {
    /// The time that is granted when neither the user nor the connection says one.
    pub const USUAL_SECONDS: u32 = 30 * 60;
    /// The shortest time that is granted.
    pub const LEAST_SECONDS: u32 = 60;
    /// The longest time that any connection may grant.
    pub const MOST_SECONDS: u32 = 48 * 3600;
    /// How long a command may be run once it is approved.
    pub const ONE_TIME_SECONDS: u32 = 24 * 3600;

    /// Whether anybody has to be asked.
    #[must_use]
    pub const fn asks(&self) -> bool {
        !self.reviewers.is_empty()
    }

    /// How many groups have to say yes: at least one, at most all.
    #[must_use]
    pub fn needed(&self) -> u32 {
        // A group that is named twice is asked once.
        let groups: BTreeSet<&GroupName> = self.reviewers.iter().collect();
        let all = u32::try_from(groups.len()).unwrap_or(u32::MAX).max(1);
        self.min_approvals.unwrap_or(all).clamp(1, all)
    }

    /// For how long an approval holds, when its user wants so many seconds (0: no wish).
    #[must_use]
    pub fn seconds(&self, kind: ReviewKind, wanted: u32) -> u32 {
        let most = self.max_seconds.unwrap_or(Self::MOST_SECONDS).min(Self::MOST_SECONDS);
        let most = most.max(Self::LEAST_SECONDS);
        match kind {
            ReviewKind::OneTime => self.max_seconds.unwrap_or(Self::ONE_TIME_SECONDS).min(most),
            ReviewKind::Jit if wanted == 0 => {
                self.jit_seconds.unwrap_or(Self::USUAL_SECONDS).min(most)
            }
            ReviewKind::Jit => wanted.clamp(Self::LEAST_SECONDS, most),
        }
    }
}

impl ReviewKind {
    /// The kind of approval that a session of this verb needs.
    #[must_use]
    pub const fn of(verb: Verb) -> Self {
        match verb {
            Verb::Connect => Self::Jit,
            Verb::Exec => Self::OneTime,
        }
    }

    /// The name in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneTime => "onetime",
            Self::Jit => "jit",
        }
    }
}

impl std::str::FromStr for ReviewKind {
    type Err = InvalidReview;
    fn from_str(name: &str) -> Result<Self, InvalidReview> {
        [Self::OneTime, Self::Jit]
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or(InvalidReview("onetime or jit"))
    }
}

impl ReviewStatus {
    /// Every status, in the order in which a request comes to them.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Approved,
        Self::Rejected,
        Self::Revoked,
        Self::Processing,
        Self::Executed,
    ];

    /// The name in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Revoked => "REVOKED",
            Self::Processing => "PROCESSING",
            Self::Executed => "EXECUTED",
        }
    }
}

impl std::str::FromStr for ReviewStatus {
    type Err = InvalidReview;
    fn from_str(name: &str) -> Result<Self, InvalidReview> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == name)
            .ok_or(InvalidReview("PENDING, APPROVED, REJECTED, REVOKED, PROCESSING or EXECUTED"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(reviewers: &[&str], min_approvals: Option<u32>) -> ReviewRule {
        let reviewers = reviewers.iter().map(|name| name.parse().unwrap()).collect();
        ReviewRule { reviewers, min_approvals, ..ReviewRule::default() }
    }

    #[test]
    fn all_groups_are_needed_unless_fewer_are_and_never_none() {
        assert!(!rule(&[], None).asks());
        for (min, needed) in [(None, 2), (Some(1), 1), (Some(2), 2), (Some(9), 2), (Some(0), 1)] {
            assert_eq!(rule(&["a", "b"], min).needed(), needed, "{min:?}");
            assert_eq!(rule(&["a", "b", "a"], min).needed(), needed, "{min:?}, one of them twice");
        }
    }

    #[test]
    fn nobody_gets_more_time_than_the_connection_grants() {
        let mut rule = rule(&["a"], None);
        assert_eq!(rule.seconds(ReviewKind::Jit, 0), ReviewRule::USUAL_SECONDS);
        assert_eq!(rule.seconds(ReviewKind::Jit, 1), ReviewRule::LEAST_SECONDS);
        assert_eq!(rule.seconds(ReviewKind::Jit, u32::MAX), ReviewRule::MOST_SECONDS);
        rule.max_seconds = Some(120);
        assert_eq!(rule.seconds(ReviewKind::Jit, 0), 120);
        assert_eq!(rule.seconds(ReviewKind::Jit, 3600), 120);
        assert_eq!(rule.seconds(ReviewKind::OneTime, 3600), 120);
        rule.jit_seconds = Some(90);
        assert_eq!(rule.seconds(ReviewKind::Jit, 0), 90);
    }

    #[test]
    fn every_name_means_what_it_says() {
        for status in ReviewStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        for verb in [Verb::Connect, Verb::Exec] {
            let kind = ReviewKind::of(verb);
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("approved".parse::<ReviewStatus>().is_err());
    }
}
