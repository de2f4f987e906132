//! What a command prints, watched: a grandchild that keeps an output open must not hold
//! the session for ever, and a client that reads slowly must lose nothing.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::Notify,
    time::{Duration, Instant, timeout},
};

use super::group::Group;

/// After the command is gone, outputs that are silent for so long are taken for forgotten.
const SILENCE: Duration = Duration::from_secs(2);

/// What it left running may go on printing for so long.
const LONGEST: Duration = Duration::from_secs(10);

/// More than a pipe holds: what comes beyond that is printed by somebody who escaped.
const LAST_WORDS: usize = 1024 * 1024;

/// How often silence is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// The outputs of one command.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    outputs: Vec<Watched>,
    cut: bool,
    /// How much is still taken, once the group is dead.
    allowance: Option<usize>,
}

#[derive(Debug, Default)]
struct Watched {
    ended: bool,
    /// Since when the reader waits for the command, and not for the client.
    silent_since: Option<Instant>,
    waker: Option<Waker>,
}

/// One output, as the pipe reads it.
pub(super) struct Output<R> {
    inner: R,
    index: usize,
    outputs: Arc<Outputs>,
}

impl Outputs {
    pub(super) fn watch<R>(self: &Arc<Self>, inner: R) -> Output<R> {
        let mut state = self.state();
        state.outputs.push(Watched::default());
        Output { inner, index: state.outputs.len() - 1, outputs: Arc::clone(self) }
    }

    /// Ends all of them for their readers.
    pub(super) fn cut(&self) {
        let mut state = self.state();
        state.cut = true;
        for waker in state.outputs.iter_mut().filter_map(|output| output.waker.take()) {
            waker.wake();
        }
    }

    /// The command is gone: waits until all that it printed is read.
    pub(super) async fn drained(&self, group: &Group) {
        let began = Instant::now();
        while !self.all_ended() {
            if self.silent() {
                group.kill();
                self.cut();
                return;
            }
            if LONGEST <= began.elapsed() {
                group.kill();
                self.state().allowance.get_or_insert(LAST_WORDS);
            }
            let _ = timeout(LOOK, self.ended.notified()).await;
        }
    }

    fn all_ended(&self) -> bool {
        self.state().outputs.iter().all(|output| output.ended)
    }

    fn silent(&self) -> bool {
        let state = self.state();
        let mut open = state.outputs.iter().filter(|output| !output.ended);
        open.all(|output| output.silent_since.is_some_and(|since| SILENCE <= since.elapsed()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the output is over for its reader; its waker is kept until it is.
    fn is_cut(&self, index: usize, cx: &Context<'_>) -> bool {
        let mut state = self.state();
        let cut = state.cut;
        if let Some(output) = state.outputs.get_mut(index)
            && !cut
            && !output.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            output.waker = Some(cx.waker().clone());
        }
        cut
    }

    fn heard(&self, index: usize, bytes: usize) {
        let mut state = self.state();
        if let Some(left) = state.allowance {
            state.allowance = Some(left.saturating_sub(bytes));
            state.cut |= left <= bytes;
        }
        if let Some(output) = state.outputs.get_mut(index) {
            output.silent_since = None;
        }
    }

    fn silence(&self, index: usize) {
        if let Some(output) = self.state().outputs.get_mut(index) {
            output.silent_since.get_or_insert_with(Instant::now);
        }
    }

    fn end(&self, index: usize) {
        if let Some(output) = self.state().outputs.get_mut(index) {
            output.ended = true;
        }
        self.ended.notify_one();
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Output<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.outputs.is_cut(self.index, cx) {
            self.outputs.end(self.index);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            Poll::Pending => {
                self.outputs.silence(self.index);
                Poll::Pending
            }
            Poll::Ready(Ok(())) if before < buf.filled().len() => {
                self.outputs.heard(self.index, buf.filled().len() - before);
                Poll::Ready(Ok(()))
            }
            // A terminal that nobody has open any more ends with an error.
            Poll::Ready(Ok(()) | Err(_)) => {
                self.outputs.end(self.index);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<R> Drop for Output<R> {
    fn drop(&mut self) {
        self.outputs.end(self.index);
    }
}
