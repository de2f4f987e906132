//! `hoop admin delete …`. Each kind goes by its plural, too, as `hoop admin get` calls it.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Delete {
    /// Revokes an agent's key; everything that depends on it is cut off at once.
    #[command(alias = "agents", after_help = "Example:\n  hoop admin delete agent dev")]
    Agent {
        /// Its name.
        name: String,
    },
    /// Deletes a connection and ends its sessions; what is recorded stays.
    #[command(
        alias = "connections",
        after_help = "Example:\n  hoop admin delete connection pg-prod"
    )]
    Connection {
        /// Its name.
        name: String,
    },
    /// Deletes a user and ends their sessions; what is recorded stays.
    #[command(alias = "users", after_help = "Example:\n  hoop admin delete user ann@example.com")]
    User {
        /// E-mail address or id.
        name: String,
    },
    /// Deletes a group; sessions that depend on it end.
    #[command(alias = "groups", after_help = "Example:\n  hoop admin delete group engineers")]
    Group {
        /// Its name.
        name: String,
    },
    /// Revokes a credential and ends the sessions that it opened.
    #[command(
        alias = "credentials",
        after_help = "Example:\n  hoop admin delete credential pg-prod 0198f3c2-…"
    )]
    Credential {
        /// The connection's name.
        connection: String,
        /// The credential's id.
        id: String,
    },
    /// Revokes an API key and ends what it opened. It stays on the list.
    #[command(alias = "api-keys", after_help = "Example:\n  hoop admin delete api-key ci-deploy")]
    ApiKey {
        /// Its name or id.
        name: String,
    },
    /// Deletes a service account with its API keys and ends their sessions.
    #[command(
        name = "serviceaccount",
        alias = "serviceaccounts",
        after_help = "Example:\n  hoop admin delete serviceaccount 'auth0|robot'"
    )]
    ServiceAccount {
        /// Its subject.
        subject: String,
    },
    /// Switches a plugin off for all connections. Its settings stay.
    #[command(alias = "plugins", after_help = "Example:\n  hoop admin delete plugin review")]
    Plugin {
        /// Its name.
        name: String,
    },
    /// Deletes a way to notify people; what was on its way through it is given up.
    #[command(alias = "channels", after_help = "Example:\n  hoop admin delete channel mail")]
    Channel {
        /// Its name or id.
        name: String,
    },
    /// Ends a subscription; what is on its way already goes on.
    #[command(
        alias = "subscriptions",
        after_help = "Example:\n  hoop admin delete subscription on-call"
    )]
    Subscription {
        /// Its name or id.
        name: String,
    },
}
