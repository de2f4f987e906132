//! Users and the groups they are in.

use chrono::{DateTime, Utc};
use hoop_domain::{GroupName, Role, Secret, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, OrgStore, Result, convert, error::OnConstraint, group, outbox};

/// A person or a program.
#[derive(Debug, Clone)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// In lower case.
    pub email: String,
    /// As it is shown.
    pub name: String,
    /// Whether the user may do anything at all.
    pub active: bool,
    /// In order.
    pub groups: Vec<GroupName>,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
}

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

impl User {
    /// What the user's groups allow.
    #[must_use]
    pub fn role(&self) -> Role {
        Role::of_groups(self.groups.iter().map(GroupName::as_str))
    }
}

pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) active: bool,
    pub(crate) groups: Vec<String>,
    pub(crate) created_at: DateTime<Utc>,
}

impl TryFrom<Row> for User {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: UserId::from_uuid(row.id),
            email: row.email,
            name: row.name,
            active: row.active,
            groups: convert::parse_all(&row.groups, "a group's name")?,
            created_at: row.created_at,
        })
    }
}

impl OrgStore {
    /// Every user, by e-mail address.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_list(&self) -> Result<Vec<User>> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT id, email, name, active, created_at,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM users u WHERE org_id = $1 ORDER BY email"#,
            self.org.uuid()
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(User::try_from).collect()
    }

    /// The user with this id or e-mail address.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn user_fetch(&self, id_or_email: &str) -> Result<User> {
        let id = id_or_email.parse::<UserId>().ok().map(UserId::uuid);
        let row = sqlx::query_as!(
            Row,
            r#"SELECT id, email, name, active, created_at,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM users u WHERE org_id = $1 AND (id = $2 OR email = lower($3))"#,
            self.org.uuid(),
            id,
            id_or_email
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or(Error::NotFound { what: "user" })?.try_into()
    }

    /// The password hash of the user with this address, if there is such a user and one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_password(&self, email: &str) -> Result<Option<Secret<String>>> {
        let hash = sqlx::query_scalar!(
            "SELECT password_hash FROM users WHERE org_id = $1 AND email = lower($2) AND active",
            self.org.uuid(),
            email
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(hash.flatten().map(Secret::new))
    }

    /// Whether there is no user yet.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_list_is_empty(&self) -> Result<bool> {
        let any = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM users WHERE org_id = $1) AS "any!""#,
            self.org.uuid()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(!any)
    }

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

    /// Changes everything about a user but the address.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn user_update(&self, id: UserId, spec: &UserSpec) -> Result<User> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE users SET name = $3, active = $4, updated_at = now(),
               password_hash = COALESCE($5, password_hash)
             WHERE org_id = $1 AND id = $2",
            self.org.uuid(),
            id.uuid(),
            spec.name,
            spec.active,
            spec.password_hash.as_ref().map(Secret::reveal)
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::NotFound { what: "user" });
        }
        sqlx::query!(
            "DELETE FROM user_groups WHERE org_id = $1 AND user_id = $2",
            self.org.uuid(),
            id.uuid()
        )
        .execute(&mut *tx)
        .await?;
        self.join_groups(&mut tx, id, &spec.groups).await?;
        let body = serde_json::json!({ "user": id.to_string(), "email": spec.email });
        outbox::append(&mut tx, self.org.uuid(), "user.updated", &body).await?;
        tx.commit().await?;
        self.user_fetch(&id.to_string()).await
    }

    /// Deletes a user, with their tokens and credentials; their sessions stay on record.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn user_delete(&self, id: UserId) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let email = sqlx::query_scalar!(
            "DELETE FROM users WHERE org_id = $1 AND id = $2 RETURNING email",
            self.org.uuid(),
            id.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::NotFound { what: "user" })?;
        let body = serde_json::json!({ "user": id.to_string(), "email": email });
        outbox::append(&mut tx, self.org.uuid(), "user.deleted", &body).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn join_groups(
        &self,
        conn: &mut PgConnection,
        user: UserId,
        names: &[GroupName],
    ) -> Result<()> {
        let groups = group::ensure(conn, self.org.uuid(), names).await?;
        sqlx::query!(
            "INSERT INTO user_groups (org_id, user_id, group_id)
             SELECT $1, $2, id FROM unnest($3::uuid[]) AS id",
            self.org.uuid(),
            user.uuid(),
            &groups
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}
