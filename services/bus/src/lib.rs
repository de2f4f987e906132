//! NATS: subjects, streams, questions and answers.
//!
//! The subjects are one enum ([`Subject`]); nothing else in the product spells one.
//! Packets go through [`packets`], which is the hot path; everything else through [`Bus`].

mod ask;
mod error;
mod event;
mod figures;
pub mod packets;
pub mod recorded;
pub mod request;
pub mod stream;
pub mod subject;

use std::time::Duration;

use hoop_domain::SessionId;
use prost::Message;

pub use error::Error;
pub use request::{Question, Questions};
pub use subject::{ControlRequest, Subject};

/// A connection to the broker. Cheap to clone; reconnects by itself for ever.
#[derive(Clone, Debug)]
pub struct Bus {
    client: async_nats::Client,
    jetstream: async_nats::jetstream::Context,
}

/// Messages that wait in a subscription before the client drops them as a slow consumer.
/// A session's window of 1 MiB is at most 4096 packets (each costs 256 bytes of credit)
/// and each has a receipt; both directions make four times that.
const SUBSCRIPTION_CAPACITY: usize = 32 * 1024;

impl Bus {
    /// Connects to the broker at `url` as `name`, trying for 30 s.
    ///
    /// Messages that this connection publishes do not come back to it (`no_echo`): an edge
    /// that holds both ends of a session relays in memory.
    ///
    /// # Errors
    /// When the broker can't be reached or refuses the login.
    pub async fn connect(url: &str, name: &str) -> Result<Self, Error> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let options = login(url)
                .name(name)
                .no_echo()
                // Every subject is made by `Subject`, which makes well-formed ones.
                .skip_subject_validation(true)
                .subscription_capacity(SUBSCRIPTION_CAPACITY)
                .request_timeout(Some(Duration::from_secs(10)))
                .ping_interval(Duration::from_secs(10))
                .reconnect_delay_callback(|attempts| {
                    Duration::from_millis(u64::try_from(attempts).unwrap_or(20).min(20) * 50)
                })
                .event_callback(report);
            match options.connect(url).await {
                Ok(client) => {
                    let mut jetstream = async_nats::jetstream::new(client.clone());
                    jetstream.set_timeout(Duration::from_secs(10));
                    return Ok(Self { client, jetstream });
                }
                Err(cause) if tokio::time::Instant::now() < deadline => {
                    tracing::info!(%cause, "waiting for the broker");
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                Err(cause) => return Err(Error::Unreachable { cause: cause.to_string() }),
            }
        }
    }

    /// The client, for what this crate has no words for.
    #[must_use]
    pub const fn client(&self) -> &async_nats::Client {
        &self.client
    }

    /// JetStream.
    #[must_use]
    pub const fn jetstream(&self) -> &async_nats::jetstream::Context {
        &self.jetstream
    }

    /// Whether the broker is there at this moment.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// How often the broker was connected to. What was on its way when that changes may be
    /// lost.
    #[must_use]
    pub fn connects(&self) -> u64 {
        self.client.statistics().connects.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Sends `message` to whoever listens; nobody is told when nobody does.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn publish<M: Message>(&self, subject: &Subject, message: &M) -> Result<(), Error> {
        let payload = message.encode_to_vec().into();
        self.client
            .publish(subject.to_string(), payload)
            .await
            .map_err(|cause| Error::Unreachable { cause: cause.to_string() })
    }

    /// Everything that is said about `session` beside its packets: `relay.<session>.>`.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn relay(&self, session: SessionId) -> Result<async_nats::Subscriber, Error> {
        self.subscribe(subject::relay_wildcard(session)).await
    }

    /// Every message on `subject`, for every subscriber.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn listen(&self, subject: &Subject) -> Result<async_nats::Subscriber, Error> {
        self.subscribe(subject.to_string()).await
    }

    /// Every key that is revoked from now on: `agent.*.revoked`.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn revocations(&self) -> Result<async_nats::Subscriber, Error> {
        self.subscribe(subject::REVOCATIONS.into()).await
    }

    async fn subscribe(&self, subject: String) -> Result<async_nats::Subscriber, Error> {
        self.client
            .subscribe(subject)
            .await
            .map_err(|cause| Error::Unreachable { cause: cause.to_string() })
    }
}

/// The client takes a server's address from a URL and leaves the login that is in it.
fn login(url: &str) -> async_nats::ConnectOptions {
    let options = async_nats::ConnectOptions::new();
    let Ok(server) = url.parse::<async_nats::ServerAddr>() else { return options };
    match (server.username(), server.password()) {
        (Some(user), Some(password)) => options.user_and_password(user.into(), password.into()),
        (Some(token), None) => options.token(token.into()),
        (None, _) => options,
    }
}

async fn report(event: async_nats::Event) {
    match event {
        async_nats::Event::Disconnected => tracing::warn!("the broker is gone; reconnecting"),
        async_nats::Event::Connected => tracing::info!("connected to the broker"),
        async_nats::Event::SlowConsumer(_) => {
            figures::slow_consumer();
            tracing::error!("the broker's messages came faster than they were taken");
        }
        other => tracing::debug!(%other, "broker event"),
    }
}
