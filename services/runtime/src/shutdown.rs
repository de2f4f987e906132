//! Draining: "take nothing new, finish what you have", as a value that is passed around.

use tokio_util::sync::CancellationToken;

/// Tells when to finish. Cheap to clone; everything that loops holds one.
#[derive(Debug, Clone)]
pub struct Drain(CancellationToken);

/// Begins the drain. Dropping it begins nothing.
#[derive(Debug, Clone)]
pub struct DrainHandle(CancellationToken);

impl Drain {
    /// A drain that has not begun, and the handle to begin it.
    #[must_use]
    pub fn new() -> (DrainHandle, Self) {
        let token = CancellationToken::new();
        (DrainHandle(token.clone()), Self(token))
    }

    /// Waits until the drain begins.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl DrainHandle {
    /// Begins the drain.
    pub fn begin(&self) {
        self.0.cancel();
    }
}
