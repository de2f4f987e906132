//! The first hop: what this machine knows of the gateway.

use hoop_client::GatewayUrl;
use hoop_runtime::Env;

use super::report::{Broken, Report};
use crate::{api::Api, context, settings::Settings};

/// Where the gateway is, as it is set.
pub(super) struct Known {
    pub(super) api_url: reqwest::Url,
    pub(super) api: Api,
    pub(super) grpc: GatewayUrl,
    /// Whether somebody has set it, or it follows from the API's.
    pub(super) grpc_is_set: bool,
    pub(super) token: Option<String>,
}

pub(super) fn look(env: &Env, report: &mut Report) -> Option<Known> {
    let found = read(env);
    report.note("config", found)
}

fn read(env: &Env) -> Result<(Known, String), Broken> {
    let wrong = |error: anyhow::Error, fix: &str| Broken::new(format!("{error:#}"), fix);
    let path = Settings::path().map_err(|error| wrong(error.into(), "set HOME"))?;
    let settings = Settings::load(&path)
        .map_err(|error| wrong(error.into(), "correct the file, or run `hoop config clear`"))?;
    if let Some(warning) = settings.warnings(&path).into_iter().next() {
        return Err(Broken::new(warning, "correct the file; `hoop config view` shows it"));
    }
    let from_env = env.text("API_URL");
    let place = match &from_env {
        Some(_) => "API_URL".to_owned(),
        None => path.display().to_string(),
    };
    let Some(api_url) = from_env.or(settings.api_url) else {
        let what = format!("no gateway is known: neither {} nor API_URL has one", path.display());
        return Err(Broken::new(what, "run `hoop login --api-url URL --email ADDRESS`"));
    };
    let token = env.text("HOOP_TOKEN").or(settings.token);
    let fix = "correct it with `hoop config set api_url URL`";
    let api = Api::new(&api_url, token.clone()).map_err(|error| wrong(error.into(), fix))?;
    let parsed = api_url.parse().map_err(|_| Broken::new("the API's URL can't be read", fix))?;
    let grpc = context::gateway(&api_url, settings.grpc_url.as_deref())
        .map_err(|error| wrong(error, "correct it with `hoop config set grpc_url URL`"))?;
    let grpc_is_set = settings.grpc_url.is_some();
    Ok((Known { api_url: parsed, api, grpc, grpc_is_set, token }, place))
}
