//! `hoop admin …` for programs: API keys and service accounts.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};

use super::duration;

/// What a program is to be known by, and what it may.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  export HOOP_TOKEN=$(hoop admin create api-key ci-deploy --group deployers --expires-in 720h)
  hoop admin create api-key robot-1 --service-account 'auth0|robot'
  API_URL=https://hoop.example.com hoop exec bash-prod -i uptime      # with HOOP_TOKEN
  hoop admin create api-key ci-deploy --overwrite --group deployers,staging --expires-in 720h

The key stands for itself: its groups decide what it may, and its name is in the sessions that
it opens. With --service-account it acts as that account. With --overwrite, groups and time that
are not given stay as they are, and so does the key.")]
pub(crate) struct CreateApiKey {
    /// Its name: letters, digits, '.', '_' and '-'.
    pub(crate) name: String,
    /// A group that it is in; several times for several. Made if it does not exist.
    #[arg(long = "group", visible_alias = "groups", value_name = "NAME", value_delimiter = ',')]
    pub(crate) groups: Vec<String>,
    /// How long it works; for ever when left out.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) expires_in: Option<Duration>,
    /// The service account that it belongs to.
    #[arg(long, value_name = "SUBJECT", conflicts_with_all = ["groups", "overwrite"])]
    pub(crate) service_account: Option<String>,
    /// Changes the key when there is one.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// Who the identity provider says it is, and what it may.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop admin create serviceaccount 'auth0|robot' --name Robot --group deployers
  hoop admin create serviceaccount 'auth0|robot' --overwrite --inactive

With --overwrite, name, groups and state that are not given stay as they are.")]
pub(crate) struct CreateServiceAccount {
    /// The subject in the tokens of the identity provider.
    pub(crate) subject: String,
    /// The name as it is shown.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A group that it is in; several times for several. Made if it does not exist.
    #[arg(long = "group", visible_alias = "groups", value_name = "NAME", value_delimiter = ',')]
    pub(crate) groups: Vec<String>,
    /// It may do nothing.
    #[arg(long)]
    pub(crate) inactive: bool,
    /// It may do again what its groups may.
    #[arg(long, conflicts_with = "inactive")]
    pub(crate) active: bool,
    /// Changes the account when there is one.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reactivate {
    /// Makes a revoked API key work again.
    #[command(after_help = "Example:\n  hoop admin reactivate api-key ci-deploy")]
    ApiKey {
        /// Its name or id.
        name: String,
    },
}
