//! `hoop start`: a gateway on one machine, or an agent.

mod agent;
mod gateway;
mod summary;

use std::{net::IpAddr, path::PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use hoop_runtime::Env;

use crate::args::Format;

/// What to start.
#[derive(Debug, Subcommand)]
pub(crate) enum Start {
    /// Starts a whole gateway on this machine and runs it until Ctrl-C.
    Gateway(Gateway),
    /// Starts an agent, which needs nothing but HOOP_KEY.
    #[command(after_help = "\
Example:
  export HOOP_KEY=$(hoop admin create agent dev)
  hoop start agent")]
    Agent,
    /// Ends a gateway's processes when it was killed.
    #[command(hide = true)]
    Guard {
        /// The list of them.
        roster: PathBuf,
    },
}

/// Where it keeps its data and where it listens.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hoop start gateway
  hoop start gateway --host 127.0.0.1                only this machine reaches it
  hoop start gateway --data ./gateway --api-port 9009 --grpc-port 0
  POSTGRES_DB_URI=postgres://… NATS_URL=nats://… hoop start gateway

It starts the programs hoop-api, hoop-grpc-edge, hoop-audit-writer and hoop-notifier, which
are beside this one or in PATH, and a PostgreSQL and a NATS of its own unless POSTGRES_DB_URI
or NATS_URL is set. The first run prints the administrator's password and the key of an
agent, once. Their logs are in the data directory, in logs/.

The first Ctrl-C or SIGTERM lets sessions finish for EDGE_DRAIN_TIMEOUT, the second does not.
Prometheus finds the processes' metrics on 127.0.0.1:19009 to 19012, or where METRICS_LISTEN
says and on the ports after it.

Flags take precedence over API_LISTEN, GRPC_LISTEN, PG_LISTEN and HOOP_DATA; everything that
a process reads from its environment works here, too.")]
pub(crate) struct Gateway {
    #[arg(
        long,
        value_name = "DIR",
        help = "Where everything is kept [default: ~/.hoop/gateway; /var/lib/hoop for root]"
    )]
    data: Option<PathBuf>,
    #[arg(long, value_name = "ADDRESS", help = "The address to listen on [default: 0.0.0.0]")]
    host: Option<IpAddr>,
    #[arg(
        long,
        value_name = "PORT",
        help = "The REST API's port, 0 for any that is free [default: 8009]"
    )]
    api_port: Option<u16>,
    #[arg(long, value_name = "PORT", help = "The port for agents and hoop [default: 8010]")]
    grpc_port: Option<u16>,
    #[arg(long, value_name = "PORT", help = "The port for psql [default: 15432]")]
    pg_port: Option<u16>,
}

/// Does it.
pub(crate) async fn run(start: Start, format: Format, env: &Env) -> Result<()> {
    match start {
        Start::Gateway(gateway) => Box::pin(gateway::run(gateway, format)).await,
        Start::Agent => agent::run(env),
        Start::Guard { roster } => {
            hoop_supervisor::guard::be(&roster);
            Ok(())
        }
    }
}
