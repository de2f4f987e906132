//! Making, changing and deleting users.

use hoop_domain::{GroupName, Secret, UserId};
use sqlx::PgConnection;

use super::User;
use crate::{Error, OrgStore, Result, error::OnConstraint, group, outbox};

/// What a user is made of, or becomes.
#[derive(Debug, Clone)]
pub struct UserSpec {
    /// In lower case; can't be changed later.
    pub email: String,
    /// As it is shown.
    pub name: String,
    /// Whether the user may do anything at all.
    pub active: bool,
    /// Groups that do not exist are made.
    pub groups: Vec<GroupName>,
    /// The Argon2 hash, in PHC form; `None` leaves it as it is.
    pub password_hash: Option<Secret<String>>,
}

impl OrgStore {
    /// Makes a user.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the address is taken.
    pub async fn user_create(&self, spec: &UserSpec) -> Result<User> {
        let mut tx = self.pool.begin().await?;
        let id = UserId::generate();
        sqlx::query!(
            "INSERT INTO users (id, org_id, email, name, active, password_hash)
             VALUES ($1, $2, lower($3), $4, $5, $6)",
            id.uuid(),
            self.org.uuid(),
            spec.email,
            spec.name,
            spec.active,
            spec.password_hash.as_ref().map(Secret::reveal)
        )
        .execute(&mut *tx)
        .await
        .on_constraint("users_email_key", "there is a user with that e-mail address already")?;
        self.join_groups(&mut tx, id, &spec.groups).await?;
        let body = serde_json::json!({ "user": id.to_string(), "email": spec.email });
        outbox::append(&mut tx, self.org.uuid(), "user.created", &body).await?;
        tx.commit().await?;
        self.user_fetch(&id.to_string()).await
    }

    /// Changes everything about a user but the address, if they are of one of these versions.
    /// Returns the version that they are of now, too.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user, [`Error::Changed`] when they are of
    /// another version.
    pub async fn user_update(
        &self,
        id: UserId,
        spec: &UserSpec,
        versions: Option<&[i32]>,
    ) -> Result<(User, i32)> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE users SET name = $3, active = $4, updated_at = now(), version = version + 1,
               password_hash = COALESCE($5, password_hash)
             WHERE org_id = $1 AND id = $2 AND ($6::int[] IS NULL OR version = ANY ($6))",
            self.org.uuid(),
            id.uuid(),
            spec.name,
            spec.active,
            spec.password_hash.as_ref().map(Secret::reveal),
            versions
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            let (_, found) = self.user_with_version(&id.to_string()).await?;
            return Err(Error::of_version("user", found, versions));
        }
        // Those that stay keep who named them.
        let names: Vec<String> = spec.groups.iter().map(GroupName::to_string).collect();
        sqlx::query!(
            "DELETE FROM user_groups WHERE org_id = $1 AND user_id = $2 AND group_id NOT IN
               (SELECT id FROM groups WHERE org_id = $1 AND name = ANY ($3))",
            self.org.uuid(),
            id.uuid(),
            &names
        )
        .execute(&mut *tx)
        .await?;
        self.join_groups(&mut tx, id, &spec.groups).await?;
        let body = serde_json::json!({ "user": id.to_string(), "email": spec.email });
        outbox::append(&mut tx, self.org.uuid(), "user.updated", &body).await?;
        tx.commit().await?;
        self.user_with_version(&id.to_string()).await
    }

    /// Deletes a user, with their tokens and credentials, if they are of one of these versions;
    /// their sessions stay on record.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user, [`Error::Changed`] when they are of
    /// another version.
    pub async fn user_delete(&self, id: UserId, versions: Option<&[i32]>) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let email = sqlx::query_scalar!(
            "DELETE FROM users WHERE org_id = $1 AND id = $2
               AND ($3::int[] IS NULL OR version = ANY ($3)) RETURNING email",
            self.org.uuid(),
            id.uuid(),
            versions
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(email) = email else {
            tx.rollback().await?;
            let (_, found) = self.user_with_version(&id.to_string()).await?;
            return Err(Error::of_version("user", found, versions));
        };
        let body = serde_json::json!({ "user": id.to_string(), "email": email });
        outbox::append(&mut tx, self.org.uuid(), "user.deleted", &body).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn join_groups(
        &self,
        conn: &mut PgConnection,
        user: UserId,
        names: &[GroupName],
    ) -> Result<()> {
        let groups = group::ensure(conn, self.org.uuid(), names).await?;
        sqlx::query!(
            "INSERT INTO user_groups (org_id, user_id, group_id)
             SELECT $1, $2, id FROM unnest($3::uuid[]) AS id ON CONFLICT DO NOTHING",
            self.org.uuid(),
            user.uuid(),
            &groups
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}
