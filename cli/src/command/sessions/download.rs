//! `hoop sessions download ID`: a recording, as it comes.

use anyhow::{Context as _, Result};
use tokio::{
    fs::File,
    io::{AsyncWrite, AsyncWriteExt},
};

use crate::{
    args::{Download, DownloadFormat},
    context::Context,
    output, stdio,
};

pub(crate) async fn run(download: &Download, context: &Context) -> Result<()> {
    let format = match download.format {
        DownloadFormat::Jsonl => "jsonl",
        DownloadFormat::Asciicast => "asciicast",
        DownloadFormat::Sql => "sql",
        DownloadFormat::RawIn => "raw-in",
        DownloadFormat::RawOut => "raw-out",
    };
    let path = ["sessions", &download.id, "download"];
    let mut response = context.api.stream(&path, &[("format", format)]).await?;
    let mut to: Box<dyn AsyncWrite + Unpin> = match &download.file {
        Some(path) => {
            let file = File::create(path).await;
            Box::new(file.with_context(|| format!("create {}", path.display()))?)
        }
        None => Box::new(stdio::stdout()?),
    };
    let mut size = 0_u64;
    while let Some(piece) = response.chunk().await.context("the download broke off")? {
        size += piece.len() as u64;
        match to.write_all(&piece).await {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("write the recording")?,
        }
    }
    to.flush().await.context("write the recording")?;
    if let Some(path) = &download.file {
        output::say(&format!("{size} bytes are in {}", path.display()));
    }
    Ok(())
}
