//! `hoop admin serverinfo`: what the gateway says of itself.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::{api::Error, context::Context, output};

pub(crate) async fn run(context: &Context) -> Result<()> {
    let info = match context.api.get(&["serverinfo"], &()).await {
        Err(Error::NotFound { .. }) => {
            bail!("this gateway says nothing of itself; it is of another version")
        }
        info => info?,
    };
    if context.json() {
        return output::print_json(&info);
    }
    let fields = info.as_object().into_iter().flatten();
    let line = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Null => "-".to_owned(),
            Value::String(text) if text.is_empty() => "-".to_owned(),
            Value::String(text) => output::printable(text),
            other => output::printable(&other.to_string()),
        };
        format!("{:<28} {value}", output::printable(name))
    };
    Ok(output::print(&fields.map(line).collect::<Vec<_>>().join("\n"))?)
}
