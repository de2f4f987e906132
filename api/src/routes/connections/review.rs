//! Who has to approve what is done with a connection, as JSON has it.

use hoop_domain::ReviewRule;

use super::ConnectionRequest;
use crate::{Error, error::Result, routes::groups};

impl ConnectionRequest {
    /// What the connection asks of who opens it; what is left out stays as it is `stored`.
    pub(super) fn review(&self, stored: ReviewRule) -> Result<ReviewRule> {
        let mut reviewers =
            groups::changed("reviewers", self.reviewers.as_deref(), stored.reviewers)?;
        reviewers.sort_unstable();
        reviewers.dedup();
        let groups = u32::try_from(reviewers.len()).unwrap_or(u32::MAX);
        let most = ReviewRule::MOST_SECONDS;
        let seconds = |field: &str, given: Option<u32>| match given {
            Some(seconds) if !(ReviewRule::LEAST_SECONDS..=most).contains(&seconds) => {
                let why = format_args!("is {} to {most}, or null", ReviewRule::LEAST_SECONDS);
                Err(Error::invalid(field, why))
            }
            _ => Ok(given),
        };
        let force = self.force_approve_groups.as_deref();
        let longest = self.access_max_duration.unwrap_or(stored.max_seconds);
        let usual = self.jit_access_duration_sec.unwrap_or(stored.jit_seconds);
        let rule = ReviewRule {
            min_approvals: self.min_review_approvals.unwrap_or(stored.min_approvals),
            force_groups: groups::changed("force_approve_groups", force, stored.force_groups)?,
            max_seconds: seconds("access_max_duration", longest)?,
            jit_seconds: seconds("jit_access_duration_sec", usual)?,
            reviewers,
        };
        match rule.min_approvals {
            // Plugins may add groups, so more than its own make sense where it has none.
            Some(0) => Err(Error::invalid("min_review_approvals", "is at least 1, or null")),
            Some(min) if 0 < groups && groups < min => {
                let why = format_args!("is at most {groups}, the number of reviewers");
                Err(Error::invalid("min_review_approvals", why))
            }
            _ => Ok(rule),
        }
    }
}
