//! `hoop admin …` for notifications, and what can be tried.

use clap::{Args as ClapArgs, Subcommand};

/// Which channel, and what it has to know.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop admin create channel mail -t smtp --setting host=mail.example.com --setting user=hoop \\
      --setting from=hoop@example.com --secret-stdin password < password.txt
  hoop admin create channel ops -t slack --secret-file webhook_url=url.txt
  hoop admin create channel siem -t webhook --setting url=https://siem.example.com/hoop \\
      --secret-file signing_secret=secret.txt
  hoop admin create channel mail --overwrite --disabled

The settings of smtp are host, port, tls, user, from and ca_certificate, its secret is password.
slack has the secret webhook_url, or bot_token; magicbell api_key and api_secret; webhook the
setting url and the secret signing_secret.

Give what is secret with --secret-file or --secret-stdin: other people on this machine can read
the arguments of a command. Secrets are never shown again. With --overwrite, what is not given
stays as it is.")]
pub(crate) struct CreateChannel {
    /// Its name.
    pub(crate) name: String,
    /// smtp, slack, magicbell or webhook; it can't be changed.
    #[arg(short = 't', long = "type", value_name = "TYPE", required_unless_present = "overwrite")]
    pub(crate) kind: Option<String>,
    /// A setting; several times for several.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) setting: Vec<String>,
    /// A setting that is a file's content, without its last line break.
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) setting_file: Vec<String>,
    /// A secret; several times for several.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) secret: Vec<String>,
    /// A secret that is a file's content, without its last line break.
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) secret_file: Vec<String>,
    /// A secret that is read from standard input, without its last line break.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_stdin: Option<String>,
    #[command(flatten)]
    pub(crate) switch: Switch,
    /// Changes the channel when there is one.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// Which events go to whom through what.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop admin create subscription on-call --channel mail --event session.failed,agent.lost \\
      --recipient ann@example.com
  hoop admin create subscription approvals --channel mail --event 'review.*' \\
      --recipient reviewers,requester
  hoop admin create subscription on-call --overwrite --recipient bob@example.com

Webhooks have no recipients. With --overwrite, what is not given stays as it is.")]
pub(crate) struct CreateSubscription {
    /// Its name.
    pub(crate) name: String,
    /// The channel's name or id.
    #[arg(long, value_name = "NAME", required_unless_present = "overwrite")]
    pub(crate) channel: Option<String>,
    /// A kind of event such as session.opened, a family such as session.*, or *; several times
    /// for several.
    #[arg(
        long = "event",
        visible_alias = "events",
        value_name = "KIND",
        value_delimiter = ',',
        required_unless_present = "overwrite"
    )]
    pub(crate) events: Vec<String>,
    /// To whom, such as an e-mail address or the Slack channel #ops; several times for several.
    /// `reviewers` and `requester` are the people of a request for access.
    #[arg(
        long = "recipient",
        visible_alias = "recipients",
        value_name = "WHOM",
        value_delimiter = ','
    )]
    pub(crate) recipients: Vec<String>,
    #[command(flatten)]
    pub(crate) switch: Switch,
    /// Changes the subscription when there is one.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

/// Whether it is in force.
#[derive(Debug, ClapArgs)]
pub(crate) struct Switch {
    /// Switches it off.
    #[arg(long, conflicts_with = "enabled")]
    pub(crate) disabled: bool,
    /// Switches it on again.
    #[arg(long)]
    pub(crate) enabled: bool,
}

impl Switch {
    /// What was said, if anything was.
    pub(crate) fn wanted(&self) -> Option<bool> {
        (self.enabled || self.disabled).then_some(self.enabled)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Test {
    /// Opens a connection as you and closes it again; says how far that came.
    #[command(
        alias = "connections",
        after_help = "\
Examples:
  hoop admin test connection pg-prod
  hoop admin test connection pg-prod --json

A database is logged in to and a TCP service connected to; of a command line, only the agent is
asked, and nothing is run. It is a session like any other, and recorded. Ends with 1 when it
does not come as far as it can."
    )]
    Connection {
        /// Its name.
        name: String,
    },
    /// Sends a test through a channel.
    #[command(
        alias = "channels",
        after_help = "\
Examples:
  hoop admin test channel mail --recipient ann@example.com
  hoop admin test channel siem"
    )]
    Channel {
        /// Its name or id.
        name: String,
        /// To whom, such as an e-mail address; nobody for webhooks.
        #[arg(long, value_name = "WHOM")]
        recipient: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Redrive {
    /// Sends all that a channel gave up again.
    #[command(alias = "channels", after_help = "Example:\n  hoop admin redrive channel mail")]
    Channel {
        /// Its name or id.
        name: String,
    },
    /// Sends one notification again that was given up.
    #[command(
        alias = "deliveries",
        after_help = "\
Examples:
  hoop admin get deliveries --status dead
  hoop admin redrive delivery 0198f3c2-…"
    )]
    Delivery {
        /// Its id.
        id: String,
    },
}
