//! Users and the groups they are in.

use chrono::{DateTime, Utc};
use hoop_domain::{GroupName, Role, Secret, UserId};
use uuid::Uuid;

use crate::{Error, NameCursor, OrgStore, Page, Result, Window, convert};

mod password;
mod totp;
mod write;

pub use totp::Totp;
pub use write::UserSpec;

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
    /// A page of the people, by e-mail address.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_list(&self, window: &Window<NameCursor>) -> Result<Page<User, NameCursor>> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT id, email, name, active, created_at,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM users u WHERE org_id = $1 AND kind = 'person' AND $2 < email
               ORDER BY email LIMIT $3"#,
            self.org.uuid(),
            window.name(),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let users: Vec<User> = rows.into_iter().map(User::try_from).collect::<Result<_>>()?;
        Ok(Page::of(users, window.limit, |user| user.email.clone()))
    }

    /// The person with this id or e-mail address.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or it is a program.
    pub async fn user_fetch(&self, id_or_email: &str) -> Result<User> {
        Ok(self.user_with_version(id_or_email).await?.0)
    }

    /// The person with this id or e-mail address, and the version that they are of.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or it is a program.
    pub async fn user_with_version(&self, id_or_email: &str) -> Result<(User, i32)> {
        let id = id_or_email.parse::<UserId>().ok().map(UserId::uuid);
        let row = sqlx::query!(
            r#"SELECT id, email, name, active, created_at, version,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM users u WHERE org_id = $1 AND kind = 'person'
                 AND (id = $2 OR email = lower($3))"#,
            self.org.uuid(),
            id,
            id_or_email
        )
        .fetch_optional(&self.pool)
        .await?;
        let row = row.ok_or(Error::NotFound { what: "user" })?;
        let user = Row {
            id: row.id,
            email: row.email,
            name: row.name,
            active: row.active,
            groups: row.groups,
            created_at: row.created_at,
        };
        Ok((user.try_into()?, row.version))
    }

    /// The active user who is this subject at the identity provider, if there is one.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_by_subject(&self, subject: &str) -> Result<Option<User>> {
        let id = sqlx::query_scalar!(
            "SELECT id FROM users WHERE org_id = $1 AND subject = $2 AND active",
            self.org.uuid(),
            subject
        )
        .fetch_optional(&self.pool)
        .await?;
        match id {
            Some(id) => self.user_fetch(&id.to_string()).await.map(Some),
            None => Ok(None),
        }
    }

    /// The person or program with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn principal_fetch(&self, id: UserId) -> Result<User> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT id, email, name, active, created_at,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM users u WHERE org_id = $1 AND id = $2"#,
            self.org.uuid(),
            id.uuid()
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

    /// Whether there is no person yet.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_list_is_empty(&self) -> Result<bool> {
        let any = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM users
                 WHERE org_id = $1 AND kind = 'person') AS "any!""#,
            self.org.uuid()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(!any)
    }
}
