//! Names, settings, secrets and recipients as they are given: what can be known to be wrong
//! now should not be found out when something has happened.

use std::collections::BTreeMap;

use hoop_store::notification::{ChannelKind, REQUESTER, REVIEWERS, Values};

use crate::{Error, error::Result};

/// What was given: a value, or nothing to keep the stored one.
pub(super) type Given = BTreeMap<String, Option<String>>;

const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 16 * 1024;
const LONGEST_RECIPIENT: usize = 254;
/// Each is a row in the log for each event.
const MOST_RECIPIENTS: usize = 100;

/// A name of a channel or a subscription.
pub(super) fn name(name: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && name.len() <= LONGEST_NAME && name.chars().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(Error::invalid("name", "has 1 to 64 letters, digits, '-', '_' or '.'"))
    }
}

/// The settings of a channel.
pub(super) fn settings(kind: ChannelKind, given: &BTreeMap<String, String>) -> Result<Values> {
    for (name, value) in given {
        let field = format!("settings.{name}");
        if !kind.settings().contains(&name.as_str()) {
            let known = kind.settings().join(", ");
            return Err(Error::invalid(field, format_args!("{kind} channels have {known}")));
        }
        setting(&field, name, value)?;
    }
    if kind == ChannelKind::Smtp && given.get("tls").is_some_and(|tls| tls == "off") {
        let host = given.get("host").map_or("", String::as_str);
        if !loopback(host) {
            let why = "mail goes unencrypted to this machine only (localhost)";
            return Err(Error::invalid("settings.tls", why));
        }
    }
    Ok(given.clone())
}

/// The secrets of a channel: those that are given, and those that are kept.
pub(super) fn secrets(kind: ChannelKind, given: &Given, stored: &Values) -> Result<Values> {
    let mut secrets = Values::new();
    for (name, value) in given {
        let field = format!("secrets.{name}");
        if !kind.secrets().contains(&name.as_str()) {
            let known = kind.secrets().join(", ");
            return Err(Error::invalid(field, format_args!("{kind} channels have {known}")));
        }
        let value = match value.as_deref().filter(|text| !text.is_empty()) {
            Some(text) => text.to_owned(),
            None => stored
                .get(name)
                .cloned()
                .ok_or_else(|| Error::invalid(&field, "has no value yet"))?,
        };
        secret(&field, name, &value)?;
        secrets.insert(name.clone(), value);
    }
    Ok(secrets)
}

/// Nothing may be missing.
pub(super) fn complete(kind: ChannelKind, settings: &Values, secrets: &Values) -> Result<()> {
    for name in kind.required() {
        if !settings.contains_key(*name) && !secrets.contains_key(*name) {
            let group = if kind.settings().contains(name) { "settings" } else { "secrets" };
            let why = format_args!("is required for a {kind} channel");
            return Err(Error::invalid(format!("{group}.{name}"), why));
        }
    }
    let doors = ["webhook_url", "bot_token"].iter().filter(|name| secrets.contains_key(**name));
    if kind == ChannelKind::Slack && doors.count() != 1 {
        return Err(Error::invalid("secrets", "give either webhook_url or bot_token"));
    }
    Ok(())
}

/// To whom a subscription may go through a channel that has these secrets.
pub(super) fn recipients(
    kind: ChannelKind,
    secret_names: &[String],
    given: &[String],
) -> Result<Vec<String>> {
    let invalid = |why: &str| Err(Error::invalid("recipients", why));
    let hook = secret_names.iter().any(|name| name == "webhook_url");
    let itself = matches!(kind, ChannelKind::Webhook | ChannelKind::Segment)
        || kind == ChannelKind::Slack && hook;
    if itself && !given.is_empty() {
        return invalid("a webhook goes to one place; leave them out");
    }
    if !itself && given.is_empty() {
        return invalid("are required for this channel");
    }
    if MOST_RECIPIENTS < given.len() {
        return invalid("are at most 100");
    }
    for recipient in given {
        let plain = !recipient.is_empty()
            && recipient.len() <= LONGEST_RECIPIENT
            && !recipient.contains(|c: char| c.is_control() || c.is_whitespace() || c == ',');
        if !plain {
            return invalid("are addresses or names without spaces and commas");
        }
        // People of the event, whoever they are then.
        let people = [REVIEWERS, REQUESTER].contains(&recipient.as_str());
        if kind == ChannelKind::Smtp && !people && !address(recipient) {
            return invalid("are mail addresses such as ann@example.com");
        }
    }
    Ok(given.to_vec())
}

fn setting(field: &str, name: &str, value: &str) -> Result<()> {
    if LONGEST_VALUE < value.len() || value.contains('\0') {
        return Err(Error::invalid(field, "has at most 16 KiB and no NUL"));
    }
    let wrong = match name {
        "host" if value.is_empty() || value.contains(['/', ' ', '@']) => "is a host name",
        "port" if !value.parse::<u16>().is_ok_and(|port| port != 0) => "is a port, 1 to 65535",
        "tls" if !["starttls", "implicit", "off"].contains(&value) => {
            "is starttls, implicit or off"
        }
        "from" if !address(sender(value)) => "is a mail address such as hoop@example.com",
        "ca_certificate" if !value.contains("-----BEGIN CERTIFICATE-----") => {
            "is a certificate in PEM"
        }
        "url" | "api_url" => return url(field, value),
        _ => return Ok(()),
    };
    Err(Error::invalid(field, wrong))
}

/// The address in `Name <address>`.
fn sender(text: &str) -> &str {
    let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    inner.unwrap_or(text)
}

fn address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| {
        let odd = |c: char| c.is_control() || " <>,@\"".contains(c);
        !name.is_empty() && !host.is_empty() && !name.contains(odd) && !host.contains(odd)
    })
}

fn secret(field: &str, name: &str, value: &str) -> Result<()> {
    if LONGEST_VALUE < value.len() || value.contains(|c: char| c.is_control()) {
        return Err(Error::invalid(field, "has at most 16 KiB in one line"));
    }
    match name {
        "webhook_url" => url(field, value),
        "signing_secret" if !signs(value) => {
            Err(Error::invalid(field, "is whsec_ and 24 to 64 bytes in base64"))
        }
        _ => Ok(()),
    }
}

fn signs(value: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let bytes = value.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    bytes.is_some_and(|bytes| (24..=64).contains(&bytes.len()))
}

/// Any host that an administrator names, inside or outside, except where clouds keep the
/// credentials of machines. The value may be secret, so it is not repeated.
fn url(field: &str, value: &str) -> Result<()> {
    let uri: http::Uri = match value.parse() {
        Ok(uri) => uri,
        Err(_) => return Err(Error::invalid(field, "is not a URL")),
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
        return Err(Error::invalid(field, "is a URL that begins with https:// or http://"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(Error::invalid(field, "has no user or password in it"));
    }
    let address =
        uri.host().and_then(|host| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok());
    let local = address.is_some_and(|address| match address.to_canonical() {
        std::net::IpAddr::V4(v4) => v4.is_link_local(),
        std::net::IpAddr::V6(v6) => v6.is_unicast_link_local(),
    });
    if local {
        return Err(Error::invalid(field, "is a link-local address"));
    }
    Ok(())
}

fn loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
