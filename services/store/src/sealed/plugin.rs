//! Settings of plugins.

use hoop_domain::PluginId;

use super::{Row, Sealed};
use crate::{OrgStore, Result};

impl OrgStore {
    /// The next settings of plugins after `after`, at most `limit`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn sealed_plugins(
        &self,
        after: Option<PluginId>,
        limit: u32,
    ) -> Result<Vec<Sealed<PluginId>>> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT id, name, config AS "secret!"
               FROM plugins WHERE org_id = $1 AND config IS NOT NULL
                 AND ($2::uuid IS NULL OR $2 < id)
               ORDER BY id LIMIT $3"#,
            self.org.uuid(),
            after.map(PluginId::uuid),
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Sealed::of(rows, PluginId::from_uuid))
    }

    /// Stores the same settings of a plugin under another key, unless somebody has changed
    /// them meanwhile.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn plugin_reseal(&self, old: &Sealed<PluginId>, new: &[u8]) -> Result<()> {
        sqlx::query!(
            "UPDATE plugins SET config = $4 WHERE org_id = $1 AND id = $2 AND config = $3",
            self.org.uuid(),
            old.id.uuid(),
            old.stored,
            new
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
