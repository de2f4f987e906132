//! What somebody else says, such as an identity provider of itself: asked for by one for all who
//! wait, and remembered.
//!
//! Who hangs is asked once, and not once by everybody: that there was no answer is remembered,
//! too. While nobody answers, nobody waits who can go on with what was said before.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use crate::error::chain;

/// How long it is remembered that there was no answer.
const AWAY: Duration = Duration::from_secs(5);

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// Cheap to clone.
pub(crate) struct Remembered<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// Who is asked, for the log.
    whom: &'static str,
    question: Box<dyn Fn() -> Answer<T> + Send + Sync>,
    state: Mutex<State<T>>,
}

struct State<T> {
    known: Option<(Arc<T>, Instant)>,
    /// Why there was no answer, since the last one.
    failed: Option<(String, Instant)>,
    /// The question that is under way. Its sender is dropped when it is over.
    asking: Option<watch::Receiver<()>>,
}

/// Why there is no answer, which perhaps somebody else was told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Away(String);

impl<T> State<T> {
    fn known_at_most(&self, old: Duration) -> Option<Arc<T>> {
        let known = self.known.as_ref().filter(|(_, at)| at.elapsed() < old);
        known.map(|(said, _)| said.clone())
    }

    fn just_failed(&self) -> bool {
        self.failed.as_ref().is_some_and(|(_, at)| at.elapsed() < AWAY)
    }

    /// What there is, however old.
    fn whatever(&self) -> Result<Arc<T>, Away> {
        if let Some((said, _)) = &self.known {
            return Ok(said.clone());
        }
        let why = self.failed.as_ref().map_or("nobody was asked", |(why, _)| why.as_str());
        Err(Away(why.into()))
    }
}

impl<T: Send + Sync + 'static> Remembered<T> {
    /// What `whom` says to `question`, once somebody wants to know.
    pub(crate) fn new<E, F>(
        whom: &'static str,
        question: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        E: std::error::Error + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let question = move || -> Answer<T> {
            let asked = question();
            Box::pin(async move { asked.await.map_err(|cause| chain(&cause)) })
        };
        let state = Mutex::new(State { known: None, failed: None, asking: None });
        Self(Arc::new(Shared { whom, question: Box::new(question), state }))
    }

    /// What was said, at most so long ago; longer while there is no answer.
    ///
    /// # Errors
    /// When there is no answer and never was.
    pub(crate) async fn get(&self, fresh: Duration) -> Result<Arc<T>, Away> {
        self.wanted(fresh, true).await
    }

    /// The same for who has seen that what was known is not enough, and waits for news.
    ///
    /// # Errors
    /// When there is no answer and never was.
    pub(crate) async fn news(&self, fresh: Duration) -> Result<Arc<T>, Away> {
        self.wanted(fresh, false).await
    }

    async fn wanted(&self, fresh: Duration, old_will_do: bool) -> Result<Arc<T>, Away> {
        let mut answer = {
            let mut state = self.state();
            if let Some(said) = state.known_at_most(fresh) {
                return Ok(said);
            }
            if state.just_failed() {
                return state.whatever();
            }
            let answer = self.asked(&mut state);
            if old_will_do && state.known.is_some() && state.failed.is_some() {
                return state.whatever();
            }
            answer
        };
        // Nothing is ever sent: this is the end of the question, whatever came of it.
        let _ = answer.changed().await;
        self.state().whatever()
    }

    /// The question that is under way, or a new one. It goes on when nobody waits any more, so
    /// that whoever comes next is told.
    fn asked(&self, state: &mut State<T>) -> watch::Receiver<()> {
        let going = state.asking.as_ref().filter(|asking| asking.has_changed().is_ok());
        if let Some(going) = going {
            return going.clone();
        }
        let (over, asking) = watch::channel(());
        state.asking = Some(asking.clone());
        let this = self.clone();
        tokio::spawn(async move {
            this.ask().await;
            drop(over);
        });
        asking
    }

    async fn ask(&self) {
        let answer = (self.0.question)().await;
        let mut state = self.state();
        match answer {
            Ok(said) => {
                state.known = Some((Arc::new(said), Instant::now()));
                state.failed = None;
            }
            Err(why) => {
                tracing::warn!(cause = why, "{} does not answer", self.0.whom);
                state.failed = Some((why, Instant::now()));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As if this had just been said.
    #[cfg(test)]
    pub(crate) fn remember(&self, said: T) {
        self.state().known = Some((Arc::new(said), Instant::now()));
    }
}

impl<T> Clone for Remembered<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Remembered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remembered({})", self.0.whom)
    }
}

#[cfg(test)]
mod tests;
