//! `hoop admin create plugin …`.

use clap::Args as ClapArgs;

/// Which plugin, for what.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop admin create plugin review -c pg-prod:dba-leads,security -c bash-prod:dba-leads
  hoop admin create plugin access_control -c pg-prod:oncall --overwrite
  hoop admin create plugin review --overwrite --no-connections
  hoop admin create plugin runbooks -c pg-prod:team/dba -c bash-prod
  hoop admin create plugin slack --config-file SLACK_BOT_TOKEN=token.txt

Give what is secret with --config-file or --config-stdin: other people on this machine can read
the arguments of a command. Settings are never shown again. With --overwrite, connections,
settings and priority that are not given stay as they are.")]
pub(crate) struct CreatePlugin {
    /// audit, access_control, dlp, indexer, review, runbooks, slack or webhooks.
    pub(crate) name: String,
    /// A connection that it is enabled for, and the groups that approve (review) or may use it
    /// (access_control), or the folders with its runbooks (runbooks); several times for several.
    #[arg(short, long = "connection", value_name = "NAME[:GROUP,…]")]
    pub(crate) connections: Vec<String>,
    /// Switches it off for all connections.
    #[arg(long, conflicts_with = "connections")]
    pub(crate) no_connections: bool,
    /// A setting; several times for several.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) config: Vec<String>,
    /// A setting that is a file's content.
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) config_file: Vec<String>,
    /// A setting that is read from standard input, without its last line break.
    #[arg(long, value_name = "NAME")]
    pub(crate) config_stdin: Option<String>,
    /// Where it comes among the others.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,
    /// Changes the plugin when it is enabled already.
    #[arg(long)]
    pub(crate) overwrite: bool,
}
