//! The traffic: sessions that go on until they are told to finish, and know what they should get.

mod command;
mod logins;
mod psql;
mod stream;
mod tunnel;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use hoop_testkit::{Call, Wire};
use tokio::{sync::watch, task::JoinHandle};

use super::site::Site;
use crate::Target;
pub(super) use command::Kept;

/// What kind of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `psql` on the native port: queries whose answers are known.
    Queries,
    /// `psql` on the native port: `COPY` to standard output.
    CopyOut,
    /// `psql` on the native port: `COPY` from standard input.
    CopyIn,
    /// `psql` through `hoop connect` to the target's TCP port.
    Tunnel,
    /// Random bytes through `hoop connect`, which come back.
    Echo,
    /// Lines through `hoop exec`, which come back.
    Exec,
    /// Somebody who types in the terminal of `hoop connect`.
    Terminal,
    /// One `psql` after another, each a session of its own.
    Logins,
}

/// A kind of traffic, and the edges and agents that it goes through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) kind: Kind,
    /// The edge that the client calls.
    pub(super) edge: usize,
    /// The agent, which calls the edge of the same number.
    pub(super) agent: usize,
}

/// Traffic that flows.
pub(super) struct Load {
    pub(super) place: Place,
    pub(super) connection: String,
    /// What has come through so far, counted in some unit.
    beat: Arc<AtomicU64>,
    pub(super) client: Client,
    /// What the agent and the target say to each other; no target of a command has it.
    pub(super) target: Option<Wire>,
    pub(super) task: JoinHandle<Result<(), Trouble>>,
}

/// Where the bytes of the client's end are kept.
pub(super) enum Client {
    Wire(Wire),
    Kept(Kept),
}

/// Why traffic ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// It got something that it should not have got.
    #[error("it got something wrong: {0}")]
    Wrong(String),
    /// It was cut off.
    #[error("{0:#}")]
    Broken(#[from] anyhow::Error),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.into())
    }
}

/// What a load's task needs besides its client.
#[derive(Clone)]
struct Pulse {
    beat: Arc<AtomicU64>,
    finish: watch::Receiver<bool>,
    random: super::random::Random,
}

impl Pulse {
    /// Something came through; whether to go on, after a breath.
    async fn goes_on(&mut self, breath: Duration) -> bool {
        self.beat.fetch_add(1, Ordering::Relaxed);
        let finish = self.finish.wait_for(|finish| *finish);
        tokio::time::timeout(breath, finish).await.is_err()
    }
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Queries,
        Self::CopyOut,
        Self::CopyIn,
        Self::Tunnel,
        Self::Echo,
        Self::Exec,
        Self::Terminal,
        Self::Logins,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::CopyOut => "copy-out",
            Self::CopyIn => "copy-in",
            Self::Tunnel => "tunnel",
            Self::Echo => "echo",
            Self::Exec => "exec",
            Self::Terminal => "terminal",
            Self::Logins => "logins",
        }
    }

    /// Whether its client's TCP connection ends at an edge.
    pub(super) const fn is_native(self) -> bool {
        matches!(self, Self::Queries | Self::CopyOut | Self::CopyIn | Self::Logins)
    }

    /// Whether it is one session.
    pub(super) const fn is_one_session(self) -> bool {
        !matches!(self, Self::Logins)
    }

    const fn connection_type(self) -> &'static str {
        if self.is_native() { "postgres" } else { "tcp" }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}→{}", self.kind.name(), self.edge, self.agent)
    }
}

impl Load {
    /// Makes its connection and begins.
    pub(super) async fn begin(
        site: &Site,
        place: Place,
        name: &str,
        random: super::random::Random,
        finish: watch::Receiver<bool>,
    ) -> Result<Self> {
        let connection = name.to_owned();
        let beat = Arc::new(AtomicU64::new(0));
        let pulse = Pulse { beat: Arc::clone(&beat), finish, random };
        let begun = match place.kind {
            Kind::Exec | Kind::Terminal => command::begin(site, place, name, pulse).await,
            Kind::Tunnel | Kind::Echo => tunnel::begin(site, place, name, pulse).await,
            _ => native(site, place, name, pulse).await,
        };
        let (client, target, task) = begun.with_context(|| format!("begin {place}"))?;
        Ok(Self { place, connection, beat, client, target, task })
    }

    pub(super) fn beats(&self) -> u64 {
        self.beat.load(Ordering::Relaxed)
    }

    /// Fails while it flows and has not come as far as `beats`.
    pub(super) fn has_come_to(&self, beats: u64) -> Result<()> {
        let done = self.task.is_finished() || beats <= self.beats();
        ensure!(done, "{} has come to {} of {beats}", self.place, self.beats());
        Ok(())
    }
}

type Begun = (Client, Option<Wire>, JoinHandle<Result<(), Trouble>>);

async fn native(site: &Site, place: Place, name: &str, pulse: Pulse) -> Result<Begun> {
    let target = Wire::keeping(site.target.postgres.port()).await?;
    site.connection(name, place.kind.connection_type(), place.agent, target.port).await?;
    let access = site.gateway.access_to(name, place.edge).await?;
    let client = Wire::keeping(access.port).await?;
    let access = access.by_port(client.port);
    let task = match place.kind {
        Kind::CopyOut => tokio::spawn(stream::out(access, pulse)),
        Kind::CopyIn => {
            let table = name.replace('-', "_");
            let sql = format!(
                "create table {table} (line text); alter table {table} owner to {}",
                site.target.role
            );
            site.target.run(&sql).await?;
            tokio::spawn(stream::inward(access, table, pulse))
        }
        Kind::Logins => tokio::spawn(logins::run(access, name.to_owned(), pulse)),
        _ => tokio::spawn(psql::queries(access, pulse)),
    };
    Ok((Client::Wire(client), Some(target), task))
}

/// How to log in to the target without the gateway's help, at `port`.
fn by_password(target: &Target, port: u16) -> crate::Access {
    target.direct().by_port(port)
}

impl Client {
    /// What each connection's client has sent and got.
    pub(super) fn heard(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        match self {
            Self::Wire(wire) => heard(&wire.calls()),
            Self::Kept(kept) => vec![kept.heard()],
        }
    }
}

/// What each connection's client has sent and got.
pub(super) fn heard(calls: &[Arc<Call>]) -> Vec<(Vec<u8>, Vec<u8>)> {
    calls.iter().map(|call| (call.from_client(), call.from_server())).collect()
}
