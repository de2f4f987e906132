//! What is secret, from wherever it was given.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, IsTerminal, Read},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{output::printable, prompt};

/// How secrets were given.
pub(super) struct Given<'a> {
    /// The argument that takes one, of which the others are made.
    pub(super) argument: &'a str,
    /// `NAME=VALUE`.
    pub(super) pairs: &'a [String],
    /// `NAME=PATH`.
    pub(super) files: &'a [String],
    /// The name of what comes over standard input.
    pub(super) stdin: Option<&'a str>,
}

/// By name, in base64: connections and plugins have any bytes.
pub(super) fn read(given: &Given<'_>) -> Result<Map<String, Value>> {
    let secrets = collect(given)?.into_iter();
    Ok(secrets.map(|(name, value)| (name, STANDARD.encode(value).into())).collect())
}

/// By name, as text without the last line break: channels have no other.
pub(super) fn text(given: &Given<'_>) -> Result<Map<String, Value>> {
    let text = |(name, value): (String, Vec<u8>)| -> Result<(String, Value)> {
        let text = String::from_utf8(without_break(value));
        let text = text.map_err(|_| anyhow!("the value of {} is no text", printable(&name)))?;
        Ok((name, text.into()))
    };
    collect(given)?.into_iter().map(text).collect()
}

/// A name without a value stands for the stored one; a name that is left out goes.
pub(super) fn with_those_that_stay(
    mut secret: Map<String, Value>,
    known: Option<&Value>,
) -> Map<String, Value> {
    if secret.is_empty() {
        return secret;
    }
    let names = known.and_then(|known| known.get("secret_names")).and_then(Value::as_array);
    for name in names.into_iter().flatten().filter_map(Value::as_str) {
        secret.entry(name).or_insert(Value::Null);
    }
    secret
}

fn collect(given: &Given<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let (mut secrets, argument) = (BTreeMap::new(), given.argument);
    for pair in given.pairs {
        // A value that was given without a name may be the secret itself: it is not repeated.
        let pair = pair.split_once('=');
        let (name, value) = pair.with_context(|| format!("{argument} is NAME=VALUE"))?;
        add(&mut secrets, name, value.as_bytes().to_vec())?;
    }
    for pair in given.files {
        let pair = pair.split_once('=');
        let (name, path) = pair.with_context(|| format!("{argument}-file is NAME=PATH"))?;
        let content = fs::read(path).with_context(|| format!("read {path} for {name}"))?;
        add(&mut secrets, name, content)?;
    }
    if let Some(name) = given.stdin {
        add(&mut secrets, name, from_stdin(name)?)?;
    }
    Ok(secrets)
}

fn from_stdin(name: &str) -> Result<Vec<u8>> {
    if io::stdin().is_terminal() {
        return Ok(prompt::password(name)?.reveal().clone().into_bytes());
    }
    let mut content = Vec::new();
    io::stdin().read_to_end(&mut content).with_context(|| format!("read {name} from stdin"))?;
    Ok(without_break(content))
}

fn without_break(mut content: Vec<u8>) -> Vec<u8> {
    let line = content.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let length = line.map_or(content.len(), <[u8]>::len);
    content.truncate(length);
    content
}

fn add(secrets: &mut BTreeMap<String, Vec<u8>>, name: &str, value: Vec<u8>) -> Result<()> {
    ensure!(!name.is_empty(), "a value has no name before its '='");
    ensure!(!value.is_empty(), "the value of {} is empty", printable(name));
    if secrets.insert(name.into(), value).is_some() {
        bail!("{} is given twice", printable(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(pairs: &[String]) -> Given<'_> {
        Given { argument: "--secret", pairs, files: &[], stdin: None }
    }

    #[test]
    fn bytes_are_in_base64_and_text_has_no_line_break_at_its_end() {
        let pairs = ["password=a\nb\r\n".to_owned()];
        assert_eq!(text(&given(&pairs)).unwrap()["password"], "a\nb");
        assert_eq!(read(&given(&pairs)).unwrap()["password"], "YQpiDQo=");
    }

    #[test]
    fn a_secret_that_is_not_given_again_is_named_without_a_value() {
        let known = json!({"secret_names": ["a", "b"]});
        let given: Map<_, _> = [("a".to_owned(), json!("new"))].into_iter().collect();
        let all = with_those_that_stay(given, Some(&known));
        assert_eq!(Value::Object(all), json!({"a": "new", "b": null}));
        assert!(with_those_that_stay(Map::new(), Some(&known)).is_empty());
    }

    #[test]
    fn what_is_given_wrongly_is_not_repeated() {
        for (pair, said) in [
            ("s3cret", "--secret is NAME=VALUE"),
            ("=s3cret", "a value has no name before its '='"),
            ("name=", "the value of name is empty"),
        ] {
            let refusal = read(&given(&[pair.to_owned()])).unwrap_err().to_string();
            assert_eq!(refusal, said);
        }
    }
}
