//! `hoop admin create connection NAME`.

use anyhow::Result;
use hoop_domain::{ConnectionName, ConnectionType};
use serde_json::{Map, Value, json};

use super::{
    existing,
    secrets::{self, Given},
};
use crate::{
    args::CreateConnection,
    context::Context,
    output::{self, field},
};

/// What the API takes of what it shows, apart from what is always given.
const KEPT: [&str; 15] = [
    "access_groups",
    "access_mode_connect",
    "access_mode_exec",
    "access_mode_runbooks",
    "reviewers",
    "min_review_approvals",
    "force_approve_groups",
    "access_max_duration",
    "jit_access_duration_sec",
    "audit_level",
    "command",
    "max_session_seconds",
    "idle_timeout_seconds",
    "max_sessions",
    "max_sessions_per_user",
];

pub(crate) async fn run(wanted: CreateConnection, context: &Context) -> Result<()> {
    let name: ConnectionName = wanted.name.parse()?;
    let kind: ConnectionType = wanted.kind.parse()?;
    let path = ["connections", name.as_str()];
    let known = if wanted.overwrite { existing(&path, context).await? } else { None };
    let secret = secrets::read(&given(&wanted))?;
    let body = body(&wanted, kind, secret, known.as_ref());
    let connection = match known {
        Some(_) => context.api.put(&path, &body).await?,
        None => context.api.post(&["connections"], &body).await?,
    };
    if context.json() {
        return output::print_json(&connection);
    }
    let (agent, status) = (field(&connection, "agent_name"), field(&connection, "status"));
    output::say(&format!("connection {name} leads through agent {agent}, which is {status}"));
    Ok(())
}

fn given(wanted: &CreateConnection) -> Given<'_> {
    Given {
        argument: "--secret",
        pairs: &wanted.secret,
        files: &wanted.secret_file,
        stdin: wanted.secret_stdin.as_deref(),
    }
}

fn body(
    wanted: &CreateConnection,
    kind: ConnectionType,
    secret: Map<String, Value>,
    known: Option<&Value>,
) -> Value {
    let mut body = Map::new();
    for name in KEPT {
        if let Some(value) = known.and_then(|known| known.get(name)).filter(|v| !v.is_null()) {
            body.insert(name.into(), value.clone());
        }
    }
    body.insert("name".into(), json!(wanted.name));
    body.insert("type".into(), json!(kind.as_str()));
    body.insert("agent_id".into(), json!(wanted.agent));
    let secret = secrets::with_those_that_stay(secret, known);
    if !secret.is_empty() || known.is_none() {
        body.insert("secret".into(), Value::Object(secret));
    }
    if !wanted.groups.is_empty() {
        body.insert("access_groups".into(), json!(wanted.groups));
    }
    if !wanted.access_modes.is_empty() {
        for mode in ["connect", "exec", "runbooks"] {
            let enabled = wanted.access_modes.iter().any(|wanted| wanted == mode);
            let switch = if enabled { "enabled" } else { "disabled" };
            body.insert(format!("access_mode_{mode}"), json!(switch));
        }
    }
    let seconds = |limit: Option<std::time::Duration>| limit.map(|limit| limit.as_secs());
    let limits = [
        ("max_session_seconds", seconds(wanted.max_session)),
        ("idle_timeout_seconds", seconds(wanted.idle_timeout)),
        ("access_max_duration", seconds(wanted.access_max)),
        ("jit_access_duration_sec", seconds(wanted.jit_access)),
        ("min_review_approvals", wanted.min_approvals.map(u64::from)),
        ("max_sessions", wanted.max_sessions.map(u64::from)),
        ("max_sessions_per_user", wanted.max_sessions_per_user.map(u64::from)),
    ];
    let given = limits.into_iter().filter_map(|(name, limit)| Some((name, limit?)));
    body.extend(given.map(|(name, limit)| (name.to_owned(), json!(limit))));
    if !wanted.reviewers.is_empty() || wanted.no_reviewers {
        body.insert("reviewers".into(), json!(wanted.reviewers));
        // As many as were enough of the groups before need not be enough of these.
        if wanted.min_approvals.is_none() && body.contains_key("min_review_approvals") {
            body.insert("min_review_approvals".into(), Value::Null);
        }
    }
    if !wanted.force_approvers.is_empty() {
        body.insert("force_approve_groups".into(), json!(wanted.force_approvers));
    }
    if let Some(level) = &wanted.audit_level {
        body.insert("audit_level".into(), json!(level));
    }
    if !wanted.command.is_empty() {
        body.insert("command".into(), json!(wanted.command));
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Admin, Args, Command, Create};
    use clap::Parser;

    fn wanted(line: &str) -> CreateConnection {
        let line = format!("hoop admin create connection {line}");
        let Command::Admin(admin) = Args::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("not admin")
        };
        let Admin::Create(Create::Connection(wanted)) = *admin else { panic!("not a connection") };
        *wanted
    }

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let known = json!({"access_groups": ["dba"], "secret_names": ["HOST", "PASS"],
            "access_mode_connect": "enabled", "access_mode_exec": "enabled", "id": "1",
            "audit_level": "synced"});
        let wanted =
            wanted("pg -a dev -t postgres -e HOST=h --access-modes exec --idle-timeout 5m");
        let secret = secrets::read(&given(&wanted)).unwrap();
        let body = body(&wanted, ConnectionType::Postgres, secret, Some(&known));
        let expected = json!({"name": "pg", "type": "postgres", "agent_id": "dev",
            "access_groups": ["dba"], "secret": {"HOST": "aA==", "PASS": null},
            "access_mode_connect": "disabled", "access_mode_exec": "enabled",
            "access_mode_runbooks": "disabled",
            "idle_timeout_seconds": 300, "audit_level": "synced"});
        assert_eq!(body, expected);
    }

    #[test]
    fn of_other_reviewers_all_have_to_approve_again() {
        let known = json!({"reviewers": ["leads", "ops"], "min_review_approvals": 1});
        let wanted = wanted("pg -a dev -t postgres --overwrite --reviewers security");
        let body = body(&wanted, ConnectionType::Postgres, Map::new(), Some(&known));
        assert_eq!(body["reviewers"], json!(["security"]));
        assert_eq!(body.get("min_review_approvals"), Some(&Value::Null), "{body}");
    }

    #[test]
    fn the_audit_level_is_one_of_three_and_changes_when_it_is_given() {
        let known = json!({"audit_level": "synced", "secret_names": []});
        let wanted = wanted("pg -a dev -t postgres --overwrite --audit-level windowed");
        let body = body(&wanted, ConnectionType::Postgres, Map::new(), Some(&known));
        assert_eq!(body["audit_level"], "windowed");
        let line = "hoop admin create connection pg -a dev -t tcp --audit-level none";
        let refusal = Args::try_parse_from(line.split(' ')).unwrap_err().to_string();
        assert!(refusal.contains("--audit-level") && refusal.contains("windowed"), "{refusal}");
    }

    #[test]
    fn a_command_line_needs_no_secret() {
        let wanted = wanted("sh -a dev -t command-line --command bash -l");
        let secret = secrets::read(&given(&wanted)).unwrap();
        let body = body(&wanted, ConnectionType::CommandLine, secret, None);
        assert_eq!(body["command"], json!(["bash", "-l"]));
        assert_eq!(body["secret"], json!({}));
    }
}
