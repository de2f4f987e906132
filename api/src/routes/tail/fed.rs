//! What a reader takes, made by a task of its own: it goes on when nobody asks, so whether one
//! still may follow is looked at, and lets go of everything when nobody takes anything.

use futures_util::{Stream, StreamExt, stream};
use tokio::{sync::mpsc, time::timeout};

use super::PATIENCE;

/// The same as `source`, which is dropped when it has ended, when the reader is gone, or takes
/// nothing for too long. What was made by then can still be read.
pub(super) fn fed<T: Send + 'static>(
    source: impl Stream<Item = T> + Send + 'static,
) -> impl Stream<Item = T> + Send {
    // One waits here and one in the task: a reader may be slow, and holds no more for that.
    let (reader, mut told) = mpsc::channel(1);
    tokio::spawn(feed(Box::pin(source), reader));
    stream::poll_fn(move |context| told.poll_recv(context))
}

async fn feed<T>(mut source: impl Stream<Item = T> + Unpin, reader: mpsc::Sender<T>) {
    loop {
        let next = tokio::select! {
            () = reader.closed() => return,
            next = source.next() => next,
        };
        let Some(next) = next else { return };
        if !matches!(timeout(PATIENCE, reader.send(next)).await, Ok(Ok(()))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;

    use super::*;

    /// Whether it was let go of.
    async fn is_dropped(held: oneshot::Receiver<()>) -> bool {
        timeout(2 * PATIENCE, held).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_for_too_long_holds_nothing_any_more() {
        let (hold, held) = oneshot::channel::<()>();
        let endless =
            stream::unfold((0, hold), |(n, hold)| async move { Some((n, (n + 1, hold))) });
        let mut told = Box::pin(fed(endless));
        assert_eq!(told.next().await, Some(0));
        assert!(is_dropped(held).await);
        assert_eq!((told.next().await, told.next().await), (Some(1), None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_while_nobody_reads_is_let_go_of_and_its_last_word_waits() {
        let (hold, held) = oneshot::channel::<()>();
        let ends = stream::unfold(Some(hold), |hold| async move { hold.map(|_| ("last", None)) });
        let mut told = Box::pin(fed(ends));
        assert!(is_dropped(held).await);
        assert_eq!((told.next().await, told.next().await), (Some("last"), None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_silent_is_let_go_of_with_its_reader() {
        let (hold, held) = oneshot::channel::<()>();
        let silent = stream::once(async move {
            let _hold = hold;
            pending::<()>().await;
        });
        drop(fed(silent));
        assert!(is_dropped(held).await);
    }
}
