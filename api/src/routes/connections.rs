//! Connections.

mod body;
mod filter;
mod page;
mod review;
mod secret;
pub(crate) mod trial;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use hoop_domain::{ConnectionId, ConnectionType, Role};
use hoop_policy::access::may_see;
use hoop_store::{
    NameCursor, Window,
    connection::{Connection, ConnectionSpec, EncryptedSecret},
};
use http::{StatusCode, Uri};

use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    etag::{IfMatch, TRIES, Tagged},
    extract::{Body, Named, Params},
    paging::Asked,
    secrets::SecretMap,
};

use body::required;
pub(crate) use body::{ConnectionPatch, ConnectionRequest, ConnectionResponse, family};
use filter::ConnectionQuery;
use page::{ConnectionList, Numbered};

/// Lists the connections that the one who asks may open, by name; auditors and administrators
/// see all of those that are asked for.
#[utoipa::path(get, path = "/api/connections", tag = "connections", params(ConnectionQuery),
    responses((status = 200, body = inline(ConnectionList))))]
pub(crate) async fn list(
    State(app): State<App>,
    actor: Actor,
    uri: Uri,
    Params(query): Params<ConnectionQuery>,
) -> Result<Response> {
    let (numbered, filter) = (Numbered::read(&query)?, query.filter());
    let asked = Asked::<NameCursor>::read(query.limit, query.cursor.as_deref(), uri)?;
    let agents = app.org.agent_list(app.now(), &Window::ALL).await?.rows;
    let groups = (actor.role < Role::Auditor).then_some(actor.groups.as_slice());
    let show = |connection| ConnectionResponse::new(connection, &agents);
    // The database leaves out what they may not see, so that pages are full; the word on it is
    // the policy's.
    let seen = |connection: &Connection| visible(&actor, connection);
    if let Some(page) = numbered {
        let (skipped, most) = (page.skipped(), page.most());
        let (rows, total) =
            app.org.connection_list_numbered(groups, &filter, skipped, most).await?;
        let data = rows.into_iter().filter(seen).map(show).collect();
        return Ok(Json(page.with(total, data)).into_response());
    }
    let mut page = app.org.connection_list(groups, &filter, &asked.window).await?;
    page.rows.retain(seen);
    Ok(asked.linked(page, show)?.shown_as(ConnectionList::Bare))
}

/// Shows one connection. Its secret is never shown, only the names in it.
#[utoipa::path(get, path = "/api/connections/{name}", tag = "connections",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 200, body = ConnectionResponse), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(app): State<App>,
    actor: Actor,
    Named(name): Named,
) -> Result<Tagged<ConnectionResponse>> {
    let connection = find(&app, &actor, &name).await?;
    respond(&app, connection).await
}

/// Makes a connection.
#[utoipa::path(post, path = "/api/connections", tag = "connections",
    request_body = ConnectionRequest,
    responses((status = 201, body = ConnectionResponse),
        (status = 409, description = "the name is taken", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    Body(request): Body<ConnectionRequest>,
) -> Result<(StatusCode, Tagged<ConnectionResponse>)> {
    request.whole()?;
    let kind = request.kind(None)?;
    let given = request.secret.clone().unwrap_or_default();
    let secret = secret::parse(kind, &given, &SecretMap::new())?;
    let id = ConnectionId::generate();
    let spec = spec(&app, &request, id, kind, None, Some(&secret)).await?;
    let connection = app.org.connection_create(id, &spec).await?;
    Ok((StatusCode::CREATED, respond(&app, connection).await?))
}

/// Changes a connection. What is left out stays as it is, and so do secrets that are empty;
/// taking access away ends live sessions.
#[utoipa::path(put, path = "/api/connections/{name}", tag = "connections",
    params(("name" = String, Path, description = "name or id")),
    request_body = ConnectionRequest,
    responses((status = 200, body = ConnectionResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn update(
    State(app): State<App>,
    if_match: IfMatch,
    Named(name): Named,
    Body(request): Body<ConnectionRequest>,
) -> Result<Tagged<ConnectionResponse>> {
    request.whole()?;
    changed(&app, &if_match, &name, &request, Others::Go).await
}

/// Changes what is named of a connection and nothing else; of `secret`, too, those values that
/// are named. Taking access away ends live sessions.
#[utoipa::path(patch, path = "/api/connections/{name}", tag = "connections",
    params(("name" = String, Path, description = "name or id")),
    request_body = ConnectionPatch,
    responses((status = 200, body = ConnectionResponse), (status = 404, body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn patch(
    State(app): State<App>,
    if_match: IfMatch,
    Named(name): Named,
    Body(ConnectionPatch(request)): Body<ConnectionPatch>,
) -> Result<Tagged<ConnectionResponse>> {
    changed(&app, &if_match, &name, &request, Others::Stay).await
}

/// What becomes of the values of a secret that a change of others does not name.
#[derive(Clone, Copy)]
enum Others {
    Go,
    Stay,
}

async fn changed(
    app: &App,
    if_match: &IfMatch,
    name: &str,
    request: &ConnectionRequest,
    others: Others,
) -> Result<Tagged<ConnectionResponse>> {
    for _ in 0..TRIES {
        let stored = app.org.connection_fetch(name).await?;
        if_match.allows("connection", stored.version)?;
        match change(app, request, &stored, others).await {
            // What is left out stays as they have it who were faster.
            Err(Error::Changed { .. }) => {}
            done => {
                let connection = done?;
                app.nudge();
                return respond(app, connection).await;
            }
        }
    }
    Err(Error::Changed { what: "connection" })
}

/// Makes of what is `stored` what is asked for, unless it is of another version by now.
async fn change(
    app: &App,
    request: &ConnectionRequest,
    stored: &Connection,
    others: Others,
) -> Result<Connection> {
    if request.kind(Some(stored.kind))? != stored.kind {
        return Err(Error::invalid("subtype", "can't be changed; make a new connection"));
    }
    let secret = match &request.secret {
        None => None,
        Some(given) => {
            let old = app.secrets().decrypt_map(stored.id, &stored.secret);
            let old = old.map_err(Error::internal)?;
            let given = match others {
                Others::Go => given.clone(),
                Others::Stay => secret::with_others(given, &old),
            };
            Some(secret::parse(stored.kind, &given, &old)?)
        }
    };
    let spec = spec(app, request, stored.id, stored.kind, Some(stored), secret.as_ref()).await?;
    Ok(app.org.connection_update(stored.id, &spec, Some(&[stored.version])).await?)
}

/// Deletes a connection with its credentials and ends its live sessions.
#[utoipa::path(delete, path = "/api/connections/{name}", tag = "connections",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete(
    State(app): State<App>,
    IfMatch(versions): IfMatch,
    Named(name): Named,
) -> Result<StatusCode> {
    let connection = app.org.connection_fetch(&name).await?;
    app.org.connection_delete(connection.id, versions.as_deref()).await?;
    app.nudge();
    Ok(StatusCode::NO_CONTENT)
}

/// The connection `name`, if the actor may know of it.
pub(crate) async fn find(app: &App, actor: &Actor, name: &str) -> Result<Connection> {
    let connection = app.org.connection_fetch(name).await?;
    if visible(actor, &connection) {
        Ok(connection)
    } else {
        Err(Error::NotFound { what: "connection" })
    }
}

fn visible(actor: &Actor, connection: &Connection) -> bool {
    let open = || may_see(&actor.groups, &connection.groups);
    let listed = || match &connection.plugged.restricted_to {
        None => true,
        Some(groups) => may_see(&actor.groups, groups),
    };
    Role::Auditor <= actor.role || (open() && listed())
}

async fn respond(app: &App, connection: Connection) -> Result<Tagged<ConnectionResponse>> {
    let agents = app.org.agent_list(app.now(), &Window::ALL).await?.rows;
    Ok(Tagged(connection.version, ConnectionResponse::new(connection, &agents)))
}

async fn spec(
    app: &App,
    request: &ConnectionRequest,
    id: ConnectionId,
    kind: ConnectionType,
    stored: Option<&Connection>,
    secret: Option<&SecretMap>,
) -> Result<ConnectionSpec> {
    let agent = request.agent_id.clone().or_else(|| stored.map(|it| it.agent.to_string()));
    let agent = required("agent_id", agent)?;
    let agent = match app.org.agent_fetch(&agent, app.now()).await {
        Ok(agent) => agent.id,
        Err(hoop_store::Error::NotFound { .. }) => {
            return Err(Error::invalid("agent_id", "there is no agent of that id or name"));
        }
        Err(error) => return Err(error.into()),
    };
    let secret = match secret {
        None => None,
        Some(secret) => Some(EncryptedSecret {
            ciphertext: app.secrets().encrypt(id, secret).map_err(Error::internal)?,
            names: secret.keys().cloned().collect(),
        }),
    };
    let groups = stored.map(|stored| stored.groups.clone()).unwrap_or_default();
    let given = request.access_groups.as_deref();
    let connect = stored.is_none_or(|stored| stored.mode_connect);
    let exec = stored.is_none_or(|stored| stored.mode_exec);
    let runbooks = stored.is_none_or(|stored| stored.mode_runbooks);
    let mode = |field: &str, word: &Option<String>, stored: bool| {
        body::switch(field, word.as_deref(), stored)
    };
    Ok(ConnectionSpec {
        name: request.name(stored)?,
        kind,
        agent,
        groups: super::groups::changed("access_groups", given, groups)?,
        mode_connect: mode("access_mode_connect", &request.access_mode_connect, connect)?,
        mode_exec: mode("access_mode_exec", &request.access_mode_exec, exec)?,
        mode_runbooks: mode("access_mode_runbooks", &request.access_mode_runbooks, runbooks)?,
        review: request.review(stored.map(|stored| stored.review.clone()).unwrap_or_default())?,
        command: request.command(kind, stored)?,
        limits: request.limits(stored.map(|stored| stored.limits).unwrap_or_default())?,
        audit_level: request
            .audit_level(stored.map(|stored| stored.audit_level).unwrap_or_default())?,
        secret,
    })
}
