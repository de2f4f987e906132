//! What was asked of a database or given to a command, and what came back, decoded from the
//! recording.

mod commands;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use hoop_domain::{ConnectionType, Direction};
use hoop_proto::v1::{self, packet};
use hoop_wire::postgres::transcript::{Exchange, Sender, Transcript};
use http::header;
use serde::Serialize;
use utoipa::ToSchema;

use commands::Commands;

use super::{
    recording::{Position, Reader, Render, instant, streamed},
    sessions::find,
};
use crate::{
    App, Error,
    auth::Actor,
    error::{Problem, Result},
    extract::Named,
};

/// The statements of a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatementList {
    /// In the order in which they were answered.
    data: Vec<Statement>,
    /// Whether everything could be decoded. If not, the packets still have it all.
    complete: bool,
}

/// A statement, or a simple query with several, and its outcome.
#[derive(Serialize, ToSchema)]
struct Statement {
    /// When it was asked.
    at: String,
    /// The SQL, or what was typed or piped into a command.
    text: String,
    /// `simple`, `extended`, `copy`, `function`, `unasked` for an error out of the
    /// blue; `exec` for a command and `terminal` for one in a terminal.
    kind: &'static str,
    /// The bound values, or a command's arguments.
    parameters: Vec<Option<String>>,
    /// Whether the SQL or a value was too long to be shown whole.
    truncated: bool,
    /// When the database was done; absent when the recording ends before that.
    finished_at: Option<String>,
    /// From one to the other.
    duration_us: Option<i64>,
    /// What the database says it did, such as `SELECT 1`; `exit 0` or `signal 9` of a command.
    tag: String,
    /// Rows that came back.
    rows: u64,
    /// Bytes from the client.
    bytes_in: u64,
    /// Bytes from the database or the command.
    bytes_out: u64,
    /// The first error.
    error: Option<StatementError>,
}

/// An error of the database.
#[derive(Serialize, ToSchema)]
struct StatementError {
    /// Five characters; empty for a command that could not be run.
    sqlstate: String,
    /// The sentence.
    message: String,
}

impl From<Exchange> for Statement {
    fn from(exchange: Exchange) -> Self {
        Self {
            at: instant(exchange.started_at),
            kind: exchange.kind.as_str(),
            finished_at: exchange.finished_at.map(instant),
            duration_us: exchange.finished_at.map(|end| end.saturating_sub(exchange.started_at)),
            tag: exchange.tag(),
            text: exchange.sql,
            parameters: exchange.parameters,
            truncated: exchange.truncated,
            rows: exchange.rows,
            bytes_in: exchange.bytes_in,
            bytes_out: exchange.bytes_out,
            error: exchange
                .error
                .map(|error| StatementError { sqlstate: error.sqlstate, message: error.message }),
        }
    }
}

/// Shows the statements of a database session, or the commands of another.
#[utoipa::path(get, path = "/api/sessions/{id}/statements", tag = "sessions",
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 200, body = StatementList), (status = 404, body = Problem),
        (status = 422, description = "the connection has neither statements nor commands", body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    actor: Actor,
    Named(id): Named,
) -> Result<Response> {
    let session = find(&app, &actor, &id).await?;
    if session.connection_kind == ConnectionType::Tcp {
        return Err(Error::invalid("id", "sessions of plain TCP have no statements"));
    }
    let database = session.connection_kind == ConnectionType::Postgres;
    let reader = Reader::open(&app, session.id, Position::default(), None, 0).await?;
    let body =
        Body::from_stream(streamed(reader, Statements { database, ..Statements::default() }));
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Writes a [`StatementList`] while the packets go by.
#[derive(Default)]
struct Statements {
    transcript: Transcript,
    commands: Commands,
    /// Whether what belongs to no command speaks PostgreSQL's protocol.
    database: bool,
    written: u64,
}

impl Statements {
    fn write(&mut self, statement: impl Into<Statement>, piece: &mut Vec<u8>) {
        let before: &[u8] = if self.written == 0 { b"{\"data\":[" } else { b"," };
        piece.extend_from_slice(before);
        // Writing to memory does not fail, and the keys are strings.
        let _ = serde_json::to_writer(&mut *piece, &statement.into());
        self.written += 1;
    }
}

impl Render for Statements {
    fn packet(&mut self, packet: v1::Packet, piece: &mut Vec<u8>) {
        if self.commands.knows(&packet) {
            if let Some(statement) = self.commands.feed(packet) {
                self.write(statement, piece);
            }
            return;
        }
        let sender = match packet.travels() {
            _ if !self.database => return,
            Some(Direction::In) => Sender::Client,
            Some(Direction::Out) => Sender::Server,
            None => return,
        };
        let Some(packet::Body::Data(data)) = packet.body else { return };
        self.transcript.feed(sender, packet.at, &data);
        while let Some(exchange) = self.transcript.next_exchange() {
            self.write(exchange, piece);
        }
    }

    fn end(&mut self, piece: &mut Vec<u8>) {
        let transcript = std::mem::take(&mut self.transcript);
        let commands = std::mem::take(&mut self.commands);
        let complete = !transcript.lost() && !commands.lost;
        for statement in commands.finish() {
            self.write(statement, piece);
        }
        for exchange in transcript.finish() {
            self.write(exchange, piece);
        }
        let before: &[u8] = if self.written == 0 { b"{\"data\":[" } else { b"" };
        piece.extend_from_slice(before);
        piece.extend_from_slice(format!("],\"complete\":{complete}}}").as_bytes());
    }
}
