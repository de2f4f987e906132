//! Who sits at an end of a session on this edge: a stream that feeds an inlet, or nobody for
//! a while, with the inlet kept until the end comes back, here or at another edge.

use hoop_domain::Direction;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Inlet, Session};

/// An end's place on this edge, as the session knows it.
#[derive(Debug)]
pub(super) struct Seat {
    /// Fires when whoever sits there has to leave.
    leave: CancellationToken,
    inlet: oneshot::Receiver<Inlet>,
}

/// The same, as whoever sits there knows it.
#[derive(Debug)]
pub(crate) struct Sitting {
    leave: CancellationToken,
    inlet: oneshot::Sender<Inlet>,
}

impl Sitting {
    /// At an end that nobody can take over.
    pub(crate) fn aside() -> Self {
        Self { leave: CancellationToken::new(), inlet: oneshot::channel().0 }
    }

    /// Waits until the seat is wanted, or taken at another edge.
    pub(crate) async fn unseated(&self) {
        self.leave.cancelled().await;
    }

    /// Gives the inlet to whoever sits there next. When that is at another edge, it is gone.
    pub(crate) fn hand_over(self, inlet: Inlet) {
        let _ = self.inlet.send(inlet);
    }
}

impl Session {
    /// The end that sends `direction` sits here.
    pub(crate) fn sit(&self, direction: Direction) -> Sitting {
        let leave = CancellationToken::new();
        let (sender, inlet) = oneshot::channel();
        let mut state = self.state();
        *state.seats.get_mut(direction) = Some(Seat { leave: leave.clone(), inlet });
        Sitting { leave, inlet: sender }
    }

    /// Has whoever sits there leave, and takes the inlet over; `None` when the end that
    /// sends `direction` does not sit here.
    pub(super) async fn unseat(&self, direction: Direction) -> Option<Inlet> {
        let seat = self.state().seats.get_mut(direction).take()?;
        seat.leave.cancel();
        seat.inlet.await.ok()
    }

    /// The end that sends `direction` sits at another edge now.
    pub(super) fn lose_seat(&self, direction: Direction) {
        if let Some(seat) = self.state().seats.get_mut(direction).take() {
            seat.leave.cancel();
        }
    }

    /// Nobody is at the end that sends `direction` for a while. What comes for it stays in
    /// the stream.
    pub(crate) fn detach(&self, direction: Direction) {
        self.state().lane(direction.reverse()).set_outlet(None);
    }
}
