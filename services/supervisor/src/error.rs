//! Why a gateway does not start, or does not stay.

use std::{io, net::SocketAddr, path::PathBuf};

use hoop_runtime::config;

/// What to tell the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable that nobody knows, or a value that can't be read.
    #[error(transparent)]
    Setting(#[from] config::Error),
    /// Nobody's home.
    #[error(
        "there is no home directory to keep the gateway's data in; choose a folder with --data"
    )]
    Homeless,
    /// It is not a folder that can be written.
    #[error("the data directory {} can't be used; choose another one with --data", .path.display())]
    Folder {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another gateway is there.
    #[error(
        "a gateway is already running with the data directory {} (process {by}); stop that one \
         first, or choose another directory with --data", .path.display()
    )]
    Running {
        /// The directory.
        path: PathBuf,
        /// Its process id.
        by: String,
    },
    /// Something in the data directory can't be read or written.
    #[error("{} can't be used", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A secret is gone that something was encrypted or signed with.
    #[error(
        "{} is missing or empty, and what the gateway has stored can't be read without it; put \
         it back from a backup, or start afresh with another --data", .path.display()
    )]
    SecretLost {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else listens there.
    #[error(
        "port {port} ({what}) is taken by another program; stop that one, or choose another \
         port with {flag} or {variable}"
    )]
    PortTaken {
        /// The port.
        port: u16,
        /// What it is for.
        what: &'static str,
        /// How to choose another.
        flag: &'static str,
        /// How else.
        variable: &'static str,
    },
    /// It can't be listened on for another reason.
    #[error(
        "{address} ({what}) can't be listened on; choose another with --host, {flag} or {variable}"
    )]
    Unlistenable {
        /// The address.
        address: SocketAddr,
        /// What it is for.
        what: &'static str,
        /// How to choose another.
        flag: &'static str,
        /// How else.
        variable: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// No port of the private range is free.
    #[error("no free port was found on loopback for {what}")]
    NoPort {
        /// What it is for.
        what: &'static str,
    },
    /// A program that is needed is not installed.
    #[error("{program} was not found {looked}; {how}")]
    Missing {
        /// The program.
        program: String,
        /// Where it was looked for.
        looked: &'static str,
        /// What to do.
        how: &'static str,
    },
    /// PostgreSQL does not run as root, and there is nobody else.
    #[error(
        "PostgreSQL refuses to run as root, and there is no account \"postgres\" to run it as; \
         make one, start the gateway as another user, or set POSTGRES_DB_URI"
    )]
    NoAccount,
    /// The account can't get to its data.
    #[error(
        "the account \"postgres\", which PostgreSQL runs as, can't enter {}; choose a data \
         directory with --data that everybody may pass through, such as /var/lib/hoop",
        .path.display()
    )]
    Impassable {
        /// The folder that is closed.
        path: PathBuf,
    },
    /// Somebody else's server is not there.
    #[error("{what} at {address} ({variable}) can't be reached; is it running?")]
    Unreachable {
        /// `PostgreSQL` or `NATS`.
        what: &'static str,
        /// Host and port.
        address: String,
        /// Where the address was set.
        variable: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A program that makes something did not.
    #[error("{program} failed: {said}")]
    Failed {
        /// The program.
        program: String,
        /// What it said.
        said: String,
    },
    /// A child does not come up.
    #[error("{name} does not start: it {how}. Its log is {} and ends with:\n{last_words}", .log.display())]
    Child {
        /// Which.
        name: &'static str,
        /// How it ended.
        how: String,
        /// Where it logs.
        log: PathBuf,
        /// The end of that.
        last_words: String,
    },
    /// The first agent could not be made.
    #[error("the first agent can't be made: {why}")]
    FirstRun {
        /// Why.
        why: String,
    },
    /// The system has no randomness.
    #[error("the system has no randomness to make secrets of")]
    Randomness,
    /// Asked to stop while starting.
    #[error("stopped before the gateway was ready")]
    Interrupted,
    /// Asked twice.
    #[error("stopped at once; open sessions were cut off")]
    Hurried,
}
