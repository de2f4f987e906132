//! What can be typed.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// Reach databases and services through the gateway.
#[derive(Debug, Parser)]
#[command(name = "hoop", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How results are printed.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

const EXAMPLES: &str = "\
Examples:
  hoop login --api-url https://hoop.example.com --email ada@example.com
  hoop connect my-service --port 8999
  export HOOP_KEY=$(hoop admin create agent dev)
  hoop sessions list --user ada@example.com -o json

Settings are in ~/.hoop/config.toml. API_URL and HOOP_TOKEN take precedence over it.";

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns, for people.
    Table,
    /// The API's own JSON, for programs.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints the version.
    Version,
    /// Signs in and remembers it.
    Login(Login),
    /// Opens a local port that leads to a connection's target.
    Connect(Connect),
    /// Looks at sessions.
    #[command(subcommand)]
    Sessions(Sessions),
    /// Manages the gateway; for administrators.
    #[command(subcommand)]
    Admin(Admin),
}

/// Who, and where.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
The password is asked for, or read from HOOP_PASSWORD or from a pipe:
  hoop login --api-url http://127.0.0.1:8009 --email admin@localhost
  hoop login --token \"$TOKEN\"")]
pub(crate) struct Login {
    #[arg(long, value_name = "URL", help = "The gateway's API, such as https://hoop.example.com")]
    pub(crate) api_url: Option<String>,
    /// The gateway's gRPC port, such as grpcs://hoop.example.com:8443; otherwise port 8010
    /// of the API's host.
    #[arg(long, value_name = "URL")]
    pub(crate) grpc_url: Option<String>,
    /// Your e-mail address.
    #[arg(long, value_name = "ADDRESS", required_unless_present = "token")]
    pub(crate) email: Option<String>,
    /// An API token, instead of address and password.
    #[arg(long, conflicts_with = "email")]
    pub(crate) token: Option<String>,
}

/// Which connection, and on which port.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop connect my-service                 listens on 127.0.0.1:8999 until Ctrl-C
  hoop connect my-service --port 0        takes any free port and says which

Connections of type tcp only. PostgreSQL connections are reached with psql on the
gateway's own port, with a credential of POST /api/connections/NAME/credentials.")]
pub(crate) struct Connect {
    /// The connection's name.
    pub(crate) connection: String,
    /// The local port; 0 for any that is free.
    #[arg(short, long, default_value_t = 8999)]
    pub(crate) port: u16,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// Lists sessions, the newest first.
    List(SessionsList),
    /// Shows one session.
    Get {
        /// The session's id.
        id: String,
    },
}

/// Which sessions.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop sessions list --status open
  hoop sessions list --connection pg-prod --limit 100 -o json")]
pub(crate) struct SessionsList {
    /// Of this user: an e-mail address or an id.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// To this connection.
    #[arg(long)]
    pub(crate) connection: Option<String>,
    /// In this state: opening, open or done.
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u16,
    /// Where to go on: what the page before said.
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Makes something.
    #[command(subcommand)]
    Create(Create),
    /// Lists things.
    #[command(subcommand)]
    Get(Get),
    /// Deletes something.
    #[command(subcommand)]
    Delete(Delete),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Create {
    /// Makes an agent and prints its key, which can't be had again.
    #[command(after_help = "Example:\n  export HOOP_KEY=$(hoop admin create agent dev)")]
    Agent {
        /// Its name: letters, digits, '.', '_' and '-'.
        name: String,
        /// How it runs.
        #[arg(long, value_enum, default_value_t = Mode::Standard)]
        mode: Mode,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Get {
    /// Lists the agents.
    Agents,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Delete {
    /// Revokes an agent's key; everything that depends on it is cut off at once.
    Agent {
        /// Its name.
        name: String,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_defined() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_output_format_may_stand_anywhere() {
        for line in ["hoop -o json sessions list", "hoop sessions list -o json"] {
            let args = Args::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(args.output, Format::Json);
        }
    }

    #[test]
    fn a_login_needs_an_address_or_a_token() {
        assert!(Args::try_parse_from(["hoop", "login"]).is_err());
        assert!(Args::try_parse_from(["hoop", "login", "--token", "t"]).is_ok());
        assert!(Args::try_parse_from(["hoop", "login", "--email", "a@b"]).is_ok());
    }
}
