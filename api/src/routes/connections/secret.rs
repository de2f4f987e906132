//! A connection's secret as it is given: checked here, because nobody sees it afterwards.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::{ConnectionType, Reference};

use super::body::Given;
use crate::{Error, error::Result, secrets::SecretMap};

/// Long enough for a certificate chain, short enough for a bus message.
const LONGEST_VALUE: usize = 64 * 1024;
const LONGEST_NAME: usize = 64;

/// Before the names of values that become files.
const FILE: &str = "filesystem:";

/// Reads `given`; an empty or absent value keeps the one in `stored`.
///
/// # Errors
/// With the name of the value that is wrong or missing.
pub(super) fn parse(kind: ConnectionType, given: &Given, stored: &SecretMap) -> Result<SecretMap> {
    let mut secret = SecretMap::new();
    for (key, value) in given {
        let field = format!("secret.{key}");
        let (name, stored_as) = name_of(kind, &field, key)?;
        let value = match value.as_deref().filter(|text| !text.is_empty()) {
            None => stored.get(&stored_as).cloned(),
            Some(text) => Some(decode(&field, text)?),
        };
        let value = value.ok_or_else(|| Error::invalid(&field, "has no value yet"))?;
        check_value(kind, &field, name, &value)?;
        if secret.contains_key(name)
            || secret.contains_key(&format!("{FILE}{name}"))
            || secret.insert(stored_as, value).is_some()
        {
            return Err(Error::invalid(field, format_args!("{name} is given twice")));
        }
    }
    for name in kind.required_secrets() {
        if !secret.contains_key(*name) {
            return Err(Error::invalid(
                format!("secret.envvar:{name}"),
                format_args!("is required for a {kind} connection"),
            ));
        }
    }
    Ok(secret)
}

/// What is given and, to be kept, whatever else is `stored`.
pub(super) fn with_others(given: &Given, stored: &SecretMap) -> Given {
    let name = |key: &str| key.split_once(':').map_or(key, |(_, name)| name).to_owned();
    let named: BTreeSet<String> = given.keys().map(|key| name(key)).collect();
    let others = stored.keys().filter(|key| !named.contains(&name(key)));
    given.clone().into_iter().chain(others.map(|key| (key.clone(), None))).collect()
}

/// The name that `key` gives to a variable, and what it is stored under: variables without
/// a prefix, files with theirs.
fn name_of<'a>(kind: ConnectionType, field: &str, key: &'a str) -> Result<(&'a str, String)> {
    let (name, stored_as) = match key.split_once(':') {
        None => (key, key.to_owned()),
        Some(("envvar", name)) => (name, name.to_owned()),
        Some(("filesystem", name)) if kind == ConnectionType::CommandLine => (name, key.to_owned()),
        Some(("filesystem", _)) => {
            return Err(Error::invalid(field, format_args!("a {kind} connection takes no files")));
        }
        Some(_) => {
            return Err(Error::invalid(field, "begins with neither envvar: nor filesystem:"));
        }
    };
    // As a name of a variable, this is also the name of a file that stays in its folder.
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if begins && plain && name.len() <= LONGEST_NAME {
        Ok((name, stored_as))
    } else {
        let why = "a name has 1 to 64 letters, digits or '_' and begins with no digit";
        Err(Error::invalid(field, why))
    }
}

fn decode(field: &str, text: &str) -> Result<String> {
    let bytes = STANDARD.decode(text).map_err(|_| Error::invalid(field, "is not base64"))?;
    String::from_utf8(bytes).map_err(|_| Error::invalid(field, "is not text in UTF-8"))
}

/// What can be known to be wrong now should not be found out at the first session.
fn check_value(kind: ConnectionType, field: &str, name: &str, value: &str) -> Result<()> {
    if LONGEST_VALUE < value.len() || value.contains('\0') {
        return Err(Error::invalid(field, "has at most 64 KiB and no NUL"));
    }
    // The agent looks there; what it finds can't be checked here.
    if Reference::read(value).map_err(|error| Error::invalid(field, error))?.is_some() {
        return Ok(());
    }
    if kind == ConnectionType::CommandLine {
        return Ok(());
    }
    let wrong = match name {
        "PORT" if !value.parse::<u16>().is_ok_and(|port| port != 0) => "is a port, 1 to 65535",
        "HOST" if value.trim() != value || value.contains(['/', ' ']) => {
            "is a host name or address"
        }
        "SSLMODE" if !["disable", "prefer", "require", "verify-full"].contains(&value) => {
            "is disable, prefer, require or verify-full"
        }
        _ => return Ok(()),
    };
    Err(Error::invalid(field, wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, Option<&str>)]) -> Given {
        pairs.iter().map(|(key, value)| ((*key).into(), value.map(Into::into))).collect()
    }

    fn refusal(pairs: &[(&str, Option<&str>)]) -> String {
        parse(ConnectionType::Tcp, &given(pairs), &SecretMap::new()).unwrap_err().to_string()
    }

    #[test]
    fn values_come_in_base64_with_or_without_the_prefix() {
        let pairs = [("envvar:HOST", Some("ZGI=")), ("PORT", Some("NTQzMg=="))];
        let secret = parse(ConnectionType::Tcp, &given(&pairs), &SecretMap::new()).unwrap();
        assert_eq!(secret.get("HOST").unwrap(), "db");
        assert_eq!(secret.get("PORT").unwrap(), "5432");
    }

    #[test]
    fn what_is_left_empty_stays_as_it_was_and_what_is_left_out_goes() {
        let stored: SecretMap = [("HOST", "db"), ("PORT", "1"), ("NOTE", "x")]
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        let pairs = [("envvar:HOST", None), ("envvar:PORT", Some(""))];
        let secret = parse(ConnectionType::Tcp, &given(&pairs), &stored).unwrap();
        assert_eq!(secret.keys().collect::<Vec<_>>(), ["HOST", "PORT"]);
    }

    #[test]
    fn what_a_patch_does_not_name_stays_as_a_variable_or_a_file() {
        let stored: SecretMap = [("HOST", "db"), ("filesystem:CA", "x"), ("NOTE", "x")]
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        let pairs = [("envvar:HOST", Some("eA==")), ("envvar:CA", None)];
        let whole = with_others(&given(&pairs), &stored);
        let expected = [pairs[1], pairs[0], ("NOTE", None)];
        assert_eq!(whole, given(&expected));
    }

    #[test]
    fn a_refusal_names_the_value_and_never_shows_it() {
        let host = ("HOST", Some("ZGI="));
        assert_eq!(refusal(&[host]), "secret.envvar:PORT: is required for a tcp connection");
        assert_eq!(
            refusal(&[("envvar:HOST", Some("no base64"))]),
            "secret.envvar:HOST: is not base64"
        );
        assert_eq!(refusal(&[("PORT", Some("NzAwMDA="))]), "secret.PORT: is a port, 1 to 65535");
        assert!(refusal(&[("filesystem:CA", Some("eA=="))]).contains("takes no files"));
        assert!(refusal(&[("vault:CA", Some("eA=="))]).contains("neither envvar: nor"));
        assert!(refusal(&[("envvar:../x", Some("eA=="))]).contains("letters, digits"));
        assert!(refusal(&[("HOST", None)]).contains("no value yet"));
        let refusal = refusal(&[("PORT", Some("aHVudGVyMg=="))]);
        assert!(!refusal.contains("hunter2") && !refusal.contains("aHVudGVyMg"), "{refusal}");
    }

    #[test]
    fn a_reference_stands_for_any_value_and_half_a_one_is_refused() {
        let place = Some("X3ZhdWx0a3YyOmRiOnBvcnQ="); // _vaultkv2:db:port
        let pairs = [("HOST", Some("ZGI=")), ("PORT", place)];
        let secret = parse(ConnectionType::Tcp, &given(&pairs), &SecretMap::new()).unwrap();
        assert_eq!(secret["PORT"], "_vaultkv2:db:port");
        let half = Some("X2F3czpodW50ZXIy"); // _aws:hunter2
        let refusal = refusal(&[("HOST", Some("ZGI=")), ("PORT", half)]);
        assert!(refusal.starts_with("secret.PORT: a reference has three parts"), "{refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }

    #[test]
    fn a_command_takes_variables_and_files_of_any_plain_name() {
        let command = |pairs: &[(&str, Option<&str>)], stored: &SecretMap| {
            parse(ConnectionType::CommandLine, &given(pairs), stored).map_err(|e| e.to_string())
        };
        let none = SecretMap::new();
        let x = Some("eA==");
        let secret = command(&[("envvar:http_proxy", x), ("filesystem:KUBECONFIG", x)], &none);
        let secret = secret.unwrap();
        assert_eq!(secret.keys().collect::<Vec<_>>(), ["filesystem:KUBECONFIG", "http_proxy"]);
        assert_eq!(command(&[("filesystem:KUBECONFIG", None)], &secret).unwrap().len(), 1);
        assert!(command(&[("PORT", Some("YW55"))], &none).is_ok(), "it means nothing to us");
        assert_eq!(command(&[], &none).unwrap(), none);

        for name in ["", "a/b", "..", "../x", "a\nb", "a\u{1b}[2J", "1A", "A=B", "a b", "A.pem"] {
            for prefix in ["", "envvar:", "filesystem:"] {
                let refusal = command(&[(&format!("{prefix}{name}"), x)], &none).unwrap_err();
                assert!(refusal.contains("letters, digits"), "{prefix}{name}: {refusal}");
            }
        }
        for twice in [["A", "envvar:A"], ["A", "filesystem:A"], ["envvar:A", "filesystem:A"]] {
            let refusal = command(&twice.map(|name| (name, x)), &none).unwrap_err();
            assert!(refusal.ends_with("A is given twice"), "{refusal}");
        }
    }
}
