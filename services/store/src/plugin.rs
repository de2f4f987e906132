//! What is switched on, and for which connections.

use hoop_domain::{ConnectionId, Plugin, PluginId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Error, NameCursor, OrgStore, Page, Result, Window, connection::EncryptedSecret,
    error::OnConstraint, outbox,
};

/// A plugin that is switched on.
#[derive(Debug, Clone)]
pub struct StoredPlugin {
    /// The id, which the encrypted settings are bound to.
    pub id: PluginId,
    /// Its name; one that this version does not know is still one.
    pub name: String,
    /// Where it comes among the others.
    pub priority: i32,
    /// Encrypted settings; only `api` has the key.
    pub config: Option<Vec<u8>>,
    /// The names of what is in them.
    pub config_names: Vec<String>,
    /// For which connections.
    pub connections: Vec<PluggedConnection>,
    /// Counts its changes.
    pub version: i32,
}

/// A connection that a plugin is switched on for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluggedConnection {
    /// The connection.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// How; names of groups, for plugins that take them.
    pub config: Vec<String>,
}

struct Row {
    id: Uuid,
    name: String,
    priority: i32,
    config: Option<Vec<u8>>,
    config_names: Vec<String>,
    version: i32,
}

impl OrgStore {
    /// A page of the plugins that are switched on, by name.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn plugin_list(
        &self,
        window: &Window<NameCursor>,
    ) -> Result<Page<StoredPlugin, NameCursor>> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, name, priority, config, config_names, version FROM plugins
             WHERE org_id = $1 AND $2 < name ORDER BY name LIMIT $3",
            self.org.uuid(),
            window.name(),
            window.fetched()
        )
        .fetch_all(&self.pool)
        .await?;
        let connections = sqlx::query!(
            "SELECT x.plugin_id, x.connection_id, c.name, x.config
             FROM plugin_connections x JOIN connections c ON c.id = x.connection_id
             WHERE x.org_id = $1 AND x.plugin_id = ANY ($2) ORDER BY c.name",
            self.org.uuid(),
            &rows.iter().map(|row| row.id).collect::<Vec<_>>()
        )
        .fetch_all(&self.pool)
        .await?;
        let plugins: Vec<StoredPlugin> = rows
            .into_iter()
            .map(|row| StoredPlugin {
                connections: connections
                    .iter()
                    .filter(|one| one.plugin_id == row.id)
                    .map(|one| PluggedConnection {
                        id: ConnectionId::from_uuid(one.connection_id),
                        name: one.name.clone(),
                        config: one.config.clone(),
                    })
                    .collect(),
                id: PluginId::from_uuid(row.id),
                name: row.name,
                priority: row.priority,
                config: row.config,
                config_names: row.config_names,
                version: row.version,
            })
            .collect();
        Ok(Page::of(plugins, window.limit, |plugin| plugin.name.clone()))
    }

    /// The plugin of this name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not switched on.
    pub async fn plugin_fetch(&self, name: Plugin) -> Result<StoredPlugin> {
        let mut plugins = self.plugin_list(&Window::ALL).await?.rows.into_iter();
        plugins
            .find(|plugin| plugin.name == name.as_str())
            .ok_or(Error::NotFound { what: "plugin" })
    }

    /// Switches a plugin on. The id comes from the caller, who has bound the settings to it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is on already, [`Error::NotFound`] when there is no such
    /// connection.
    pub async fn plugin_create(
        &self,
        id: PluginId,
        name: Plugin,
        priority: i32,
        config: Option<&EncryptedSecret>,
        connections: &[(ConnectionId, Vec<String>)],
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!(
            "INSERT INTO plugins (id, org_id, name, priority, config, config_names)
             VALUES ($1, $2, $3, $4, $5, $6)",
            id.uuid(),
            self.org.uuid(),
            name.as_str(),
            priority,
            config.map(|config| config.ciphertext.as_slice()),
            config.map(|config| config.names.as_slice()).unwrap_or_default()
        )
        .execute(&mut *tx)
        .await
        .on_constraint("plugins_name_key", "this plugin is enabled already; change it")?;
        self.plug(&mut tx, id, connections).await?;
        self.plugin_told(&mut tx, name).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Switches a plugin on for these connections and no others, if it is of one of these
    /// versions. Without a priority, its own stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such plugin or connection, [`Error::Changed`] when
    /// it is of another version.
    pub async fn plugin_update(
        &self,
        name: Plugin,
        priority: Option<i32>,
        connections: &[(ConnectionId, Vec<String>)],
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let id = sqlx::query_scalar!(
            "UPDATE plugins SET priority = COALESCE($3, priority), updated_at = now(),
               version = version + 1
             WHERE org_id = $1 AND name = $2 AND ($4::int[] IS NULL OR version = ANY ($4))
             RETURNING id",
            self.org.uuid(),
            name.as_str(),
            priority,
            versions
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(id) = id else {
            tx.rollback().await?;
            let found = self.plugin_fetch(name).await?.version;
            return Err(Error::of_version("plugin", found, versions));
        };
        sqlx::query!(
            "DELETE FROM plugin_connections WHERE org_id = $1 AND plugin_id = $2",
            self.org.uuid(),
            id
        )
        .execute(&mut *tx)
        .await?;
        self.plug(&mut tx, PluginId::from_uuid(id), connections).await?;
        self.plugin_told(&mut tx, name).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Replaces the settings of a plugin, if it is of one of these versions.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not switched on, [`Error::Changed`] when it is of another
    /// version.
    pub async fn plugin_configure(
        &self,
        name: Plugin,
        config: &EncryptedSecret,
        versions: Option<&[i32]>,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query!(
            "UPDATE plugins SET config = $3, config_names = $4, updated_at = now(),
               version = version + 1
             WHERE org_id = $1 AND name = $2 AND ($5::int[] IS NULL OR version = ANY ($5))",
            self.org.uuid(),
            name.as_str(),
            config.ciphertext,
            &config.names,
            versions
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 0 {
            tx.rollback().await?;
            let found = self.plugin_fetch(name).await?.version;
            return Err(Error::of_version("plugin", found, versions));
        }
        self.plugin_told(&mut tx, name).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn plug(
        &self,
        conn: &mut PgConnection,
        plugin: PluginId,
        connections: &[(ConnectionId, Vec<String>)],
    ) -> Result<()> {
        for (connection, config) in connections {
            let done = sqlx::query!(
                "INSERT INTO plugin_connections (org_id, plugin_id, connection_id, config)
                 SELECT $1, $2, id, $4 FROM connections WHERE org_id = $1 AND id = $3
                 ON CONFLICT (plugin_id, connection_id) DO UPDATE SET config = EXCLUDED.config",
                self.org.uuid(),
                plugin.uuid(),
                connection.uuid(),
                config
            )
            .execute(&mut *conn)
            .await?;
            if done.rows_affected() == 0 {
                return Err(Error::NotFound { what: "connection" });
            }
        }
        Ok(())
    }

    async fn plugin_told(&self, conn: &mut PgConnection, name: Plugin) -> Result<()> {
        let body = serde_json::json!({ "plugin": name.as_str() });
        outbox::append(conn, self.org.uuid(), "plugin.updated", &body).await
    }
}
