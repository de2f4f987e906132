//! `hoop sessions kill ID`.

use anyhow::Result;
use serde_json::json;

use crate::{context::Context, output};

pub(crate) async fn run(id: &str, context: &Context) -> Result<()> {
    context.api.post(&["sessions", id, "kill"], &json!({})).await?;
    output::say(&format!("session {id} is ended"));
    Ok(())
}
