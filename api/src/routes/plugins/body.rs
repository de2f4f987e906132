//! A plugin as JSON.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::Plugin;
use hoop_store::plugin::{PluggedConnection, StoredPlugin};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Error, error::Result, routes::groups, secrets::SecretMap};

/// What takes the place of a value that is there.
const REDACTED: &str = "REDACTED";
const LONGEST_VALUE: usize = 16 * 1024;
const MOST_VALUES: usize = 100;
/// For a plugin that takes no groups: some words for each connection.
const MOST_WORDS: usize = 100;

/// A plugin to be, or what becomes of one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PluginRequest {
    /// `audit`, `access_control`, `dlp`, `indexer`, `review`, `runbooks`, `slack` or `webhooks`.
    name: String,
    /// For which connections it is enabled.
    connections: Vec<ConnectionEntry>,
    /// Its settings.
    pub(super) config: Option<ConfigRequest>,
    /// Where it comes among the others.
    pub(super) priority: Option<i32>,
    /// Ignored: every plugin is part of the gateway.
    #[serde(default)]
    #[expect(dead_code, reason = "older clients send it")]
    source: Option<String>,
}

/// A connection, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PluginConnectionRequest)]
struct ConnectionEntry {
    /// The connection's id, or its name.
    #[serde(default)]
    id: String,
    /// The connection's name, where the id is left out.
    #[serde(default)]
    name: String,
    /// For `review` the groups that approve, for `access_control` those that may use it, for
    /// `runbooks` the folders and files of those that it may use, all when there is none.
    #[serde(default)]
    config: Vec<String>,
}

/// How a plugin is enabled for one connection.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PluggedRequest)]
pub(crate) struct EntryRequest {
    /// As in the list of connections of the plugin.
    #[serde(default)]
    pub(super) config: Vec<String>,
}

/// Settings: names to values in base64.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PluginSettings)]
pub(crate) struct ConfigRequest {
    /// Names to values in base64.
    pub(super) envvars: BTreeMap<String, String>,
}

/// Settings: names to values in base64.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PluginConfigRequest(pub(super) BTreeMap<String, String>);

/// A plugin that is enabled.
#[derive(Serialize, ToSchema)]
pub(crate) struct PluginResponse {
    /// The id.
    id: String,
    /// The name.
    name: String,
    /// For which connections it is enabled.
    connections: Vec<ConnectionResponse>,
    /// Its settings; null when it has none.
    config: Option<ConfigResponse>,
    /// Always null: every plugin is part of the gateway.
    source: Option<String>,
    /// Where it comes among the others.
    priority: i32,
}

/// A connection, and how.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginConnection)]
pub(crate) struct ConnectionResponse {
    /// The connection's id.
    id: String,
    /// Its name.
    name: String,
    /// Names of groups, mostly.
    config: Vec<String>,
}

/// Settings, with `REDACTED` for each value.
#[derive(Serialize, ToSchema)]
#[schema(as = PluginConfig)]
pub(crate) struct ConfigResponse {
    /// The plugin's id.
    id: String,
    /// Names to `REDACTED`.
    envvars: BTreeMap<String, &'static str>,
}

/// A connection that is asked for.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) field: String,
    pub(super) config: Vec<String>,
}

impl PluginRequest {
    pub(super) fn plugin(&self) -> Result<Plugin> {
        self.name.parse().map_err(|error| Error::invalid("name", error))
    }

    pub(super) fn wanted(&self, plugin: Plugin) -> Result<Vec<Wanted>> {
        let entries = self.connections.iter().enumerate();
        entries.map(|(at, entry)| entry.wanted(at, plugin)).collect()
    }
}

impl ConnectionEntry {
    fn wanted(&self, at: usize, plugin: Plugin) -> Result<Wanted> {
        let config = config(&format!("connections[{at}].config"), plugin, &self.config)?;
        let name = if self.id.is_empty() { &self.name } else { &self.id };
        Ok(Wanted { name: name.clone(), field: format!("connections[{at}].id"), config })
    }
}

/// How a plugin is enabled for a connection.
pub(super) fn config(field: &str, plugin: Plugin, given: &[String]) -> Result<Vec<String>> {
    if plugin.takes_groups() {
        if given.is_empty() {
            return Err(Error::invalid(field, "names at least one group"));
        }
        return Ok(groups::parse(field, given)?.iter().map(ToString::to_string).collect());
    }
    let long = |word: &String| LONGEST_VALUE < word.len() || word.contains('\0');
    if MOST_WORDS < given.len() || given.iter().any(long) {
        return Err(Error::invalid(field, "has at most 100 words of 16 KiB without NUL"));
    }
    // `pg:$FOLDER` without a folder is no wish for all of them.
    if given.iter().any(|word| word.trim_matches('/').trim().is_empty()) {
        return Err(Error::invalid(field, "has words that name something"));
    }
    Ok(given.to_vec())
}

/// The values that the settings stand for.
pub(super) fn values(field: &str, given: &BTreeMap<String, String>) -> Result<SecretMap> {
    if MOST_VALUES < given.len() {
        return Err(Error::invalid(field, "has at most 100 values"));
    }
    let read = |(name, value): (&String, &String)| {
        let field = format!("{field}.{name}");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || LONGEST_VALUE < name.len() || !name.chars().all(plain) {
            return Err(Error::invalid(field, "has a name of letters, digits and '_'"));
        }
        // The value may be secret, so it is not repeated.
        let text = STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match text.filter(|text| text.len() <= LONGEST_VALUE) {
            Some(text) => Ok((name.clone(), text)),
            None => Err(Error::invalid(field, "is text of at most 16 KiB in base64")),
        }
    };
    given.iter().map(read).collect()
}

impl PluginResponse {
    pub(super) fn new(plugin: StoredPlugin) -> Self {
        let id = plugin.id.to_string();
        let connections = plugin.connections.into_iter().map(ConnectionResponse::new);
        let names = plugin.config_names.into_iter().map(|name| (name, REDACTED));
        let config = plugin.config.is_some();
        Self {
            connections: connections.collect(),
            config: config.then(|| ConfigResponse { id: id.clone(), envvars: names.collect() }),
            id,
            name: plugin.name,
            source: None,
            priority: plugin.priority,
        }
    }
}

impl ConnectionResponse {
    pub(super) fn new(one: PluggedConnection) -> Self {
        Self { id: one.id.to_string(), name: one.name, config: one.config }
    }
}
