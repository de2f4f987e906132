//! Service accounts: programs that an identity provider, or an API key, vouches for.

use chrono::{DateTime, Utc};
use hoop_domain::{GroupName, UserId};
use uuid::Uuid;

use crate::{
    Error, NameCursor, OrgStore, Page, Result, Window, convert, error::OnConstraint, user::User,
};

const TAKEN: &str = "there is a service account with that subject already";

/// A service account.
#[derive(Debug, Clone)]
pub struct ServiceAccount {
    /// The id, which sessions name as their user.
    pub id: UserId,
    /// Who the identity provider says it is.
    pub subject: String,
    /// As it is shown.
    pub name: String,
    /// Whether it may do anything at all.
    pub active: bool,
    /// In order.
    pub groups: Vec<GroupName>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Counts its changes.
    pub version: i32,
}

/// What a service account is made of.
#[derive(Debug, Clone)]
pub struct ServiceAccountSpec {
    /// Who the identity provider says it is; can't be changed later.
    pub subject: String,
    /// As it is shown.
    pub name: String,
    /// Whether it may do anything at all.
    pub active: bool,
    /// Groups that do not exist are made.
    pub groups: Vec<GroupName>,
}

/// What becomes of a service account; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct ServiceAccountChange {
    /// As it is shown.
    pub name: Option<String>,
    /// Whether it may do anything at all.
    pub active: Option<bool>,
    /// Groups that do not exist are made.
    pub groups: Option<Vec<GroupName>>,
}

struct Row {
    id: Uuid,
    subject: String,
    name: String,
    active: bool,
    groups: Vec<String>,
    created_at: DateTime<Utc>,
    version: i32,
}

impl TryFrom<Row> for ServiceAccount {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: UserId::from_uuid(row.id),
            subject: row.subject,
            name: row.name,
            active: row.active,
            groups: convert::parse_all(&row.groups, "a group's name")?,
            created_at: row.created_at,
            version: row.version,
        })
    }
}

impl OrgStore {
    /// A page of the service accounts, by subject.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn service_account_list(
        &self,
        window: &Window<NameCursor>,
    ) -> Result<Page<ServiceAccount, NameCursor>> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT u.id, s.subject, u.name, u.active, u.created_at, u.version,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM service_accounts s JOIN users u ON u.id = s.user_id
               WHERE s.org_id = $1 AND $2 < s.subject ORDER BY s.subject LIMIT $3"#,
            self.org.uuid(),
            window.name(),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let accounts: Vec<ServiceAccount> =
            rows.into_iter().map(ServiceAccount::try_from).collect::<Result<_>>()?;
        Ok(Page::of(accounts, window.limit, |account| account.subject.clone()))
    }

    /// The service account with this subject.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn service_account_fetch(&self, subject: &str) -> Result<ServiceAccount> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT u.id, s.subject, u.name, u.active, u.created_at, u.version,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM service_accounts s JOIN users u ON u.id = s.user_id
               WHERE s.org_id = $1 AND s.subject = $2"#,
            self.org.uuid(),
            subject
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or(Error::NotFound { what: "service account" })?.try_into()
    }

    /// The service account with this subject as the user that it is, if there is one; it may
    /// be inactive.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn service_account_user(&self, subject: &str) -> Result<Option<User>> {
        match self.service_account_fetch(subject).await {
            Ok(account) => Ok(Some(self.principal_fetch(account.id).await?)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a service account.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the subject is taken.
    pub async fn service_account_create(
        &self,
        spec: &ServiceAccountSpec,
    ) -> Result<ServiceAccount> {
        let (mut tx, id) = (self.pool.begin().await?, UserId::generate());
        sqlx::query!(
            "INSERT INTO users (id, org_id, email, name, active, kind)
             VALUES ($1, $2, 'service-account:' || lower($3), $4, $5, 'service_account')",
            id.uuid(),
            self.org.uuid(),
            spec.subject,
            spec.name,
            spec.active
        )
        .execute(&mut *tx)
        .await
        .on_constraint("users_email_key", TAKEN)?;
        sqlx::query!(
            "INSERT INTO service_accounts (user_id, org_id, subject) VALUES ($1, $2, $3)",
            id.uuid(),
            self.org.uuid(),
            spec.subject
        )
        .execute(&mut *tx)
        .await
        .on_constraint("service_accounts_subject_key", TAKEN)?;
        self.join_groups(&mut tx, id, &spec.groups).await?;
        tx.commit().await?;
        self.service_account_fetch(&spec.subject).await
    }

    /// Changes a service account, if it is of one of these versions.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account, [`Error::Changed`] when it is of
    /// another version.
    pub async fn service_account_update(
        &self,
        subject: &str,
        change: &ServiceAccountChange,
        versions: Option<&[i32]>,
    ) -> Result<ServiceAccount> {
        let mut tx = self.pool.begin().await?;
        let id = sqlx::query_scalar!(
            "UPDATE users u SET name = COALESCE($3, u.name), active = COALESCE($4, u.active),
               updated_at = now(), version = u.version + 1
             FROM service_accounts s
             WHERE s.org_id = $1 AND s.subject = $2 AND u.id = s.user_id
               AND ($5::int[] IS NULL OR u.version = ANY ($5)) RETURNING u.id",
            self.org.uuid(),
            subject,
            change.name.as_deref(),
            change.active,
            versions
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(id) = id else {
            tx.rollback().await?;
            let found = self.service_account_fetch(subject).await?.version;
            return Err(Error::of_version("service account", found, versions));
        };
        if let Some(groups) = &change.groups {
            sqlx::query!(
                "DELETE FROM user_groups WHERE org_id = $1 AND user_id = $2",
                self.org.uuid(),
                id
            )
            .execute(&mut *tx)
            .await?;
            self.join_groups(&mut tx, UserId::from_uuid(id), groups).await?;
        }
        tx.commit().await?;
        self.service_account_fetch(subject).await
    }

    /// Deletes a service account with its API keys and credentials, if it is of one of these
    /// versions; its sessions stay on record.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account, [`Error::Changed`] when it is of
    /// another version.
    pub async fn service_account_delete(
        &self,
        subject: &str,
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let done = sqlx::query!(
            "DELETE FROM users u USING service_accounts s
             WHERE s.org_id = $1 AND s.subject = $2 AND u.id = s.user_id
               AND ($3::int[] IS NULL OR u.version = ANY ($3))",
            self.org.uuid(),
            subject,
            versions
        )
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 0 {
            let found = self.service_account_fetch(subject).await?.version;
            return Err(Error::of_version("service account", found, versions));
        }
        Ok(())
    }
}
