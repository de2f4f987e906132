//! Programs with identities of their own, through the real processes.

use anyhow::ensure;
use hoop_tests::{Gateway, Psql, cli::Person, gateway::AGENT, rest::text};
use serde_json::{Value, json};

use crate::{Result, command_line_admin::make};

#[tokio::test]
async fn an_api_key_runs_a_command_and_is_named_in_its_session() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let group = ["--group", "deployers"];
    let create = ["admin", "create", "connection", "bash", "-a", AGENT, "-t", "command-line"];
    person.run(&[&create[..], &group, &["--command", "bash"]].concat()).await?;
    make(&person, "closed", &["bash"]).await?;
    let key = person.run(&[&["admin", "create", "api-key", "ci"][..], &group].concat()).await?;
    ensure!(key.starts_with("hpk_") && key.lines().count() == 1, "{key}");

    let program = Person::new()?;
    let grpc = format!("grpc://127.0.0.1:{}", gateway.edge(0)?.grpc);
    let config = ["config", "create", "--api-url", &gateway.api_url, "--grpc-url", &grpc];
    program.run(&config).await?;
    let exec = async |connection: &str| -> Result<_> {
        let command = ["exec", connection, "-i", "echo out; exit 3"];
        Ok(program.hoop(&command)?.env("HOOP_TOKEN", &key).output().await?)
    };
    let output = exec("bash").await?;
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(3), &b"out\n"[..]));
    let session = gateway.rest.only_session("bash").await?;
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    assert_eq!((text(&session, "user_name"), text(&session, "user")), ("ci", "api-key:ci"));
    assert_eq!(exec("closed").await?.status.code(), Some(254), "it is open to administrators only");
    let list = program.hoop(&["list"])?.env("HOOP_TOKEN", &key).output().await?;
    let list = Psql(list).success()?;
    ensure!(list.contains("bash") && !list.contains("closed"), "{list}");

    let keys = person.run(&["admin", "get", "api-keys"]).await?;
    let row = keys.lines().find(|line| line.starts_with("ci ")).unwrap_or_default();
    ensure!(row.contains("ACTIVE") && row.contains("deployers") && !keys.contains(&key), "{keys}");
    person.run(&["admin", "delete", "api-key", "ci"]).await?;
    assert_eq!(exec("bash").await?.status.code(), Some(254));
    person.run(&["admin", "reactivate", "api-key", "ci"]).await?;
    assert_eq!(exec("bash").await?.status.code(), Some(3));

    let subject = "auth0|robot/1";
    let create = ["admin", "create", "serviceaccount", subject, "--group", "deployers"];
    person.run(&create).await?;
    person
        .run(&["admin", "create", "serviceaccount", subject, "--overwrite", "--inactive"])
        .await?;
    let shown = person.run(&["admin", "get", "serviceaccounts", "-o", "json"]).await?;
    let shown: Value = serde_json::from_str(&shown)?;
    assert_eq!(
        (&shown[0]["status"], &shown[0]["groups"]),
        (&json!("inactive"), &json!(["deployers"]))
    );
    person.run(&["admin", "delete", "serviceaccount", subject]).await?;
    let left = person.run(&["admin", "get", "serviceaccounts", "-o", "json"]).await?;
    assert_eq!(left, "[]");
    let dump = gateway.dump_of_state().await?;
    ensure!(!dump.contains(&key), "the key is in the database");
    Ok(())
}
