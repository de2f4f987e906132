//! A connection that somebody has to approve first: says so, and waits.

use anyhow::{Result, bail, ensure};
use hoop_domain::{ConnectionName, ReviewStatus};
use serde_json::Value;

use crate::{
    command::{poll, review::hours},
    context::Context,
    output::{field, printable, say},
    spinner,
};

/// Waits until review `id` is approved. A gateway that is away for a while is waited for.
pub(crate) async fn wait(
    context: &Context,
    connection: &ConnectionName,
    id: &str,
    message: &str,
) -> Result<()> {
    say(&format!("hoop: {}", printable(message)));
    say(&format!(
        "hoop: waiting; a reviewer says `hoop review approve {id}`, or \
         `hoop review reject {id} --reason TEXT`"
    ));
    let what = format!("waiting for the approval of review {id}");
    let review = spinner::during(&what, decided(context, id)).await?;
    match field(&review, "status").parse() {
        Ok(ReviewStatus::Approved) => {
            say(&format!("hoop: review {id} is approved{}", until(&review)));
            Ok(())
        }
        Ok(ReviewStatus::Rejected) => bail!("{connection}: {}", refusal(&review, "rejected")),
        Ok(ReviewStatus::Revoked) => bail!("{connection}: {}", refusal(&review, "revoked")),
        _ => bail!("{connection}: review {id} was used by another session; ask again"),
    }
}

/// A credential for the native port of `connection`. Waits for an approval where one is needed.
pub(crate) async fn credential(
    context: &Context,
    connection: &ConnectionName,
    body: &Value,
) -> Result<Value> {
    let path = ["connections", connection.as_str(), "credentials"];
    let answer = context.api.post(&path, body).await?;
    let review = field(&answer, "review_id");
    if review.is_empty() {
        return Ok(answer);
    }
    wait(context, connection, &review, &field(&answer, "message")).await?;
    let answer = context.api.post(&path, body).await?;
    ensure!(field(&answer, "review_id").is_empty(), "{connection}: the approval is over already");
    Ok(answer)
}

/// The review, when it waits no more.
async fn decided(context: &Context, id: &str) -> Result<Value> {
    let waits_no_more = |review: &Value| field(review, "status") != ReviewStatus::Pending.as_str();
    let late = format!("nobody has decided about review {id} for a day; it still waits");
    poll::until(context, &["reviews", id], waits_no_more, &late).await
}

/// Until when, and in which hours.
fn until(review: &Value) -> String {
    let until = match field(review, "revoke_at") {
        end if end.is_empty() => String::new(),
        end => format!(" until {end}"),
    };
    let hours = hours(review).map(|hours| format!(", from {hours}"));
    until + &hours.unwrap_or_default()
}

/// Who said no, and why.
fn refusal(review: &Value, done: &str) -> String {
    let who = review.get("decided_by").map(|who| field(who, "email")).unwrap_or_default();
    let id = field(review, "id");
    match field(review, "rejection_reason") {
        why if who.is_empty() => format!("review {id} is over: {why}"),
        why if why.is_empty() => format!("{who} {done} review {id}"),
        why => format!("{who} {done} review {id}: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_says_who_and_why() {
        let mut review = json!({"id": "1", "decided_by": {"email": "eve@example.com"},
            "rejection_reason": "not\u{7} today"});
        assert_eq!(
            refusal(&review, "rejected"),
            "eve@example.com rejected review 1: not\u{fffd} today"
        );
        review["rejection_reason"] = json!("");
        assert_eq!(refusal(&review, "revoked"), "eve@example.com revoked review 1");
        let late = json!({"id": "1", "decided_by": null, "rejection_reason": "nobody decided"});
        assert_eq!(refusal(&late, "rejected"), "review 1 is over: nobody decided");
    }

    #[test]
    fn an_approval_says_until_when_and_in_which_hours() {
        let review = json!({"revoke_at": "2026-11-23T12:00:00Z", "time_window": {
            "configuration": {"start_time": "22:00", "end_time": "06:00"}}});
        assert_eq!(until(&review), " until 2026-11-23T12:00:00Z, from 22:00 to 06:00 UTC");
        assert_eq!(until(&json!({"revoke_at": null, "time_window": null})), "");
    }
}
