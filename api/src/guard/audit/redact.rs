//! What of a request may be kept: fields that are known to be no secret, with values that look
//! like none. Everything else is left out, so a field that is new is a secret until it is here.

use hoop_store::audit_log::Who;
use serde_json::{Map, Value};

/// What stands for a value that is not kept.
const HIDDEN: &str = "[redacted]";

/// Longer texts are not kept: nobody's name is that long.
const LONGEST: usize = 256;

/// Longer lists are not kept.
const MOST: usize = 100;

/// Fields whose values are kept when they are numbers, yes or no, short texts, or lists of them.
const KEPT: [&str; 40] = [
    "access_duration_seconds",
    "access_groups",
    "access_max_duration",
    "access_mode_connect",
    "access_mode_exec",
    "access_mode_runbooks",
    "access_schema",
    "agent",
    "agent_id",
    "audit_level",
    "channel",
    "connection",
    "connections",
    "email",
    "enabled",
    "events",
    "expires_in_seconds",
    "file_name",
    "force_approve_groups",
    "force_review",
    "groups",
    "idle_timeout_seconds",
    "jit_access_duration_sec",
    "max_session_seconds",
    "max_sessions",
    "max_sessions_per_user",
    "min_review_approvals",
    "mode",
    "name",
    "priority",
    "reason",
    "rejection_reason",
    "reviewers",
    "service_account",
    "status",
    "subject",
    "subtype",
    "type",
    "verb",
    "version",
];

/// Fields of which it is said that they were there.
const NAMED: [&str; 17] = [
    "code",
    "command",
    "config",
    "env_vars",
    "input",
    "metadata",
    "new_password",
    "old_password",
    "parameters",
    "password",
    "recipient",
    "recipients",
    "script",
    "secret",
    "secrets",
    "settings",
    "time_window",
];

/// Routes whose bodies have fields of any name: one that is called as ours are may be a secret.
const OPAQUE: [&str; 1] = ["/api/plugins/{name}/config"];

/// Whether nothing of what is sent to this route may be kept.
pub(super) fn is_opaque(route: &str) -> bool {
    OPAQUE.contains(&route)
}

/// What is kept of a body, if it is a JSON object. Its fields are in order.
pub(super) fn payload(body: &[u8]) -> Option<Value> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return None };
    let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut kept = Map::new();
    for (name, value) in fields {
        if KEPT.contains(&name.as_str()) && harmless(&name, &value) {
            kept.insert(name, value);
        } else if KEPT.contains(&name.as_str()) || NAMED.contains(&name.as_str()) {
            kept.insert(name, HIDDEN.into());
        }
        // The name of a field that is not ours may be a secret that was put in the wrong place.
    }
    Some(Value::Object(kept))
}

fn harmless(name: &str, value: &Value) -> bool {
    match value {
        // Many a password was typed into the wrong field.
        Value::String(text) if name == "email" && !text.contains('@') => false,
        Value::Array(values) => values.len() <= MOST && values.iter().all(plain),
        value => plain(value),
    }
}

fn plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::String(text) => text.len() <= LONGEST && !is_token(text),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether a text has one of our tokens or keys in it.
fn is_token(text: &str) -> bool {
    ["hpb_", "hpk_", "hpl_", "hpt_", "grpc://", "grpcs://", "eyJ"]
        .iter()
        .any(|mark| text.contains(mark))
}

/// A path without tokens that somebody took for a name.
pub(super) fn path(path: &str) -> String {
    let words = path
        .split('/')
        .map(|word| if is_token(word) || LONGEST < word.len() { HIDDEN } else { word });
    words.collect::<Vec<_>>().join("/")
}

/// Whom somebody says to be who signs in. What is no address may be a password.
pub(super) fn claimed(payload: Option<&Value>) -> Who {
    let email = payload.and_then(|fields| fields.get("email")?.as_str());
    let email = email.filter(|text| text.contains('@')).unwrap_or_default().to_lowercase();
    Who { email, ..Who::default() }
}

/// The same of what was sent in another way than as JSON.
pub(super) fn claimant(text: &str) -> Option<Who> {
    let address = text.contains('@')
        && text.len() <= LONGEST
        && !text.chars().any(char::is_control)
        && !is_token(text);
    address.then(|| Who { email: text.to_lowercase(), ..Who::default() })
}

/// Who tries to log in at a native port: user names that are made here begin with `c-`. What
/// is neither one of these nor an address may be a password.
pub(super) fn login(text: &str) -> Option<Who> {
    let ours = text.strip_prefix("c-").is_some_and(|rest| {
        rest.len() <= LONGEST && rest.chars().all(|c| c.is_ascii_alphanumeric())
    });
    let made = ours.then(|| Who { subject: text.to_owned(), ..Who::default() });
    made.or_else(|| claimant(text))
}

/// What is of this kind and called so, as a path. A name that is none may be a secret.
pub(super) fn named(kind: &str, name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_graphic() && c != '/');
    match name {
        "" => format!("/{kind}"),
        name if plain => path(&format!("/{kind}/{name}")),
        _ => format!("/{kind}/{HIDDEN}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_known_to_be_no_secret_is_kept() {
        let body = json!({
            "name": "pg", "groups": ["dba"], "max_sessions": 3, "secret": {"PASS": "canary"},
            "password": "canary", "canary": 1, "status": {"canary": 1}, "reason": "x".repeat(999),
            "command": ["mysql", "-pcanary"], "subject": "hpk_canary", "type": ["a", ["canary"]],
        });
        let kept = payload(body.to_string().as_bytes()).unwrap();
        assert!(!kept.to_string().contains("canary"), "{kept}");
        assert_eq!((&kept["name"], &kept["groups"]), (&json!("pg"), &json!(["dba"])));
        for hidden in ["secret", "password", "status", "reason", "command", "subject", "type"] {
            assert_eq!(kept[hidden], HIDDEN, "{hidden}");
        }
        assert_eq!(payload(b"canary"), None);
        assert_eq!(payload(b"[\"canary\"]"), None);
    }

    #[test]
    fn a_token_in_a_path_or_in_place_of_an_address_is_not_kept() {
        assert_eq!(path("/api/users/x/tokens/hpk_abc"), "/api/users/x/tokens/[redacted]");
        assert_eq!(path("/api/users/x/tokens/hpb_abc"), "/api/users/x/tokens/[redacted]");
        for text in ["hunter2", "hpb_abc@", "a\0@b", "a@b\n", "a@".repeat(129).as_str()] {
            assert!(claimant(text).is_none(), "{text:?}");
        }
        assert_eq!(claimant("Ann@example.com").unwrap().email, "ann@example.com");
        assert_eq!(path("/api/users/ann@example.com"), "/api/users/ann@example.com");
        assert_eq!(claimed(Some(&json!({ "email": "hunter2" }))).email, "");
        assert_eq!(claimed(Some(&json!({ "email": "Ann@example.com" }))).email, "ann@example.com");
    }

    #[test]
    fn of_who_tries_to_log_in_is_kept_what_looks_like_a_name() {
        assert_eq!(login("c-abc123").unwrap().subject, "c-abc123");
        assert_eq!(login("Ann@example.com").unwrap().email, "ann@example.com");
        for text in ["hunter2", "", "c-\0", "c-hunter 2", "hpk_abc"] {
            assert!(login(text).is_none(), "{text:?}");
        }
        assert_eq!(named("connections", "pg"), "/connections/pg");
        assert_eq!(named("connections", ""), "/connections");
        for name in ["p\0g", "../pg", "hunter 2", "hpk_abc"] {
            assert_eq!(named("connections", name), "/connections/[redacted]", "{name:?}");
        }
    }

    #[test]
    fn the_lists_are_in_order() {
        assert!(KEPT.is_sorted() && NAMED.is_sorted());
    }
}
