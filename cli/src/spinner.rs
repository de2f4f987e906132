//! Something that turns while one waits: on a terminal only.

use std::{
    future::Future,
    io::{self, IsTerminal, Write},
    pin::pin,
    time::Duration,
};

const FRAMES: [&str; 4] = ["|", "/", "-", "\\"];

/// Who waits less than this sees nothing.
const PATIENCE: Duration = Duration::from_millis(300);
const TURN: Duration = Duration::from_millis(120);

/// Waits for `work`, and says on standard error for what as long as it takes.
pub(crate) async fn during<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if !io::stderr().is_terminal() {
        return work.await;
    }
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    let mut turns = tokio::time::interval(TURN);
    let mut frames = FRAMES.iter().cycle();
    let _clean = Line;
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = turns.tick() => {
                let frame = frames.next().copied().unwrap_or_default();
                let _ = write!(io::stderr(), "\r{frame} {what}\u{1b}[K");
            }
        }
    }
}

/// A line that is gone when this is dropped, also when the waiting was given up.
struct Line;

impl Drop for Line {
    fn drop(&mut self) {
        let _ = write!(io::stderr(), "\r\u{1b}[K");
    }
}
