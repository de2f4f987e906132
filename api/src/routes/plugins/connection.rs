//! One connection of a plugin: whether it is enabled for it, and how. The tag is the plugin's,
//! since a change of one connection is a change of the plugin.

use axum::extract::{Path, State};
use hoop_domain::{ConnectionId, Plugin};
use hoop_store::plugin::StoredPlugin;
use http::StatusCode;

use super::{
    body::{ConnectionResponse, EntryRequest, config},
    known, takes_connections,
};
use crate::{
    App, Error,
    error::{Problem, Result},
    etag::{IfMatch, TRIES, Tagged},
    extract::Body,
};

/// The plugin's connections, with how it is enabled for each.
type Entries = Vec<(ConnectionId, Vec<String>)>;

/// Shows how a plugin is enabled for a connection.
#[utoipa::path(get, path = "/api/plugins/{name}/conn/{id}", tag = "plugins",
    params(("name" = String, Path, description = "the plugin's name"),
        ("id" = String, Path, description = "the connection's id or name")),
    responses((status = 200, body = ConnectionResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Tagged<ConnectionResponse>> {
    let (plugin, connection) = found(&app, &name, &id).await?;
    entry(app.org.plugin_fetch(plugin).await?, connection)
}

/// Enables a plugin for one connection, or changes how; other connections stay as they are.
#[utoipa::path(put, path = "/api/plugins/{name}/conn/{id}", tag = "plugins",
    params(("name" = String, Path, description = "the plugin's name"),
        ("id" = String, Path, description = "the connection's id or name")),
    request_body = EntryRequest,
    responses((status = 200, body = ConnectionResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    if_match: IfMatch,
    Path((name, id)): Path<(String, String)>,
    Body(request): Body<EntryRequest>,
) -> Result<Tagged<ConnectionResponse>> {
    let (plugin, connection) = found(&app, &name, &id).await?;
    let config = config("config", plugin, &request.config)?;
    takes_connections(plugin)?;
    change(&app, &if_match, plugin, |stored| {
        let others = entries(stored).into_iter().filter(|(id, _)| *id != connection);
        Ok(others.chain([(connection, config.clone())]).collect())
    })
    .await?;
    entry(app.org.plugin_fetch(plugin).await?, connection)
}

/// Disables a plugin for one connection; other connections stay as they are.
#[utoipa::path(delete, path = "/api/plugins/{name}/conn/{id}", tag = "plugins",
    params(("name" = String, Path, description = "the plugin's name"),
        ("id" = String, Path, description = "the connection's id or name")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    if_match: IfMatch,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let (plugin, connection) = found(&app, &name, &id).await?;
    change(&app, &if_match, plugin, |stored| {
        let (gone, others): (Entries, Entries) =
            entries(stored).into_iter().partition(|(id, _)| *id == connection);
        if gone.is_empty() { Err(not_there()) } else { Ok(others) }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The plugin and the connection that a path names.
async fn found(app: &App, name: &str, id: &str) -> Result<(Plugin, ConnectionId)> {
    Ok((known(name)?, app.org.connection_fetch(id).await?.id))
}

/// Makes of the plugin's connections what `become_of` says.
async fn change(
    app: &App,
    if_match: &IfMatch,
    plugin: Plugin,
    become_of: impl Fn(&StoredPlugin) -> Result<Entries>,
) -> Result<()> {
    for _ in 0..TRIES {
        let stored = app.org.plugin_fetch(plugin).await?;
        if_match.allows("plugin", stored.version)?;
        let entries = become_of(&stored)?;
        match app.org.plugin_update(plugin, None, &entries, Some(&[stored.version])).await {
            // Another connection of it, maybe, which stays as they have it who were faster.
            Err(hoop_store::Error::Changed { .. }) => {}
            done => {
                done?;
                app.nudge();
                return Ok(());
            }
        }
    }
    Err(Error::Changed { what: "plugin" })
}

fn entries(plugin: &StoredPlugin) -> Entries {
    plugin.connections.iter().map(|one| (one.id, one.config.clone())).collect()
}

fn entry(plugin: StoredPlugin, connection: ConnectionId) -> Result<Tagged<ConnectionResponse>> {
    let one = plugin.connections.into_iter().find(|one| one.id == connection);
    let one = one.ok_or_else(not_there)?;
    Ok(Tagged(plugin.version, ConnectionResponse::new(one)))
}

/// It is enabled, and not for this one.
fn not_there() -> Error {
    Error::NotFound { what: "connection of this plugin" }
}
