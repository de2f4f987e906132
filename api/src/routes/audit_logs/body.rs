//! The audit log as JSON.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hoop_store::{
    Page,
    audit_log::{Line, SignedHead},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::paging::cut;

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditLogList {
    /// The newest first.
    data: Vec<AuditLog>,
    /// Where the next page begins.
    next_cursor: Option<String>,
    /// Whether there is one.
    has_next_page: bool,
}

/// Who did what, from where, and how it ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditLog {
    /// The id.
    id: String,
    /// The organisation.
    org_id: String,
    /// Who: the id; missing where nobody was signed in.
    actor_id: Option<String>,
    /// Who, as the identity provider calls them.
    actor_subject: String,
    /// Who: the address, or what was given as one.
    actor_email: String,
    /// Who: the name.
    actor_name: String,
    /// Before it was done.
    created_at: DateTime<Utc>,
    /// When the answer was known; missing when the gateway stopped before.
    completed_at: Option<DateTime<Utc>>,
    /// What it was done to.
    resource_type: String,
    /// What was done.
    action: String,
    /// The method; empty for what an edge refused.
    http_method: String,
    /// What was answered, or would be over HTTP; missing when nobody knows: then it may have been
    /// done.
    http_status: Option<u16>,
    /// The path, without the query.
    http_path: String,
    /// From where.
    client_ip: String,
    /// What was sent, without anything that may be a secret.
    #[schema(value_type = Option<Object>)]
    request_payload_redacted: Option<Value>,
    /// Whether it was done.
    outcome: bool,
    /// What was wrong.
    error_message: String,
    /// Its place in the chain, from 1; missing until it is complete.
    position: Option<u64>,
    /// The digest of the chain up to it, in hexadecimal.
    digest: Option<String>,
}

/// The end of the chain of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChainEnd {
    /// How many lines it has.
    position: u64,
    /// The digest of the last one, in hexadecimal; zeros when there is none.
    digest: String,
}

/// What was signed of where the audit log ends.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedHeadList {
    /// The oldest first.
    data: Vec<SignedHeadEntry>,
    /// Whether there are more behind the last one.
    has_next_page: bool,
}

/// An end that was signed.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedHeadEntry {
    /// How many lines the log had.
    position: u64,
    /// The text that is signed.
    head: String,
    /// The ed25519 signature, as base64.
    signature: String,
    /// The key that it is said to be signed with, as base64. Compare it with your own.
    public_key: String,
}

impl SignedHeadList {
    /// Of rows that were fetched with one more than `limit`.
    pub(super) fn new(rows: Vec<SignedHead>, limit: i64) -> Self {
        let (rows, has_next_page) = cut(rows, limit);
        let data = rows.into_iter().map(|row| SignedHeadEntry {
            position: row.position,
            head: row.signed.encoded,
            signature: STANDARD.encode(row.signed.signature),
            public_key: STANDARD.encode(row.signed.public_key.0),
        });
        Self { data: data.collect(), has_next_page }
    }
}

impl AuditLogList {
    pub(super) fn new(page: Page<Line>) -> Self {
        Self {
            data: page.rows.into_iter().map(AuditLog::from).collect(),
            has_next_page: page.next.is_some(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

impl ChainEnd {
    pub(super) fn new(position: u64, digest: &[u8; 32]) -> Self {
        Self { position, digest: hex(digest) }
    }
}

impl From<Line> for AuditLog {
    fn from(Line { line, digest }: Line) -> Self {
        Self {
            outcome: line.succeeded(),
            id: line.id.to_string(),
            org_id: line.org.to_string(),
            actor_id: line.actor.map(|id| id.to_string()),
            actor_subject: line.subject,
            actor_email: line.email,
            actor_name: line.name,
            created_at: line.begun_at,
            completed_at: line.completed_at,
            resource_type: line.resource,
            action: line.action,
            http_method: line.method,
            http_status: line.status,
            http_path: line.path,
            client_ip: line.client,
            request_payload_redacted: line
                .payload
                .and_then(|text| serde_json::from_str(&text).ok()),
            error_message: line.error,
            position: digest.map(|_| line.position),
            digest: digest.as_ref().map(hex),
        }
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
