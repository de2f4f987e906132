//! Organisations.

use hoop_domain::OrgId;

use crate::{Result, Store};

impl Store {
    /// The organisation `name`, made when there is none.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn org_ensure(&self, name: &str) -> Result<OrgId> {
        sqlx::query!(
            "INSERT INTO orgs (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            OrgId::generate().uuid(),
            name
        )
        .execute(self.pool())
        .await?;
        let id = sqlx::query_scalar!("SELECT id FROM orgs WHERE name = $1", name)
            .fetch_one(self.pool())
            .await?;
        Ok(OrgId::from_uuid(id))
    }
}
