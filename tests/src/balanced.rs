//! A gateway of two edges behind load balancers, so that sessions can move between them.

use std::path::PathBuf;

use anyhow::Result;
use hoop_testkit::Balancer;

use crate::{
    Gateway, Options,
    cli::Person,
    echo,
    gateway::{AGENT, CONNECTION},
};

/// Two edges, and a load balancer each for agents and for clients.
#[derive(Debug)]
pub struct Balanced {
    /// With the connections `pg` and `echo`.
    pub gateway: Gateway,
    /// What agents call.
    pub inner: Balancer,
    /// What clients call.
    pub outer: Balancer,
    /// The administrator, signed in by way of `outer`.
    pub person: Person,
}

impl Balanced {
    /// Starts it, with the agent at the first edge and clients at the second one.
    ///
    /// # Errors
    /// When a process does not start.
    pub async fn start(logs: Option<PathBuf>) -> Result<Self> {
        let options = Options { logs, ..Options::default() };
        let options = options.with("grpc-edge", "EDGE_RESUME_GRACE", "60s");
        let mut gateway = Gateway::start_without_agent(options).await?;
        let ports = [gateway.edge(0)?.grpc, gateway.edge(1)?.grpc];
        let (inner, outer) = (Balancer::start(&ports).await?, Balancer::start(&ports).await?);
        outer.prefer(1);
        let key = gateway.rest.agent_create(AGENT).await?;
        gateway.agent_launch_by(AGENT, &key, inner.port)?;
        gateway.agent_connected(AGENT).await?;
        gateway.connection_to_target(CONNECTION).await?;
        let echo = echo().await?.to_string();
        let secret = [("HOST", "127.0.0.1"), ("PORT", echo.as_str())];
        gateway.rest.connection_create("echo", "tcp", AGENT, &secret, &[]).await?;
        let person = Person::signed_in_by(&gateway, outer.port).await?;
        Ok(Self { gateway, inner, outer, person })
    }
}
