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
use tokio::sync::Notify;

use crate::{
    Config,
    auth::{Actor, password::Hashing},
    config::{Idp, SamlIdp, SignIn},
    guard::limits::Limits,
    oidc::Provider,
    routes::health::Pulse,
    saml,
    secrets::SecretsKey,
};

/// The parts that handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) org: OrgStore,
    pub(crate) bus: Bus,
    pub(crate) config: Arc<Config>,
    /// `PROFILE=dev`: who everybody is.
    pub(crate) everybody: Option<Arc<Actor>>,
    pub(crate) hashing: Hashing,
    /// Where people sign in with OpenID Connect, when that is not here.
    pub(crate) provider: Option<Arc<Provider>>,
    /// Where people sign in with SAML, when that is not here.
    pub(crate) saml: Option<Arc<saml::Provider>>,
    pub(crate) logins: Arc<Mutex<Attempts>>,
    /// Where recordings are that are not in the database.
    pub(crate) objects: Option<Objects>,
    /// How often everybody has asked.
    pub(crate) limits: Arc<Limits>,
    /// Whether the database answers.
    pub(crate) pulse: Arc<Pulse>,
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
        let saml = match (&config.sign_in, &config.public_url) {
            (SignIn::Saml(idp), Some(public)) => {
                Some(Arc::new(saml::Provider::new(SamlIdp::clone(idp), public)?))
            }
            _ => None,
        };
        Ok(Self {
            provider,
            saml,
            store,
            org,
            bus,
            limits: Arc::new(Limits::new(&config.rates, Instant::now())),
            config: Arc::new(config),
            everybody: everybody.map(Arc::new),
            hashing: Hashing::new(),
            logins: Arc::new(Mutex::new(Attempts::new(Instant::now()))),
            objects,
            pulse: Arc::default(),
            reconciler: Arc::new(Notify::new()),
        })
    }

    /// Whether people sign in at an identity provider, and passwords of ours are none.
    pub(crate) const fn has_provider(&self) -> bool {
        self.provider.is_some() || self.saml.is_some()
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
