//! Data on stdout, talk on stderr.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// Prints data: a line of it, or many.
pub(crate) fn print(text: &str) -> io::Result<()> {
    write(format!("{text}\n").as_bytes())
}

/// Writes data as it is.
pub(crate) fn write(data: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        // Whoever reads has seen enough, as in `hoop sessions list | head -1`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Whether something failed because nobody reads the output any more, which is no failure.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints data as JSON.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    Ok(print(&serde_json::to_string_pretty(value)?)?)
}

/// Warns of something that does not stop what was asked for.
pub(crate) fn warn(text: &str) {
    say(&format!("{} {text}", paint("33", "warning:", io::stderr().is_terminal())));
}

/// Says why something failed.
pub(crate) fn complain(text: &str) {
    say(&format!("{} {text}", paint("1;31", "error:", io::stderr().is_terminal())));
}

/// `text` in a colour or in bold, where that is seen and wanted.
fn paint(code: &str, text: &str, terminal: bool) -> String {
    let unwanted = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let plain =
        !terminal || unwanted("NO_COLOR") || env::var_os("TERM").is_some_and(|t| t == "dumb");
    if plain { text.to_owned() } else { format!("\u{1b}[{code}m{text}\u{1b}[0m") }
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
    let terminal = io::stdout().is_terminal();
    let lines = table.lines().map(|line| line.trim().to_owned()).enumerate();
    let lines = lines.map(|(n, line)| if n == 0 { paint("1", &line, terminal) } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// A page of an API's list as columns, or `nothing`, and how to go on.
pub(crate) fn page<const N: usize>(
    heading: [&str; N],
    page: &Value,
    row: impl Fn(&Value) -> [String; N],
    nothing: &str,
) -> io::Result<()> {
    let data = page.get("data").and_then(Value::as_array);
    let rows: Vec<_> = data.into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        say(nothing);
        return Ok(());
    }
    print(&table(heading, rows))?;
    let next = field(page, "next_cursor");
    if !next.is_empty() {
        say(&format!("there are more: add --cursor {next}"));
    }
    Ok(())
}

/// A field of an answer as text, safe to print; empty when it is not there.
pub(crate) fn field(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => printable(text),
        Some(other) => printable(&other.to_string()),
    }
}

/// Whether a field of an answer is true.
pub(crate) fn is(value: &Value, name: &str) -> bool {
    value.get(name).is_some_and(|field| field == true)
}

/// A list of names in a field, in one cell.
pub(crate) fn list(value: &Value, name: &str) -> String {
    let names = value.get(name).and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(printable).collect::<Vec<_>>().join(",")
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

    #[test]
    fn only_what_is_true_is() {
        let value = serde_json::json!({"yes": true, "no": false, "text": "true", "one": 1});
        let are = ["yes", "no", "text", "one", "absent"].map(|name| is(&value, name));
        assert_eq!(are, [true, false, false, false, false]);
    }
}
