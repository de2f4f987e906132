//! `hoop admin create agent NAME`: stdout gets the key and nothing else.

use anyhow::{Context as _, Result};
use hoop_domain::AgentName;
use serde_json::{Value, json};

use crate::{args::Mode, context::Context, output};

pub(crate) async fn run(name: &str, mode: Mode, context: &Context) -> Result<()> {
    let name: AgentName = name.parse()?;
    let body = json!({"name": name.as_str(), "mode": mode.as_str()});
    let answer = context.api.post(&["agents"], &body).await?;
    if context.json() {
        return output::print_json(&answer);
    }
    let key = answer.get("token").and_then(Value::as_str);
    output::print(key.context("the gateway's answer has no key; is it of another version?")?)?;
    output::say("this is the agent's HOOP_KEY; it can't be shown again");
    Ok(())
}
