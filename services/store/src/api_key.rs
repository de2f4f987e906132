//! API keys: secrets of programs, each with groups of its own or of its service account. The
//! store sees digests only.

mod owner;
mod write;

use chrono::{DateTime, Utc};
use hoop_domain::{ApiKeyName, GroupName, TokenId};
use uuid::Uuid;

use crate::{Error, NameCursor, OrgStore, Page, Result, Window, convert};

pub use owner::KeyOwner;
pub use write::{ApiKeyChange, NewApiKey};

/// An API key as it is listed.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// The id, which sessions name as their token.
    pub id: TokenId,
    /// The name.
    pub name: ApiKeyName,
    /// Its beginning and its end, by which one who has it recognizes it.
    pub masked: String,
    /// What it may, in order: its own groups or those of its service account.
    pub groups: Vec<GroupName>,
    /// The subject of the service account that it belongs to, if it does.
    pub service_account: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// When.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Counts its changes; being used is none.
    pub version: i32,
}

impl ApiKey {
    /// `revoked`, `expired` or `active`, at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> &'static str {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(end)) if end <= now => "expired",
            (None, _) => "active",
        }
    }
}

struct Row {
    id: Uuid,
    name: String,
    masked: String,
    groups: Vec<String>,
    subject: Option<String>,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_by: Option<String>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    version: i32,
}

impl TryFrom<Row> for ApiKey {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: TokenId::from_uuid(row.id),
            name: convert::parse(&row.name, "an API key's name")?,
            masked: row.masked,
            groups: convert::parse_all(&row.groups, "a group's name")?,
            service_account: row.subject,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_by: row.revoked_by,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            version: row.version,
        })
    }
}

/// Every column of keys that are so.
macro_rules! select {
    ($condition:tt, $($argument:expr),*) => {
        sqlx::query_as!(
            Row,
            r#"SELECT k.id, k.name, k.masked, s.subject AS "subject?", k.created_by,
                 k.created_at, k.expires_at, k.revoked_by, k.revoked_at, k.last_used_at,
                 k.version,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = k.user_id ORDER BY g.name) AS "groups!"
               FROM api_keys k LEFT JOIN service_accounts s ON s.user_id = k.user_id "#
                + $condition,
            $($argument),*
        )
    };
}

impl OrgStore {
    /// A page of the keys, by name.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn api_key_list(
        &self,
        window: &Window<NameCursor>,
    ) -> Result<Page<ApiKey, NameCursor>> {
        let rows = select!(
            "WHERE k.org_id = $1 AND $2 < k.name ORDER BY k.name LIMIT $3",
            self.org.uuid(),
            window.name(),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let keys: Vec<ApiKey> = rows.into_iter().map(ApiKey::try_from).collect::<Result<_>>()?;
        Ok(Page::of(keys, window.limit, |key| key.name.to_string()))
    }

    /// The key with this name or id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn api_key_fetch(&self, name_or_id: &str) -> Result<ApiKey> {
        let id = name_or_id.parse::<TokenId>().ok().map(TokenId::uuid);
        let row = select!(
            "WHERE k.org_id = $1 AND (k.id = $2 OR lower(k.name) = lower($3))
             ORDER BY k.id = $2 DESC LIMIT 1",
            self.org.uuid(),
            id,
            name_or_id
        )
        .fetch_optional(&self.pool)
        .await?;
        row.ok_or(Error::NotFound { what: "API key" })?.try_into()
    }
}
