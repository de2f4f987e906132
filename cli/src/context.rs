//! What was typed, the settings and the environment, ready to use.

use anyhow::{Context as _, Result};
use hoop_client::GatewayUrl;
use hoop_runtime::Env;

use crate::{api::Api, args::Format, output, settings::Settings};

/// The gRPC port, when nobody says otherwise.
const GRPC_PORT: u16 = 8010;

/// What every command that talks to a gateway needs.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) api: Api,
    format: Format,
    api_url: String,
    grpc_url: Option<String>,
    token: Option<String>,
}

impl Context {
    /// Reads settings and environment.
    pub(crate) fn new(env: &Env, format: Format) -> Result<Self> {
        let path = Settings::path()?;
        let settings = Settings::load(&path)?;
        for warning in settings.warnings(&path) {
            output::warn(&warning);
        }
        let api_url = env
            .text("API_URL")
            .or(settings.api_url)
            .context("no gateway is known; run `hoop login --api-url URL --email ADDRESS` first")?;
        let token = env.text("HOOP_TOKEN").or(settings.token);
        let api = Api::new(&api_url, token.clone())?;
        Ok(Self { api, format, api_url, grpc_url: settings.grpc_url, token })
    }

    /// Whether programs read the results.
    pub(crate) fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether more columns are wanted.
    pub(crate) fn wide(&self) -> bool {
        self.format == Format::Wide
    }

    /// Where sessions are opened.
    pub(crate) fn gateway(&self) -> Result<GatewayUrl> {
        gateway(&self.api_url, self.grpc_url.as_deref())
    }

    /// Whether anybody has signed in.
    pub(crate) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// What sessions are opened with. A gateway without authentication takes anything.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or("none")
    }
}

/// The gRPC port that goes with an API: the one that is set, or 8010 on the same host.
pub(crate) fn gateway(api_url: &str, grpc_url: Option<&str>) -> Result<GatewayUrl> {
    if let Some(url) = grpc_url {
        return Ok(url.parse()?);
    }
    let api: reqwest::Url = api_url.parse().context("the API's URL can't be read")?;
    let host = api.host_str().context("the API's URL names no host")?;
    let (scheme, port) = (api.scheme(), GRPC_PORT);
    GatewayUrl::from_parts(scheme, host, port).context("the API's URL is neither http nor https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grpc_port_is_on_the_apis_host_unless_it_is_set() {
        for (api, grpc, expected) in [
            ("http://127.0.0.1:8009", None, "grpc://127.0.0.1:8010"),
            ("https://hoop.example.com", None, "grpcs://hoop.example.com:8010"),
            ("https://hoop.example.com", Some("grpcs://g:8443"), "grpcs://g:8443"),
        ] {
            assert_eq!(gateway(api, grpc).unwrap().to_string(), expected);
        }
    }
}
