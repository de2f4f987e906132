//! The gateway for people: what `cargo xtask demo`, `up`, `bench`, `crash` and `sqlx` run.

mod bench;
mod database;
mod demo;
mod replay;
mod terminal;
mod up;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};

pub(crate) use terminal::say;

/// Runs the task that the command line names.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\nfailed: {error:#}"));
            say("what to do: read the log that is named above; with RUST_LOG=debug it says more");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.split_first() {
        Some((&"demo", [])) => demo::run(logs("demo")?).await,
        Some((&"up", [])) => up::run(None, logs("up")?).await,
        Some((&"up", ["--data", folder])) => {
            let folder = std::path::absolute(folder)?;
            let logs = folder.join("logs");
            up::run(Some(folder), logs).await
        }
        Some((&"bench", rest)) => bench::run(rest, logs("bench")?).await,
        // What the bench itself starts.
        Some((&"agents", [])) => bench::agents().await,
        Some((&"crash", rest)) => crate::crash::command(rest, &logs("crash")?).await,
        Some((&"database", [migrations, program, arguments @ ..])) => {
            database::run(migrations.as_ref(), program, arguments).await
        }
        _ => bail!(
            "usage: stack demo | up [--data DIR] | bench | crash | database MIGRATIONS COMMAND…"
        ),
    }
}

/// Where a task's logs are, also after it: beside the programs, as all that builds leave.
fn logs(task: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().and_then(|profile| profile.parent());
    let logs = folder.context("this program is in no folder")?.join("logs").join(task);
    if logs.exists() {
        std::fs::remove_dir_all(&logs)?;
    }
    std::fs::create_dir_all(&logs)?;
    Ok(logs)
}
