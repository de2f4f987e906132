//! Where the output of a remote command goes: on, or together for one JSON object.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::AsyncWrite;

use crate::stdio;

/// What is kept for JSON of each stream; who expects more does not want it in one object.
const MOST: usize = 16 * 1024 * 1024;

/// A place for one stream of output.
pub(super) struct Outlet {
    to: To,
    broken: Broken,
}

enum To {
    Stream(Box<dyn AsyncWrite + Send + Unpin>),
    Memory(Collected),
}

/// Whether nobody reads the output any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Broken(Arc<AtomicBool>);

/// Output that was kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Collected(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Outlet {
    pub(super) fn stdout(keep: bool) -> io::Result<Self> {
        Ok(Self::new(keep, stdio::stdout()?))
    }

    pub(super) fn stderr(keep: bool) -> io::Result<Self> {
        Ok(Self::new(keep, stdio::stderr()?))
    }

    fn new(keep: bool, stream: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        let to = if keep { To::Memory(Collected::default()) } else { To::Stream(Box::new(stream)) };
        Self { to, broken: Broken::default() }
    }

    /// What is kept, if it is.
    pub(super) fn collected(&self) -> Option<Collected> {
        match &self.to {
            To::Stream(_) => None,
            To::Memory(collected) => Some(collected.clone()),
        }
    }

    pub(super) fn broken(&self) -> Broken {
        self.broken.clone()
    }

    fn noted<T>(&self, result: io::Result<T>) -> Poll<io::Result<T>> {
        if result.is_err() {
            self.broken.0.store(true, Ordering::Relaxed);
        }
        Poll::Ready(result)
    }
}

impl Broken {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Collected {
    /// As text; what is none is replaced.
    pub(super) fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept.bytes).into_owned()
    }

    pub(super) fn truncated(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).truncated
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST.saturating_sub(kept.bytes.len());
        let fits = bytes.get(..room).unwrap_or(bytes);
        kept.bytes.extend_from_slice(fits);
        kept.truncated |= fits.len() < bytes.len();
    }
}

impl AsyncWrite for Outlet {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = match &mut self.to {
            To::Stream(stream) => ready!(Pin::new(stream).poll_write(cx, bytes)),
            To::Memory(collected) => {
                collected.keep(bytes);
                Ok(bytes.len())
            }
        };
        self.noted(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = match &mut self.to {
            To::Stream(stream) => ready!(Pin::new(stream).poll_flush(cx)),
            To::Memory(_) => Ok(()),
        };
        self.noted(result)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_said() {
        let collected = Collected::default();
        collected.keep(&vec![b'x'; MOST - 1]);
        assert!(!collected.truncated());
        collected.keep(b"yz");
        assert!(collected.truncated());
        assert!(collected.text().ends_with("xy"));
    }
}
