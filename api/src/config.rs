//! The settings, checked before anything is started.

use std::net::SocketAddr;

use chrono::TimeDelta;
use hoop_client::{GatewayUrl, gateway};
use hoop_domain::{Secret, TrustedProxies};
use hoop_runtime::{Env, config, reports::Reports};

use hoop_store::notification::ChannelKey;

use crate::secrets::SecretsKey;

mod public;
mod rates;
mod reviews;
mod saml;
mod sign_in;

pub use crate::runbook::folder::{InvalidFolder, RunbookFolder};
pub use crate::ui::folder::{InvalidUi, UiFolder};
pub use public::{GrpcUrl, NativeAddress};
pub use rates::{NoRate, PerMinute, Rates};
pub use saml::{Metadata, SamlIdp};
pub(crate) use sign_in::is_loopback;
pub use sign_in::{Idp, PublicUrl, SignIn};

/// What `hoop-api` needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the REST API listens.
    pub listen: SocketAddr,
    /// `PROFILE=dev`: nobody is asked who they are.
    pub dev: bool,
    /// `PROFILE_DEV_FORCE`: nor are those who come from other machines.
    pub forced: bool,
    /// The state store; contains a password.
    pub postgres_uri: Secret<String>,
    /// The broker.
    pub nats_url: String,
    /// Where recordings are, when that is not the state store.
    pub objects: Option<hoop_objects::Settings>,
    /// Encrypts connection secrets at rest.
    pub secrets_key: SecretsKey,
    /// Encrypts the secrets of notification channels at rest.
    pub channel_key: ChannelKey,
    /// Where people's browsers find us; always known but with `PROFILE=dev`.
    pub public_url: Option<PublicUrl>,
    /// How people sign in.
    pub sign_in: SignIn,
    /// Where agents dial, for their keys.
    pub grpc_url: GrpcUrl,
    /// Where this process itself finds an edge.
    pub edge: GatewayUrl,
    /// Where `psql` connects, for credentials.
    pub native_pg: NativeAddress,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: TrustedProxies,
    /// Where runbooks are, if there are any.
    pub runbooks: Option<RunbookFolder>,
    /// Where the user interface is, if there is one.
    pub ui: Option<UiFolder>,
    /// Where agents report to that are not told by their own environment.
    pub agents_report: Reports,
    /// How often somebody may ask.
    pub rates: Rates,
    /// How long a request for access may wait.
    pub review_pending: TimeDelta,
    /// The first user's address.
    pub admin_email: Option<String>,
    /// The first user's password; made up when there is none.
    pub admin_password: Option<Secret<String>>,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// With a sentence that names the variable.
    pub fn from_env(env: &Env) -> Result<Self, config::Error> {
        let dev = env.dev_profile()?;
        let forced = env.only("PROFILE_DEV_FORCE", "1")?;
        let default = if dev { "127.0.0.1:8009" } else { "0.0.0.0:8009" };
        let listen = env.address("API_LISTEN", default)?;
        refuse_open_house(dev && !forced, listen)?;
        let secrets_key = match env.secret("SECRETS_KEY")? {
            None if dev => SecretsKey::for_development(),
            Some(text) => SecretsKey::from_base64(&text),
            None => SecretsKey::from_base64(&env.required("SECRETS_KEY")?),
        };
        let channel_key = channel_key(env)?;
        let grpc_url: GrpcUrl = env
            .text("GRPC_URL")
            .unwrap_or_else(|| "grpc://127.0.0.1:8010".into())
            .parse()
            .map_err(|error: public::Error| malformed("GRPC_URL", &error.to_string()))?;
        let sign_in = SignIn::from_env(env)?;
        let alone = dev && matches!(sign_in, SignIn::Local);
        let native_pg =
            env.text("NATIVE_PG_ADDRESS").unwrap_or_else(|| "127.0.0.1:15432".into()).parse();
        Ok(Self {
            listen,
            dev,
            forced,
            postgres_uri: Secret::new(env.postgres_uri()?),
            nats_url: env.required("NATS_URL")?,
            objects: hoop_objects::Settings::from_env(env)?,
            secrets_key: secrets_key
                .map_err(|error| malformed("SECRETS_KEY", &error.to_string()))?,
            channel_key,
            public_url: PublicUrl::from_env(env, alone)?,
            sign_in,
            edge: edge(env, &grpc_url)?,
            grpc_url,
            native_pg: native_pg.map_err(|error: public::Error| {
                malformed("NATIVE_PG_ADDRESS", &error.to_string())
            })?,
            trusted_proxies: env.explained("TRUSTED_PROXIES")?.unwrap_or_default(),
            runbooks: env.explained("RUNBOOKS_PATH")?,
            ui: UiFolder::from_env(env)?,
            agents_report: Reports::of_agents(env)?,
            rates: Rates::from_env(env)?,
            review_pending: reviews::pending(env)?,
            admin_email: env.text("ADMIN_EMAIL"),
            admin_password: env.text("ADMIN_PASSWORD").map(Secret::new),
        })
    }
}

/// The key of channels: one of its own, or the same as that of connections.
fn channel_key(env: &Env) -> Result<ChannelKey, config::Error> {
    for name in ["NOTIFY_SECRETS_KEY", "SECRETS_KEY"] {
        if let Some(text) = env.secret(name)? {
            let key = ChannelKey::from_base64(&text);
            return key.map_err(|error| malformed(name, &error.to_string()));
        }
    }
    ChannelKey::for_development().map_err(|error| malformed("SECRETS_KEY", &error.to_string()))
}

/// Where an edge is for this process: inside, or where everybody finds it.
fn edge(env: &Env, public: &GrpcUrl) -> Result<GatewayUrl, config::Error> {
    let given = env.text("API_GRPC_URL");
    let name = if given.is_some() { "API_GRPC_URL" } else { "GRPC_URL" };
    let url = given.unwrap_or_else(|| public.to_string());
    url.parse().map_err(|error: gateway::InvalidUrl| malformed(name, &error.to_string()))
}

/// Without authentication, whoever reaches the port is an administrator.
fn refuse_open_house(closed: bool, listen: SocketAddr) -> Result<(), config::Error> {
    if closed && !listen.ip().is_loopback() {
        return Err(malformed(
            "API_LISTEN",
            "with PROFILE=dev nobody is authenticated, so the API listens on a loopback address \
             such as 127.0.0.1:8009 only; set PROFILE_DEV_FORCE=1 if you are sure",
        ));
    }
    Ok(())
}

fn malformed(name: &str, why: &str) -> config::Error {
    config::Error::Malformed { name: name.into(), why: why.into() }
}

#[cfg(test)]
mod tests;
