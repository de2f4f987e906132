//! `hoop config …`: the settings of this command.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use hoop_client::GatewayUrl;
use serde_json::json;

use crate::{
    api::Api,
    args::{Config, ConfigCreate, ConfigSet, ConfigView, Format, Setting},
    output, prompt,
    settings::Settings,
};

/// Instead of a token.
const HIDDEN: &str = "(hidden; --raw shows it)";

pub(crate) fn run(command: Config, format: Format) -> Result<()> {
    let path = Settings::path()?;
    match command {
        Config::Create(create) => self::create(create, &path),
        Config::View(view) => self::view(&view, format, &path),
        Config::Set(set) => self::set(set, &path),
        Config::Clear => clear(&path),
    }
}

fn create(create: ConfigCreate, path: &Path) -> Result<()> {
    check(create.grpc_url.as_deref(), Some(&create.api_url))?;
    let known = Settings::load(path)?;
    let had_token = known.token.is_some();
    let settings = known.at(create.api_url, create.grpc_url);
    settings.store(path)?;
    if had_token && settings.token.is_none() {
        output::say("the token was for another gateway and is forgotten; run `hoop login`");
    }
    output::say(&format!("settings are in {}", path.display()));
    Ok(())
}

fn view(view: &ConfigView, format: Format, path: &Path) -> Result<()> {
    let settings = Settings::load(path)?;
    for warning in settings.warnings(path) {
        output::warn(&warning);
    }
    let token = settings.token.map(|token| if view.raw { token } else { HIDDEN.to_owned() });
    let all = [("api_url", settings.api_url), ("grpc_url", settings.grpc_url), ("token", token)];
    if let Some(name) = view.name {
        let wanted = name.as_str();
        let found = all.into_iter().find(|(name, _)| *name == wanted).and_then(|(_, value)| value);
        let value = found.with_context(|| format!("{wanted} is not set"))?;
        return Ok(output::print(&value)?);
    }
    if format == Format::Json {
        let [(_, api_url), (_, grpc_url), (_, token)] = all;
        return output::print_json(
            &json!({"api_url": api_url, "grpc_url": grpc_url, "token": token}),
        );
    }
    let line = |(name, value): (&str, Option<String>)| {
        format!("{name:<9} {}", value.unwrap_or_else(|| "-".into()))
    };
    Ok(output::print(&all.map(line).join("\n"))?)
}

fn set(set: ConfigSet, path: &Path) -> Result<()> {
    let value = match set.value.as_deref() {
        Some("-") => Some(prompt::password(set.name.as_str())?.reveal().clone()),
        _ => set.value,
    };
    ensure!(value.as_deref() != Some(""), "{} can't be empty", set.name.as_str());
    let mut settings = Settings::load(path)?;
    match set.name {
        Setting::ApiUrl => {
            check(None, value.as_deref())?;
            let Some(url) = value else { bail!("api_url can't be removed, only changed") };
            let grpc_url = settings.grpc_url.clone();
            settings = settings.at(url, grpc_url);
        }
        Setting::GrpcUrl => {
            check(value.as_deref(), None)?;
            settings.grpc_url = value;
        }
        Setting::Token => settings.token = value,
    }
    settings.store(path)?;
    output::say(&format!("{} is set in {}", set.name.as_str(), path.display()));
    Ok(())
}

/// Whatever is in the file, so that it helps against one that can't be read, too.
fn clear(path: &Path) -> Result<()> {
    if Settings::delete(path)? {
        output::say(&format!("{} is deleted", path.display()));
    } else {
        output::say("there were no settings");
    }
    Ok(())
}

/// What is wrong is found now and not at the next command.
fn check(grpc_url: Option<&str>, api_url: Option<&str>) -> Result<()> {
    if let Some(url) = grpc_url {
        url.parse::<GatewayUrl>()?;
    }
    if let Some(url) = api_url {
        Api::new(url, None)?;
    }
    Ok(())
}

impl Setting {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ApiUrl => "api_url",
            Self::GrpcUrl => "grpc_url",
            Self::Token => "token",
        }
    }
}
