//! `hoop admin create channel NAME`.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::{
    existing,
    secrets::{self, Given},
};
use crate::{
    args::CreateChannel,
    context::Context,
    output::{self, field, is},
};

pub(crate) async fn run(wanted: &CreateChannel, context: &Context) -> Result<()> {
    let path = ["notifications", "channels", wanted.name.as_str()];
    let known = if wanted.overwrite { existing(&path, context).await? } else { None };
    let settings = secrets::text(&Given {
        argument: "--setting",
        pairs: &wanted.setting,
        files: &wanted.setting_file,
        stdin: None,
    })?;
    let secret = secrets::text(&Given {
        argument: "--secret",
        pairs: &wanted.secret,
        files: &wanted.secret_file,
        stdin: wanted.secret_stdin.as_deref(),
    })?;
    let body = body(wanted, settings, secret, known.as_ref())?;
    let channel = match known {
        Some(_) => context.api.put(&path, &body).await?,
        None => context.api.post(&["notifications", "channels"], &body).await?,
    };
    if context.json() {
        return output::print_json(&channel);
    }
    output::say(&sentence(&channel));
    Ok(())
}

/// What is not given stays as it is known.
fn body(
    wanted: &CreateChannel,
    given: Map<String, Value>,
    secret: Map<String, Value>,
    known: Option<&Value>,
) -> Result<Value> {
    let before = |name: &str| known.and_then(|channel| channel.get(name));
    let kind = wanted.kind.as_deref().or_else(|| before("type").and_then(Value::as_str));
    let kind = kind.context("there is no channel of that name yet; say its type with --type")?;
    let mut settings = before("settings").and_then(Value::as_object).cloned().unwrap_or_default();
    settings.extend(given);
    let enabled = wanted.switch.wanted().or_else(|| before("enabled").and_then(Value::as_bool));
    let mut body = Map::new();
    body.insert("name".into(), json!(wanted.name));
    body.insert("type".into(), json!(kind));
    body.insert("settings".into(), Value::Object(settings));
    body.insert("enabled".into(), json!(enabled.unwrap_or(true)));
    let secret = secrets::with_those_that_stay(secret, known);
    if !secret.is_empty() {
        body.insert("secrets".into(), Value::Object(secret));
    }
    Ok(Value::Object(body))
}

fn sentence(channel: &Value) -> String {
    let name = field(channel, "name");
    if is(channel, "enabled") {
        format!("channel {name} is ready; `hoop admin test channel {name}` tries it")
    } else {
        format!("channel {name} is not used")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Admin, Args, Command, Create};

    fn wanted(line: &str) -> CreateChannel {
        let line = format!("hoop admin create channel {line}");
        let Command::Admin(admin) = Args::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("not admin")
        };
        let Admin::Create(Create::Channel(wanted)) = *admin else { panic!("not a channel") };
        wanted
    }

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("no object") };
        map
    }

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let known = json!({"name": "mail", "type": "smtp", "enabled": true,
            "settings": {"host": "a", "from": "x@y"}, "secret_names": ["password"]});
        let settings = map(json!({"host": "b"}));
        let body = body(&wanted("mail --overwrite --disabled"), settings, Map::new(), Some(&known));
        let expected = json!({"name": "mail", "type": "smtp", "enabled": false,
            "settings": {"host": "b", "from": "x@y"}});
        assert_eq!(body.unwrap(), expected);
    }

    #[test]
    fn a_new_one_needs_a_type_and_is_used() {
        let secret = map(json!({"webhook_url": "https://hooks.example.com"}));
        let made = body(&wanted("ops -t slack"), Map::new(), secret, None).unwrap();
        let expected = json!({"name": "ops", "type": "slack", "enabled": true, "settings": {},
            "secrets": {"webhook_url": "https://hooks.example.com"}});
        assert_eq!(made, expected);
        assert!(sentence(&made).contains("`hoop admin test channel ops` tries it"));
        let line = "hoop admin create channel ops";
        assert!(Args::try_parse_from(line.split(' ')).is_err());
        let refused = body(&wanted("ops --overwrite"), Map::new(), Map::new(), None).unwrap_err();
        assert!(refused.to_string().contains("--type"), "{refused}");
    }
}
