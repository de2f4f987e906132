//! `hoop admin …`, and what it makes that is small.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{
    CreateApiKey, CreateChannel, CreateConnection, CreatePlugin, CreateServiceAccount,
    CreateSubscription, Delete, Get, Reactivate, Redrive, Test, duration,
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
    /// Tries whether something works.
    #[command(
        subcommand,
        after_help = "\
Examples:
  hoop admin test connection pg-prod
  hoop admin test connection/pg-prod --json
  hoop admin test channel mail --recipient ann@example.com"
    )]
    Test(Test),
    /// Sends notifications again that were given up.
    #[command(subcommand, after_help = "Example:\n  hoop admin redrive channel mail")]
    Redrive(Redrive),
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
    /// Makes a credential for the native port of a postgres connection and prints a connection
    /// string.
    Credential(CreateCredential),
    /// Enables a plugin for connections, or changes one with --overwrite.
    Plugin(CreatePlugin),
    /// Makes an API key, an identity of a program, and prints it; it can't be had again.
    ApiKey(CreateApiKey),
    /// Makes a service account, a program that the identity provider knows, or changes one
    /// with --overwrite.
    #[command(name = "serviceaccount")]
    ServiceAccount(CreateServiceAccount),
    /// Makes a way to notify people, or changes one with --overwrite.
    Channel(CreateChannel),
    /// Says which events go to whom through which channel, or changes that with --overwrite.
    Subscription(CreateSubscription),
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
    /// Reads the password from standard input; without, a new user can't sign in with one.
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
