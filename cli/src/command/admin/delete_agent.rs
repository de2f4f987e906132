//! `hoop admin delete agent NAME`.

use anyhow::Result;

use crate::{context::Context, output};

pub(crate) async fn run(name: &str, context: &Context) -> Result<()> {
    context.api.delete(&["agents", name]).await?;
    output::say(&format!("agent {name} is deleted, and its key no longer valid"));
    Ok(())
}
