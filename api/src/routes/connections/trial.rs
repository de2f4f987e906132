//! `POST /api/connections/{name}/test`: whether somebody who opens it now gets through.
//!
//! It is a session like any other, so it says what a person would be told, and it is recorded.
//! What a connection runs that is a command of its own is not run for a test.

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use axum::{Json, extract::State};
use bytes::Bytes;
use hoop_client::Event;
use hoop_domain::{ConnectionType, DenialCode, EndReason, session::Verb};
use hoop_proto::v1::{ExecOpen, PostgresOpen, TcpOpen, channel_open::Kind};
use hoop_store::connection::Connection;
use http::HeaderMap;
use serde::Serialize;
use tokio::{io::sink, time::timeout};
use utoipa::ToSchema;

use super::find;
use crate::{
    App, Error,
    auth::{Actor, With},
    error::{Problem, Result},
    extract::Named,
    review,
    visit::{self, Refused, Visit, Wanted},
};

/// How long the agent may take to reach the target.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a database is asked that can only be reached with a client of its own.
const QUESTION: &str = "select 1;\n";

/// How far a test came.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestResponse {
    /// Whether it came as far as it can.
    success: bool,
    /// The last hop that answered: `gateway`, `agent` or `target`.
    reached: &'static str,
    /// Why it went no further, by its name in the list of errors, such as `agent_offline`.
    code: Option<String>,
    /// The same as a sentence.
    message: Option<String>,
    /// How long it took, in milliseconds.
    took_ms: u64,
    /// The session, once the agent took part.
    session_id: Option<String>,
}

/// Opens the connection and closes it again. A database is logged in to; of a command line,
/// only the agent is asked, and nothing is run.
#[utoipa::path(post, path = "/api/connections/{name}/test", tag = "connections",
    params(("name" = String, Path, description = "name or id")),
    responses((status = 200, description = "how far it came", body = TestResponse),
        (status = 404, body = Problem),
        (status = 409, description = "no session can be opened", body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    actor: Actor,
    with: With,
    headers: HeaderMap,
    Named(name): Named,
) -> Result<Json<TestResponse>> {
    let connection = find(&app, &actor, &name).await?;
    let begun = Instant::now();
    let way = Way::of(&connection);
    let mut answer = TestResponse {
        success: false,
        reached: "gateway",
        code: None,
        message: None,
        took_ms: 0,
        session_id: None,
    };
    // Nobody is bothered with a request for the sake of a test.
    if !review::is_approved(&app, actor.id, &connection, way.verb()).await? {
        let code = DenialCode::ReviewRequired;
        answer.failed(code.as_str(), code.message().into());
        return Ok(Json(answer));
    }
    let wanted =
        Wanted { connection: &connection.name, verb: way.verb(), exec: None, ticket: Bytes::new() };
    match visit::open(&app, (&actor, with, &headers), wanted).await {
        Ok(mut visit) => {
            answer.reached = "agent";
            answer.session_id = Some(visit.id.to_string());
            let tried = timeout(PATIENCE, way.try_on(&mut visit)).await;
            visit.end().await;
            match tried {
                Ok(Ok(reached)) => (answer.success, answer.reached) = (true, reached),
                Ok(Err((reason, message))) => answer.failed(reason.as_str(), message),
                Err(_) => answer.failed("timed_out", format!("no answer within {PATIENCE:?}")),
            }
        }
        Err(Refused::Denied { code: Some(code), message, .. }) if is_a_hop(code) => {
            answer.failed(code.as_str(), message);
        }
        Err(refused) => return Err(Error::from(refused)),
    }
    answer.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Json(answer))
}

/// Whether a refusal says that something on the way does not work, and not who may go it.
const fn is_a_hop(code: DenialCode) -> bool {
    matches!(
        code,
        DenialCode::AgentOffline
            | DenialCode::AgentUnknown
            | DenialCode::RecordingUnavailable
            | DenialCode::RecordingFull
    )
}

impl TestResponse {
    fn failed(&mut self, code: &str, message: String) {
        self.code = Some(code.into());
        self.message = Some(message);
    }
}

/// The least that shows whether a target answers.
enum Way {
    /// A channel, and nothing on it.
    Channel(Kind),
    /// A question to the database, through the client of its type.
    Question,
    /// As far as the agent.
    Agent(Verb),
}

impl Way {
    fn of(connection: &Connection) -> Self {
        let verb = if connection.mode_exec { Verb::Exec } else { Verb::Connect };
        // A command of one's own may do anything.
        let own = !connection.command.is_empty();
        match connection.kind {
            ConnectionType::Tcp => Self::Channel(Kind::Tcp(TcpOpen {})),
            ConnectionType::Postgres if connection.mode_connect => {
                Self::Channel(Kind::Postgres(PostgresOpen { parameters: Vec::new() }))
            }
            ConnectionType::Postgres | ConnectionType::Mysql if !own => Self::Question,
            _ => Self::Agent(verb),
        }
    }

    const fn verb(&self) -> Verb {
        match self {
            Self::Channel(_) => Verb::Connect,
            Self::Question => Verb::Exec,
            Self::Agent(verb) => *verb,
        }
    }

    /// The last hop that answered.
    async fn try_on(self, visit: &mut Visit) -> Result<&'static str, (EndReason, String)> {
        let broken = |error: hoop_client::Error| (EndReason::EdgeLost, error.to_string());
        // A command that began has not asked anything yet.
        let asks = matches!(self, Self::Question);
        match self {
            Self::Agent(_) => return Ok("agent"),
            Self::Channel(kind) => {
                visit.pipe.open(kind).map_err(broken)?;
            }
            Self::Question => {
                let open = ExecOpen { arguments: Vec::new(), terminal: None };
                let channel = visit.pipe.open_command(open).map_err(broken)?;
                visit.pipe.attach_command(channel, Cursor::new(QUESTION), sink(), sink());
            }
        }
        loop {
            match visit.event().await? {
                Event::Exit { code: 0, .. } => return Ok("target"),
                Event::Exit { .. } | Event::Finished { .. } => {
                    let reason = EndReason::TargetLoginFailed;
                    return Err((reason, "the database's client could not ask it".into()));
                }
                Event::Ready { .. } if !asks => return Ok("target"),
                _ => {}
            }
        }
    }
}
