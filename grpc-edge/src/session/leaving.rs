//! Which ends are at this edge, and how it lets go of a session that goes on elsewhere.

use hoop_domain::Direction;

use super::{Event, Session, lane::Lane};

impl Session {
    /// Whether an end has said itself that the session is over, so that the other one, which
    /// may be away for a while, has to hear the rest.
    pub(crate) fn ended_in_band(&self) -> bool {
        self.state().ended_in_band
    }

    /// Whether an end of this edge has not said its last word, though the other one has.
    pub(crate) fn awaits_an_end(&self) -> bool {
        let state = self.state();
        let silent = |lane: &Lane| lane.is_ours() && !lane.complete();
        state.ended_in_band && (silent(&state.inward) || silent(&state.outward))
    }

    /// Whether the end that sends `direction` is at this edge.
    pub(crate) fn publishes(&self, direction: Direction) -> bool {
        self.state().lane(direction).is_ours()
    }

    /// Whether the session goes on at other edges only.
    pub(crate) fn has_left(&self) -> bool {
        self.state().left
    }

    /// This edge has nothing more to do with the end that sends `direction`, which may go on
    /// anywhere.
    pub(crate) fn forget(&self, direction: Direction) {
        self.lose_seat(direction);
        self.state().lane(direction).give_up();
        self.leave_if_empty();
    }

    /// Lets go of a session of which no end came to be here after all.
    pub(crate) fn leave_if_empty(&self) {
        let mut state = self.state();
        if !state.inward.is_ours() && !state.outward.is_ours() {
            state.left = true;
            drop(state);
            self.done.cancel();
        }
    }

    /// Has the ends that sit here go on at other edges, when all that are here can.
    pub(crate) fn send_away(&self) {
        let mut state = self.state();
        let stays = |direction: Direction| {
            state.seats.get(direction).is_none() && state.lane(direction).is_ours()
        };
        if Direction::BOTH.into_iter().any(stays) {
            return;
        }
        for direction in Direction::BOTH {
            state.lane(direction.reverse()).tell(Event::Moved);
        }
    }
}
