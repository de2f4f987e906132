//! `hoop sessions get ID`.

use anyhow::Result;
use serde_json::Value;

use crate::{
    context::Context,
    output::{self, field},
};

/// What is shown, in this order, and under which name the API has it.
const FIELDS: &[(&str, &str)] = &[
    ("id", "id"),
    ("user", "user"),
    ("connection", "connection"),
    ("type", "connection_subtype"),
    ("verb", "verb"),
    ("agent", "agent_name"),
    ("client address", "client_address"),
    ("client program", "client_application"),
    ("status", "status"),
    ("started", "start_date"),
    ("ended", "end_date"),
    ("end reason", "end_reason"),
    ("end message", "end_message"),
    ("exit code", "exit_code"),
    ("recording", "recording"),
    ("packets in", "packets_in"),
    ("packets out", "packets_out"),
];

pub(crate) async fn run(id: &str, context: &Context) -> Result<()> {
    let session = context.api.get(&["sessions", id], &()).await;
    let session = session.map_err(|error| error.listed_by("hoop sessions list"))?;
    if context.json() {
        return output::print_json(&session);
    }
    Ok(output::print(&lines(&session))?)
}

fn lines(session: &Value) -> String {
    let line = |(label, name): &(&str, &str)| match field(session, name) {
        value if value.is_empty() => format!("{label:<15} -"),
        value => format!("{label:<15} {value}"),
    };
    FIELDS.iter().map(line).collect::<Vec<_>>().join("\n")
}
