//! A throw-away database with all migrations applied, for the time that a command runs.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

/// Runs `program` with the database as `DATABASE_URL`.
pub(super) async fn run(migrations: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let postgres = hoop_testkit::postgres().await?;
    let uri = postgres.create_database().await?;
    let name = uri.rsplit(['/', '?']).nth(1).context("no database in the URI")?;
    let mut files: Vec<_> =
        migrations.read_dir()?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    for file in files {
        let sql = std::fs::read_to_string(&file)?;
        postgres.run(name, &sql).await.with_context(|| format!("apply {}", file.display()))?;
    }
    let status = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", &uri)
        .status()
        .with_context(|| format!("start {program}"))?;
    ensure!(status.success(), "{program} failed ({status})");
    Ok(())
}
