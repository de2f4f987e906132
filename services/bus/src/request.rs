//! Questions and answers: one question, one answerer out of a queue group, a deadline.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use prost::Message;
use tokio::time::timeout;

use crate::{Bus, Error, Subject};

/// A question that waits for its answer.
#[derive(Debug)]
pub struct Question {
    message: async_nats::Message,
    client: async_nats::Client,
}

impl Question {
    /// Wraps a message that came in on a subscription.
    #[must_use]
    pub const fn new(message: async_nats::Message, client: async_nats::Client) -> Self {
        Self { message, client }
    }

    /// What was asked.
    ///
    /// # Errors
    /// When it is not a `T`.
    pub fn decode<T: Message + Default>(&self) -> Result<T, Error> {
        T::decode(self.message.payload.clone())
            .map_err(|_| Error::Undecodable { subject: self.message.subject.to_string() })
    }

    /// Answers. A question without a reply subject is not answered.
    pub async fn answer<T: Message>(self, answer: &T) {
        if let Some(reply) = self.message.reply
            && let Err(cause) = self.client.publish(reply, answer.encode_to_vec().into()).await
        {
            tracing::warn!(%cause, "an answer could not be sent");
        }
    }
}

impl Bus {
    /// Asks once, and waits at most `deadline` for the answer.
    ///
    /// # Errors
    /// [`Error::NoResponders`] at once when nobody listens.
    pub async fn request<Q: Message, A: Message + Default>(
        &self,
        subject: &Subject,
        question: &Q,
        deadline: Duration,
    ) -> Result<A, Error> {
        let subject = subject.to_string();
        let request = async_nats::Request::new()
            .payload(Bytes::from(question.encode_to_vec()))
            .timeout(Some(deadline));
        let answer = self.client.send_request(subject.clone(), request).await.map_err(|cause| {
            use async_nats::RequestErrorKind as Kind;
            let subject = subject.clone();
            match cause.kind() {
                Kind::NoResponders => Error::NoResponders { subject },
                Kind::TimedOut => Error::Timeout { subject },
                _ => Error::Unreachable { cause: cause.to_string() },
            }
        })?;
        A::decode(answer.payload).map_err(|_| Error::Undecodable { subject })
    }

    /// The questions on `subject`, each to one member of `group`.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn serve(&self, subject: &Subject, group: &str) -> Result<Questions, Error> {
        let client = self.client.clone();
        let subscriber = client
            .queue_subscribe(subject.to_string(), group.into())
            .await
            .map_err(|cause| Error::Unreachable { cause: cause.to_string() })?;
        Ok(Questions { subscriber, client })
    }

    /// Waits until everything that was said has left this process, and not for longer than
    /// `deadline`. For the last words of a process: whether the broker has them is not known.
    pub async fn flush(&self, deadline: Duration) {
        match timeout(deadline, self.client.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => tracing::warn!(%cause, "the last messages may be lost"),
            Err(_) => tracing::warn!("the last messages may be lost: the broker takes nothing"),
        }
    }
}

/// How long the broker may take to let a member of a group go: it may be away.
const LEAVING: Duration = Duration::from_secs(2);

/// The questions that come to one member of a group.
#[derive(Debug)]
pub struct Questions {
    subscriber: async_nats::Subscriber,
    client: async_nats::Client,
}

impl Questions {
    /// The questions until `over`, and then those that have come already: nobody else would
    /// answer them. What the broker sends in the moment until it hears of it may be lost, because
    /// the client forgets a subscription before the broker's word that it has ended: who can't
    /// bear that asks with [`Bus::ask`].
    pub fn until(
        self,
        over: impl Future<Output = ()> + Send,
    ) -> impl Stream<Item = Question> + Send {
        let begun = (self, Box::pin(over), false);
        stream::unfold(begun, |(mut questions, mut over, mut leaving)| async move {
            if !leaving {
                tokio::select! {
                    biased;
                    () = &mut over => {}
                    question = questions.next() => {
                        return question.map(|question| (question, (questions, over, false)));
                    }
                }
                leaving = true;
                // It fails when the connection is closed for good, and then nothing comes.
                let _closed = questions.subscriber.drain().await;
            }
            let question = timeout(LEAVING, questions.next()).await.ok().flatten()?;
            Some((question, (questions, over, leaving)))
        })
    }
}

impl Stream for Questions {
    type Item = Question;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Question>> {
        let message = ready!(self.subscriber.poll_next_unpin(cx));
        Poll::Ready(message.map(|message| Question::new(message, self.client.clone())))
    }
}
