//! `hoop admin redrive …`: what was given up is sent again.

use anyhow::Result;
use serde_json::json;

use crate::{
    args::Redrive,
    context::Context,
    output::{self, field},
};

pub(crate) async fn run(redrive: Redrive, context: &Context) -> Result<()> {
    let api = &context.api;
    match redrive {
        Redrive::Channel { name } => {
            let path = ["notifications", "channels", &name, "redrive"];
            let done = api.post(&path, &json!({})).await;
            let done = done.map_err(|error| error.listed_by("hoop admin get channels"))?;
            if context.json() {
                return output::print_json(&done);
            }
            let number = field(&done, "redriven");
            output::say(&format!("notifications of {name} that are sent again: {number}"));
        }
        Redrive::Delivery { id } => {
            let done = api.post(&["notifications", "deliveries", &id, "redrive"], &json!({})).await;
            let dead = "hoop admin get deliveries --status dead";
            done.map_err(|error| error.listed_by(dead))?;
            output::say(&format!("delivery {id} is sent again"));
        }
    }
    Ok(())
}
