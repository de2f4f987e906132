//! `hoop runbooks run CONNECTION FILE`: fills a runbook in, has it run and ends as it did.

mod late;

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail, ensure};
use hoop_domain::ConnectionName;
use serde_json::{Value, json};

use crate::{
    args::RunbooksRun,
    command::open::held,
    context::Context,
    output::{self, field, is, printable},
    spinner,
};

/// There is no exit code of the remote command, or none yet; as with `hoop exec`.
const LOST: u8 = 254;

/// Runs it; the exit code.
pub(super) async fn run(wanted: &RunbooksRun, context: Result<Context>) -> u8 {
    let run = async { fill_in(wanted, &context?).await };
    run.await.unwrap_or_else(|error| {
        output::complain(&format!("{error:#}"));
        LOST
    })
}

async fn fill_in(wanted: &RunbooksRun, context: &Context) -> Result<u8> {
    let name: ConnectionName = wanted.connection.parse()?;
    let body = body(wanted)?;
    let mut answer = ask(context, &name, &body).await?;
    if is(&answer, "has_review") {
        let (review, message) = (field(&answer, "review_id"), field(&answer, "message"));
        held::wait(context, &name, &review, &message).await?;
        answer = ask(context, &name, &body).await?;
        // What is not enough once is not enough twice.
        ensure!(!is(&answer, "has_review"), "{name}: the approval is over already");
    }
    if wanted.wait && field(&answer, "output_status") == "running" {
        answer = late::wait(context, answer).await?;
    }
    show(context, &answer)?;
    exit_code(&answer)
}

/// What is sent. Who waits to the end however late begins with its session's id.
fn body(wanted: &RunbooksRun) -> Result<Value> {
    let mut parameters = BTreeMap::new();
    for (name, value) in &wanted.parameters {
        let before = parameters.insert(name, value);
        ensure!(before.is_none(), "the parameter {name} is given twice");
    }
    let seconds = wanted.wait.then_some(0);
    Ok(json!({ "file_name": wanted.file, "parameters": parameters, "wait_seconds": seconds }))
}

async fn ask(context: &Context, name: &ConnectionName, body: &Value) -> Result<Value> {
    let path = ["plugins", "runbooks", "connections", name.as_str(), "exec"];
    let asking = context.api.attempt(&path, body);
    let answer = spinner::during(&format!("waiting for {name}"), asking).await;
    Ok(answer.map_err(|error| error.listed_by(&format!("hoop runbooks list {name}")))?)
}

/// What it printed, as it is.
fn show(context: &Context, answer: &Value) -> Result<()> {
    if context.json() {
        return output::print_json(answer);
    }
    let printed = answer.get("output").and_then(Value::as_str).unwrap_or_default();
    output::write(printed.as_bytes())?;
    if is(answer, "truncated") {
        let id = field(answer, "session_id");
        output::say(&format!(
            "hoop: there is more; `hoop sessions download {id} --format raw-out` has all of it"
        ));
    }
    Ok(())
}

/// As the remote command ended, or why there is no such thing.
fn exit_code(answer: &Value) -> Result<u8> {
    if let Some(code) = answer.get("exit_code").and_then(Value::as_i64) {
        // What does not fit in an exit code is a failure all the same.
        return Ok(u8::try_from(code).unwrap_or(255));
    }
    let (id, message) = (field(answer, "session_id"), field(answer, "message"));
    if field(answer, "output_status") == "running" {
        bail!(
            "it still runs; `hoop sessions get {id}` says how it ends, and --wait waits for that"
        );
    }
    let unknown = || format!("session {id} ended without an exit code");
    Err(anyhow!(if message.is_empty() { unknown() } else { printable(&message) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(parameters: &[(&str, &str)], wait: bool) -> RunbooksRun {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        RunbooksRun {
            connection: "pg".into(),
            file: "a.runbook.sql".into(),
            parameters: parameters.iter().map(owned).collect(),
            wait,
        }
    }

    #[test]
    fn each_parameter_is_sent_once() {
        let sent = body(&wanted(&[("a", "1"), ("b", "")], false)).unwrap();
        let expected = json!({"file_name": "a.runbook.sql", "parameters": {"a": "1", "b": ""},
            "wait_seconds": null});
        assert_eq!(sent, expected);
        assert_eq!(body(&wanted(&[], true)).unwrap()["wait_seconds"], 0);
        let twice = body(&wanted(&[("a", "1"), ("a", "2")], false)).unwrap_err();
        assert_eq!(twice.to_string(), "the parameter a is given twice");
    }

    #[test]
    fn it_ends_as_the_command_did_and_never_well_without_an_exit_code() {
        for (code, expected) in [(0, 0), (3, 3), (143, 143), (256, 255), (-1, 255)] {
            assert_eq!(exit_code(&json!({ "exit_code": code })).unwrap(), expected);
        }
        for (answer, said) in [
            (json!({"output_status": "running", "session_id": "x"}), "it still runs; `hoop"),
            (json!({"output_status": "failed", "message": "no\u{7}"}), "no\u{fffd}"),
            (json!({"session_id": "x"}), "session x ended without an exit code"),
        ] {
            let error = exit_code(&answer).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
