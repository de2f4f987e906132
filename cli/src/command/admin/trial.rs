//! `hoop admin test …`: whether something works, and where it does not go on.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{
    args::Test,
    context::Context,
    output::{self, field, is},
    spinner,
};

/// From here to the target.
const HOPS: [&str; 3] = ["gateway", "agent", "target"];

pub(crate) async fn run(test: Test, context: &Context) -> Result<()> {
    match test {
        Test::Connection { name } => connection(&name, context).await,
        Test::Channel { name, recipient } => channel(&name, recipient.as_deref(), context).await,
    }
}

/// An error when it does not work, so that scripts see it.
async fn connection(name: &str, context: &Context) -> Result<()> {
    let (path, nothing) = (["connections", name, "test"], json!({}));
    let trying = context.api.attempt(&path, &nothing);
    let trial = spinner::during(&format!("opening {name}"), trying).await;
    let trial = trial.map_err(|error| error.listed_by("hoop admin get connections"))?;
    if context.json() {
        output::print_json(&trial)?;
    } else {
        output::print(&lines(&trial))?;
    }
    if is(&trial, "success") {
        return Ok(());
    }
    let code = field(&trial, "code");
    bail!("connection {name} does not work ({code}); {}", what_to_do(&code, name))
}

/// A hop a line, up to the one that does not answer, and what is known of the whole.
fn lines(trial: &Value) -> String {
    let reached = field(trial, "reached");
    let answered = HOPS.iter().position(|hop| *hop == reached).map_or(0, |at| at + 1);
    let hop = |(at, hop): (usize, &&str)| {
        if at < answered {
            format!("ok       {hop}")
        } else if at == answered && !is(trial, "success") {
            let [code, message] = ["code", "message"].map(|name| field(trial, name));
            format!("failed   {hop:<8} {code}: {message}")
        } else {
            format!("skipped  {hop}")
        }
    };
    let hops = HOPS.iter().enumerate().map(hop);
    let about = [("took_ms", "took", " ms"), ("session_id", "session", "")];
    let about = about.into_iter().filter_map(|(name, label, unit)| {
        let value = field(trial, name);
        (!value.is_empty()).then(|| format!("{label:<8} {value}{unit}"))
    });
    hops.chain(about).collect::<Vec<_>>().join("\n")
}

/// The next step, by the name of the reason.
fn what_to_do(code: &str, name: &str) -> String {
    match code {
        "agent_offline" | "agent_unknown" | "agent_lost" | "agent_unresponsive" => {
            "look at `hoop admin get agents`, and start the agent with `hoop start agent`".into()
        }
        "review_required" | "outside_time_window" => {
            format!("`hoop connect {name}` asks for an approval")
        }
        "target_login_failed" | "misconfigured" => format!(
            "give its secrets again with `hoop admin create connection {name} --overwrite …`"
        ),
        "target_unreachable" | "timed_out" => {
            format!("check that the target runs, and HOST and PORT in `hoop describe {name}`")
        }
        _ => "docs/errors has what to do about each name; the gateway's log has the cause".into(),
    }
}

async fn channel(name: &str, recipient: Option<&str>, context: &Context) -> Result<()> {
    let path = ["notifications", "channels", name, "test"];
    let sent = context.api.post(&path, &json!({"recipient": recipient})).await;
    let sent = sent.map_err(|error| error.listed_by("hoop admin get channels"))?;
    if context.json() {
        return output::print_json(&sent);
    }
    output::print(&field(&sent, "delivery"))?;
    output::say(&format!(
        "a test is on its way; `hoop admin get deliveries --channel {name}` says what came of it"
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_works_is_ok_up_to_where_it_can_come() {
        let mut trial = json!({"success": true, "reached": "target", "code": null,
            "message": null, "took_ms": 12, "session_id": "1"});
        let shown = "ok       gateway\nok       agent\nok       target\ntook     12 ms\nsession  1";
        assert_eq!(lines(&trial), shown);
        trial["reached"] = json!("agent");
        assert!(lines(&trial).contains("ok       agent\nskipped  target\n"), "{trial}");
    }

    #[test]
    fn what_does_not_work_says_where_and_why_and_what_to_do() {
        let mut trial = json!({"success": false, "reached": "gateway", "code": "agent_offline",
            "message": "the agent is offline\u{1b}[2J", "took_ms": 3, "session_id": null});
        let shown = lines(&trial);
        let failed = "failed   agent    agent_offline: the agent is offline\u{fffd}[2J";
        let expected = ["ok       gateway", failed, "skipped  target", "took     3 ms"];
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
        assert!(what_to_do("agent_offline", "pg").contains("hoop start agent"));
        trial["reached"] = json!("agent");
        assert!(lines(&trial).contains("failed   target   agent_offline"), "{trial}");
        let secrets = what_to_do("target_login_failed", "pg");
        assert!(secrets.contains("create connection pg --overwrite"), "{secrets}");
    }
}
