//! What a command prints, up to a size. More is read and dropped: it is in the recording.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;

/// As much is kept.
const MOST: usize = 1024 * 1024;

/// Both outputs of a command, as they come. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Captured(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    truncated: bool,
}

/// Where one output goes.
#[derive(Debug)]
pub(super) struct Sink(Captured);

impl Captured {
    pub(super) fn sink(&self) -> Sink {
        Sink(self.clone())
    }

    /// What there is so far, and whether there was more.
    pub(super) fn text(&self) -> (String, bool) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (String::from_utf8_lossy(&kept.bytes).into_owned(), kept.truncated)
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST.saturating_sub(kept.bytes.len());
        kept.truncated |= room < bytes.len();
        kept.bytes.extend(bytes.iter().take(room));
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.keep(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_and_said() {
        let captured = Captured::default();
        let (mut stdout, mut stderr) = (captured.sink(), captured.sink());
        stdout.write_all(b"one ").await.unwrap();
        stderr.write_all(b"two \xff").await.unwrap();
        assert_eq!(captured.text(), ("one two \u{fffd}".into(), false));
        stdout.write_all(&vec![b'x'; MOST]).await.unwrap();
        let (text, truncated) = captured.text();
        assert!(truncated && text.starts_with("one two ") && text.ends_with('x'));
        assert_eq!(text.chars().count(), MOST);
    }
}
