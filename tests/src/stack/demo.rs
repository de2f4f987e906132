//! A real `psql` reaches a database whose password it does not have, and the session is replayed.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{
    replay,
    terminal::{heading, quote, say},
};
use crate::{Access, Gateway, Options, gateway::CONNECTION, rest::text};

const QUERIES: [&str; 2] = [
    "select * from customers order by id",
    "select count(*) as londoners from customers where city = 'London'",
];

pub(super) async fn run(logs: PathBuf) -> Result<()> {
    heading("starting PostgreSQL, NATS and the gateway's processes");
    let mut gateway = Gateway::start(Options { logs: Some(logs), ..Options::default() }).await?;
    cast(&gateway);

    heading("psql, through the edge that does not hold the agent");
    let access = gateway.access(1).await?;
    let shown = psql(&access).await?;
    quote(&shown);

    heading("what the gateway recorded, from the REST API");
    let session = gateway.rest.only_session(CONNECTION).await?;
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    replay::show(&gateway.rest, &session).await?;

    heading("stopping everything");
    gateway.stop()?;
    drop(gateway);
    say("    nothing is left behind; `cargo xtask up` starts the same to play with");
    Ok(())
}

/// Who takes part, and where they listen.
pub(super) fn cast(gateway: &Gateway) {
    say(&format!(
        "    {:<18}{}",
        "PostgreSQL",
        format_args!("127.0.0.1:{}", gateway.postgres.port())
    ));
    say(&format!("    {:<18}{}", "nats-server", gateway.nats.url().trim_start_matches("nats://")));
    say(&format!("    {:<18}{}", "hoop-api", gateway.api_url));
    for (number, edge) in gateway.edges.iter().enumerate() {
        let name = format!("hoop-grpc-edge {number}");
        say(&format!("    {name:<18}gRPC 127.0.0.1:{}, psql 127.0.0.1:{}", edge.grpc, edge.pg));
    }
    say(&format!("    {:<18}stores what the edges record", "hoop-audit-writer"));
    say(&format!("    {:<18}tells people what happened", "hoop-notifier"));
    say(&format!("    {:<18}called edge 0; it alone knows the database's password", "hoop-agent"));
}

async fn psql(access: &Access) -> Result<String> {
    let Access { host, port, username, database, .. } = access;
    quote(&format!("$ psql -h {host} -p {port} -U {username} {database}"));
    let mut command = access.psql();
    // psql shows each query before its answer.
    command.arg("--echo-queries").args(QUERIES.iter().flat_map(|query| ["-c", query]));
    let output = command.output().await.context("run psql")?;
    crate::Psql(output).success().context("psql through the gateway")
}
