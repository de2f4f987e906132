//! Who did what through the REST API: a line before the deed, completed after it. Completed
//! lines are a chain, one of each organisation.

mod chain;
mod list;
mod sign;

use chrono::{DateTime, Utc};
use hoop_domain::{AuditLine, AuditLineId, OrgId, UserId};
use uuid::Uuid;

use crate::{OrgStore, Result, convert};

pub use chain::Outcome;
pub use list::LineFilter;
pub use sign::{SignedHead, Signing};

/// A line that is still to be completed.
#[derive(Debug)]
#[must_use = "a line that is not completed says that the deed may have been done"]
pub struct OpenLine(Uuid);

/// Who does something.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// The user, where that is known.
    pub id: Option<UserId>,
    /// As the identity provider calls them.
    pub subject: String,
    /// As the log shows it.
    pub email: String,
    /// Their name.
    pub name: String,
}

/// The deed that a line is about.
#[derive(Debug, Clone)]
pub struct Deed<'a> {
    /// Who.
    pub who: &'a Who,
    /// The HTTP method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// What it is done to.
    pub resource: &'a str,
    /// What is done.
    pub action: &'a str,
    /// The peer's address.
    pub client: &'a str,
    /// What was sent, as JSON without anything secret.
    pub payload: Option<&'a str>,
}

/// A line as it is read.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it says. Its position is 0 while it is not in the chain.
    pub line: AuditLine,
    /// The digest of the chain up to it.
    pub digest: Option<[u8; 32]>,
}

struct Row {
    id: Uuid,
    org_id: Uuid,
    actor_id: Option<Uuid>,
    actor_subject: String,
    actor_email: String,
    actor_name: String,
    method: String,
    path: String,
    resource: String,
    action: String,
    client: String,
    payload: Option<String>,
    begun_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    status: Option<i16>,
    error_message: String,
    position: Option<i64>,
    digest: Option<Vec<u8>>,
}

impl TryFrom<Row> for Line {
    type Error = crate::Error;
    fn try_from(row: Row) -> Result<Self> {
        let digest = row.digest.as_deref();
        Ok(Self {
            digest: digest.map(|bytes| convert::bytes(bytes, "an audit line")).transpose()?,
            line: AuditLine {
                org: OrgId::from_uuid(row.org_id),
                position: convert::count(row.position.unwrap_or_default()),
                id: AuditLineId::from_uuid(row.id),
                actor: row.actor_id.map(UserId::from_uuid),
                subject: row.actor_subject,
                email: row.actor_email,
                name: row.actor_name,
                method: row.method,
                path: row.path,
                resource: row.resource,
                action: row.action,
                client: row.client,
                payload: row.payload,
                begun_at: row.begun_at,
                completed_at: row.completed_at,
                status: row.status.and_then(|status| u16::try_from(status).ok()),
                error: row.error_message,
            },
        })
    }
}

impl OrgStore {
    /// Writes down what is about to be done.
    ///
    /// # Errors
    /// When the database is not available; then it must not be done.
    pub async fn audit_begin(&self, deed: &Deed<'_>) -> Result<OpenLine> {
        let id = Uuid::now_v7();
        sqlx::query!(
            "INSERT INTO audit_log (id, org_id, actor_id, actor_subject, actor_email, actor_name,
               method, path, resource, action, client, payload)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            id,
            self.org.uuid(),
            deed.who.id.map(UserId::uuid),
            deed.who.subject,
            deed.who.email,
            deed.who.name,
            deed.method,
            deed.path,
            deed.resource,
            deed.action,
            deed.client,
            deed.payload
        )
        .execute(&self.pool)
        .await?;
        Ok(OpenLine(id))
    }

    /// How many lines the log has for `method` and `path`, and how many are complete.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn audit_count(&self, method: &str, path: &str) -> Result<(i64, i64)> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "all!", count(completed_at) AS "complete!" FROM audit_log
               WHERE org_id = $1 AND method = $2 AND path = $3"#,
            self.org.uuid(),
            method,
            path
        )
        .fetch_one(&self.pool)
        .await?;
        Ok((row.all, row.complete))
    }
}
