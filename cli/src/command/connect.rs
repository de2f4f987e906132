//! `hoop connect CONNECTION`: a local port that leads to the target of a TCP connection.

mod relay;

use anyhow::{Context as _, Result, bail};
use hoop_client::{dial, session, stream::Credentials};
use hoop_domain::ConnectionName;
use tokio::net::TcpListener;

use crate::{
    args::Connect,
    context::Context,
    output::{self, field},
};

pub(crate) async fn run(connect: Connect, context: &Context) -> Result<()> {
    let name: ConnectionName = connect.connection.parse()?;
    // Before a session is opened, which is recorded: what can't work should not be.
    let connection = context.api.get(&["connections", name.as_str()], &()).await?;
    refuse_other_types(&name, &field(&connection, "subtype"))?;
    let listener = TcpListener::bind(("127.0.0.1", connect.port)).await.with_context(|| {
        format!("port {} can't be opened; choose another with --port", connect.port)
    })?;

    let gateway = context.gateway()?;
    let channel = dial(&gateway, None).await?;
    let request = session::Request {
        connection: name.to_string(),
        application: concat!("hoop/", env!("CARGO_PKG_VERSION")).into(),
        verb: "connect".into(),
    };
    let session = session::open(channel, &Credentials::user(context.token())?, request).await?;
    refuse_other_types(&name, &session.connection_type)?;

    let local = listener.local_addr()?;
    output::say(&format!("connection: {} | session: {}", session.connection, session.id));
    output::say(&format!("  host={} port={}", local.ip(), local.port()));
    output::say("ready to accept connections! Ctrl-C ends the session.");
    relay::run(session.pipe, listener).await
}

fn refuse_other_types(name: &ConnectionName, connection_type: &str) -> Result<()> {
    match connection_type {
        "tcp" => Ok(()),
        "postgres" => bail!(
            "{name} is a postgres connection, which psql reaches on the gateway's own port; \
             create a credential with POST /api/connections/{name}/credentials"
        ),
        other => bail!("{name} is a {other:?} connection, which this version can't open"),
    }
}
