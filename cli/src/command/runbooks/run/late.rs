//! What goes on longer than the gateway waits: its end is in the session, its output in the
//! recording.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    command::poll,
    context::Context,
    output::{field, say},
    spinner,
};

/// What is kept of the output; who expects more downloads the recording.
const MOST: usize = 16 * 1024 * 1024;

/// The answer as it would have been if the gateway had waited.
pub(super) async fn wait(context: &Context, answer: Value) -> Result<Value> {
    let id = field(&answer, "session_id");
    say(&format!("hoop: it runs as session {id}"));
    let what = format!("waiting for the end of session {id}");
    let session = spinner::during(&what, over(context, &id)).await?;
    let (printed, truncated) = printed(context, &id).await?;
    Ok(ended(answer, &session, &printed, truncated))
}

/// The session, when it is over.
async fn over(context: &Context, id: &str) -> Result<Value> {
    let is_over = |session: &Value| field(session, "status") == "done";
    let late =
        format!("session {id} was not over after a day; `hoop sessions get {id}` says how it is");
    poll::until(context, &["sessions", id], is_over, &late).await
}

/// What it printed, and whether there was more.
async fn printed(context: &Context, id: &str) -> Result<(Vec<u8>, bool)> {
    let path = ["sessions", id, "download"];
    let mut recording = context.api.stream(&path, &[("format", "raw-out")]).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = recording.chunk().await.context("the output broke off")? {
        bytes.extend_from_slice(&piece);
        if MOST < bytes.len() {
            bytes.truncate(MOST);
            return Ok((bytes, true));
        }
    }
    Ok((bytes, false))
}

fn ended(mut answer: Value, session: &Value, printed: &[u8], truncated: bool) -> Value {
    let of = |name: &str| session.get(name).cloned().unwrap_or_default();
    let (code, output) = (of("exit_code"), String::from_utf8_lossy(printed).into_owned());
    let status = if code == 0 { "success" } else { "failed" };
    // With an exit code, how the session ended is nobody's concern.
    let message = if code.is_null() { of("end_message") } else { Value::Null };
    let known = [
        ("output", output.into()),
        ("output_status", status.into()),
        ("truncated", truncated.into()),
        ("execution_time", of("duration_ms")),
        ("exit_code", code),
        ("message", message),
    ];
    if let Some(answer) = answer.as_object_mut() {
        answer.extend(known.map(|(name, value)| (name.to_owned(), value)));
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_session_and_the_recording_say_how_it_ended() {
        let running = json!({"session_id": "x", "output": "", "output_status": "running",
            "truncated": false, "execution_time": 1, "exit_code": null, "message": null,
            "has_review": false, "review_id": null});
        let session = json!({"exit_code": 3, "duration_ms": 70_000, "end_message": "it hung up"});
        let done = ended(running.clone(), &session, b"a\xff", false);
        let expected = json!({"session_id": "x", "output": "a\u{fffd}", "output_status": "failed",
            "truncated": false, "execution_time": 70_000, "exit_code": 3, "message": null,
            "has_review": false, "review_id": null});
        assert_eq!(done, expected);
        let killed = json!({"exit_code": null, "duration_ms": 5, "end_message": "killed by root"});
        let done = ended(running.clone(), &killed, b"", true);
        assert_eq!(
            (&done["message"], &done["truncated"]),
            (&json!("killed by root"), &json!(true))
        );
        let well = ended(running, &json!({"exit_code": 0}), b"", false);
        assert_eq!(
            (&well["output_status"], &well["execution_time"]),
            (&json!("success"), &json!(null))
        );
    }
}
