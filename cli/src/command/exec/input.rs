//! What a remote command reads.

use std::io::{self, Cursor, IsTerminal};

use anyhow::{Context as _, Result};
use tokio::{fs::File, io::AsyncRead};

use crate::{args::Exec, output::say, stdio};

/// Where the input comes from.
pub(super) enum Input {
    Text(String),
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

    pub(super) fn into_reader(self) -> Box<dyn AsyncRead + Send + Unpin> {
        match self {
            Self::Text(text) => Box::new(Cursor::new(text)),
            Self::File(file) => Box::new(file),
        }
    }
}
