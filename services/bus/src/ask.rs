//! Asking until somebody answers.
//!
//! A question can get lost: who leaves a queue group forgets its subscription before the broker
//! has heard of it, and a process can die with a question in its hands. And while the only one
//! who could answer is started anew, nobody hears it at all.

use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};
use prost::Message;
use tokio::time::{Instant, sleep};

use crate::{Bus, Error, Subject};

/// After so long a silence a question is asked once more, and then after twice as long: it was
/// lost, or who has it is slow. Before, nearly all are answered.
const SILENCE: Duration = Duration::from_secs(1);

/// How long there may be nobody. A process that is started anew is back in less.
const ABSENCE: Duration = Duration::from_secs(5);

/// How soon to ask again when nobody has heard it. It costs the broker one message.
const AGAIN: Duration = Duration::from_millis(100);

impl Bus {
    /// Asks until there is an answer, for at most `deadline`. The first answer counts, so the
    /// question has to be one that may be asked and answered several times.
    ///
    /// # Errors
    /// [`Error::NoResponders`] when nobody has listened for 5 s; [`Error::Timeout`] when nobody
    /// has answered by then.
    pub async fn ask<Q: Message, A: Message + Default>(
        &self,
        subject: &Subject,
        question: &Q,
        deadline: Duration,
    ) -> Result<A, Error> {
        let (begun, mut silence, mut waits) = (Instant::now(), SILENCE, false);
        // There are few: each waits twice as long as the one before, or is over at once.
        let mut asked = FuturesUnordered::new();
        loop {
            let left = deadline.saturating_sub(begun.elapsed());
            asked.push(self.request(subject, question, left));
            tokio::select! {
                outcome = answer(&mut asked) => match outcome {
                    Err(Error::NoResponders { .. }) if begun.elapsed() < ABSENCE.min(deadline) => {
                        if !waits {
                            tracing::warn!(%subject, "nobody is there to answer; waiting");
                        }
                        waits = true;
                        sleep(AGAIN).await;
                    }
                    outcome => return outcome,
                },
                () = sleep(silence) => {
                    tracing::info!(%subject, "a question is not answered; asking again");
                    silence = silence.saturating_mul(2);
                }
            }
        }
    }
}

/// The first answer; when there is none, why the last question came to nothing.
async fn answer<A>(
    asked: &mut FuturesUnordered<impl Future<Output = Result<A, Error>>>,
) -> Result<A, Error> {
    let mut outcome = Err(Error::Unreachable { cause: "nothing was asked".into() });
    while outcome.is_err()
        && let Some(next) = asked.next().await
    {
        outcome = next;
    }
    outcome
}

#[cfg(test)]
mod tests;
