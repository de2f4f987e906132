//! Sessions as JSON.

use chrono::{DateTime, Utc};
use hoop_domain::{Direction, EndReason, session::SessionState};
use hoop_store::{Page, recording::Progress, session::Session};
use serde::Serialize;
use utoipa::ToSchema;

use super::annotations::Annotations;
use crate::routes::connections::family;

/// A page of sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionList {
    /// The newest first.
    data: Vec<SessionResponse>,
    /// Where the next page begins.
    next_cursor: Option<String>,
    /// Whether there is one.
    has_next_page: bool,
    /// How many match, when `count=true` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    /// Whether counting stopped before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_is_capped: Option<bool>,
}

impl SessionList {
    pub(super) fn new(
        page: Page<Session>,
        recordings: &[Progress],
        total: Option<i64>,
        cap: i64,
    ) -> Self {
        let data = page.rows.into_iter().map(|session| {
            let recording = recordings.iter().find(|progress| progress.session == session.id);
            SessionResponse::new(session, recording)
        });
        Self {
            data: data.collect(),
            has_next_page: page.next.is_some(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
            total_is_capped: total.map(|total| total == cap),
            total,
        }
    }
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionResponse {
    /// The id.
    id: String,
    /// The organisation.
    org_id: String,
    /// Who: the address at that time.
    user: String,
    /// Who: the id.
    user_id: String,
    /// Who: the name at that time.
    user_name: String,
    /// `database`, `application` or `custom`.
    #[serde(rename = "type")]
    family: &'static str,
    /// `postgres`, `mysql`, `tcp` or `command-line`.
    connection_subtype: &'static str,
    /// What: the connection's name at that time.
    connection: String,
    /// What: the connection's id.
    connection_id: String,
    /// Through which agent.
    agent_name: String,
    /// `connect` or `exec`.
    verb: &'static str,
    /// The runbook that it is of; null where it is of none.
    runbook: Option<String>,
    /// The approval that it stands on; null where it needs none.
    review_id: Option<String>,
    /// What the agent was to run; empty for the type's own command.
    command: Vec<String>,
    /// From where.
    client_address: String,
    /// What the client calls itself.
    client_application: String,
    /// When it has to be over.
    not_after: Option<DateTime<Utc>>,
    #[serde(flatten)]
    annotations: Annotations,
    #[serde(flatten)]
    state: State,
    #[serde(flatten)]
    recorded: Recorded,
}

/// Where a session is in its life, and how much of it is recorded.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionStatus {
    /// The id.
    id: String,
    #[serde(flatten)]
    state: State,
    #[serde(flatten)]
    recorded: Recorded,
}

/// A session's life.
#[derive(Serialize, ToSchema)]
struct State {
    /// `opening`, `open` or `done`.
    status: &'static str,
    /// When it was allowed.
    start_date: DateTime<Utc>,
    /// When its first packet was recorded.
    opened_at: Option<DateTime<Utc>>,
    /// When it ended.
    end_date: Option<DateTime<Utc>>,
    /// Why it ended, as a name.
    end_reason: Option<&'static str>,
    /// Why it ended, as a sentence.
    end_message: Option<String>,
    /// How long it lasted, from its first recorded packet.
    duration_ms: Option<i64>,
    /// How its command ended, if it ran one: 127 when there is no such program, 128 and the
    /// signal's number when a signal ended it.
    exit_code: Option<i32>,
}

/// A session's recording.
#[derive(Serialize, ToSchema)]
struct Recorded {
    /// `none` so far, `writing`, or `finished`.
    recording: &'static str,
    /// Packets in the store, from the user and from the target.
    #[serde(rename = "packets_in")]
    inward: u64,
    /// See `packets_in`.
    #[serde(rename = "packets_out")]
    outward: u64,
}

impl State {
    fn of(session: &Session) -> Self {
        let (opened_at, end_date, end_reason) = match session.state {
            SessionState::Opening { .. } => (None, None, None),
            SessionState::Open { opened_at } => (Some(opened_at), None, None),
            SessionState::Closed { opened_at, closed_at, reason } => {
                (opened_at, Some(closed_at), Some(reason))
            }
        };
        let duration = opened_at.zip(end_date).map(|(from, to)| (to - from).num_milliseconds());
        Self {
            status: session.state.as_str(),
            start_date: session.authorized_at,
            opened_at,
            end_date,
            end_reason: end_reason.map(EndReason::as_str),
            end_message: end_reason.map(|_| session.end_message.clone()),
            duration_ms: duration,
            exit_code: session.exit_code,
        }
    }
}

impl Recorded {
    fn of(progress: Option<&Progress>) -> Self {
        let Some(progress) = progress else {
            return Self { recording: "none", inward: 0, outward: 0 };
        };
        Self {
            recording: if progress.finished { "finished" } else { "writing" },
            inward: progress.heads.get(Direction::In).packets,
            outward: progress.heads.get(Direction::Out).packets,
        }
    }
}

impl SessionResponse {
    pub(super) fn new(session: Session, recording: Option<&Progress>) -> Self {
        let (org_id, state) = (session.org.to_string(), State::of(&session));
        let annotations = Annotations::of(session.annotations);
        let session = session.begun;
        Self {
            id: session.id.to_string(),
            org_id,
            annotations,
            state,
            recorded: Recorded::of(recording),
            user: session.user_email,
            user_id: session.user.to_string(),
            user_name: session.user_name,
            family: family(session.connection_kind),
            connection_subtype: session.connection_kind.as_str(),
            connection: session.connection_name.to_string(),
            connection_id: session.connection.to_string(),
            agent_name: session.agent_name.to_string(),
            verb: session.verb.as_str(),
            runbook: session.runbook,
            review_id: session.review.map(|standing| standing.review.to_string()),
            command: session.command,
            client_address: session.client_address,
            client_application: session.client_application,
            not_after: session.not_after,
        }
    }
}

impl SessionStatus {
    pub(super) fn new(session: &Session, recording: Option<&Progress>) -> Self {
        Self {
            id: session.id.to_string(),
            state: State::of(session),
            recorded: Recorded::of(recording),
        }
    }
}
