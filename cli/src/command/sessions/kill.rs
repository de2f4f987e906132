//! `hoop sessions kill ID`.

use anyhow::Result;
use serde_json::json;

use crate::{context::Context, output};

pub(crate) async fn run(id: &str, reason: Option<&str>, context: &Context) -> Result<()> {
    let body = json!({"reason": reason.unwrap_or_default()});
    let killed = context.api.post(&["sessions", id, "kill"], &body).await;
    killed.map_err(|error| error.listed_by("hoop sessions list --status open"))?;
    output::say(&format!("session {id} is ended"));
    Ok(())
}
