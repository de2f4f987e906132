//! `hoop connect CONNECTION`: a terminal, or a local port.

mod forward;
mod postgres;
mod relay;
mod shell;
mod tcp;

use std::io;

use anyhow::{Context as _, Result, bail};
use hoop_domain::ConnectionName;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    args::Connect,
    context::Context,
    output::{self, field, is},
};

/// The port for `psql`, when nobody says otherwise: beside that of a server of one's own.
const POSTGRES_PORT: u16 = 5433;
/// The port for anything else.
const TCP_PORT: u16 = 8999;

/// Opens it; the exit code.
pub(crate) async fn run(connect: Connect, context: &Context) -> Result<u8> {
    let name: ConnectionName = connect.connection.parse()?;
    // Before a session is opened, which is recorded: what can't work should not be.
    let connection = context.api.get(&["connections", name.as_str()], &()).await;
    let connection = connection.map_err(|error| error.listed_by("hoop list"))?;
    let kind = field(&connection, "subtype");
    if kind != "command-line" && !connect.arguments.is_empty() {
        bail!("{name} is a {kind} connection, which takes no arguments");
    }
    match kind.as_str() {
        "tcp" => {
            let port = connect.port.unwrap_or(TCP_PORT);
            tcp::run(&name, port, connect.duration, context).await?;
        }
        "postgres" => {
            postgres::run(&name, &connect, is(&connection, "needs_review"), context).await?;
        }
        "command-line" => {
            return shell::run(&name, connect.arguments, connect.duration, context).await;
        }
        "mysql" => bail!("{name} is a mysql connection; use `hoop exec {name} -i 'SQL'`"),
        other => bail!("{name} is a {other:?} connection, which this version can't open"),
    }
    Ok(0)
}

/// The local port, or what to do when it is taken.
async fn listen(port: u16) -> Result<TcpListener> {
    let listening: io::Result<TcpListener> = TcpListener::bind(("127.0.0.1", port)).await;
    listening.with_context(|| format!("port {port} can't be opened; choose another with --port"))
}

/// A title between dashes, what is in the box, and that it is ready.
fn banner(title: &str, line: &str) {
    const WIDTH: usize = 60;
    output::say(&format!("{title:-^WIDTH$}"));
    output::say(&format!("      {line}"));
    output::say(&"-".repeat(WIDTH));
    output::say("ready to accept connections! Ctrl-C ends it.");
}

/// The same for programs, a line of JSON.
fn ready(fields: &serde_json::Value) -> io::Result<()> {
    output::print(&json!({"status": "ready", "data": fields}).to_string())
}
