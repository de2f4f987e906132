//! `hoop sessions list`.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    args::{SessionsList, moment},
    context::Context,
    output::{self, field, is},
};

const HEADING: [&str; 9] =
    ["UID", "USER", "CONNECTION", "TYPE", "VERB", "STATUS", "STARTED", "DURATION", "REASON"];

pub(crate) async fn run(filter: &SessionsList, context: &Context) -> Result<()> {
    if filter.count {
        return count(filter, context).await;
    }
    let page = context.api.get(&["sessions"], &query(filter)).await?;
    if context.json() {
        return output::print_json(&page);
    }
    Ok(output::page(HEADING, &page, row, "no session matches")?)
}

/// How many match, and nothing of them.
async fn count(filter: &SessionsList, context: &Context) -> Result<()> {
    let mut query = query(filter);
    query.retain(|(name, _)| *name != "limit");
    query.extend([("limit", "1".to_owned()), ("count", "true".to_owned())]);
    let page = context.api.get(&["sessions"], &query).await?;
    if context.json() {
        let (total, capped) = (page.get("total"), page.get("total_is_capped"));
        return output::print_json(&json!({"total": total, "total_is_capped": capped}));
    }
    output::print(&field(&page, "total"))?;
    if is(&page, "total_is_capped") {
        output::say("there may be more; counting stopped there");
    }
    Ok(())
}

fn query(filter: &SessionsList) -> Vec<(&'static str, String)> {
    let SessionsList { user, connection, agent, kind, verb, status, page, .. } = filter;
    let (since, until) = (filter.since.map(moment::rfc3339), filter.until.map(moment::rfc3339));
    page.query([
        ("user", user.as_deref()),
        ("connection", connection.as_deref()),
        ("agent", agent.as_deref()),
        ("type", kind.as_deref()),
        ("verb", verb.as_deref()),
        ("status", status.as_deref()),
        ("start_date", since.as_deref()),
        ("end_date", until.as_deref()),
    ])
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
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command, Sessions};

    #[test]
    fn a_duration_has_two_units_at_most() {
        for (millis, shown) in
            [(0, "0ms"), (999, "999ms"), (59_999, "59s"), (61_000, "1m1s"), (7_260_000, "2h1m")]
        {
            assert_eq!(duration(millis), shown);
        }
    }

    #[test]
    fn every_filter_has_its_name_of_the_api() {
        let line = "hoop sessions list --user a@b --connection pg --agent dev --type database \
                    --verb exec --status done --since 2026-11-01 --until 2026-11-02T12:00:00Z";
        let typed = Args::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Sessions(Sessions::List(filter)) = typed.command else { panic!("not a list") };
        let expected = [
            ("limit", "20"),
            ("user", "a@b"),
            ("connection", "pg"),
            ("agent", "dev"),
            ("type", "database"),
            ("verb", "exec"),
            ("status", "done"),
            ("start_date", "2026-11-01T00:00:00.000000Z"),
            ("end_date", "2026-11-02T12:00:00.000000Z"),
        ];
        assert_eq!(query(&filter), expected.map(|(name, value)| (name, value.to_owned())));
    }
}
