//! A connection's secret as it is given: checked here, because nobody sees it afterwards.

use base64::{Engine, engine::general_purpose::STANDARD};
use hoop_domain::ConnectionType;

use super::body::Given;
use crate::{Error, error::Result, secrets::SecretMap};

/// Long enough for a certificate chain, short enough for a bus message.
const LONGEST_VALUE: usize = 64 * 1024;
const LONGEST_NAME: usize = 64;

/// Reads `given`; an empty or absent value keeps the one in `stored`.
///
/// # Errors
/// With the name of the value that is wrong or missing.
pub(super) fn parse(kind: ConnectionType, given: &Given, stored: &SecretMap) -> Result<SecretMap> {
    let mut secret = SecretMap::new();
    for (key, value) in given {
        let field = format!("secret.{key}");
        let name = match key.split_once(':') {
            Some(("envvar", name)) => name,
            None => key.as_str(),
            Some(_) => {
                return Err(Error::invalid(field, "begins with something else than envvar:"));
            }
        };
        check_name(&field, name)?;
        let value = match value.as_deref().filter(|text| !text.is_empty()) {
            None => stored.get(name).cloned(),
            Some(text) => Some(decode(&field, text)?),
        };
        let value = value.ok_or_else(|| Error::invalid(&field, "has no value yet"))?;
        check_value(&field, name, &value)?;
        secret.insert(name.to_owned(), value);
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

fn check_name(field: &str, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_uppercase());
    if begins && name.len() <= LONGEST_NAME && name.chars().all(plain) {
        Ok(())
    } else {
        Err(Error::invalid(field, "a name has 1 to 64 capitals, digits or '_'"))
    }
}

fn decode(field: &str, text: &str) -> Result<String> {
    let bytes = STANDARD.decode(text).map_err(|_| Error::invalid(field, "is not base64"))?;
    String::from_utf8(bytes).map_err(|_| Error::invalid(field, "is not text in UTF-8"))
}

/// What can be known to be wrong now should not be found out at the first session.
fn check_value(field: &str, name: &str, value: &str) -> Result<()> {
    if LONGEST_VALUE < value.len() || value.contains('\0') {
        return Err(Error::invalid(field, "has at most 64 KiB and no NUL"));
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
    fn a_refusal_names_the_value_and_never_shows_it() {
        let host = ("HOST", Some("ZGI="));
        assert_eq!(refusal(&[host]), "secret.envvar:PORT: is required for a tcp connection");
        assert_eq!(
            refusal(&[("envvar:HOST", Some("no base64"))]),
            "secret.envvar:HOST: is not base64"
        );
        assert_eq!(refusal(&[("PORT", Some("NzAwMDA="))]), "secret.PORT: is a port, 1 to 65535");
        assert!(
            refusal(&[("filesystem:CA", Some("eA=="))]).contains("something else than envvar:")
        );
        assert!(refusal(&[("envvar:../x", Some("eA=="))]).contains("capitals"));
        assert!(refusal(&[("HOST", None)]).contains("no value yet"));
        let refusal = refusal(&[("PORT", Some("aHVudGVyMg=="))]);
        assert!(!refusal.contains("hunter2") && !refusal.contains("aHVudGVyMg"), "{refusal}");
    }
}
