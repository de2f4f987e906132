//! Groups: names that users have and connections are opened to.

use hoop_domain::{GroupId, GroupName};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Error, NameCursor, OrgStore, Page, Result, Window, convert, error::OnConstraint, outbox,
};

impl OrgStore {
    /// A page of the groups' names, in order.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn group_list(
        &self,
        window: &Window<NameCursor>,
    ) -> Result<Page<GroupName, NameCursor>> {
        let names = sqlx::query_scalar!(
            "SELECT name FROM groups WHERE org_id = $1 AND $2 < name ORDER BY name LIMIT $3",
            self.org.uuid(),
            window.name(),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let groups = convert::parse_all(&names, "a group's name")?;
        Ok(Page::of(groups, window.limit, GroupName::to_string))
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is one of that name.
    pub async fn group_create(&self, name: &GroupName) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "INSERT INTO groups (id, org_id, name) VALUES ($1, $2, $3)",
            GroupId::generate().uuid(),
            self.org.uuid(),
            name.as_str()
        )
        .execute(&mut *tx)
        .await
        .on_constraint("groups_name_key", "there is a group of that name already")?;
        let body = serde_json::json!({ "group": name.as_str() });
        outbox::append(&mut tx, self.org.uuid(), "group.created", &body).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes a group; its members lose what they had through it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn group_delete(&self, name: &GroupName) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        // Whoever has read them with the group must not bring it back by accident. Keys come
        // before users, as where a key is changed, so that two can't wait for each other.
        sqlx::query!(
            "UPDATE api_keys SET version = version + 1 WHERE org_id = $1 AND user_id IN
               (SELECT m.user_id FROM user_groups m JOIN groups g ON g.id = m.group_id
                WHERE g.org_id = $1 AND g.name = $2)",
            self.org.uuid(),
            name.as_str()
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "UPDATE users SET version = version + 1 WHERE org_id = $1 AND id IN
               (SELECT m.user_id FROM user_groups m JOIN groups g ON g.id = m.group_id
                WHERE g.org_id = $1 AND g.name = $2)",
            self.org.uuid(),
            name.as_str()
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "UPDATE connections SET version = version + 1, updated_at = now()
             WHERE org_id = $1 AND id IN
               (SELECT o.connection_id FROM connection_groups o JOIN groups g ON g.id = o.group_id
                WHERE g.org_id = $1 AND g.name = $2)",
            self.org.uuid(),
            name.as_str()
        )
        .execute(&mut *tx)
        .await?;
        let done = sqlx::query!(
            "DELETE FROM groups WHERE org_id = $1 AND name = $2",
            self.org.uuid(),
            name.as_str()
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::NotFound { what: "group" });
        }
        let body = serde_json::json!({ "group": name.as_str() });
        outbox::append(&mut tx, self.org.uuid(), "group.deleted", &body).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The ids of the groups with these names, made where there are none: a group exists by
/// being used, as with the groups that an identity provider sends.
pub(crate) async fn ensure(
    conn: &mut PgConnection,
    org: Uuid,
    names: &[GroupName],
) -> Result<Vec<Uuid>> {
    let mut ids = Vec::with_capacity(names.len());
    // In one order everywhere, so that two transactions can't wait for each other.
    let mut sorted: Vec<&GroupName> = names.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    for name in sorted {
        sqlx::query!(
            "INSERT INTO groups (id, org_id, name) VALUES ($1, $2, $3)
             ON CONFLICT (org_id, name) DO NOTHING",
            GroupId::generate().uuid(),
            org,
            name.as_str()
        )
        .execute(&mut *conn)
        .await?;
        let id = sqlx::query_scalar!(
            "SELECT id FROM groups WHERE org_id = $1 AND name = $2",
            org,
            name.as_str()
        )
        .fetch_one(&mut *conn)
        .await?;
        ids.push(id);
    }
    Ok(ids)
}
