//! What a remote command reads.

use std::io::{self, Cursor, IsTerminal};

use anyhow::{Context as _, Result, bail};
use hoop_domain::review::MOST_INPUT;
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt},
};

use crate::{args::Exec, output::say, stdio};

/// Where the input comes from.
pub(super) enum Input {
    Text(String),
    /// What was read before it is sent.
    Bytes(Vec<u8>),
    File(File),
}

impl Input {
    /// Opens what has to be opened.
    pub(super) async fn prepare(exec: &Exec) -> Result<Self> {
        if let Some(text) = &exec.input {
            return Ok(Self::Text(text.clone()));
        }
        if let Some(path) = &exec.file {
            let file = File::open(path).await;
            return file.map(Self::File).with_context(|| format!("open {}", path.display()));
        }
        if io::stdin().is_terminal() {
            // With arguments it is clear what is to be done; without, the input says it.
            if !exec.arguments.is_empty() {
                return Ok(Self::Text(String::new()));
            }
            say("hoop: reading the input from the terminal; Ctrl-D ends it");
        }
        Ok(Self::File(stdio::stdin().context("open standard input")?))
    }

    /// Reads all of it, so that it can be shown before it is sent.
    pub(super) async fn gather(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = u64::try_from(MOST_INPUT).unwrap_or(u64::MAX);
        match self {
            Self::Text(text) => bytes.extend_from_slice(text.as_bytes()),
            Self::Bytes(known) => bytes.extend_from_slice(known),
            Self::File(file) => {
                let mut some = file.take(most.saturating_add(1));
                some.read_to_end(&mut bytes).await.context("read the input")?;
            }
        }
        if MOST_INPUT < bytes.len() {
            bail!("a command that somebody has to approve reads at most 256 KiB");
        }
        *self = Self::Bytes(bytes.clone());
        Ok(bytes)
    }

    pub(super) fn into_reader(self) -> Box<dyn AsyncRead + Send + Unpin> {
        match self {
            Self::Text(text) => Box::new(Cursor::new(text)),
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes)),
            Self::File(file) => Box::new(file),
        }
    }
}
