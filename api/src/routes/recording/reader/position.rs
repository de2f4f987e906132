//! A place between two packets of a recording.

use std::{fmt, str::FromStr};

use hoop_domain::{Both, Direction};
use hoop_store::recording::SegmentInfo;

use crate::{Error, error::Result};

/// How far each direction was read. The order of a recording never changes, so this is one
/// place in it, wherever the packets are stored by now. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position(Both<u64>);

impl Position {
    /// Goes past packet `seq`; `false` when it is behind us already.
    pub(super) const fn pass(&mut self, direction: Direction, seq: u64) -> bool {
        let last = self.0.get_mut(direction);
        if seq <= *last {
            return false;
        }
        *last = seq;
        true
    }

    /// Whether a segment has anything that is before us.
    pub(super) fn wants(&self, segment: &SegmentInfo) -> bool {
        Direction::BOTH.into_iter().any(|direction| {
            segment.seqs.get(direction).is_some_and(|(_, last)| *self.0.get(direction) < last)
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{}o{}", self.0.inward, self.0.outward)
    }
}

impl FromStr for Position {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let parts = text.strip_prefix('i').and_then(|rest| rest.split_once('o'));
        parts
            .and_then(|(inward, outward)| {
                Some(Self(Both { inward: inward.parse().ok()?, outward: outward.parse().ok()? }))
            })
            .ok_or_else(|| Error::invalid("cursor", "is not next_cursor of the page before"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_text_and_nothing_else_is_one() {
        let position = Position(Both { inward: 3, outward: 120 });
        assert_eq!(position.to_string().parse::<Position>().unwrap(), position);
        for text in ["", "i", "i1", "o1", "i1o", "io1", "i-1o1", "i1o1x"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_passed_is_not_passed_again() {
        let mut position = Position::default();
        assert!(position.pass(Direction::In, 1));
        assert!(!position.pass(Direction::In, 1));
        assert!(position.pass(Direction::Out, 1));
        assert!(position.pass(Direction::In, 2));
    }
}
