//! The kinds of channels and what each has to know.

use std::{collections::BTreeMap, fmt, str::FromStr};

/// Names and values of settings or secrets.
pub type Values = BTreeMap<String, String>;

/// A kind of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Mail.
    Smtp,
    /// Slack: an incoming webhook, or a bot.
    Slack,
    /// MagicBell.
    MagicBell,
    /// A signed HTTP request.
    Webhook,
    /// Segment: figures about how the product is used.
    Segment,
}

/// A text that is no kind of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is smtp, slack, magicbell or webhook")]
pub struct InvalidKind;

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Smtp, Self::Slack, Self::MagicBell, Self::Webhook, Self::Segment];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Slack => "slack",
            Self::MagicBell => "magicbell",
            Self::Webhook => "webhook",
            Self::Segment => "segment",
        }
    }

    /// The settings it may have; everybody who may see channels may see them.
    #[must_use]
    pub const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Smtp => &["host", "port", "tls", "user", "from", "ca_certificate"],
            Self::Slack | Self::MagicBell | Self::Segment => &["api_url"],
            Self::Webhook => &["url"],
        }
    }

    /// The secrets it may have; nobody sees them again.
    #[must_use]
    pub const fn secrets(self) -> &'static [&'static str] {
        match self {
            Self::Smtp => &["password"],
            Self::Slack => &["webhook_url", "bot_token"],
            Self::MagicBell => &["api_key", "api_secret"],
            Self::Webhook => &["signing_secret"],
            Self::Segment => &["write_key"],
        }
    }

    /// The settings and secrets that it can't be without.
    #[must_use]
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Smtp => &["host", "from"],
            Self::Slack => &[],
            Self::MagicBell => &["api_key", "api_secret"],
            Self::Webhook => &["url", "signing_secret"],
            Self::Segment => &["write_key"],
        }
    }

    /// How many recipients one request may have.
    #[must_use]
    pub const fn batch(self) -> usize {
        match self {
            Self::MagicBell => 50,
            Self::Smtp | Self::Slack | Self::Webhook | Self::Segment => 1,
        }
    }

    /// Whether the notifier's environment alone sets such a channel up: nobody else decides
    /// that figures leave the house.
    #[must_use]
    pub const fn of_environment_only(self) -> bool {
        matches!(self, Self::Segment)
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ChannelKind {
    type Err = InvalidKind;
    fn from_str(text: &str) -> Result<Self, InvalidKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidKind)
    }
}
