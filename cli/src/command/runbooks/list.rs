//! `hoop runbooks list CONNECTION`: what there is, and what each asks for.

use anyhow::Result;
use serde_json::Value;

use crate::{
    context::Context,
    output::{self, field, is, list, printable},
};

const HEADING: [&str; 8] =
    ["NAME", "PARAMETER", "TYPE", "REQUIRED", "DEFAULT", "OPTIONS", "DESCRIPTION", "ERROR"];

pub(super) async fn run(connection: &str, context: &Context) -> Result<()> {
    let path = ["plugins", "runbooks", "connections", connection, "templates"];
    let found = context.api.get(&path, &()).await;
    let found = found.map_err(|error| error.listed_by("hoop list"))?;
    if context.json() {
        return output::print_json(&found);
    }
    let errors = found.get("errors").and_then(Value::as_array).into_iter().flatten();
    for error in errors.filter_map(Value::as_str) {
        output::warn(&printable(error));
    }
    let items = found.get("items").and_then(Value::as_array).into_iter().flatten();
    let rows: Vec<_> = items.flat_map(rows).collect();
    if rows.is_empty() {
        output::say(&format!("there are no runbooks for {connection}"));
        return Ok(());
    }
    Ok(output::print(&output::table(HEADING, rows))?)
}

/// A row for each parameter, in the order of forms; one where there is none.
fn rows(runbook: &Value) -> Vec<[String; 8]> {
    let (name, error) = (field(runbook, "name"), field(runbook, "error"));
    let known = runbook.get("metadata").and_then(Value::as_object).into_iter().flatten();
    let mut known: Vec<_> = known.collect();
    known.sort_by_key(|(parameter, of)| {
        (of.get("order").and_then(Value::as_u64).unwrap_or(u64::MAX), *parameter)
    });
    let row = |(parameter, of): &(&String, &Value)| {
        let [kind, default, description] =
            ["type", "default", "description"].map(|name| field(of, name));
        let required = if is(of, "required") { "yes" } else { "no" }.to_owned();
        let (parameter, options) = (printable(parameter), list(of, "options"));
        [name.clone(), parameter, kind, required, default, options, description, error.clone()]
    };
    if known.is_empty() {
        let mut row: [String; 8] = Default::default();
        let [first, .., last] = &mut row;
        (*first, *last) = (name, error);
        return vec![row];
    }
    known.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_parameter_has_a_row_and_a_runbook_without_any_has_one() {
        let asks = json!({"name": "a.runbook.sql", "error": null, "metadata": {
            "email": {"type": "email", "required": true, "default": "", "options": [],
                "description": "whose\u{1b} account", "order": null},
            "region": {"type": "select", "required": false, "default": "eu",
                "options": ["eu", "us"], "description": "", "order": 1},
        }});
        let expected = [
            ["a.runbook.sql", "region", "select", "no", "eu", "eu,us", "", ""],
            ["a.runbook.sql", "email", "email", "yes", "", "", "whose\u{fffd} account", ""],
        ];
        assert_eq!(rows(&asks), expected.map(|row| row.map(str::to_owned)));
        let broken = json!({"name": "b.runbook.sh", "error": "line 1: no", "metadata": {}});
        let expected = ["b.runbook.sh", "", "", "", "", "", "", "line 1: no"];
        assert_eq!(rows(&broken), [expected.map(str::to_owned)]);
    }
}
