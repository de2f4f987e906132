//! `hoop admin …`, `hoop config …` and what needs no session.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, ensure};
use hoop_tests::{
    Gateway, Psql,
    cli::Person,
    gateway::{ADMIN, AGENT, CONNECTION},
};
use serde_json::Value;

use crate::Result;

/// Makes the command-line connection `name`.
pub(crate) async fn make(person: &Person, name: &str, command: &[&str]) -> Result {
    let create = ["admin", "create", "connection", name, "-a", AGENT, "-t", "command-line"];
    person.run(&[&create[..], &["--command"], command].concat()).await?;
    Ok(())
}

#[tokio::test]
async fn everything_of_an_administrator_is_made_seen_and_deleted() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    person.run(&["admin", "create", "group", "engineers"]).await?;
    let user = ["admin", "create", "user", "ann@example.com", "--name", "Ann", "--password-stdin"];
    let made = person.feed(&user, b"a-password-of-ann\n".to_vec()).await?;
    Psql(made).success()?;
    person
        .run(&["admin", "create", "user", "ann@example.com", "--overwrite", "--group", "engineers"])
        .await?;
    let users = person.run(&["admin", "get", "users"]).await?;
    let ann = users.lines().find(|line| line.contains("ann@")).unwrap_or_default();
    ensure!(ann.contains("Ann") && ann.contains("engineers"), "{users}");

    let target = gateway.target.direct();
    let (host, port) = (format!("HOST={}", target.host), format!("PORT={}", target.port));
    let (role, database) = (format!("USER={}", target.username), format!("DB={}", target.database));
    let create = [
        "admin",
        "create",
        "connection",
        "pg2",
        "-a",
        AGENT,
        "-t",
        "postgres",
        "-e",
        &host,
        "-e",
        &port,
        "-e",
        &role,
        "-e",
        &database,
        "-e",
        "SSLMODE=disable",
        "--secret-stdin",
        "PASS",
        "--group",
        "engineers",
    ];
    Psql(person.feed(&create, format!("{}\n", target.password).into_bytes()).await?).success()?;
    let connections = person.run(&["admin", "get", "connections"]).await?;
    ensure!(connections.starts_with("NAME") && connections.contains("pg2"), "{connections}");
    let uri = person.run(&["admin", "create", "credential", "pg2"]).await?;
    let psql = tokio::process::Command::new("psql")
        .args([uri.as_str(), "-Atc", "select 6*7"])
        .output()
        .await?;
    assert_eq!(Psql(psql).success()?, "42");
    let made = person.run(&["admin", "create", "credential", "pg2", "-o", "json"]).await?;
    let credential: Value = serde_json::from_str(&made)?;
    let id = credential["id"].as_str().unwrap_or_default();
    let listed = person.run(&["admin", "get", "credentials", "--connection", "pg2"]).await?;
    ensure!(listed.starts_with("ID ") && listed.lines().count() == 3, "{listed}");
    let row = listed.lines().find(|line| line.contains(id)).unwrap_or_default();
    ensure!(row.contains("pg2") && row.contains(ADMIN) && row.contains("ACTIVE"), "{listed}");
    person.run(&["admin", "delete", "credential", "pg2", id]).await?;
    let listed = person.run(&["admin", "get", "credentials"]).await?;
    ensure!(!listed.contains(id) && listed.lines().count() == 2, "{listed}");
    let all = person.run(&["admin", "get", "credentials", "--all", "-o", "json"]).await?;
    let all: Value = serde_json::from_str(&all)?;
    let row = all["data"].as_array().and_then(|rows| rows.iter().find(|row| row["id"] == id));
    ensure!(row.is_some_and(|row| row["status"] == "revoked"), "{all}");
    ensure!(!all.to_string().contains("password"), "{all}");

    person.run(&["admin", "delete", "connection", "pg2"]).await?;
    person.run(&["admin", "delete", "user", "ann@example.com"]).await?;
    person.run(&["admin", "delete", "group", "engineers"]).await?;
    let left = person.run(&["admin", "get", "groups"]).await?;
    ensure!(!left.contains("engineers"), "{left}");
    let list = person.run(&["list"]).await?;
    ensure!(
        list.contains(CONNECTION) && list.contains("ONLINE") && !list.contains("pg2"),
        "{list}"
    );
    Ok(())
}

#[tokio::test]
async fn the_agents_columns_are_the_promised_ones() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    person.run(&["admin", "create", "agent", "never", "--mode", "embedded"]).await?;
    let table = person.run(&["admin", "get", "agents"]).await?;
    let row = |name: &str| -> Vec<String> {
        let found = table.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
        found.unwrap_or_default().split_whitespace().skip(1).map(str::to_owned).collect()
    };
    assert_eq!(row("NAME"), ["NAME", "MODE", "VERSION", "HOSTNAME", "PLATFORM", "STATUS"]);
    ensure!(table.starts_with("UID "), "{table}");
    assert_eq!(row("never"), ["never", "embedded", "-", "-", "-", "OFFLINE"]);
    let online = row(AGENT);
    ensure!(online.len() == 6 && online.last().is_some_and(|last| last == "ONLINE"), "{table}");
    ensure!(!table.contains('\u{1b}'), "there are colours in a pipe: {table:?}");
    Ok(())
}

#[tokio::test]
async fn what_the_gateway_says_of_itself_is_shown() -> Result {
    let gateway = Gateway::start_without_agent(hoop_tests::Options::default()).await?;
    let person = Person::signed_in(&gateway).await?;
    let grpc = format!("grpc://127.0.0.1:{}", gateway.edge(0)?.grpc);
    let shown = person.run(&["admin", "serverinfo"]).await?;
    for (name, value) in [
        ("version", env!("CARGO_PKG_VERSION")),
        ("auth_method", "local"),
        ("api_url", gateway.api_url.as_str()),
        ("grpc_url", grpc.as_str()),
    ] {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(name));
        let line = line.with_context(|| format!("no {name} in {shown}"))?;
        assert_eq!(line.split_whitespace().nth(1), Some(value), "{line}");
    }
    let json = person.run(&["admin", "serverinfo", "-o", "json"]).await?;
    let json: Value = serde_json::from_str(&json)?;
    assert_eq!(json, gateway.rest.get("/api/serverinfo").await?);
    Ok(())
}

#[tokio::test]
async fn settings_are_written_for_their_owner_alone_and_questioned() -> Result {
    let person = Person::new()?;
    person.run(&["config", "create", "--api-url", "http://127.0.0.1:1"]).await?;
    Psql(person.feed(&["config", "set", "token", "-"], b"s3cret\n".to_vec()).await?).success()?;
    let path = person.home().join(".hoop/config.toml");
    assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    let shown = person.run(&["config", "view"]).await?;
    ensure!(shown.contains("http://127.0.0.1:1") && !shown.contains("s3cret"), "{shown}");
    assert_eq!(person.run(&["config", "view", "token", "--raw"]).await?, "s3cret");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
    let more = format!("{}colour = \"red\"\n", std::fs::read_to_string(&path)?);
    std::fs::write(&path, more)?;
    let complaint = Psql(person.hoop(&["list"])?.output().await?).failure()?;
    for words in ["chmod 600", "\"colour\", which is no setting", "could not be reached"] {
        ensure!(complaint.contains(words), "{complaint}");
    }
    Ok(())
}

#[tokio::test]
async fn settings_are_cleared_even_when_they_can_not_be_read() -> Result {
    let person = Person::new()?;
    person.run(&["config", "create", "--api-url", "http://127.0.0.1:1"]).await?;
    let path = person.home().join(".hoop/config.toml");
    std::fs::write(&path, "token = s3cret")?;
    let complaint = Psql(person.hoop(&["config", "view"])?.output().await?).failure()?;
    ensure!(complaint.contains("not valid TOML"), "{complaint}");
    person.run(&["config", "clear"]).await?;
    ensure!(!path.exists(), "it is still there");
    person.run(&["config", "clear"]).await?;
    let complaint = Psql(person.hoop(&["list"])?.output().await?).failure()?;
    ensure!(complaint.contains("hoop login"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_and_an_expired_token_are_one_sentence_each() -> Result {
    let gateway = Gateway::start_without_agent(hoop_tests::Options::default()).await?;
    let person = Person::new()?;
    let mut login = person.hoop(&["login", "--api-url", &gateway.api_url, "--email", ADMIN])?;
    let complaint = Psql(login.env("HOOP_PASSWORD", "wrong").output().await?).failure()?;
    ensure!(complaint.contains("password") && complaint.lines().count() == 1, "{complaint}");
    let mut list = person.hoop(&["list"])?;
    list.env("API_URL", &gateway.api_url).env("HOOP_TOKEN", "expired");
    let complaint = Psql(list.output().await?).failure()?;
    ensure!(
        complaint.contains("not valid any more") && complaint.lines().count() == 1,
        "{complaint}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_made_from_the_arguments_can_be_cut_short() -> Result {
    let person = Person::new()?;
    for (arguments, words) in [
        (vec!["completion", "bash"], "complete"),
        (vec!["completion", "zsh"], "#compdef hoop"),
        (vec!["completion", "fish"], "complete -c hoop"),
        (vec!["man"], ".TH hoop 1"),
        (vec!["version"], "hoop 0."),
        (vec!["--help"], "Exit codes:"),
    ] {
        let shown = person.run(&arguments).await?;
        ensure!(shown.contains(words), "{arguments:?}: {shown}");
        let mut child = person.hoop(&arguments)?.spawn()?;
        drop(child.stdout.take());
        let output = child.wait_with_output().await?;
        ensure!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
    let folder = person.home().join("man1");
    person.run(&["man", "--dir", &folder.display().to_string()]).await?;
    ensure!(folder.join("hoop-exec.1").is_file(), "there is no page for exec");
    let output = person.hoop(&["nonsense"])?.output().await?;
    assert_eq!(output.status.code(), Some(2));
    Ok(())
}
