//! `hoop admin create plugin NAME`.

use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};

use super::{
    existing,
    secrets::{self, Given},
};
use crate::{
    args::CreatePlugin,
    context::Context,
    output::{self, field, printable},
};

pub(crate) async fn run(wanted: &CreatePlugin, context: &Context) -> Result<()> {
    let config = secrets::read(&Given {
        argument: "--config",
        pairs: &wanted.config,
        files: &wanted.config_file,
        stdin: wanted.config_stdin.as_deref(),
    })?;
    let path = ["plugins", wanted.name.as_str()];
    let known = if wanted.overwrite { existing(&path, context).await? } else { None };
    let mut body = body(wanted, known.as_ref())?;
    let plugin = match known {
        // Connections and settings have a route each.
        Some(_) => {
            let plugin = context.api.put(&path, &body).await?;
            if config.is_empty() {
                plugin
            } else {
                context.api.put(&[&path[..], &["config"]].concat(), &config).await?
            }
        }
        None => {
            if !config.is_empty() {
                body.insert("config".into(), json!({ "envvars": config }));
            }
            context.api.post(&["plugins"], &body).await?
        }
    };
    if context.json() {
        return output::print_json(&plugin);
    }
    output::say(&sentence(&plugin));
    Ok(())
}

/// What is not given stays as it is known.
fn body(wanted: &CreatePlugin, known: Option<&Value>) -> Result<Map<String, Value>> {
    let mut body = Map::new();
    body.insert("name".into(), json!(wanted.name));
    let before = known.and_then(|known| known.get("connections")).cloned();
    let given: Vec<Value> =
        wanted.connections.iter().map(|one| entry(one)).collect::<Result<_>>()?;
    let connections = match before {
        Some(before) if wanted.connections.is_empty() && !wanted.no_connections => before,
        _ => Value::Array(given),
    };
    body.insert("connections".into(), connections);
    if let Some(priority) = wanted.priority {
        body.insert("priority".into(), json!(priority));
    }
    Ok(body)
}

/// `pg-prod:dba,security`, as the API wants it.
fn entry(given: &str) -> Result<Value> {
    let (name, groups) = given.split_once(':').unwrap_or((given, ""));
    let groups: Vec<&str> = groups.split(',').filter(|group| !group.is_empty()).collect();
    // A variable of the shell may be empty by mistake, and for runbooks nothing stands for all.
    ensure!(
        !groups.is_empty() || !given.contains(':'),
        "nothing is behind the ':' of {given}; name groups or folders there, or leave ':' out"
    );
    Ok(json!({ "name": name, "config": groups }))
}

fn sentence(plugin: &Value) -> String {
    let names = plugin.get("connections").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<_> = names.map(|one| field(one, "name")).collect();
    let whom = if names.is_empty() { "no connection".to_owned() } else { names.join(", ") };
    format!("plugin {} is enabled for {}", field(plugin, "name"), printable(&whom))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(connections: &[&str], no_connections: bool) -> CreatePlugin {
        CreatePlugin {
            name: "review".into(),
            connections: connections.iter().map(|&one| one.to_owned()).collect(),
            no_connections,
            config: Vec::new(),
            config_file: Vec::new(),
            config_stdin: None,
            priority: None,
            overwrite: true,
        }
    }

    #[test]
    fn a_connection_comes_with_its_groups_and_stays_when_none_is_given() {
        let known = json!({ "connections": [{ "id": "1", "name": "pg", "config": ["dba"] }] });
        for (wanted, expected) in [
            (
                wanted(&["a:x,y", "b"], false),
                json!([
                { "name": "a", "config": ["x", "y"] }, { "name": "b", "config": [] }]),
            ),
            (wanted(&[], false), known["connections"].clone()),
            (wanted(&[], true), json!([])),
        ] {
            let body = Value::Object(body(&wanted, Some(&known)).unwrap());
            assert_eq!(body, json!({ "name": "review", "connections": expected }));
        }
    }

    #[test]
    fn a_colon_with_nothing_behind_it_is_refused() {
        for given in ["pg:", "pg:,"] {
            let refused = body(&wanted(&["b:x", given], false), None).unwrap_err().to_string();
            let why = format!("nothing is behind the ':' of {given};");
            assert!(refused.starts_with(&why), "{refused}");
        }
    }

    #[test]
    fn it_is_said_what_it_is_enabled_for() {
        let mut plugin = json!({ "name": "review", "connections": [{ "name": "pg" }] });
        assert_eq!(sentence(&plugin), "plugin review is enabled for pg");
        plugin["connections"] = json!([]);
        assert_eq!(sentence(&plugin), "plugin review is enabled for no connection");
    }
}
