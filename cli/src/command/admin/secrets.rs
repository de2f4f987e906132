//! What is secret, from wherever it was given.

use std::{
    fs,
    io::{self, IsTerminal, Read},
};

use anyhow::{Context as _, Result, bail, ensure};
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

/// As the API wants them: by name, in base64.
pub(super) fn read(given: &Given<'_>) -> Result<Map<String, Value>> {
    let (mut secrets, argument) = (Map::new(), given.argument);
    for pair in given.pairs {
        // A value that was given without a name may be the secret itself: it is not repeated.
        let pair = pair.split_once('=');
        let (name, value) = pair.with_context(|| format!("{argument} is NAME=VALUE"))?;
        add(&mut secrets, name, value.as_bytes())?;
    }
    for pair in given.files {
        let pair = pair.split_once('=');
        let (name, path) = pair.with_context(|| format!("{argument}-file is NAME=PATH"))?;
        let content = fs::read(path).with_context(|| format!("read {path} for {name}"))?;
        add(&mut secrets, name, &content)?;
    }
    if let Some(name) = given.stdin {
        add(&mut secrets, name, &from_stdin(name)?)?;
    }
    Ok(secrets)
}

fn from_stdin(name: &str) -> Result<Vec<u8>> {
    if io::stdin().is_terminal() {
        return Ok(prompt::password(name)?.reveal().clone().into_bytes());
    }
    let mut content = Vec::new();
    io::stdin().read_to_end(&mut content).with_context(|| format!("read {name} from stdin"))?;
    let end = content.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(end.map_or_else(|| content.clone(), <[u8]>::to_vec))
}

fn add(secrets: &mut Map<String, Value>, name: &str, value: &[u8]) -> Result<()> {
    ensure!(!name.is_empty(), "a secret has no name before its '='");
    ensure!(!value.is_empty(), "the secret {} is empty", printable(name));
    if secrets.insert(name.into(), STANDARD.encode(value).into()).is_some() {
        bail!("the secret {} is given twice", printable(name));
    }
    Ok(())
}
