//! Telling people of what is wrong with a recording, in the transaction that notes it.

use hoop_domain::{OrgId, SessionId, manifest::Flaw};
use serde_json::json;
use sqlx::PgConnection;

use super::Error;
use crate::outbox;

/// So many are named; how many there are is told, too.
const NAMED: usize = 20;

/// Writes the event `audit.failed` when there are flaws that were not known before.
pub(super) async fn tell(
    conn: &mut PgConnection,
    session: SessionId,
    org: Option<OrgId>,
    new: &[&Flaw],
) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    // A recording of an organisation that does not exist has nobody to be told.
    let org = sqlx::query_scalar!(
        "SELECT id FROM orgs
         WHERE id = coalesce($1, (SELECT org FROM recordings WHERE session = $2))",
        org.map(OrgId::uuid),
        session.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(org) = org else { return Ok(()) };
    let named: Vec<_> = new
        .iter()
        .take(NAMED)
        .map(|flaw| {
            json!({
                "direction": flaw.direction.as_str(),
                "seq": flaw.seq,
                "kind": flaw.kind.as_str(),
            })
        })
        .collect();
    let body = json!({ "session": session.to_string(), "count": new.len(), "flaws": named });
    outbox::append(conn, org, "audit.failed", &body).await?;
    Ok(())
}
