//! `hoop audit …`: evidence, whether it holds, and who did what.

mod checkpoints;
mod export;
mod keys;
mod log;
mod log_heads;
mod logs;
mod manifests;
mod pages;
mod remembered;
mod report;
mod verify;

use anyhow::Result;
use hoop_runtime::Env;

use crate::{
    args::{Audit, Format},
    context::Context,
};

/// The exit code: 0 only when all that was verified holds.
pub(crate) async fn run(command: Audit, env: &Env, format: Format) -> Result<u8> {
    match command {
        Audit::Export(wanted) => {
            export::run(&wanted, &Context::new(env, format)?).await?;
            Ok(0)
        }
        Audit::Logs(wanted) => {
            logs::run(&wanted, &Context::new(env, format)?).await?;
            Ok(0)
        }
        Audit::Verify(wanted) if wanted.files.is_empty() => {
            verify::online(&wanted, &Context::new(env, format)?).await
        }
        Audit::Verify(wanted) => verify::offline(&wanted, format).await,
    }
}
