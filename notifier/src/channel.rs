//! The ways to tell people. Each takes a delivery and says whether it is told.

mod http;
pub mod magicbell;
pub mod segment;
pub mod slack;
pub mod smtp;
pub mod webhook;

use std::time::Duration;

use chrono::{DateTime, Utc};
use hoop_store::notification::{ChannelKind, Values, delivery::Claimed};

use crate::message::Message;

pub use http::client;

use magicbell::MagicBell;
use segment::Segment;
use slack::Slack;
use smtp::Smtp;
use webhook::Webhook;

/// An attempt that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Failure {
    /// What happened, for people to read; without secrets.
    pub why: String,
    /// Whether another attempt may end otherwise.
    pub temporary: bool,
    /// The pause that the other side asks for.
    pub pause: Option<Duration>,
}

impl Failure {
    pub(crate) fn temporary(why: impl Into<String>) -> Self {
        Self { why: why.into(), temporary: true, pause: None }
    }

    fn permanent(why: impl Into<String>) -> Self {
        Self { why: why.into(), temporary: false, pause: None }
    }
}

/// A channel that is set up.
#[derive(Debug)]
pub enum Channel {
    /// Mail.
    Smtp(Box<Smtp>),
    /// Slack.
    Slack(Box<Slack>),
    /// MagicBell.
    MagicBell(Box<MagicBell>),
    /// A signed HTTP request.
    Webhook(Box<Webhook>),
    /// Segment.
    Segment(Box<Segment>),
}

/// What a channel knows: its settings and its secrets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) settings: &'a Values,
    pub(crate) secrets: &'a Values,
}

impl Known<'_> {
    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn secret(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Somebody has to correct the channel before anything can be delivered; until then,
    /// deliveries are tried again.
    fn needed<'a>(&'a self, name: &str) -> Result<&'a str, Failure> {
        let value = self.setting(name).or_else(|| self.secret(name));
        value.ok_or_else(|| Failure::temporary(format!("the channel has no {name}")))
    }
}

impl Channel {
    /// Sets a channel up. Connections are made when there is something to send.
    ///
    /// # Errors
    /// When its settings make no sense.
    pub(crate) fn new(
        kind: ChannelKind,
        known: Known<'_>,
        client: &reqwest::Client,
        patience: Duration,
    ) -> Result<Self, Failure> {
        Ok(match kind {
            ChannelKind::Smtp => Self::Smtp(Box::new(Smtp::new(known, patience)?)),
            ChannelKind::Slack => Self::Slack(Box::new(Slack::new(known, client.clone())?)),
            ChannelKind::MagicBell => {
                Self::MagicBell(Box::new(MagicBell::new(known, client.clone())?))
            }
            ChannelKind::Webhook => Self::Webhook(Box::new(Webhook::new(known, client.clone())?)),
            ChannelKind::Segment => Self::Segment(Box::new(Segment::new(known, client.clone())?)),
        })
    }

    /// Sends `delivery`, once.
    ///
    /// # Errors
    /// When nobody can be sure that it arrived.
    pub(crate) async fn send(&self, delivery: &Claimed, now: DateTime<Utc>) -> Result<(), Failure> {
        let message = Message::of(&delivery.event);
        match self {
            Self::Smtp(smtp) => smtp.send(delivery, &message).await,
            Self::Slack(slack) => slack.post(delivery, &message, now).await,
            Self::MagicBell(bell) => bell.post(delivery, &message, now).await,
            Self::Webhook(webhook) => webhook.post(&delivery.event, now).await,
            Self::Segment(segment) => segment.post(&delivery.event, now).await,
        }
    }
}
