//! Data on stdout, talk on stderr.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// Prints data: a line of it, or many.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // Whoever reads has seen enough, as in `hoop sessions list | head -1`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints data as JSON.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    Ok(print(&serde_json::to_string_pretty(value)?)?)
}

/// Says something about the data, or about what goes on.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Columns with a heading, as wide as they need to be; `-` for what is not known.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heading);
    for row in rows {
        table.add_row(row.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell }));
    }
    let lines = table.lines().map(|line| line.trim().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// A field of an answer as text, safe to print; empty when it is not there.
pub(crate) fn field(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => printable(text),
        Some(other) => printable(&other.to_string()),
    }
}

/// `text` without control characters: host names and programs' names come from others and
/// must not command this terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_unknown_cells_are_dashes() {
        let rows = vec![["1".into(), String::new()], ["22".into(), "b".into()]];
        let shown = table(["UID", "NAME"], rows);
        let lines: Vec<Vec<&str>> =
            shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines, [["UID", "NAME"], ["1", "-"], ["22", "b"]]);
    }

    #[test]
    fn no_field_commands_the_terminal() {
        let value = serde_json::json!({"hostname": "a\u{1b}[2Jb\n", "packets": 3, "end": null});
        assert_eq!(field(&value, "hostname"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(field(&value, "packets"), "3");
        assert_eq!(field(&value, "end"), "");
        assert_eq!(field(&value, "absent"), "");
    }
}
