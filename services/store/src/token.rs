//! API tokens: of people who logged in, and of programs. The store sees digests only.

use chrono::{DateTime, Utc};
use hoop_domain::{OrgId, Secret, TokenId, UserId};

use crate::{Cursor, Error, OrgStore, Page, Result, Store, Window, user, user::User};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person who logged in with the command line.
    Login,
    /// A person's browser.
    Browser,
    /// A program.
    Program,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Browser => "browser",
            Self::Program => "program",
        }
    }

    fn of(text: &str) -> Self {
        [Self::Login, Self::Browser]
            .into_iter()
            .find(|it| it.as_str() == text)
            .unwrap_or(Self::Program)
    }
}

/// A token to be.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub kind: Kind,
    /// What it is called.
    pub name: &'a str,
    /// SHA-256 of it.
    pub digest: [u8; 32],
    /// When it stops being valid.
    pub expires_at: Option<DateTime<Utc>>,
    /// The token that it was had with, and ends with.
    pub parent: Option<TokenId>,
    /// The hash of the password that it was had with: it is not kept when that is another now.
    pub password: Option<&'a Secret<String>>,
}

/// A token that was presented and is valid, and whose it is.
#[derive(Debug, Clone)]
pub struct TokenOwner {
    /// The token.
    pub token: TokenId,
    /// The owner's organisation.
    pub org: OrgId,
    /// The owner, who may be inactive.
    pub user: User,
    /// What it is for.
    pub kind: Kind,
    /// When the token stops being valid.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token as its owner sees it.
#[derive(Debug, Clone)]
pub struct Token {
    /// The id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops being valid.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Whose token this is, if it is valid at `now`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn token_owner(
        &self,
        digest: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<TokenOwner>> {
        let row = sqlx::query!(
            r#"SELECT t.id AS token_id, t.org_id, t.expires_at, t.kind,
                 u.id, u.email, u.name, u.active, u.created_at,
                 ARRAY(SELECT g.name FROM user_groups m JOIN groups g ON g.id = m.group_id
                       WHERE m.user_id = u.id ORDER BY g.name) AS "groups!"
               FROM api_tokens t JOIN users u ON u.id = t.user_id
               WHERE t.digest = $1 AND (t.expires_at IS NULL OR $2 < t.expires_at)"#,
            digest.as_slice(),
            now
        )
        .fetch_optional(self.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let user = user::Row {
            id: row.id,
            email: row.email,
            name: row.name,
            active: row.active,
            groups: row.groups,
            created_at: row.created_at,
        };
        Ok(Some(TokenOwner {
            token: TokenId::from_uuid(row.token_id),
            org: OrgId::from_uuid(row.org_id),
            user: user.try_into()?,
            kind: Kind::of(&row.kind),
            expires_at: row.expires_at,
        }))
    }

    /// Forgets tokens that expired before `before`.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn token_forget_expired(&self, before: DateTime<Utc>) -> Result<u64> {
        let done = sqlx::query!("DELETE FROM api_tokens WHERE expires_at < $1", before)
            .execute(self.pool())
            .await?;
        Ok(done.rows_affected())
    }
}

impl OrgStore {
    /// Keeps the digest of a new token of a program that acts as `user`.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub async fn token_create(
        &self,
        user: UserId,
        name: &str,
        digest: &[u8; 32],
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<TokenId> {
        let new = NewToken {
            user,
            kind: Kind::Program,
            name,
            digest: *digest,
            expires_at,
            parent: None,
            password: None,
        };
        self.token_keep(&new).await
    }

    /// Keeps the digest of a new token. It ends with its parent at the latest.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user, or none with that password.
    pub async fn token_keep(&self, new: &NewToken<'_>) -> Result<TokenId> {
        let id = TokenId::generate();
        // Who changes the password waits for the row, and then sees this token; or this waits, and
        // then sees the new password.
        let done = sqlx::query!(
            "INSERT INTO api_tokens (id, org_id, user_id, name, digest, expires_at, kind, parent_id)
             SELECT $1, org_id, id, $4, $5,
               LEAST($6, (SELECT p.expires_at FROM api_tokens p WHERE p.id = $8)), $7, $8
             FROM users WHERE org_id = $2 AND id = $3
               AND ($9::text IS NULL OR password_hash = $9) FOR SHARE",
            id.uuid(),
            self.org.uuid(),
            new.user.uuid(),
            new.name,
            new.digest.as_slice(),
            new.expires_at,
            new.kind.as_str(),
            new.parent.map(TokenId::uuid),
            new.password.map(|hash| hash.reveal().as_str())
        )
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::NotFound { what: "user" });
        }
        Ok(id)
    }

    /// A page of the tokens of `user`, the newest first.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn token_list(&self, user: UserId, window: &Window) -> Result<Page<Token>> {
        let rows = sqlx::query!(
            "SELECT id, name, created_at, expires_at FROM api_tokens
             WHERE org_id = $1 AND user_id = $2 AND ($3::uuid IS NULL OR id < $3)
             ORDER BY id DESC LIMIT $4",
            self.org.uuid(),
            user.uuid(),
            window.after.map(Cursor::uuid),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let tokens = rows.into_iter().map(|row| Token {
            id: TokenId::from_uuid(row.id),
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
        });
        Ok(Page::of(tokens.collect(), window.limit, |token| token.id.uuid()))
    }

    /// Forgets a token of `user`, which ends what it is good for.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such token.
    pub async fn token_delete(&self, user: UserId, token: TokenId) -> Result<()> {
        let done = sqlx::query!(
            "DELETE FROM api_tokens WHERE org_id = $1 AND user_id = $2 AND id = $3",
            self.org.uuid(),
            user.uuid(),
            token.uuid()
        )
        .execute(&self.pool)
        .await?;
        if done.rows_affected() == 0 {
            return Err(Error::NotFound { what: "token" });
        }
        Ok(())
    }
}
