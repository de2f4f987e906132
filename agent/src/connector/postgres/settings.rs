//! A PostgreSQL connection's settings, read from its secrets.

use std::sync::Arc;

use hoop_domain::EndReason;
use hoop_wire::postgres::login;
use rustls::{ClientConfig, pki_types::ServerName};
use zeroize::Zeroizing;

use crate::{
    connector::{
        Failure, Tls,
        tcp::Address,
        tls::{self, SslMode},
    },
    secrets::Secrets,
};

/// Where PostgreSQL listens unless told otherwise.
const PORT: u16 = 5432;

/// Where, as whom, and how secret.
pub(super) struct Settings {
    pub(super) address: Address,
    pub(super) tls: Option<Encryption>,
    user: String,
    password: Zeroizing<String>,
    database: String,
}

/// TLS to the target.
pub(super) struct Encryption {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    /// A server without TLS is refused.
    pub(super) required: bool,
}

impl Settings {
    pub(super) fn new(secrets: &Secrets, tls: &Tls) -> Result<Self, Failure> {
        let address = Address::new(secrets, Some(PORT))?;
        let user = secrets.text("USER");
        let user = user.ok_or_else(|| Failure::misconfigured(format_args!("USER is not set")))?;
        Ok(Self {
            tls: encryption(secrets, tls, &address)?,
            user: user.to_owned(),
            password: Zeroizing::new(secrets.text("PASS").unwrap_or_default().to_owned()),
            database: secrets.text("DB").unwrap_or(user).to_owned(),
            address,
        })
    }

    /// What to log in with, over a connection whose certificate has this hash.
    pub(super) fn login(
        &self,
        parameters: Vec<(String, String)>,
        certificate: Option<Vec<u8>>,
    ) -> login::Settings {
        login::Settings {
            user: self.user.clone(),
            password: self.password.clone(),
            database: self.database.clone(),
            parameters,
            certificate,
        }
    }
}

fn encryption(
    secrets: &Secrets,
    tls: &Tls,
    address: &Address,
) -> Result<Option<Encryption>, Failure> {
    let mode = secrets.text("SSLMODE").unwrap_or("prefer").parse::<SslMode>();
    let mode = mode.map_err(|error| Failure::misconfigured(format_args!("{error}")))?;
    let config = tls.config(mode, secrets.text("SSLROOTCERT")).map_err(|error| match error {
        tls::Error::RootCertificate | tls::Error::NoAuthorities => {
            Failure::misconfigured(format_args!("{error}"))
        }
        tls::Error::Verifier(_) => {
            Failure::new(EndReason::Misconfigured, error.to_string()).because(error)
        }
    })?;
    let Some(config) = config else { return Ok(None) };
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| Failure::misconfigured(format_args!("HOST is not a host name or address")))?;
    Ok(Some(Encryption { config, name, required: mode != SslMode::Prefer }))
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str) -> Result<Settings, Failure> {
        hoop_runtime::process::install_crypto();
        Settings::new(&Secrets::parse(json.as_bytes()).unwrap(), &Tls::default())
    }

    #[test]
    fn what_is_not_set_has_a_default() {
        let settings = settings(r#"{"HOST":"db","USER":"app","PASS":"pencil"}"#).unwrap();
        assert_eq!(settings.address.port, 5432);
        assert_eq!(settings.database, "app");
        assert!(settings.tls.is_some_and(|tls| !tls.required));
    }

    #[test]
    fn modes_say_whether_tls_is_wanted_and_needed() {
        for (mode, wanted, needed) in
            [("disable", false, false), ("prefer", true, false), ("require", true, true)]
        {
            let json = format!(r#"{{"HOST":"db","USER":"app","SSLMODE":"{mode}"}}"#);
            let tls = settings(&json).unwrap().tls;
            assert_eq!(tls.is_some(), wanted, "{mode}");
            assert_eq!(tls.is_some_and(|tls| tls.required), needed, "{mode}");
        }
    }

    #[test]
    fn a_setting_that_makes_no_sense_is_named_and_not_repeated() {
        for (json, name) in [
            (r#"{"HOST":"db"}"#, "USER"),
            (r#"{"HOST":"db","USER":"app","SSLMODE":"s3cret"}"#, "SSLMODE"),
            (r#"{"HOST":"d b/s3cret","USER":"app"}"#, "HOST"),
            (
                r#"{"HOST":"db","USER":"app","SSLMODE":"require","SSLROOTCERT":"s3cret"}"#,
                "SSLROOTCERT",
            ),
        ] {
            let failure = settings(json).unwrap_err();
            assert_eq!(failure.reason, EndReason::Misconfigured);
            assert!(failure.message.starts_with(name), "{}", failure.message);
            assert!(!failure.message.contains("s3cret"), "{}", failure.message);
        }
    }
}
