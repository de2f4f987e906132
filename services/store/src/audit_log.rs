//! Who changed what through the REST API: a line before the deed, completed after it.

use hoop_domain::UserId;
use uuid::Uuid;

use crate::{OrgStore, Result};

/// A line that is still to be completed.
#[derive(Debug)]
#[must_use = "a line that is not completed says that the deed may have been done"]
pub struct OpenLine(Uuid);

/// The deed that a line is about.
#[derive(Debug, Clone)]
pub struct Deed<'a> {
    /// Who.
    pub actor: UserId,
    /// Who, as the log shows it.
    pub email: &'a str,
    /// The HTTP method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The peer's address.
    pub client: &'a str,
}

impl OrgStore {
    /// Writes down what is about to be done.
    ///
    /// # Errors
    /// When the database is not available; then it must not be done.
    pub async fn audit_begin(&self, deed: &Deed<'_>) -> Result<OpenLine> {
        let id = Uuid::now_v7();
        sqlx::query!(
            "INSERT INTO audit_log (id, org_id, actor_id, actor_email, method, path, client)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            id,
            self.org.uuid(),
            deed.actor.uuid(),
            deed.email,
            deed.method,
            deed.path,
            deed.client
        )
        .execute(&self.pool)
        .await?;
        Ok(OpenLine(id))
    }

    /// Completes a line with the HTTP status that was answered.
    ///
    /// # Errors
    /// When the database is not available. The deed is done all the same.
    pub async fn audit_complete(&self, line: OpenLine, status: u16) -> Result<()> {
        sqlx::query!(
            "UPDATE audit_log SET completed_at = now(), status = $3 WHERE org_id = $1 AND id = $2",
            self.org.uuid(),
            line.0,
            i16::try_from(status).unwrap_or_default()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
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
