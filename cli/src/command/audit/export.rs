//! `hoop audit export ID`: a recording with all that is needed to verify it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tokio::{fs::File, io::AsyncWriteExt};

use crate::{args::AuditExport, context::Context, output};

pub(crate) async fn run(wanted: &AuditExport, context: &Context) -> Result<()> {
    let path = ["sessions", &wanted.id, "evidence"];
    let mut response = context.api.stream(&path, &()).await?;
    let to = wanted.file.clone().unwrap_or_else(|| PathBuf::from(format!("{}.tar", wanted.id)));
    // What is not whole must not look like evidence.
    let draft = to.with_extension("part");
    let failed = || format!("write {}", draft.display());
    let mut file = File::create(&draft).await.with_context(failed)?;
    let mut size = 0_u64;
    while let Some(piece) = response.chunk().await.context("the download broke off")? {
        size += piece.len() as u64;
        file.write_all(&piece).await.with_context(failed)?;
    }
    file.sync_all().await.with_context(failed)?;
    tokio::fs::rename(&draft, &to).await.with_context(|| format!("write {}", to.display()))?;
    output::say(&format!("{size} bytes are in {}", to.display()));
    Ok(())
}
