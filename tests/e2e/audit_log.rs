//! The audit log, through the real processes: read, kept, verified, and tampered with.

use anyhow::ensure;
use hoop_tests::{Gateway, cli::Person, gateway::ADMIN};
use serde_json::Value;

use crate::Result;

/// The exit code of `hoop audit verify`, and what it says of the log: how many lines, and codes.
async fn verify(auditor: &Person, arguments: &[&str]) -> Result<(i32, u64, Vec<String>)> {
    let command = [&["audit", "verify", "-o", "json"][..], arguments].concat();
    let output = auditor.hoop(&command)?.output().await?;
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let codes = found.pointer("/audit_log/findings").and_then(Value::as_array);
    let code = |finding: &Value| finding.get("code").and_then(Value::as_str).map(str::to_owned);
    let codes = codes.into_iter().flatten().map(|finding| code(finding).unwrap_or_default());
    let lines = found.pointer("/audit_log/lines").and_then(Value::as_u64).unwrap_or_default();
    Ok((output.status.code().unwrap_or(-1), lines, codes.collect()))
}

#[tokio::test]
async fn the_audit_log_is_read_kept_and_verified() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let stranger = Person::new()?;
    let login = ["login", "--api-url", &gateway.api_url, "--email", ADMIN];
    let refused = stranger.hoop(&login)?.env("HOOP_PASSWORD", "canary-4711").output().await?;
    ensure!(!refused.status.success(), "{refused:?}");
    person.run(&["admin", "create", "group", "dba"]).await?;

    let logs = person.run(&["audit", "logs", "--resource", "groups"]).await?;
    let row = logs.lines().nth(1).unwrap_or_default();
    ensure!(logs.starts_with("TIME ") && row.contains(ADMIN) && row.contains(" 201 "), "{logs}");
    let failed = ["audit", "logs", "--resource", "authentication", "--outcome", "failure"];
    let failed = person.run(&failed).await?;
    ensure!(failed.lines().count() == 2 && failed.contains(" 401 "), "{failed}");
    let export = person.run(&["audit", "logs", "--all", "--actor", ADMIN]).await?;
    for line in export.lines() {
        let line: Value = serde_json::from_str(line)?;
        ensure!(line["actor_email"] == ADMIN && line["digest"].is_string(), "{line}");
    }
    ensure!(export.lines().count() > 2, "{export}");
    let dump = gateway.dump_of_state().await?;
    ensure!(!dump.contains("canary-4711"), "a password is in the database");

    let file = person.home().join("head").display().to_string();
    let remember = ["--remember", &file];
    let (exit, lines, codes) = verify(&person, &remember).await?;
    ensure!(exit == 0 && codes.is_empty() && lines > 2, "{exit} {lines} {codes:?}");
    hoop_testkit::eventually("the end of the log to be signed", async || {
        let heads = gateway.rest.get("/api/audit/logs/heads?limit=1000").await?;
        let last = heads["data"].as_array().and_then(|heads| heads.last()?["position"].as_u64());
        ensure!(last == Some(lines), "{heads}");
        Ok(())
    })
    .await?;
    let tamper = "update audit_log set actor_email = 'ann@example.com' where resource = 'groups'";
    gateway.run_on_state(tamper).await?;
    assert_eq!(verify(&person, &[]).await?, (1, lines, vec!["log_line_changed".to_owned()]));
    let restore = format!("update audit_log set actor_email = '{ADMIN}' where resource = 'groups'");
    gateway.run_on_state(&restore).await?;
    assert_eq!(verify(&person, &remember).await?.0, 0);
    for step in [
        "delete from audit_log where position = (select position from audit_heads)",
        "update audit_heads set (position, digest) =
           (select position, digest from audit_log order by position desc nulls last limit 1)",
    ] {
        gateway.run_on_state(step).await?;
    }
    let cut_off = vec!["log_cut_off".to_owned()];
    assert_eq!(verify(&person, &[]).await?, (1, lines - 1, cut_off.clone()), "the end was signed");
    // Whoever can write to the database can delete what was signed, but not what others keep.
    gateway.run_on_state("delete from audit_head_signatures").await?;
    assert_eq!(verify(&person, &[]).await?, (0, lines - 1, vec![]));
    assert_eq!(verify(&person, &remember).await?, (1, lines - 1, cut_off));
    Ok(())
}
