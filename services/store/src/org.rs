//! Organisations.

use hoop_domain::OrgId;

use crate::{OrgStore, Result, Store};

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

impl OrgStore {
    /// What the organisation is called.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn org_name(&self) -> Result<String> {
        let name = sqlx::query_scalar!("SELECT name FROM orgs WHERE id = $1", self.org.uuid())
            .fetch_one(&self.pool)
            .await?;
        Ok(name)
    }
}
