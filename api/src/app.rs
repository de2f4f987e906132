//! What every handler has at hand.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use chrono::{DateTime, Utc};
use hoop_bus::Bus;
use hoop_domain::Attempts;
use hoop_objects::Objects;
use hoop_store::{OrgStore, Store};
use tokio::sync::{Notify, Semaphore};

use crate::{
    Config,
    auth::Actor,
    config::{Idp, SignIn},
    oidc::Provider,
    secrets::SecretsKey,
};

/// Password hashing takes 20 MiB and tens of milliseconds; two at a time leave a core to others.
pub(crate) const HASHES_AT_ONCE: usize = 2;

/// The parts that handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) org: OrgStore,
    pub(crate) bus: Bus,
    pub(crate) config: Arc<Config>,
    /// `PROFILE=dev`: who everybody is.
    pub(crate) everybody: Option<Arc<Actor>>,
    pub(crate) hashing: Arc<Semaphore>,
    /// Where people sign in, when that is not here.
    pub(crate) provider: Option<Arc<Provider>>,
    pub(crate) logins: Arc<Mutex<Attempts>>,
    /// Where recordings are that are not in the database.
    pub(crate) objects: Option<Objects>,
    reconciler: Arc<Notify>,
}

impl App {
    pub(crate) fn new(
        config: Config,
        store: Store,
        org: OrgStore,
        bus: Bus,
        everybody: Option<Actor>,
        objects: Option<Objects>,
    ) -> anyhow::Result<Self> {
        let provider = match (&config.sign_in, &config.public_url) {
            (SignIn::Oidc(idp), Some(public)) => {
                Some(Arc::new(Provider::new(Idp::clone(idp), public)?))
            }
            _ => None,
        };
        Ok(Self {
            provider,
            store,
            org,
            bus,
            config: Arc::new(config),
            everybody: everybody.map(Arc::new),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            logins: Arc::new(Mutex::new(Attempts::new(Instant::now()))),
            objects,
            reconciler: Arc::new(Notify::new()),
        })
    }

    pub(crate) fn secrets(&self) -> &SecretsKey {
        &self.config.secrets_key
    }

    /// The one clock of this process's decisions.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// Asks the reconciler to look at once: something was taken away or has happened.
    pub(crate) fn nudge(&self) {
        self.reconciler.notify_one();
    }

    pub(crate) async fn nudged(&self) {
        self.reconciler.notified().await;
    }
}
