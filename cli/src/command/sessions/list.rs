//! `hoop sessions list`.

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::SessionsList,
    context::Context,
    output::{self, field},
};

const HEADING: [&str; 9] =
    ["UID", "USER", "CONNECTION", "TYPE", "VERB", "STATUS", "STARTED", "DURATION", "REASON"];

pub(crate) async fn run(filter: &SessionsList, context: &Context) -> Result<()> {
    let page = context.api.get(&["sessions"], &query(filter)).await?;
    if context.json() {
        return output::print_json(&page);
    }
    Ok(output::page(HEADING, &page, row, "no session matches")?)
}

fn query(filter: &SessionsList) -> Vec<(&'static str, String)> {
    let SessionsList { user, connection, status, limit, cursor } = filter;
    let given =
        [("user", user), ("connection", connection), ("status", status), ("cursor", cursor)];
    let mut query = vec![("limit", limit.to_string())];
    query.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    query
}

fn row(session: &Value) -> [String; 9] {
    let millis = session.get("duration_ms").and_then(Value::as_u64);
    [
        field(session, "id"),
        field(session, "user"),
        field(session, "connection"),
        field(session, "connection_subtype"),
        field(session, "verb"),
        field(session, "status"),
        field(session, "start_date"),
        millis.map(duration).unwrap_or_default(),
        field(session, "end_reason"),
    ]
}

/// A duration for people: two units at most.
fn duration(millis: u64) -> String {
    let (seconds, minutes, hours) = (millis / 1000, millis / 60_000, millis / 3_600_000);
    match (hours, minutes, seconds) {
        (0, 0, 0) => format!("{millis}ms"),
        (0, 0, _) => format!("{seconds}s"),
        (0, ..) => format!("{minutes}m{}s", seconds % 60),
        (..) => format!("{hours}h{}m", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_two_units_at_most() {
        for (millis, shown) in
            [(0, "0ms"), (999, "999ms"), (59_999, "59s"), (61_000, "1m1s"), (7_260_000, "2h1m")]
        {
            assert_eq!(duration(millis), shown);
        }
    }

    #[test]
    fn only_filters_that_were_given_are_sent() {
        let filter = SessionsList {
            user: None,
            connection: Some("pg".into()),
            status: None,
            limit: 5,
            cursor: None,
        };
        assert_eq!(query(&filter), [("limit", "5".to_owned()), ("connection", "pg".to_owned())]);
    }
}
