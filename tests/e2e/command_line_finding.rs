//! Commands that find something: sessions by filters, anything by its name, what is broken.

use anyhow::{Context, ensure};
use hoop_tests::{
    Gateway, Psql,
    cli::Person,
    gateway::{ADMIN, AGENT, CONNECTION},
    rest::text,
};
use serde_json::{Value, json};

use crate::{Result, command_line_admin::make};

/// The connections of the sessions that a list has, as it was printed.
fn connections(list: &str) -> Result<Vec<String>> {
    let list: Value = serde_json::from_str(list)?;
    let rows = list.get("data").and_then(Value::as_array).context("no list")?;
    Ok(rows.iter().map(|session| text(session, "connection").to_owned()).collect())
}

#[tokio::test]
async fn sessions_are_found_by_what_they_are_and_counted() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    make(&person, "bash", &["bash"]).await?;
    gateway.access(1).await?.answer("select 1").await?;
    person.run(&["exec", "bash", "-i", "true"]).await?;
    let list = ["sessions", "list", "--json"];
    for (filter, expected) in [
        (vec!["--type", "database"], vec![CONNECTION]),
        (vec!["--type", "command-line"], vec!["bash"]),
        (vec!["--verb", "exec"], vec!["bash"]),
        (vec!["--agent", AGENT, "--since", "1h", "--user", ADMIN], vec!["bash", CONNECTION]),
        (vec!["--until", "1h"], vec![]),
        (vec!["--since", "2020-01-01", "--limit", "1"], vec!["bash"]),
    ] {
        let found = person.run(&[&list[..], &filter].concat()).await?;
        assert_eq!(connections(&found)?, expected, "{filter:?}: {found}");
    }
    assert_eq!(person.run(&["sessions", "list", "--count"]).await?, "2");
    let count = ["sessions", "list", "--count", "--verb", "exec", "-o", "json"];
    let count: Value = serde_json::from_str(&person.run(&count).await?)?;
    assert_eq!(count, json!({"total": 1, "total_is_capped": false}));

    let table = person.run(&["admin", "get", "sessions", "--connection", "bash"]).await?;
    ensure!(table.starts_with("UID") && table.lines().count() == 2, "{table}");
    let session = gateway.rest.only_session("bash").await?;
    let one = format!("sessions/{}", text(&session, "id"));
    let one: Value = serde_json::from_str(&person.run(&["admin", "get", &one, "--json"]).await?)?;
    assert_eq!(text(&one, "connection"), "bash");
    for (arguments, words) in [
        (vec!["sessions", "list", "--verb", "fly"], "verb: "),
        (vec!["sessions", "list", "--type", "fax"], "type: is database, application"),
        (vec!["sessions", "get", "nothing"], "`hoop sessions list` lists what there is"),
    ] {
        let complaint = Psql(person.hoop(&arguments)?.output().await?).failure()?;
        ensure!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
    Ok(())
}

#[tokio::test]
async fn things_are_found_by_a_part_of_their_names() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let found = person.run(&["search", CONNECTION]).await?;
    let row = found.lines().find(|line| line.starts_with("connection")).unwrap_or_default();
    ensure!(row.contains("pg") && row.contains("postgres through agent"), "{found}");
    let found = person.run(&["search", "ADMIN@"]).await?;
    ensure!(found.contains("user") && found.contains(ADMIN), "{found}");
    let found: Value = serde_json::from_str(&person.run(&["search", "agen", "--json"]).await?)?;
    assert_eq!(found["agents"][0]["name"], AGENT, "{found}");
    let nothing = person.hoop(&["search", "no-such-thing"])?.output().await?;
    ensure!(nothing.status.success() && nothing.stdout.is_empty(), "{nothing:?}");
    let said = Psql(nothing).complaint();
    ensure!(said.contains("nothing that you may see"), "{said}");

    let ann = gateway.rest.user_create("ann@example.com", &[]).await?;
    let hers = Psql(person.hoop_as(&ann, &["search", "a"])?.output().await?).success()?;
    ensure!(hers.is_empty(), "{hers}");
    let refused = person.hoop_as(&ann, &["admin", "get", "users"])?.output().await?;
    let complaint = Psql(refused).failure()?;
    ensure!(complaint.contains("`hoop account show` says who you are"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_connection_is_tried_and_what_is_broken_is_named() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let port = hoop_testkit::free_port()?.to_string();
    let secret = [("HOST", "127.0.0.1"), ("PORT", port.as_str())];
    gateway.rest.connection_create("closed", "tcp", AGENT, &secret, &[]).await?;
    gateway.rest.agent_create("absent").await?;
    gateway.rest.connection_create("away", "tcp", "absent", &secret, &[]).await?;

    let well = person.run(&["admin", "test", &format!("connection/{CONNECTION}")]).await?;
    ensure!(well.starts_with("ok       gateway\nok       agent\nok       target\n"), "{well}");
    let well = person.run(&["admin", "test", "connection", CONNECTION, "--json"]).await?;
    let well: Value = serde_json::from_str(&well)?;
    assert_eq!((&well["success"], &well["reached"]), (&json!(true), &json!("target")), "{well}");
    for (name, failed, advice) in [
        ("closed", "failed   target   target_unreachable: ", "`hoop describe closed`"),
        ("away", "failed   agent    agent_offline: ", "`hoop start agent`"),
    ] {
        let output = person.hoop(&["admin", "test", "connection", name])?.output().await?;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(printed.contains(failed), "{printed}");
        let complaint = Psql(output).complaint();
        ensure!(complaint.contains("does not work") && complaint.contains(advice), "{complaint}");
    }
    let output = person.hoop(&["admin", "test", "connection", "away", "--json"])?.output().await?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let away: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(text(&away, "code"), "agent_offline", "{away}");
    let nothing = person.hoop(&["admin", "test", "connection", "nothing"])?.output().await?;
    let complaint = Psql(nothing).failure()?;
    ensure!(complaint.contains("`hoop admin get connections` lists"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn everything_is_had_and_deleted_by_its_kind_and_name() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let me = person.run(&["admin", "get", "userinfo"]).await?;
    ensure!(me.contains(ADMIN) && me.lines().count() == 2, "{me}");
    for subject in ["auth0|one", "auth0|two"] {
        person.run(&["admin", "create", "serviceaccount", subject]).await?;
    }
    let one = person.run(&["admin", "get", "serviceaccounts/auth0|two", "--json"]).await?;
    assert_eq!(text(&serde_json::from_str(&one)?, "subject"), "auth0|two", "{one}");
    let gone = person.hoop(&["admin", "get", "serviceaccounts/auth0|three"])?.output().await?;
    let complaint = Psql(gone).failure()?;
    ensure!(complaint.contains("no such service account; `hoop admin get service"), "{complaint}");
    person.run(&["admin", "delete", "serviceaccounts/auth0|one"]).await?;

    person.run(&["admin", "create", "plugin", "review", "-c", "pg:dba"]).await?;
    person.run(&["admin", "delete", "plugins/review"]).await?;
    let plugin = person.run(&["admin", "get", "plugins/review", "--json"]).await?;
    let plugin: Value = serde_json::from_str(&plugin)?;
    assert_eq!(plugin["connections"], json!([]), "{plugin}");

    let key = person.run(&["admin", "create", "api-key", "ci", "--group", "a"]).await?;
    let change = ["admin", "create", "api-key", "ci", "--overwrite", "--group", "b"];
    assert_eq!(person.run(&change).await?, "", "a key is printed again");
    let listed = person.run(&["admin", "get", "api-keys/ci", "--json"]).await?;
    let listed: Value = serde_json::from_str(&listed)?;
    assert_eq!(listed["groups"], json!(["b"]), "{listed}");
    let program = person.settings_of_another("HOOP_TOKEN", &key)?;
    program.run(&["list"]).await?;
    person.run(&["admin", "delete", "api-keys/ci"]).await?;
    for kind in ["agents", "connections", "users", "groups", "api-keys", "channels"] {
        let gone = person.hoop(&["admin", "delete", &format!("{kind}/nothing")])?.output().await?;
        let complaint = Psql(gone).failure()?;
        let said = format!("`hoop admin get {kind}` lists what there is");
        ensure!(complaint.contains(&said), "{kind}: {complaint}");
    }
    Ok(())
}
