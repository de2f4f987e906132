//! The whole: what is checked first, what is started after what, and how it stops.

use std::{path::PathBuf, time::Duration};

use hoop_runtime::Env;
use tokio::time::{self, Instant};

use crate::{
    Error, FirstRun, Options, Signals,
    child::{Child, Family},
    data::{self, Data},
    endpoint::Endpoints,
    first_run,
    guard::Guard,
    kept::Kept,
    logs,
    nats::Nats,
    postgres::Postgres,
    processes::{self, Addresses, Programs},
    reach, roster,
    roster::Roster,
    say::say,
};

/// Who stops after whom: first those who take something in, last those who keep it.
const ORDER: [&str; 6] = ["grpc-edge", "api", "audit-writer", "notifier", "nats", "postgres"];

/// A gateway that runs.
#[derive(Debug)]
pub struct Gateway {
    children: Vec<Child>,
    family: Family,
    guard: Guard,
    signals: Signals,
    // Last, so that nobody else takes the directory while something runs in it.
    data: Data,
}

/// What to tell the person who started it.
#[derive(Debug)]
pub struct Summary {
    /// The REST API.
    pub api_url: String,
    /// Where agents and the `hoop` command connect.
    pub grpc_url: String,
    /// Where `psql` connects.
    pub postgres: Option<String>,
    /// Where everything is kept.
    pub data: PathBuf,
    /// How long it took.
    pub took: Duration,
    /// What is told once.
    pub first_run: Option<FirstRun>,
}

/// All that was found out before anything is started.
struct Plan {
    env: Env,
    programs: Programs,
    postgres: Option<Postgres>,
    nats: Option<Nats>,
    addresses: Addresses,
    kept: Kept,
}

impl Gateway {
    /// Starts everything and waits until it is ready. When that fails nothing is left.
    ///
    /// # Errors
    /// With a sentence that says what is wrong and what to do.
    pub async fn start(
        options: &Options,
        env: &Env,
        signals: &Signals,
    ) -> Result<(Self, Summary), Error> {
        let begun = Instant::now();
        let data = Data::open(data::path(options.data.as_deref(), env)?)?;
        let left = roster::end_leftovers(&data.join("run"));
        if left > 0 {
            say(&format!("ended {left} processes that an earlier gateway has left behind"));
        }
        let plan = plan(options, env.clone(), &data).await?;
        let roster = Roster::new(&data.join("run"));
        let guard = Guard::start(options, roster.path())
            .map_err(|source| Error::File { path: options.program.clone(), source })?;
        let family = Family { logs: data.join("logs"), roster, now: signals.now.clone() };
        let (children, signals) = (Vec::new(), signals.clone());
        let mut gateway = Self { children, family, guard, signals: signals.clone(), data };
        let up = tokio::select! {
            up = gateway.bring_up(&plan) => up,
            () = signals.stop.cancelled() => Err(Error::Interrupted),
        };
        match up {
            Ok(first_run) => {
                let Addresses { api_url, grpc_url, pg: postgres, .. } = plan.addresses;
                let (data, took) = (gateway.data.path().to_owned(), begun.elapsed());
                Ok((gateway, Summary { api_url, grpc_url, postgres, data, took, first_run }))
            }
            Err(error) => {
                gateway.stop().await;
                Err(error)
            }
        }
    }

    /// The first run is over: what is told once was told.
    ///
    /// # Errors
    /// When that can't be remembered.
    pub fn welcomed(&self) -> Result<(), Error> {
        self.data.welcome()
    }

    /// Keeps everything running until a signal comes, then stops it in order.
    ///
    /// # Errors
    /// When a second signal cut it short.
    pub async fn run(self) -> Result<(), Error> {
        let mut period = time::interval(logs::PERIOD);
        loop {
            tokio::select! {
                _ = period.tick() => logs::shorten(&self.family.logs),
                () = self.signals.stop.cancelled() => break,
            }
        }
        say("stopping; once more to stop at once");
        let now = self.signals.now.clone();
        self.stop().await;
        if now.is_cancelled() { Err(Error::Hurried) } else { Ok(()) }
    }

    async fn bring_up(&mut self, plan: &Plan) -> Result<Option<FirstRun>, Error> {
        let Plan { env, programs, postgres, nats, addresses, kept } = plan;
        if let Some(nats) = nats {
            nats.prepare(kept)?;
            self.keep(nats.spec());
        }
        if let Some(postgres) = postgres {
            postgres.prepare(kept, &self.family.roster).await?;
            self.keep(postgres.spec());
        }
        self.all_ready().await?;
        self.keep(processes::api(programs, &self.data, addresses, kept));
        self.all_ready().await?;
        for spec in processes::others(programs, &self.data, addresses, kept, env)? {
            self.keep(spec);
        }
        self.all_ready().await?;
        if self.data.welcomed() {
            return Ok(None);
        }
        // Whatever API_URL says is perhaps not there yet.
        let base = format!("http://{}", addresses.endpoints.api.local());
        first_run::prepare(&base, env, kept).await
    }

    fn keep(&mut self, spec: crate::child::Spec) {
        self.children.push(Child::keep(spec, &self.family));
    }

    async fn all_ready(&self) -> Result<(), Error> {
        for child in &self.children {
            child.ready().await?;
        }
        Ok(())
    }

    async fn stop(mut self) {
        for name in ORDER {
            if let Some(index) = self.children.iter().position(|child| child.name() == name)
                && self.children.swap_remove(index).stop().await
            {
                say(&format!("{name} stopped"));
            }
        }
        self.family.roster.forget();
        self.guard.end().await;
    }
}

async fn plan(options: &Options, env: Env, data: &Data) -> Result<Plan, Error> {
    let endpoints = Endpoints::read(options, &env)?.check()?;
    let programs = Programs::find(&options.program)?;
    let others_postgres = env.text("POSTGRES_DB_URI").or_else(|| env.text("PG_HOST")).is_some();
    let postgres = if others_postgres { None } else { Some(Postgres::find(data, &env)?) };
    let nats = match env.text("NATS_URL") {
        Some(_) => None,
        None => Some(Nats::find(options, data, &env)?),
    };
    let kept = Kept::load(data, &env)?;
    let postgres_uri = match &postgres {
        Some(postgres) => postgres.uri(&kept),
        None => env.postgres_uri()?,
    };
    let nats_url = match &nats {
        Some(nats) => nats.url(&kept),
        None => env.required("NATS_URL")?,
    };
    if postgres.is_none() {
        reach::check("PostgreSQL", "POSTGRES_DB_URI", &postgres_uri, 5432).await?;
    }
    if nats.is_none() {
        reach::check("NATS", "NATS_URL", &nats_url, 4222).await?;
    }
    let addresses = Addresses::new(endpoints, &env, postgres_uri, nats_url);
    Ok(Plan { env, programs, postgres, nats, addresses, kept })
}
