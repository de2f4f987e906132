//! A line of the audit log, and the chain that completed lines are.
//!
//! ```text
//! digest(n) = blake3("hoop audit log v1" ‖ digest(n-1) ‖ fields of line n)
//! ```
//!
//! beginning with zeros. The fields come in the order of [`AuditLine`], each as text with its
//! length before it (8 bytes, little-endian): ids as UUIDs, numbers in decimal, times in
//! microseconds since the epoch, and what is not there as an empty text.

use chrono::{DateTime, Utc};

use crate::{AuditLineId, OrgId, UserId, time};

/// The digest before the first line.
pub const START: [u8; 32] = [0; 32];

/// A line: who did what, from where, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Whose log it is in.
    pub org: OrgId,
    /// Its place in the chain, from 1.
    pub position: u64,
    /// Its id.
    pub id: AuditLineId,
    /// Who, where that is known.
    pub actor: Option<UserId>,
    /// Who, as the identity provider calls them.
    pub subject: String,
    /// Who, as the log shows it; what was given, where nobody signed in.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// What it was done to, such as `connections`.
    pub resource: String,
    /// What was done, such as `create`.
    pub action: String,
    /// The peer's address.
    pub client: String,
    /// What was sent, as JSON without anything secret.
    pub payload: Option<String>,
    /// Before it was done.
    pub begun_at: DateTime<Utc>,
    /// When the answer was known; never, where the process ended before.
    pub completed_at: Option<DateTime<Utc>>,
    /// The HTTP status that was answered.
    pub status: Option<u16>,
    /// What was wrong, in words.
    pub error: String,
}

impl AuditLine {
    /// The digest of the chain up to this line, which follows the line with `previous`.
    #[must_use]
    pub fn digest(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"hoop audit log v1");
        hasher.update(previous);
        let mut field = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        let text = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
        field(&self.org.to_string());
        field(&self.position.to_string());
        field(&self.id.to_string());
        field(&self.actor.map(|id| id.to_string()).unwrap_or_default());
        for given in [&self.subject, &self.email, &self.name, &self.method, &self.path] {
            field(given);
        }
        for given in [&self.resource, &self.action, &self.client] {
            field(given);
        }
        field(self.payload.as_deref().unwrap_or_default());
        field(&time::to_micros(self.begun_at).to_string());
        field(&text(self.completed_at.map(time::to_micros)));
        field(&text(self.status.map(i64::from)));
        field(&self.error);
        *hasher.finalize().as_bytes()
    }

    /// Whether it was done.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status < 400)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn line() -> AuditLine {
        AuditLine {
            org: OrgId::from_uuid(Uuid::from_u128(1)),
            position: 1,
            id: AuditLineId::from_uuid(Uuid::from_u128(2)),
            actor: Some(UserId::from_uuid(Uuid::from_u128(3))),
            subject: "s".into(),
            email: "ann@example.com".into(),
            name: "Ann".into(),
            method: "POST".into(),
            path: "/api/users".into(),
            resource: "users".into(),
            action: "create".into(),
            client: "192.0.2.1".into(),
            payload: Some("{}".into()),
            begun_at: time::from_micros(1),
            completed_at: Some(time::from_micros(2)),
            status: Some(201),
            error: String::new(),
        }
    }

    #[test]
    fn whatever_is_changed_in_a_line_changes_its_digest() {
        let first = line().digest(&START);
        type Change = fn(&mut AuditLine);
        let changes: [Change; 12] = [
            |line| line.org = OrgId::from_uuid(Uuid::from_u128(9)),
            |line| line.position = 2,
            |line| line.id = AuditLineId::generate(),
            |line| line.actor = None,
            |line| line.email = "ben@example.com".into(),
            |line| line.path = "/api/user".into(),
            |line| (line.subject, line.name) = ("sAnn".into(), String::new()),
            |line| line.payload = None,
            |line| line.begun_at = time::from_micros(3),
            |line| line.completed_at = None,
            |line| line.status = Some(500),
            |line| line.error = "no".into(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = line();
            change(&mut changed);
            assert_ne!(changed.digest(&START), first, "change {number}");
        }
        assert_ne!(line().digest(&first), first, "the line before counts, too");
        assert_eq!(line().digest(&START), first);
    }

    #[test]
    fn what_has_no_status_was_not_done() {
        let with = |status| AuditLine { status, ..line() }.succeeded();
        assert!(with(Some(204)) && !with(Some(401)) && !with(None));
    }
}
