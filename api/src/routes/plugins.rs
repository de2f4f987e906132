//! What is switched on, and for which connections.

mod body;
pub(crate) mod connection;

use std::collections::BTreeSet;

use axum::extract::State;
use hoop_domain::{ConnectionId, Plugin, PluginId};
use hoop_store::{NameCursor, connection::EncryptedSecret};
use http::StatusCode;

use crate::{
    App, Error,
    error::{Problem, Result},
    etag::{IfMatch, Tagged},
    extract::{Body, Named},
    paging::{ArrayQuery, Asked, Linked},
    secrets::{Place, SecretMap},
};

pub(crate) use body::{PluginConfigRequest, PluginRequest, PluginResponse};
use body::{Wanted, values};

/// Lists the plugins that are enabled, by name.
#[utoipa::path(get, path = "/api/plugins", tag = "plugins", params(ArrayQuery),
    responses((status = 200, body = Vec<PluginResponse>)))]
pub(crate) async fn list(
    State(app): State<App>,
    asked: Asked<NameCursor>,
) -> Result<Linked<PluginResponse>> {
    asked.linked(app.org.plugin_list(&asked.window).await?, PluginResponse::new)
}

/// Shows one plugin. The values of its settings are never shown.
#[utoipa::path(get, path = "/api/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "the plugin's name")),
    responses((status = 200, body = PluginResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Named(name): Named,
) -> Result<Tagged<PluginResponse>> {
    respond(&app, known(&name)?).await
}

/// Enables a plugin for connections.
#[utoipa::path(post, path = "/api/plugins", tag = "plugins", request_body = PluginRequest,
    responses((status = 201, body = PluginResponse),
        (status = 409, description = "it is enabled already", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<PluginRequest>,
) -> Result<(StatusCode, Tagged<PluginResponse>)> {
    let plugin = request.plugin()?;
    let connections = connections(&app, plugin, request.wanted(plugin)?).await?;
    let id = PluginId::generate();
    let config = match &request.config {
        None => None,
        Some(config) => Some(encrypt(&app, id, &values("config.envvars", &config.envvars)?)?),
    };
    let priority = request.priority.unwrap_or_default();
    app.org.plugin_create(id, plugin, priority, config.as_ref(), &connections).await?;
    app.nudge();
    Ok((StatusCode::CREATED, respond(&app, plugin).await?))
}

/// Enables a plugin for these connections and no others; for none when the list is empty. Its
/// settings stay as they are.
#[utoipa::path(put, path = "/api/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "the plugin's name")),
    request_body = PluginRequest,
    responses((status = 200, body = PluginResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(name): Named,
    Body(request): Body<PluginRequest>,
) -> Result<Tagged<PluginResponse>> {
    let plugin = known(&name)?;
    if request.plugin()? != plugin {
        return Err(Error::invalid("name", "can't be changed"));
    }
    if request.config.is_some() {
        return Err(Error::invalid("config", "is changed with PUT …/config"));
    }
    let connections = connections(&app, plugin, request.wanted(plugin)?).await?;
    let versions = versions.as_deref();
    app.org.plugin_update(plugin, request.priority, &connections, versions).await?;
    app.nudge();
    respond(&app, plugin).await
}

/// Replaces the settings of a plugin: names to values in base64. They are never shown again.
#[utoipa::path(put, path = "/api/plugins/{name}/config", tag = "plugins",
    params(("name" = String, Path, description = "the plugin's name")),
    request_body = PluginConfigRequest,
    responses((status = 200, body = PluginResponse), (status = 404, body = Problem),
        (status = 422, description = "a value makes no sense", body = Problem)))]
pub(crate) async fn configure(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(name): Named,
    Body(request): Body<PluginConfigRequest>,
) -> Result<Tagged<PluginResponse>> {
    let plugin = known(&name)?;
    let stored = app.org.plugin_fetch(plugin).await?;
    let config = encrypt(&app, stored.id, &values("body", &request.0)?)?;
    app.org.plugin_configure(plugin, &config, versions.as_deref()).await?;
    respond(&app, plugin).await
}

/// What is no plugin is not there.
fn known(name: &str) -> Result<Plugin> {
    name.parse().map_err(|_| Error::NotFound { what: "plugin" })
}

async fn respond(app: &App, plugin: Plugin) -> Result<Tagged<PluginResponse>> {
    let stored = app.org.plugin_fetch(plugin).await?;
    Ok(Tagged(stored.version, PluginResponse::new(stored)))
}

/// Why a plugin takes no connections: who names some would rely on what is not done.
const fn idle(plugin: Plugin) -> Option<&'static str> {
    match plugin {
        Plugin::Dlp => Some("is not done by this version, so nothing may rely on it"),
        Plugin::Indexer => Some("is not done by this version, which searches no recordings"),
        Plugin::Slack | Plugin::Webhooks => {
            Some("sends nothing in this version: notification channels and subscriptions do")
        }
        // Every session is recorded, so that is true of whichever are named.
        Plugin::Audit | Plugin::AccessControl | Plugin::Review | Plugin::Runbooks => None,
    }
}

/// Refuses connections of a plugin that does nothing for any.
fn takes_connections(plugin: Plugin) -> Result<()> {
    match idle(plugin) {
        None => Ok(()),
        Some(why) => Err(Error::invalid("connections", format_args!("{plugin} {why}; name none"))),
    }
}

/// The connections that are meant, by their ids.
async fn connections(
    app: &App,
    plugin: Plugin,
    wanted: Vec<Wanted>,
) -> Result<Vec<(ConnectionId, Vec<String>)>> {
    if !wanted.is_empty() {
        takes_connections(plugin)?;
    }
    let (mut found, mut seen) = (Vec::with_capacity(wanted.len()), BTreeSet::new());
    for one in wanted {
        let connection = match app.org.connection_fetch(&one.name).await {
            Ok(connection) => connection,
            Err(hoop_store::Error::NotFound { .. }) => {
                return Err(Error::invalid(one.field, "there is no connection of that id or name"));
            }
            Err(error) => return Err(error.into()),
        };
        if !seen.insert(connection.id) {
            return Err(Error::invalid(one.field, "is named before; name each connection once"));
        }
        found.push((connection.id, one.config));
    }
    Ok(found)
}

/// Settings as they are stored.
fn encrypt(app: &App, id: PluginId, values: &SecretMap) -> Result<EncryptedSecret> {
    Ok(EncryptedSecret {
        ciphertext: app.secrets().encrypt_at(Place::Plugin(id), values).map_err(Error::internal)?,
        names: values.keys().cloned().collect(),
    })
}
