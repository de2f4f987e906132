//! Secrets as they are stored, so that they can be encrypted with another key.

use hoop_domain::{ChannelId, ConnectionId, PluginId, TokenId, UserId};
use uuid::Uuid;

use crate::{OrgStore, Result};

/// A secret that belongs to a `T`, such as [`ConnectionId`].
#[derive(Debug, Clone)]
pub struct Sealed<T> {
    /// What it belongs to, and is bound to.
    pub id: T,
    /// What that is called.
    pub name: String,
    /// The secret, encrypted.
    pub stored: Vec<u8>,
}

struct Row {
    id: Uuid,
    name: String,
    secret: Vec<u8>,
}

impl<T> Sealed<T> {
    fn of(rows: Vec<Row>, id: impl Fn(Uuid) -> T) -> Vec<Self> {
        let sealed = |row: Row| Self { id: id(row.id), name: row.name, stored: row.secret };
        rows.into_iter().map(sealed).collect()
    }
}

/// How one kind of secret is read in steps, after an id ($2) and so many ($3), and how one of
/// them (of $2, as $3) is stored anew (as $4).
macro_rules! sealed {
    ($id:ident, $(#[$next:meta])* $list:ident: $select:tt, $reseal:ident: $update:tt) => {
        impl OrgStore {
            $(#[$next])*
            ///
            /// # Errors
            /// When the database is not available.
            pub async fn $list(
                &self,
                after: Option<$id>,
                limit: u32,
            ) -> Result<Vec<Sealed<$id>>> {
                let rows = sqlx::query_as!(
                    Row,
                    $select,
                    self.org.uuid(),
                    after.map($id::uuid),
                    i64::from(limit)
                )
                .fetch_all(&self.pool)
                .await?;
                Ok(Sealed::of(rows, $id::from_uuid))
            }

            /// Stores the same secret under another key, unless somebody has changed it
            /// meanwhile. Nothing else about its owner changes.
            ///
            /// # Errors
            /// When the database is not available.
            pub async fn $reseal(&self, old: &Sealed<$id>, new: &[u8]) -> Result<()> {
                sqlx::query!($update, self.org.uuid(), old.id.uuid(), old.stored, new)
                    .execute(&self.pool)
                    .await?;
                Ok(())
            }
        }
    };
}

sealed! {
    ConnectionId,
    /// The next secrets of connections after `after`, at most `limit`.
    sealed_connections: "SELECT id, name, secret FROM connections
       WHERE org_id = $1 AND ($2::uuid IS NULL OR $2 < id) ORDER BY id LIMIT $3",
    connection_reseal: "UPDATE connections SET secret = $4
       WHERE org_id = $1 AND id = $2 AND secret = $3"
}

sealed! {
    ChannelId,
    /// The next secrets of channels after `after`, at most `limit`; not of those that the
    /// notifier's environment sets up, which have none here.
    sealed_channels: "SELECT id, name, secret FROM notification_channels
       WHERE org_id = $1 AND NOT from_environment AND ($2::uuid IS NULL OR $2 < id)
       ORDER BY id LIMIT $3",
    channel_reseal: "UPDATE notification_channels SET secret = $4
       WHERE org_id = $1 AND id = $2 AND secret = $3"
}

sealed! {
    PluginId,
    /// The next settings of plugins after `after`, at most `limit`.
    sealed_plugins: r#"SELECT id, name, config AS "secret!" FROM plugins
       WHERE org_id = $1 AND config IS NOT NULL AND ($2::uuid IS NULL OR $2 < id)
       ORDER BY id LIMIT $3"#,
    plugin_reseal: "UPDATE plugins SET config = $4
       WHERE org_id = $1 AND id = $2 AND config = $3"
}

sealed! {
    UserId,
    /// The next second factors of users after `after`, at most `limit`.
    sealed_second_factors: "SELECT u.id, u.email AS name, t.secret
       FROM user_totp t JOIN users u ON u.id = t.user_id
       WHERE t.org_id = $1 AND ($2::uuid IS NULL OR $2 < u.id) ORDER BY u.id LIMIT $3",
    second_factor_reseal: "UPDATE user_totp SET secret = $4
       WHERE org_id = $1 AND user_id = $2 AND secret = $3"
}

sealed! {
    TokenId,
    /// The next refresh tokens of browsers' sessions after `after`, at most `limit`.
    sealed_refresh_tokens: "SELECT p.token_id AS id, u.email AS name, p.refresh_token AS secret
       FROM provider_sessions p
         JOIN api_tokens t ON t.id = p.token_id JOIN users u ON u.id = t.user_id
       WHERE p.org_id = $1 AND ($2::uuid IS NULL OR $2 < p.token_id)
       ORDER BY p.token_id LIMIT $3",
    refresh_token_reseal: "UPDATE provider_sessions SET refresh_token = $4
       WHERE org_id = $1 AND token_id = $2 AND refresh_token = $3"
}
