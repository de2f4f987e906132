//! `hoop review list`, which is `hoop admin get reviews`, too.

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::ReviewList,
    context::Context,
    output::{self, field},
};

const HEADING: [&str; 8] =
    ["ID", "TYPE", "STATUS", "USER", "CONNECTION", "APPROVALS", "CREATED", "ENDS"];

pub(crate) async fn run(filter: &ReviewList, context: &Context) -> Result<()> {
    let page = context.api.get(&["reviews"], &query(filter)).await?;
    if context.json() {
        return output::print_json(&page);
    }
    Ok(output::page(HEADING, &page, row, "no request matches")?)
}

fn query(filter: &ReviewList) -> Vec<(&'static str, String)> {
    let ReviewList { status, kind, user, connection, page } = filter;
    page.query([
        ("status", status.as_deref()),
        ("type", kind.as_deref()),
        ("user", user.as_deref()),
        ("connection", connection.as_deref()),
    ])
}

fn row(review: &Value) -> [String; 8] {
    let owner = review.get("review_owner").map(|owner| field(owner, "email"));
    let [id, kind, status, connection, created, ends] =
        ["id", "type", "status", "connection", "created_at", "revoke_at"]
            .map(|name| field(review, name));
    let owner = owner.unwrap_or_default();
    [id, kind, status, owner, connection, approvals(review), created, ends]
}

/// How many groups have said yes, of how many that have to.
pub(super) fn approvals(review: &Value) -> String {
    let groups = review.get("review_groups_data").and_then(Value::as_array);
    let yes = groups.into_iter().flatten().filter(|group| field(group, "status") == "APPROVED");
    format!("{}/{}", yes.count(), field(review, "min_approvals"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_says_who_wants_what_and_how_far_it_is() {
        let review = json!({"id": "1", "type": "jit", "status": "PENDING", "connection": "pg",
            "created_at": "now", "revoke_at": null, "min_approvals": 2,
            "review_owner": {"email": "a@example.com"},
            "review_groups_data": [{"status": "APPROVED"}, {"status": "PENDING"}]});
        let row = row(&review);
        assert_eq!(row, ["1", "jit", "PENDING", "a@example.com", "pg", "1/2", "now", ""]);
    }
}
