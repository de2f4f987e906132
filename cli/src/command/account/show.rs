//! `hoop account show`.

use anyhow::Result;
use serde_json::Value;

use crate::{
    context::Context,
    output::{self, field, list},
};

pub(super) async fn run(context: &Context) -> Result<()> {
    let info = context.api.get(&["userinfo"], &()).await?;
    if context.json() {
        return output::print_json(&info);
    }
    Ok(output::print(&lines(&info))?)
}

fn lines(info: &Value) -> String {
    let [id, email, name, role] = ["id", "email", "name", "role"].map(|name| field(info, name));
    let groups = list(info, "groups").replace(',', " ");
    let all = [("id", id), ("email", email), ("name", name), ("role", role), ("groups", groups)];
    let line = |(label, value): (&str, String)| {
        format!("{label:<8} {}", if value.is_empty() { "-" } else { &value })
    };
    all.map(line).join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_is_in_no_group_has_a_dash() {
        let info = json!({"id": "1", "email": "a@b", "name": "Ann", "role": "standard",
            "groups": []});
        let shown = "id       1\nemail    a@b\nname     Ann\nrole     standard\ngroups   -";
        assert_eq!(lines(&info), shown);
    }
}
