//! The ways to tell people. Each takes an event and says whether it is told.

pub mod webhook;

use std::time::Duration;

use crate::event::Event;

use webhook::Webhook;

/// A way to tell people.
#[derive(Debug)]
pub enum Channel {
    /// None is set up: the log has it, for who looks there.
    Log,
    /// A signed HTTP request.
    Webhook(Box<Webhook>),
}

/// An attempt that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Failure {
    /// What happened, for the log; without secrets.
    pub why: String,
    /// Whether another attempt may end otherwise.
    pub temporary: bool,
    /// The pause that the other side asks for.
    pub pause: Option<Duration>,
}

impl Failure {
    fn temporary(why: impl Into<String>) -> Self {
        Self { why: why.into(), temporary: true, pause: None }
    }
}

impl Channel {
    /// Tells about `event`, once.
    ///
    /// # Errors
    /// When nobody can be sure that it was told.
    pub async fn deliver(&self, event: &Event) -> Result<(), Failure> {
        match self {
            Self::Log => {
                tracing::debug!(id = %event.id, kind = event.kind, "an event, and no channel");
                Ok(())
            }
            Self::Webhook(webhook) => webhook.post(event).await,
        }
    }
}
