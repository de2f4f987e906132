//! What a command prints, watched: a grandchild that keeps an output open must not hold
//! the session for ever, and who reads slowly must lose nothing.

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
    /// What is there is read, and nothing is waited for.
    closing: bool,
    /// How much is still taken, once nothing is waited for.
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
        state.wake();
    }

    /// The command is gone: waits until all that it printed is read. `kill` ends what it left.
    pub(super) async fn drained(&self, kill: impl Fn()) {
        let began = Instant::now();
        self.listen_again();
        let mut killed = false;
        while !self.all_ended() {
            if killed {
                self.close();
            } else if self.silent() || LONGEST <= began.elapsed() {
                // Once: when the group is gone, others may come to have its number. What it
                // said last is there by the next look.
                kill();
                killed = true;
            }
            let _ = timeout(LOOK, self.ended.notified()).await;
        }
    }

    /// Silence from before the command's end says nothing: its last words may be there, and
    /// their reader may not have had its turn yet.
    fn listen_again(&self) {
        let mut state = self.state();
        for output in &mut state.outputs {
            output.silent_since = None;
        }
        state.wake();
    }

    /// Ends each of them where its reader would wait.
    fn close(&self) {
        let mut state = self.state();
        state.closing = true;
        state.allowance.get_or_insert(LAST_WORDS);
        state.wake();
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

    /// There is nothing to read; whether that is the end.
    fn silence(&self, index: usize) -> bool {
        let mut state = self.state();
        let closing = state.closing;
        if let Some(output) = state.outputs.get_mut(index) {
            output.silent_since.get_or_insert_with(Instant::now);
            output.ended |= closing;
        }
        closing
    }

    fn end(&self, index: usize) {
        if let Some(output) = self.state().outputs.get_mut(index) {
            output.ended = true;
        }
        self.ended.notify_one();
    }
}

impl State {
    fn wake(&mut self) {
        for waker in self.outputs.iter_mut().filter_map(|output| output.waker.take()) {
            waker.wake();
        }
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
            Poll::Pending if self.outputs.silence(self.index) => {
                self.outputs.ended.notify_one();
                Poll::Ready(Ok(()))
            }
            Poll::Pending => Poll::Pending,
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        task::yield_now,
        time::advance,
    };

    use super::*;

    /// Polls `waiting` once: it has nothing to say yet.
    async fn waits(waiting: &mut (impl Future + Unpin)) {
        tokio::select! {
            biased;
            _ = waiting => unreachable!("there is nothing to read"),
            () = yield_now() => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_words_after_a_long_silence_are_read() {
        let (mut command, inner) = duplex(64);
        let outputs = Arc::<Outputs>::default();
        let mut output = outputs.watch(inner);
        let (mut text, mut read) = (String::new(), None);
        {
            let mut reading = Box::pin(output.read_to_string(&mut text));
            waits(&mut reading).await;
            advance(SILENCE * 2).await;
            // A grandchild has the output still open, so that it has no end of its own.
            command.write_all(b"still here").await.unwrap();
            let mut drained = Box::pin(outputs.drained(|| {}));
            // The command's end is noticed before what it said.
            waits(&mut drained).await;
            tokio::join!(drained, async { read = Some(reading.await) });
        }
        assert_eq!(text, "still here");
        assert!(read.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_escaped_and_goes_on_printing_is_not_waited_for() {
        let (mut escaped, inner) = duplex(64);
        let outputs = Arc::<Outputs>::default();
        let mut output = outputs.watch(inner);
        let printing = tokio::spawn(async move {
            while escaped.write_all(b".").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let (kills, mut text) = (AtomicUsize::new(0), String::new());
        let kill = || {
            kills.fetch_add(1, Ordering::Relaxed);
        };
        let both = async { tokio::join!(outputs.drained(kill), output.read_to_string(&mut text)) };
        let ended = timeout(2 * LONGEST, both).await;
        assert!(ended.is_ok_and(|(_, read)| read.is_ok()), "{text:?}");
        assert_eq!(kills.into_inner(), 1);
        printing.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_when_nobody_waits_any_longer_is_read() {
        let (mut command, inner) = duplex(64);
        let outputs = Arc::<Outputs>::default();
        let mut output = outputs.watch(inner);
        command.write_all(b"at the last moment").await.unwrap();
        outputs.close();
        let mut text = String::new();
        output.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "at the last moment");
    }
}
