//! The process from start to end: connect, migrate, listen, drain.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use hoop_bus::Bus;
use hoop_objects::Objects;
use hoop_runtime::{Drain, process};
use hoop_store::Store;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{App, Config, control, listen, metrics, oidc, outbox, reconcile, router, start};

/// How long requests in progress may take after the drain has begun. Only downloads can
/// take longer, and they can be asked for again.
const DRAIN: Duration = Duration::from_secs(10);
/// How long the broker may take to take the last answers.
const FLUSH: Duration = Duration::from_secs(2);

/// A process that is ready to run.
#[derive(Debug)]
pub struct Service {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
}

impl Config {
    /// Connects to the database and the broker, migrates, makes the first user and listens.
    ///
    /// # Errors
    /// When one of them can't be done.
    pub async fn build(self) -> anyhow::Result<Service> {
        let (store, bus) = tokio::try_join!(
            async {
                Store::connect(self.postgres_uri.reveal()).await.context("connect to PostgreSQL")
            },
            async { Bus::connect(&self.nats_url, "hoop-api").await.context("connect to NATS") },
        )?;
        store.migrate().await.context("bring the database schema up to date")?;
        bus.ensure_streams().await.context("make the streams on NATS")?;
        let org = store.org(store.org_ensure(start::ORG).await?);
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("listen on {} (API_LISTEN)", self.listen))?;
        let address = listener.local_addr()?;
        let everybody = if self.dev { Some(start::developer(&org).await?) } else { None };
        let objects = match self.objects.clone() {
            Some(settings) => Some(Objects::connect(settings).await),
            None => None,
        };
        let app = App::new(self, store, org, bus, everybody, objects)?;
        start::first_user(&app).await.context("make the first user")?;
        Ok(Service { app, listener, address })
    }
}

impl Service {
    /// Where the REST API listens, with the port that was really taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the handlers share, for tests that call them without a network.
    #[cfg(test)]
    pub(crate) const fn app(&self) -> &App {
        &self.app
    }

    /// Serves until the drain begins and what was begun is done.
    ///
    /// # Errors
    /// When the bus is closed for good.
    pub async fn run(self, drain: Drain) -> anyhow::Result<()> {
        metrics::show(&self.app);
        let mut tasks = JoinSet::new();
        control::serve(&self.app, &drain, &mut tasks).await.context("answer on NATS")?;
        tasks.spawn(reconcile::run(self.app.clone(), drain.clone()));
        tasks.spawn(outbox::run(self.app.clone(), drain.clone()));
        tasks.spawn(oidc::run(self.app.clone(), drain.clone()));

        let router = router::router(self.app.clone());
        tasks.spawn(listen::serve(self.listener, router, drain.clone()));
        process::ready("hoop-api", &[("http", self.address.to_string())]);
        drain.begun().await;
        let finish = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, finish).await.is_err() {
            tracing::warn!("requests that took longer than {DRAIN:?} were cut off");
        }
        self.app.bus.flush(FLUSH).await;
        self.app.store.close().await;
        Ok(())
    }
}
