//! Whether somebody has approved what is asked for now.

use chrono::{DateTime, Utc};
use hoop_domain::{
    ConnectionId, DenialCode, InputHash, ReviewId, ReviewKind, TimeWindow, UserId, session::Verb,
};

/// An approval that has been given and neither used up nor taken back.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The request that was approved.
    pub id: ReviewId,
    /// What it is for.
    pub kind: ReviewKind,
    /// Who asked.
    pub user: UserId,
    /// For what.
    pub connection: ConnectionId,
    /// What would be run, where it is for one command.
    pub input: Option<InputHash>,
    /// When it ends.
    pub until: DateTime<Utc>,
    /// The hours of the day in which it holds.
    pub window: Option<TimeWindow>,
}

/// An approval that covers a session; only this module makes one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cover {
    pub(super) review: ReviewId,
    pub(super) kind: ReviewKind,
    pub(super) until: DateTime<Utc>,
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) user: UserId,
    pub(super) connection: ConnectionId,
    pub(super) verb: Verb,
    pub(super) input: Option<InputHash>,
    pub(super) now: DateTime<Utc>,
}

impl Approval {
    /// Whether it covers what is asked for, and until when.
    pub(super) fn covers(&self, asked: &Asked) -> Result<Cover, DenialCode> {
        let fits = self.user == asked.user
            && self.connection == asked.connection
            && self.kind == ReviewKind::of(asked.verb)
            && match self.kind {
                ReviewKind::Jit => true,
                // Without an input there is nothing that could have been approved.
                ReviewKind::OneTime => self.input.is_some() && self.input == asked.input,
            };
        if !fits || self.until <= asked.now {
            return Err(DenialCode::ReviewRequired);
        }
        let open_until = match self.window {
            None => self.until,
            Some(window) => {
                window.open_until(asked.now).ok_or(DenialCode::OutsideTimeWindow)?.min(self.until)
            }
        };
        Ok(Cover { review: self.id, kind: self.kind, until: open_until })
    }
}
