//! `hoop review approve`, `reject` and `revoke`.

use anyhow::Result;
use serde_json::{Value, json};

use super::list::approvals;
use crate::{
    args::{Approve, Stop},
    context::Context,
    output::{self, field},
};

pub(super) async fn approve(approve: &Approve, context: &Context) -> Result<()> {
    let window = approve.from.as_ref().zip(approve.to.as_ref()).map(|(from, to)| {
        json!({"type": "time_range", "configuration": {"start_time": from, "end_time": to}})
    });
    let body = json!({
        "status": "APPROVED", "force_review": approve.force, "time_window": window,
    });
    decide(&approve.id, &body, context).await
}

pub(super) async fn stop(stop: &Stop, status: &str, context: &Context) -> Result<()> {
    let body = json!({"status": status, "rejection_reason": stop.reason});
    decide(&stop.id, &body, context).await
}

async fn decide(id: &str, body: &Value, context: &Context) -> Result<()> {
    let review = context.api.put(&["reviews", id], body).await;
    let review = review.map_err(|error| error.listed_by("hoop review list"))?;
    if context.json() {
        return output::print_json(&review);
    }
    output::say(&sentence(&review));
    Ok(())
}

fn sentence(review: &Value) -> String {
    let [id, status, ends] = ["id", "status", "revoke_at"].map(|name| field(review, name));
    match status.as_str() {
        "PENDING" => format!("review {id} has {} approvals and waits for more", approvals(review)),
        "APPROVED" => format!("review {id} is approved until {ends}"),
        status => format!("review {id} is {}", status.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_that_is_not_enough_says_so() {
        let mut review = json!({"id": "1", "status": "PENDING", "min_approvals": 2,
            "review_groups_data": [{"status": "APPROVED"}]});
        assert_eq!(sentence(&review), "review 1 has 1/2 approvals and waits for more");
        review["status"] = json!("REVOKED");
        assert_eq!(sentence(&review), "review 1 is revoked");
    }
}
