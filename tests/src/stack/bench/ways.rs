//! The ways from a client to the target.

use anyhow::Result;

use super::{
    neighbours::{self, Neighbour},
    table::Table,
};
use crate::{Access, Gateway};

/// Where the load goes.
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) access: Access,
    /// Runs as long as this.
    _neighbour: Option<Neighbour>,
}

/// What everything else is compared with.
pub(super) const DIRECT: &str = "direct";
/// The client on the edge that holds the agent.
pub(super) const ONE_EDGE: &str = "one edge";

/// What the table is to have and has not yet, with the reason.
const NOT_BUILT: [(&str, &str); 1] = [(
    "instructions per query",
    "n/a: needs a processor whose counters `perf stat` can read; virtual machines have none",
)];

/// All ways, and in the table those that there are not.
pub(super) async fn all(gateway: &Gateway, table: &mut Table) -> Result<Vec<Way>> {
    for (what, why) in NOT_BUILT {
        table.lacks(what, why);
    }
    let mut ways = vec![Way::new(DIRECT, gateway.target.direct())];
    let ssh = neighbours::ssh(gateway).await?;
    let pgbouncer = neighbours::pgbouncer(gateway).await?;
    for (name, neighbour) in [("ssh -L", ssh), ("pgbouncer", pgbouncer)] {
        match neighbour {
            Some(neighbour) => {
                let access = neighbour.access.clone();
                ways.push(Way { name, access, _neighbour: Some(neighbour) });
            }
            None => table.lacks(name, "not installed; Debian has openssh-server and pgbouncer"),
        }
    }
    ways.push(Way::new(ONE_EDGE, gateway.access(0).await?));
    ways.push(Way::new("two edges", gateway.access(1).await?));
    for (name, level) in [("one edge, synced", "synced"), ("one edge, windowed", "windowed")] {
        gateway.connection_at_level(level, level).await?;
        ways.push(Way::new(name, gateway.access_to(level, 0).await?));
    }
    Ok(ways)
}

impl Way {
    fn new(name: &'static str, access: Access) -> Self {
        Self { name, access, _neighbour: None }
    }
}
