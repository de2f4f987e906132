//! `hoop admin get …`.

use clap::{Args as ClapArgs, Subcommand};

use super::{Page, ReviewList, SessionsList};

#[derive(Debug, Subcommand)]
pub(crate) enum Get {
    /// Lists the agents.
    #[command(visible_alias = "agent", after_help = "Example:\n  hoop admin get agents")]
    Agents {
        /// Only this one.
        name: Option<String>,
    },
    /// Lists the connections.
    #[command(visible_alias = "connection", after_help = "Example:\n  hoop admin get connections")]
    Connections {
        /// Only this one.
        name: Option<String>,
    },
    /// Lists the users.
    #[command(visible_alias = "user", after_help = "Example:\n  hoop admin get users")]
    Users {
        /// Only this one: e-mail address or id.
        name: Option<String>,
    },
    /// Shows who you are signed in as.
    #[command(after_help = "Example:\n  hoop admin get userinfo -o json")]
    Userinfo,
    /// Lists the groups.
    #[command(visible_alias = "group", after_help = "Example:\n  hoop admin get groups")]
    Groups,
    /// Lists the credentials for native ports that still work, the newest first.
    #[command(
        visible_alias = "credential",
        after_help = "\
Examples:
  hoop admin get credentials
  hoop admin get credentials --connection pg-prod --all"
    )]
    Credentials(GetCredentials),
    /// Lists sessions, the newest first, or shows one.
    #[command(
        visible_alias = "session",
        after_help = "\
Examples:
  hoop admin get sessions --status open
  hoop admin get sessions/0198f3c2-… -o json

`hoop sessions` replays, follows and ends them, too."
    )]
    Sessions(GetSessions),
    /// Lists requests for access, the newest first.
    #[command(visible_alias = "review")]
    Reviews(ReviewList),
    /// Lists the plugins that are enabled.
    #[command(visible_alias = "plugin", after_help = "Example:\n  hoop admin get plugins")]
    Plugins {
        /// Only this one.
        name: Option<String>,
    },
    /// Lists the API keys, without what they are.
    #[command(visible_alias = "api-key", after_help = "Example:\n  hoop admin get api-keys")]
    ApiKeys {
        /// Only this one: name or id.
        name: Option<String>,
    },
    /// Lists the service accounts.
    #[command(
        name = "serviceaccounts",
        visible_alias = "serviceaccount",
        after_help = "Example:\n  hoop admin get serviceaccounts"
    )]
    ServiceAccounts {
        /// Only this one.
        subject: Option<String>,
    },
    /// Lists the ways to notify people.
    #[command(visible_alias = "channel", after_help = "Example:\n  hoop admin get channels")]
    Channels {
        /// Only this one: name or id.
        name: Option<String>,
    },
    /// Lists which events go to whom.
    #[command(
        visible_alias = "subscription",
        after_help = "Example:\n  hoop admin get subscriptions"
    )]
    Subscriptions {
        /// Only this one: name or id.
        name: Option<String>,
    },
    /// Lists notifications and what became of them, the newest first.
    #[command(visible_alias = "delivery")]
    Deliveries(GetDeliveries),
}

/// Which credentials.
#[derive(Debug, ClapArgs)]
pub(crate) struct GetCredentials {
    /// For this connection.
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Of this user: an e-mail address or an id.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Those that have expired or were revoked, too.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) page: Page,
}

/// Which session, or which sessions.
#[derive(Debug, ClapArgs)]
pub(crate) struct GetSessions {
    /// Only this one.
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) filter: SessionsList,
}

/// Which deliveries.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop admin get deliveries --status dead
  hoop admin get deliveries --channel mail --type review.created")]
pub(crate) struct GetDeliveries {
    /// In this state: pending, delivered or dead.
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// Through this channel.
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
    /// Of the event with this id.
    #[arg(long, value_name = "ID")]
    pub(crate) event: Option<String>,
    /// Of events of this kind, such as session.opened.
    #[arg(long = "type", value_name = "KIND")]
    pub(crate) kind: Option<String>,
    #[command(flatten)]
    pub(crate) page: Page,
}
