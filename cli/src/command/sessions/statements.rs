//! Statements of a database session, as people read them.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat};
use hoop_wire::postgres::transcript::Exchange;

use crate::output::{self, printable};

/// A statement and what came of it.
pub(super) struct Statement {
    at: String,
    text: String,
    parameters: Vec<Option<String>>,
    outcome: String,
    millis: Option<f64>,
}

impl From<Exchange> for Statement {
    fn from(exchange: Exchange) -> Self {
        let outcome = match &exchange.error {
            Some(error) => format!("ERROR {}: {}", error.sqlstate, error.message),
            None => match exchange.tag() {
                tag if tag.is_empty() => "no answer".into(),
                tag => tag,
            },
        };
        let micros = exchange.finished_at.map(|end| end.saturating_sub(exchange.started_at));
        Self {
            at: instant(exchange.started_at),
            text: exchange.sql,
            parameters: exchange.parameters,
            outcome,
            millis: micros
                .and_then(|micros| u32::try_from(micros).ok())
                .map(|n| f64::from(n) / 1000.0),
        }
    }
}

fn instant(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Prints it: when, what, and indented what came of it.
pub(super) fn show(statement: &Statement) -> Result<()> {
    Ok(output::print(&lines(statement))?)
}

fn lines(statement: &Statement) -> String {
    let Statement { at, text, parameters, outcome, millis } = statement;
    let text: Vec<String> = text.trim().lines().map(printable).collect();
    let mut shown = format!("{at}  {}", text.join("\n                          "));
    if !parameters.is_empty() {
        let values =
            parameters.iter().map(|value| value.as_deref().map_or("NULL".into(), printable));
        shown.push_str(&format!("\n    with {}", values.collect::<Vec<_>>().join(", ")));
    }
    shown.push_str(&format!("\n    {}", printable(outcome)));
    if let Some(millis) = millis {
        shown.push_str(&format!("  ({millis:.1} ms)"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_shows_its_values_and_no_escapes() {
        let statement = Statement {
            at: "2026-01-01T00:00:00.000Z".into(),
            text: "select $1,\n  '\u{1b}[2J'".into(),
            parameters: vec![Some("7".into()), None],
            outcome: "SELECT 1".into(),
            millis: Some(1.25),
        };
        let shown = lines(&statement);
        assert!(shown.starts_with("2026-01-01T00:00:00.000Z  select $1,\n"), "{shown}");
        assert!(shown.contains("with 7, NULL\n    SELECT 1  (1.2 ms)"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}
