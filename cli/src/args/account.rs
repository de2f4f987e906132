//! `hoop account …` and `hoop logout`: one's own account, or as an administrator another's.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};

use super::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Shows who you are signed in as.
    #[command(after_help = "Example:\n  hoop account show -o json")]
    Show,
    /// Changes your password; everything else that is signed in as you ends.
    #[command(after_help = "\
Examples:
  hoop account password
  printf '%s\\n' \"$OLD\" \"$NEW\" | hoop account password
  hoop account password --user ann@example.com

The old password is asked for and then the new one, or both are read from a pipe, a line each.
With --user, an administrator changes somebody else's, without the old one.")]
    Password(Whose),
    /// A second factor: codes of an authenticator, which `hoop login` then asks for.
    #[command(subcommand, after_help = "Example:\n  hoop account totp enable")]
    Totp(Totp),
    /// Tokens for programs that act as you.
    #[command(subcommand, after_help = "Example:\n  hoop account tokens list")]
    Tokens(Tokens),
}

/// Whose account.
#[derive(Debug, ClapArgs)]
pub(crate) struct Whose {
    /// Of this user, for administrators: an e-mail address or an id. Your own when left out.
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Totp {
    /// Says whether there is a second factor, and how many recovery codes are left.
    #[command(after_help = "\
Examples:
  hoop account totp show
  hoop account totp show --user ann@example.com")]
    Show(Whose),
    /// Sets up a second factor and prints recovery codes, which can't be had again.
    #[command(after_help = "\
Example:
  hoop account totp enable

Your password is asked for. Put the secret that is printed, or the address as a QR code, into
any authenticator, and type the code that it shows.")]
    Enable,
    /// Takes your second factor away; a code or a recovery code is asked for.
    #[command(after_help = "Example:\n  hoop account totp disable")]
    Disable,
    /// Takes the second factor of somebody away who has lost it; for administrators.
    #[command(after_help = "Example:\n  hoop account totp reset ann@example.com")]
    Reset {
        /// E-mail address or id.
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Lists tokens, without what they are; logins of command lines are among them.
    #[command(visible_alias = "ls", after_help = "Example:\n  hoop account tokens list")]
    List(Whose),
    /// Makes a token and prints it; it can't be had again.
    #[command(after_help = "\
Examples:
  export HOOP_TOKEN=$(hoop account tokens create laptop --expires-in 720h)
  hoop account tokens create report -o json

A program that should not act as a person has an API key: `hoop admin create api-key`.")]
    Create {
        /// What it is for, as you will recognize it.
        name: String,
        /// How long it works; for ever when left out.
        #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
        expires_in: Option<Duration>,
        #[command(flatten)]
        whose: Whose,
    },
    /// Revokes a token and ends the sessions that it opened.
    #[command(
        visible_alias = "delete",
        after_help = "Example:\n  hoop account tokens revoke 0198f3c2-…"
    )]
    Revoke {
        /// The token's id.
        id: String,
        #[command(flatten)]
        whose: Whose,
    },
}
