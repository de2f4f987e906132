//! `hoop admin …`, less what makes a connection.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{
    CreateApiKey, CreateConnection, CreatePlugin, CreateServiceAccount, Reactivate, ReviewList,
    duration,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Makes something.
    #[command(subcommand, after_help = "Example:\n  hoop admin create agent dev")]
    Create(Create),
    /// Lists things, or shows one.
    #[command(
        subcommand,
        after_help = "\
Examples:
  hoop admin get agents
  hoop admin get connections pg-prod -o json
  hoop admin get connections/pg-prod -o json"
    )]
    Get(Get),
    /// Deletes something; what depends on it ends at once.
    #[command(
        subcommand,
        after_help = "Examples:\n  hoop admin delete agent dev\n  hoop admin delete agent/dev"
    )]
    Delete(Delete),
    /// Shows what the gateway says of itself: version, settings, features.
    #[command(after_help = "Examples:\n  hoop admin serverinfo\n  hoop admin serverinfo -o json")]
    Serverinfo,
    /// Encrypts all secrets at rest with the first key of SECRETS_KEY.
    #[command(after_help = "\
Examples:
  hoop admin rotate-secrets --status
  hoop admin rotate-secrets
It may be stopped and run again at any time; sessions open meanwhile.")]
    RotateSecrets {
        /// Only shows how many secrets are not under the first key yet.
        #[arg(long)]
        status: bool,
    },
    /// Makes something that was revoked work again.
    #[command(subcommand, after_help = "Example:\n  hoop admin reactivate api-key ci-deploy")]
    Reactivate(Reactivate),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Create {
    /// Makes an agent and prints its key, which can't be had again.
    #[command(after_help = "\
Examples:
  export HOOP_KEY=$(hoop admin create agent dev)
  hoop admin create agent app --mode embedded")]
    Agent {
        /// Its name: letters, digits, '.', '_' and '-'.
        name: String,
        /// How it runs.
        #[arg(long, value_enum, default_value_t = Mode::Standard)]
        mode: Mode,
    },
    /// Makes a connection, or changes one with --overwrite.
    Connection(Box<CreateConnection>),
    /// Makes a user, or changes one with --overwrite.
    User(CreateUser),
    /// Makes a group.
    #[command(after_help = "Example:\n  hoop admin create group engineers")]
    Group {
        /// Its name.
        name: String,
    },
    /// Makes a credential for the native port of a connection and prints a connection string.
    Credential(CreateCredential),
    /// Enables a plugin for connections, or changes one with --overwrite.
    Plugin(CreatePlugin),
    /// Makes an API key, an identity of a program, and prints it; it can't be had again.
    ApiKey(CreateApiKey),
    /// Makes a service account, a program that the identity provider knows, or changes one
    /// with --overwrite.
    #[command(name = "serviceaccount")]
    ServiceAccount(CreateServiceAccount),
}

/// Who.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop admin create user ann@example.com --name Ann --group engineers
  pwgen 20 1 | hoop admin create user bob@example.com --password-stdin
  hoop admin create user ann@example.com --overwrite --inactive

With --overwrite, name, groups and state that are not given stay as they are.")]
pub(crate) struct CreateUser {
    /// The e-mail address.
    pub(crate) email: String,
    /// The name as it is shown.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A group that the user is in; several times for several. Made if it does not exist.
    #[arg(long = "group", visible_alias = "groups", value_name = "NAME", value_delimiter = ',')]
    pub(crate) groups: Vec<String>,
    /// Reads the password from standard input; without, the user can't sign in with one.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// The user can't sign in.
    #[arg(long)]
    pub(crate) inactive: bool,
    /// The user can sign in again.
    #[arg(long, conflicts_with = "inactive")]
    pub(crate) active: bool,
    /// Changes the user when there is one.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// For what, and for how long.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  psql \"$(hoop admin create credential pg-prod --duration 30m)\"
  hoop admin create credential pg-prod -o json")]
pub(crate) struct CreateCredential {
    /// The connection's name.
    pub(crate) connection: String,
    /// How long it works, at most 30 days.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1h")]
    pub(crate) duration: Duration,
}

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
    ServiceAccounts,
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
    /// How many at most.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: u16,
    /// Where to go on: what the page before said.
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Delete {
    /// Revokes an agent's key; everything that depends on it is cut off at once.
    #[command(after_help = "Example:\n  hoop admin delete agent dev")]
    Agent {
        /// Its name.
        name: String,
    },
    /// Deletes a connection and ends its sessions; what is recorded stays.
    #[command(after_help = "Example:\n  hoop admin delete connection pg-prod")]
    Connection {
        /// Its name.
        name: String,
    },
    /// Deletes a user and ends their sessions; what is recorded stays.
    #[command(after_help = "Example:\n  hoop admin delete user ann@example.com")]
    User {
        /// E-mail address or id.
        name: String,
    },
    /// Deletes a group; sessions that depend on it end.
    #[command(after_help = "Example:\n  hoop admin delete group engineers")]
    Group {
        /// Its name.
        name: String,
    },
    /// Revokes a credential and ends the sessions that it opened.
    #[command(after_help = "Example:\n  hoop admin delete credential pg-prod 0198f3c2-…")]
    Credential {
        /// The connection's name.
        connection: String,
        /// The credential's id.
        id: String,
    },
    /// Revokes an API key and ends what it opened. It stays on the list.
    #[command(after_help = "Example:\n  hoop admin delete api-key ci-deploy")]
    ApiKey {
        /// Its name or id.
        name: String,
    },
    /// Deletes a service account with its API keys and ends their sessions.
    #[command(
        name = "serviceaccount",
        after_help = "Example:\n  hoop admin delete serviceaccount 'auth0|robot'"
    )]
    ServiceAccount {
        /// Its subject.
        subject: String,
    },
}

/// How an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// A process of its own that serves many connections.
    Standard,
    /// Beside an application's process, for ad-hoc tasks.
    Embedded,
}

impl Mode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Embedded => "embedded",
        }
    }
}
