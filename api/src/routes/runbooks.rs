//! Runbooks of a connection: which there are, and running one.

mod body;

use axum::{Json, extract::State, response::Response};
use hoop_domain::InputHash;
use hoop_store::connection::Connection;
use http::{HeaderMap, StatusCode};

use super::{
    connections,
    sessions::run::{Job, RunResponse, patience},
};
use crate::{
    App, Error,
    auth::{Actor, With},
    error::{Problem, Result},
    extract::{Body, Named},
    runbook::{
        folder,
        template::{self, Quoting, Template},
        ticket,
        within::Within,
    },
};

pub(crate) use body::{RunbookList, RunbookRequest};

/// What is said where there are none.
const NO_REPOSITORY: &str = "no repository is set up for runbooks; an administrator names a \
                             folder with them in RUNBOOKS_PATH";

/// Lists the runbooks that the connection may use, with what each asks for.
#[utoipa::path(get, path = "/api/plugins/runbooks/connections/{name}/templates", tag = "runbooks",
    params(("name" = String, Path, description = "the connection's name or id")),
    responses((status = 200, body = RunbookList),
        (status = 403, description = "runbooks are not switched on for the connection", body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    actor: Actor,
    Named(name): Named,
) -> Result<Json<RunbookList>> {
    let connection = connections::find(&app, &actor, &name).await?;
    let within = within(&connection)?;
    let Some(folder) = app.config.runbooks.clone() else {
        return Ok(Json(RunbookList::default()));
    };
    let listing = blocking(move || folder.list(&within)).await?.map_err(away)?;
    Ok(Json(RunbookList::new(listing, &connection.name)))
}

/// Fills in a runbook and runs it, like `POST /api/sessions`.
#[utoipa::path(post, path = "/api/plugins/runbooks/connections/{name}/exec", tag = "runbooks",
    params(("name" = String, Path, description = "the connection's name or id")),
    request_body = RunbookRequest,
    responses((status = 200, description = "it is over", body = RunResponse),
        (status = 202, description = "it goes on, or waits for an approval", body = RunResponse),
        (status = 403, description = "runbooks are not switched on for the connection", body = Problem),
        (status = 404, description = "there is no such connection or runbook for you", body = Problem),
        (status = 409, description = "the runbook is wrong, or no session can be opened", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn run(
    State(app): State<App>,
    actor: Actor,
    with: With,
    Named(name): Named,
    headers: HeaderMap,
    Body(request): Body<RunbookRequest>,
) -> Result<Response> {
    let connection = connections::find(&app, &actor, &name).await?;
    let within = within(&connection)?;
    let patience = patience(request.wait_seconds)?;
    request.refuse_more()?;
    let file = request.file_name.as_str();
    let text = text(&app, &within, file).await?;
    let broken = |error: template::Error| Error::Conflict { what: format!("{file}: {error}") };
    let script = fill_in(&Template::parse(&text).map_err(broken)?, &request, &connection)?;
    let input = InputHash::of(&connection.command, &[], script.as_bytes());
    let purpose = ticket::Purpose { user: actor.id, connection: connection.id, input };
    let ticket = ticket::issue(app.secrets(), file, purpose, app.now()).map_err(Error::internal)?;
    let (connection, arguments) = (connection.name, Vec::new());
    let annotations = request.annotations();
    let job = Job { connection, arguments, script, patience, ticket, annotations };
    job.run(&app, (&actor, with, &headers)).await
}

/// Which runbooks a connection may use.
fn within(connection: &Connection) -> Result<Within> {
    let name = &connection.name;
    if !connection.mode_runbooks {
        let what = format!("runbooks are disabled for {name}; its access_mode_runbooks says so");
        return Err(Error::NotYours { what });
    }
    let words = connection.plugged.runbooks.as_deref();
    words.map(Within::new).ok_or_else(|| Error::NotYours {
        what: format!("the plugin runbooks is not enabled for {name}; an administrator does that"),
    })
}

/// The runbook as it is written.
async fn text(app: &App, within: &Within, file: &str) -> Result<String> {
    let Some(folder) = app.config.runbooks.clone() else {
        return Err(Error::Denied { status: StatusCode::NOT_FOUND, why: NO_REPOSITORY.into() });
    };
    if !within.covers(file) {
        return Err(Error::NotFound { what: "runbook" });
    }
    let name = file.to_owned();
    let read = blocking(move || folder.read(&name)).await?;
    let read = read.map_err(|error| match error {
        folder::Error::Unreadable(cause) => away(cause),
        error => Error::Conflict { what: format!("{file}: {error}") },
    });
    read?.ok_or(Error::NotFound { what: "runbook" })
}

fn fill_in(
    template: &Template,
    request: &RunbookRequest,
    connection: &Connection,
) -> Result<String> {
    let (known, given) = (template.parameters(), request.parameters());
    if let Some(name) = given.keys().find(|name| !known.contains_key(name.as_str())) {
        let why = "the runbook has no such parameter";
        return Err(Error::invalid(format!("parameters.{name}"), why));
    }
    template.fill_in(given, Quoting::of(connection.kind)).map_err(|error| match error {
        template::Error::Value { name, why } => Error::invalid(format!("parameters.{name}"), why),
        error => Error::invalid("parameters", error),
    })
}

/// The folder, or a file in it, can't be read: the operator's log says why.
fn away(cause: std::io::Error) -> Error {
    Error::Unavailable(Box::new(cause))
}

/// Files are read where nobody else waits meanwhile.
async fn blocking<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)
}
