//! `hoop config …` and `hoop login`.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Writes a new ~/.hoop/config.toml.
    Create(ConfigCreate),
    /// Shows the settings; the token only with --raw.
    View(ConfigView),
    /// Changes one setting.
    Set(ConfigSet),
    /// Deletes ~/.hoop/config.toml, the token included.
    #[command(after_help = "\
Example:
  hoop config clear

The token is forgotten here and still valid at the gateway until it expires.")]
    Clear,
}

/// Where the gateway is.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop config create --api-url http://127.0.0.1:8009
  hoop config create --api-url https://hoop.example.com --grpc-url grpcs://hoop.example.com:8443

A token that was stored for another gateway is forgotten.")]
pub(crate) struct ConfigCreate {
    #[arg(long, value_name = "URL", help = "The gateway's API, such as https://hoop.example.com")]
    pub(crate) api_url: String,
    /// The gateway's gRPC port; otherwise port 8010 of the API's host.
    #[arg(long, value_name = "URL")]
    pub(crate) grpc_url: Option<String>,
}

/// What to show.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop config view
  hoop config view api_url
  export HOOP_TOKEN=$(hoop config view token --raw)")]
pub(crate) struct ConfigView {
    /// Only this setting.
    #[arg(value_enum)]
    pub(crate) name: Option<Setting>,
    /// Shows the token as it is.
    #[arg(long)]
    pub(crate) raw: bool,
}

/// What to change.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  hoop config set grpc_url grpcs://hoop.example.com:8443
  hoop config set token - < token.txt")]
pub(crate) struct ConfigSet {
    /// Which setting.
    #[arg(value_enum)]
    pub(crate) name: Setting,
    /// Its value; `-` reads it from standard input, nothing removes it.
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: Option<String>,
}

/// A setting, as the file calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Setting {
    /// The gateway's API.
    ApiUrl,
    /// The gateway's gRPC port.
    GrpcUrl,
    /// What `hoop login` got.
    Token,
}

/// Who, and where.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Without --email or --token, you sign in in a browser, here or on another machine, and agree
there. With --email, the password is asked for, or read from HOOP_PASSWORD or from a pipe.
So is the code of an authenticator, where one is needed; it comes after the password.

Examples:
  hoop login --api-url https://hoop.example.com
  hoop login --no-browser
  hoop login --api-url http://127.0.0.1:8009 --email admin@localhost
  hoop login --token \"$TOKEN\"")]
pub(crate) struct Login {
    #[arg(long, value_name = "URL", help = "The gateway's API, such as https://hoop.example.com")]
    pub(crate) api_url: Option<String>,
    /// The gateway's gRPC port, such as grpcs://hoop.example.com:8443; otherwise port 8010
    /// of the API's host.
    #[arg(long, value_name = "URL")]
    pub(crate) grpc_url: Option<String>,
    /// Your e-mail address, to sign in with a password of the gateway's own.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// An API token, instead of address and password.
    #[arg(long, conflicts_with = "email")]
    pub(crate) token: Option<String>,
    /// Opens no browser; you open the page that is shown, on any machine.
    #[arg(long, conflicts_with_all = ["email", "token"])]
    pub(crate) no_browser: bool,
}
