//! Who comes from the identity provider, as one of our users.

use hoop_domain::{GroupName, Role, UserId};
use sqlx::PgConnection;

use crate::{OrgStore, Result, group, outbox, user::User};

/// A person, in the words of the identity provider.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Who it is there, for ever.
    pub subject: String,
    /// In lower case.
    pub email: String,
    /// Whether the address may be somebody else's: the provider says that it did not check.
    pub email_unverified: bool,
    /// As it is shown.
    pub name: String,
    /// The groups there; `None` when the provider says nothing of groups.
    pub groups: Option<Vec<GroupName>>,
}

/// Why somebody whom the identity provider knows is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotLetIn {
    /// The user was made inactive here.
    Inactive,
    /// There is a user of that address, and it may be somebody else.
    AddressOfAnother,
}

impl OrgStore {
    /// Lets in who comes from the identity provider: makes them a user, or brings the user
    /// that they are up to date. The first user of all becomes an administrator.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn user_sign_in(&self, identity: &Identity) -> Result<Result<User, NotLetIn>> {
        let mut tx = self.pool.begin().await?;
        // Two who are first at the same time are not both first.
        sqlx::query!("SELECT id FROM orgs WHERE id = $1 FOR UPDATE", self.org.uuid())
            .fetch_one(&mut *tx)
            .await?;
        let known = sqlx::query!(
            r#"SELECT id, active, subject, kind = 'person' AS "person!" FROM users
               WHERE org_id = $1 AND (subject = $2 OR email = $3)
               ORDER BY (subject = $2) IS TRUE DESC LIMIT 1"#,
            self.org.uuid(),
            identity.subject,
            identity.email
        )
        .fetch_optional(&mut *tx)
        .await?;
        let id = match known {
            // Nobody signs in as a program, whatever their provider says they are called.
            Some(known) if !known.person => return Ok(Err(NotLetIn::AddressOfAnother)),
            Some(known) if !known.active => return Ok(Err(NotLetIn::Inactive)),
            Some(known) if known.subject.as_deref() == Some(&identity.subject) => known.id,
            Some(known) if known.subject.is_none() && !identity.email_unverified => known.id,
            Some(_) => return Ok(Err(NotLetIn::AddressOfAnother)),
            None => self.made(&mut tx, identity).await?.uuid(),
        };
        let id = UserId::from_uuid(id);
        sqlx::query!(
            "UPDATE users SET subject = $3, name = $4, updated_at = now(), version = version + 1
             WHERE org_id = $1 AND id = $2 AND (subject, name) IS DISTINCT FROM ($3, $4)",
            self.org.uuid(),
            id.uuid(),
            identity.subject,
            identity.name
        )
        .execute(&mut *tx)
        .await?;
        if let Some(groups) = &identity.groups {
            self.provider_groups(&mut tx, id, groups).await?;
        }
        tx.commit().await?;
        Ok(Ok(self.user_fetch(&id.to_string()).await?))
    }

    async fn made(&self, conn: &mut PgConnection, identity: &Identity) -> Result<UserId> {
        let id = UserId::generate();
        let first = sqlx::query_scalar!(
            r#"SELECT NOT EXISTS (SELECT FROM users WHERE org_id = $1) AS "first!""#,
            self.org.uuid()
        )
        .fetch_one(&mut *conn)
        .await?;
        sqlx::query!(
            "INSERT INTO users (id, org_id, email, name, subject) VALUES ($1, $2, $3, $4, $5)",
            id.uuid(),
            self.org.uuid(),
            identity.email,
            identity.name,
            identity.subject
        )
        .execute(&mut *conn)
        .await?;
        let admin: Vec<GroupName> = Role::ADMIN_GROUP.parse().into_iter().collect();
        let groups = if first { admin } else { Vec::new() };
        self.join_groups(conn, id, &groups).await?;
        let body = serde_json::json!({ "user": id.to_string(), "email": identity.email });
        outbox::append(conn, self.org.uuid(), "user.created", &body).await?;
        Ok(id)
    }

    /// The groups that the provider names, instead of those that it named before.
    pub(super) async fn provider_groups(
        &self,
        conn: &mut PgConnection,
        user: UserId,
        names: &[GroupName],
    ) -> Result<()> {
        let groups = group::ensure(conn, self.org.uuid(), names).await?;
        let gone = sqlx::query!(
            "DELETE FROM user_groups
             WHERE org_id = $1 AND user_id = $2 AND from_provider AND group_id <> ALL ($3)",
            self.org.uuid(),
            user.uuid(),
            &groups
        )
        .execute(&mut *conn)
        .await?;
        let new = sqlx::query!(
            "INSERT INTO user_groups (org_id, user_id, group_id, from_provider)
             SELECT $1, $2, id, true FROM unnest($3::uuid[]) AS id ON CONFLICT DO NOTHING",
            self.org.uuid(),
            user.uuid(),
            &groups
        )
        .execute(&mut *conn)
        .await?;
        if 0 < gone.rows_affected() + new.rows_affected() {
            sqlx::query!(
                "UPDATE users SET version = version + 1 WHERE org_id = $1 AND id = $2",
                self.org.uuid(),
                user.uuid()
            )
            .execute(conn)
            .await?;
        }
        Ok(())
    }
}
