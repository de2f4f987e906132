//! `POST /api/sessions`: runs something on a connection, and answers what it printed. Runbooks
//! are run here, too.

mod captured;

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hoop_client::Event;
use hoop_domain::{ConnectionName, review::MOST_INPUT, session::Verb};
use hoop_proto::v1::{ExecInput, ExecOpen};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::timeout;
use tracing::{Instrument, Span};
use utoipa::ToSchema;

use super::annotations::Annotations;
use crate::{
    App, Error,
    auth::{Actor, With},
    error::{Problem, Result},
    extract::Body,
    guard::once::NotYet,
    visit::{self, Refused, Visit, Wanted},
};
use captured::Captured;

/// How long an answer is waited for; proxies don't wait longer than a minute.
const LONGEST_WAIT: u32 = 50;
const MOST_ARGUMENTS: usize = 64;

/// What to run, and where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunRequest {
    /// The connection's name.
    connection: String,
    /// Its standard input, such as SQL for a database.
    #[serde(default)]
    script: String,
    /// Arguments that the connection's command gets beside its own.
    #[serde(default)]
    client_args: Vec<String>,
    /// How long to wait for the end, in seconds: 0 to 50, which is the default.
    wait_seconds: Option<u32>,
    /// What you say of it for yourself: names to words. Shown with the session.
    #[serde(default)]
    #[schema(value_type = Object)]
    labels: Option<Map<String, Value>>,
    /// What you say of it for yourself: names to anything, 16 KiB with the labels. Shown with
    /// the session.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Option<Map<String, Value>>,
    /// What it belongs to elsewhere. Shown with the session.
    #[serde(default)]
    #[schema(value_type = String)]
    correlation_id: Option<String>,
    /// What it is run together with. Shown with the session.
    #[serde(default)]
    #[schema(value_type = String)]
    session_batch_id: Option<String>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunResponse {
    /// The session, in which all of it is recorded; none while somebody has to approve it.
    session_id: Option<String>,
    /// What it printed, up to 1 MiB; what is no UTF-8 is replaced.
    output: String,
    /// `success`, `failed`, `running` (then look at the session) or `waiting`.
    output_status: &'static str,
    /// Whether more was printed than is here.
    truncated: bool,
    /// How long it took, in milliseconds.
    execution_time: u64,
    /// As the command ended; none when it did not.
    exit_code: Option<i32>,
    /// Why it failed, where the gateway or the agent says so.
    message: Option<String>,
    /// Whether somebody has to approve it first: send the same again when they have.
    has_review: bool,
    /// What they have to approve.
    review_id: Option<String>,
}

/// What is to be run.
pub(crate) struct Job {
    pub(crate) connection: ConnectionName,
    pub(crate) arguments: Vec<String>,
    pub(crate) script: String,
    pub(crate) patience: Duration,
    /// That it is a runbook; empty where it is none.
    pub(crate) ticket: Bytes,
    /// What is said of it.
    pub(crate) annotations: Annotations,
}

/// How it ended.
#[derive(Default)]
struct Ending {
    exit_code: Option<i32>,
    message: Option<String>,
}

/// Runs something on a connection, as `hoop exec` does. What takes longer than one waits goes
/// on, and the session tells how it ends.
#[utoipa::path(post, path = "/api/sessions", tag = "sessions", request_body = RunRequest,
    responses((status = 200, description = "it is over", body = RunResponse),
        (status = 202, description = "it goes on, or waits for an approval", body = RunResponse),
        (status = 404, description = "there is no such connection for you", body = Problem),
        (status = 409, description = "no session can be opened, such as while the agent is offline", body = Problem),
        (status = 422, description = "a field makes no sense", body = Problem)))]
pub(crate) async fn run(
    State(app): State<App>,
    actor: Actor,
    with: With,
    headers: HeaderMap,
    Body(request): Body<RunRequest>,
) -> Result<Response> {
    let connection: ConnectionName =
        request.connection.parse().map_err(|error| Error::invalid("connection", error))?;
    let patience = patience(request.wait_seconds)?;
    let arguments = request.client_args;
    if MOST_ARGUMENTS < arguments.len() || arguments.iter().any(|word| word.contains('\0')) {
        let why = format!("are at most {MOST_ARGUMENTS}, without NUL");
        return Err(Error::invalid("client_args", why));
    }
    let (script, ticket) = (request.script, Bytes::new());
    let annotations = Annotations {
        labels: request.labels.unwrap_or_default(),
        metadata: request.metadata.unwrap_or_default(),
        correlation_id: request.correlation_id,
        session_batch_id: request.session_batch_id,
    };
    let job = Job { connection, arguments, script, patience, ticket, annotations };
    job.run(&app, (&actor, with, &headers)).await
}

/// How long to wait for the end.
pub(crate) fn patience(seconds: Option<u32>) -> Result<Duration> {
    let seconds = seconds.unwrap_or(LONGEST_WAIT);
    if LONGEST_WAIT < seconds {
        return Err(Error::invalid("wait_seconds", format_args!("is 0 to {LONGEST_WAIT}")));
    }
    Ok(Duration::from_secs(seconds.into()))
}

impl Job {
    /// Runs it, and answers what it printed until nobody waits any more.
    pub(crate) async fn run(self, app: &App, who: (&Actor, With, &HeaderMap)) -> Result<Response> {
        let Self { connection, arguments, script, patience, ticket, annotations } = self;
        let annotations = annotations.checked()?;
        let (begun, captured) = (Instant::now(), Captured::default());
        let exec = shown(&arguments, &script);
        let wanted = Wanted { connection: &connection, verb: Verb::Exec, exec, ticket };
        let visit = match visit::open(app, who, wanted).await {
            Ok(visit) => visit,
            Err(Refused::Denied { message, review: Some(review), .. }) => {
                return Ok(RunResponse::held(message, review));
            }
            Err(refused) => return Err(refused.into()),
        };
        let id = visit.id;
        if let Some(annotations) = &annotations
            && let Err(error) = app.org.session_annotate(id, None, Some(annotations)).await
        {
            visit.end().await;
            return Err(error.into());
        }
        let work = run_in(visit, arguments, script, captured.clone());
        // It goes on when nobody waits any more.
        let task = tokio::spawn(work.instrument(Span::current()));
        let ending = match timeout(patience, task).await {
            Ok(ended) => Some(ended.map_err(Error::internal)?),
            Err(_) => None,
        };
        let (output, truncated) = captured.text();
        let output_status = match &ending {
            None => "running",
            Some(Ending { exit_code: Some(0), .. }) => "success",
            Some(_) => "failed",
        };
        let status = if ending.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
        let Ending { exit_code, message } = ending.unwrap_or_default();
        let execution_time = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let answer = RunResponse {
            session_id: Some(id.to_string()),
            output,
            output_status,
            truncated,
            execution_time,
            exit_code,
            message,
            has_review: false,
            review_id: None,
        };
        Ok((status, Json(answer)).into_response())
    }
}

/// What reviewers are shown, if it is not too long for that; where nobody has to approve it,
/// that does not matter.
fn shown(arguments: &[String], script: &str) -> Option<ExecInput> {
    let words: usize = arguments.iter().map(String::len).sum();
    let short = words.saturating_add(script.len()) <= MOST_INPUT;
    short.then(|| ExecInput { arguments: arguments.to_vec(), input: script.to_owned().into() })
}

impl RunResponse {
    /// Somebody has to approve it first.
    fn held(message: String, review: String) -> Response {
        let answer = Self {
            session_id: None,
            output: String::new(),
            output_status: "waiting",
            truncated: false,
            execution_time: 0,
            exit_code: None,
            message: Some(message),
            has_review: true,
            review_id: Some(review),
        };
        (StatusCode::ACCEPTED, Extension(NotYet), Json(answer)).into_response()
    }
}

async fn run_in(
    mut visit: Visit,
    arguments: Vec<String>,
    script: String,
    captured: Captured,
) -> Ending {
    let failed = |message: String| Ending { exit_code: None, message: Some(message) };
    let ending = match visit.pipe.open_command(ExecOpen { arguments, terminal: None }) {
        Ok(channel) => {
            let (stdout, stderr) = (captured.sink(), captured.sink());
            visit.pipe.attach_command(channel, Cursor::new(script), stdout, stderr);
            until_over(&mut visit).await.unwrap_or_else(failed)
        }
        Err(error) => failed(error.to_string()),
    };
    visit.end().await;
    ending
}

/// How the command ended, or why it did not.
async fn until_over(visit: &mut Visit) -> Result<Ending, String> {
    loop {
        match visit.event().await {
            Ok(Event::Exit { code, .. }) => {
                return Ok(Ending { exit_code: Some(code), message: None });
            }
            Ok(Event::Finished { .. }) => return Err("the command was cut off".into()),
            Ok(_) => {}
            Err((_, message)) => return Err(message),
        }
    }
}
