//! `hoop admin get deliveries`.

use anyhow::Result;
use serde_json::Value;

use crate::{
    args::GetDeliveries,
    context::Context,
    output::{self, field},
};

const HEADING: [&str; 8] =
    ["ID", "TYPE", "CHANNEL", "RECIPIENT", "STATUS", "ATTEMPTS", "CREATED", "LAST ERROR"];

pub(super) async fn run(wanted: &GetDeliveries, context: &Context) -> Result<()> {
    let GetDeliveries { status, channel, event, kind, page } = wanted;
    let query = page.query([
        ("status", status.as_deref()),
        ("channel", channel.as_deref()),
        ("event", event.as_deref()),
        ("type", kind.as_deref()),
    ]);
    let page = context.api.get(&["notifications", "deliveries"], &query).await?;
    if context.json() {
        return output::print_json(&page);
    }
    Ok(output::page(HEADING, &page, row, "no delivery matches")?)
}

fn row(delivery: &Value) -> [String; 8] {
    let status = field(delivery, "status").to_uppercase();
    let [id, kind, channel, recipient, attempts, created, error] =
        ["id", "type", "channel", "recipient", "attempts", "created_at", "last_error"]
            .map(|name| field(delivery, name));
    [id, kind, channel, recipient, status, attempts, created, error]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dead_letter_says_why() {
        let delivery = json!({"id": "1", "type": "agent.lost", "channel": "hook", "recipient": "",
            "status": "dead", "attempts": 12, "created_at": "now", "last_error": "status 410"});
        let expected = ["1", "agent.lost", "hook", "", "DEAD", "12", "now", "status 410"];
        assert_eq!(row(&delivery), expected);
    }
}
