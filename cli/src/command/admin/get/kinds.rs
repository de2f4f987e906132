//! What is listed whole: where the API has it, and its columns.

use serde_json::Value;

use crate::output::{self, field, is, list, printable};

/// A kind of things.
pub(super) struct Kind<const N: usize> {
    /// As `hoop admin get` calls it.
    name: &'static str,
    /// Its path in the API.
    pub(super) path: &'static [&'static str],
    /// What `hoop admin create` is told to make one.
    one: &'static str,
    heading: [&'static str; N],
    row: fn(&Value) -> [String; N],
}

impl<const N: usize> Kind<N> {
    /// What lists them.
    pub(super) fn command(&self) -> String {
        format!("hoop admin get {}", self.name)
    }

    /// What is said when there are none.
    pub(super) fn nothing(&self) -> String {
        format!("there are no {}; make one with `hoop admin create {}`", self.name, self.one)
    }

    pub(super) fn table(&self, things: &[Value]) -> String {
        output::table(self.heading, things.iter().map(self.row).collect())
    }
}

/// The columns are promised.
pub(super) const AGENTS: Kind<7> = Kind {
    name: "agents",
    path: &["agents"],
    one: "agent NAME",
    heading: ["UID", "NAME", "MODE", "VERSION", "HOSTNAME", "PLATFORM", "STATUS"],
    row: agent,
};

pub(super) const CONNECTIONS: Kind<8> = Kind {
    name: "connections",
    path: &["connections"],
    one: "connection NAME -a AGENT -t TYPE",
    heading: ["NAME", "COMMAND", "TYPE", "AGENT", "STATUS", "GROUPS", "SECRETS", "AUDIT"],
    row: connection,
};

pub(super) const USERS: Kind<6> = Kind {
    name: "users",
    path: &["users"],
    one: "user EMAIL",
    heading: ["ID", "EMAIL", "NAME", "STATUS", "ROLE", "GROUPS"],
    row: user,
};

/// Oneself.
pub(super) const USERINFO: Kind<6> = Kind { name: "userinfo", path: &["userinfo"], ..USERS };

pub(super) const GROUPS: Kind<1> = Kind {
    name: "groups",
    path: &["users", "groups"],
    one: "group NAME",
    heading: ["NAME"],
    row: |name| [printable(name.as_str().unwrap_or_default())],
};

pub(super) const PLUGINS: Kind<5> = Kind {
    name: "plugins",
    path: &["plugins"],
    one: "plugin NAME -c CONNECTION",
    heading: ["NAME", "SOURCE", "PRIORITY", "CONNECTIONS", "CONFIG"],
    row: plugin,
};

pub(super) const API_KEYS: Kind<7> = Kind {
    name: "api-keys",
    path: &["api-keys"],
    one: "api-key NAME --group GROUP",
    heading: ["NAME", "KEY", "STATUS", "GROUPS", "SERVICEACCOUNT", "EXPIRES", "LAST USED"],
    row: api_key,
};

pub(super) const SERVICE_ACCOUNTS: Kind<5> = Kind {
    name: "serviceaccounts",
    path: &["serviceaccounts"],
    one: "serviceaccount SUBJECT",
    heading: ["ID", "SUBJECT", "NAME", "STATUS", "GROUPS"],
    row: service_account,
};

pub(super) const CHANNELS: Kind<6> = Kind {
    name: "channels",
    path: &["notifications", "channels"],
    one: "channel NAME -t TYPE",
    heading: ["NAME", "TYPE", "SOURCE", "STATUS", "SETTINGS", "SECRETS"],
    row: channel,
};

pub(super) const SUBSCRIPTIONS: Kind<5> = Kind {
    name: "subscriptions",
    path: &["notifications", "subscriptions"],
    one: "subscription NAME --channel CHANNEL --event EVENT",
    heading: ["NAME", "CHANNEL", "STATUS", "EVENTS", "RECIPIENTS"],
    row: subscription,
};

fn agent(value: &Value) -> [String; 7] {
    let status = match field(value, "status").as_str() {
        "CONNECTED" => "ONLINE",
        _ => "OFFLINE",
    };
    let [id, name, mode, version, hostname, platform] =
        ["id", "name", "mode", "version", "hostname", "platform"].map(|name| field(value, name));
    [id, name, mode, version, hostname, platform, status.into()]
}

fn connection(value: &Value) -> [String; 8] {
    let [name, kind, agent, status, audit] =
        ["name", "subtype", "agent_name", "status", "audit_level"].map(|name| field(value, name));
    let command = list(value, "command").replace(',', " ");
    let (groups, secrets) = (list(value, "access_groups"), list(value, "secret_names"));
    [name, command, kind, agent, status.to_uppercase(), groups, secrets, audit]
}

fn user(value: &Value) -> [String; 6] {
    let [id, email, name, status, role] =
        ["id", "email", "name", "status", "role"].map(|name| field(value, name));
    [id, email, name, status, role, list(value, "groups")]
}

fn plugin(value: &Value) -> [String; 5] {
    let [name, source, priority] = ["name", "source", "priority"].map(|name| field(value, name));
    let connections = value.get("connections").and_then(Value::as_array).into_iter().flatten();
    let connections: Vec<_> = connections.map(|one| field(one, "name")).collect();
    let config = value.get("config").and_then(|config| config.get("envvars"));
    [name, source, priority, connections.join(","), names(config)]
}

fn api_key(value: &Value) -> [String; 7] {
    let [name, key, status, account, expires, used] =
        ["name", "masked_key", "status", "service_account", "expires_at", "last_used_at"]
            .map(|name| field(value, name));
    [name, key, status.to_uppercase(), list(value, "groups"), account, expires, used]
}

fn service_account(value: &Value) -> [String; 5] {
    let [id, subject, name, status] =
        ["id", "subject", "name", "status"].map(|name| field(value, name));
    [id, subject, name, status.to_uppercase(), list(value, "groups")]
}

fn channel(value: &Value) -> [String; 6] {
    let [name, kind, source] = ["name", "type", "source"].map(|name| field(value, name));
    let (settings, secrets) = (names(value.get("settings")), list(value, "secret_names"));
    let paused = field(value, "paused_until");
    let status = match enabled(value) {
        "ENABLED" if !paused.is_empty() => format!("PAUSED UNTIL {paused}"),
        status => status.to_owned(),
    };
    [name, kind, source, status, settings, secrets]
}

fn subscription(value: &Value) -> [String; 5] {
    let [name, channel] = ["name", "channel"].map(|name| field(value, name));
    let (events, recipients) = (list(value, "events"), list(value, "recipients"));
    [name, channel, enabled(value).to_owned(), events, recipients]
}

fn enabled(value: &Value) -> &'static str {
    if is(value, "enabled") { "ENABLED" } else { "DISABLED" }
}

/// The names of fields, in one cell.
fn names(object: Option<&Value>) -> String {
    let fields = object.and_then(Value::as_object).into_iter().flatten();
    fields.map(|(name, _)| printable(name)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_agent_that_never_connected_has_dashes() {
        let agent = json!({"id": "1", "name": "dev", "mode": "standard", "status": "DISCONNECTED",
            "version": "", "hostname": "", "platform": ""});
        let shown = AGENTS.table(&[agent]);
        let cells: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(cells, ["1", "dev", "standard", "-", "-", "-", "OFFLINE"]);
    }

    #[test]
    fn a_channel_that_waits_says_until_when() {
        let mut value = json!({"name": "mail", "type": "smtp", "source": "api", "enabled": true,
            "settings": {"from": "a@b", "host": "h"}, "secret_names": ["password"],
            "paused_until": null});
        assert_eq!(channel(&value), ["mail", "smtp", "api", "ENABLED", "from,host", "password"]);
        value["paused_until"] = json!("noon");
        assert_eq!(channel(&value)[3], "PAUSED UNTIL noon");
        value["enabled"] = json!(false);
        assert_eq!(channel(&value)[3], "DISABLED");
    }

    #[test]
    fn a_subscription_says_what_goes_to_whom_through_what() {
        let value = json!({"name": "on-call", "channel": "mail", "enabled": true,
            "events": ["session.*", "agent.lost"], "recipients": ["ann@example.com"]});
        let row = subscription(&value);
        let expected = ["on-call", "mail", "ENABLED", "session.*,agent.lost", "ann@example.com"];
        assert_eq!(row, expected);
    }

    #[test]
    fn who_finds_nothing_is_told_how_to_make_one() {
        let said = "there are no groups; make one with `hoop admin create group NAME`";
        assert_eq!(GROUPS.nothing(), said);
        assert_eq!(USERINFO.command(), "hoop admin get userinfo");
    }
}
