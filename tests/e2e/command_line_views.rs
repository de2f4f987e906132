//! Commands that only show something: lists, one thing, versions.

use anyhow::ensure;
use hoop_tests::{
    Gateway, Psql,
    cli::Person,
    gateway::{AGENT, CONNECTION},
    rest::text,
};
use serde_json::Value;

use crate::Result;

#[tokio::test]
async fn one_thing_is_shown_by_its_name_in_one_word_or_two() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    for named in [&["connections/pg"][..], &["connections", "pg"], &["connection/pg"]] {
        let shown = person.run(&[&["-o", "json", "admin", "get"], named].concat()).await?;
        let connection: Value = serde_json::from_str(&shown)?;
        assert_eq!(text(&connection, "name"), CONNECTION, "{shown}");
        ensure!(connection.get("secret").is_none(), "{shown}");
    }
    let agent = person.run(&["admin", "get", &format!("agents/{AGENT}")]).await?;
    ensure!(agent.contains("ONLINE") && agent.lines().count() == 2, "{agent}");
    person.run(&["admin", "create", "group", "dba"]).await?;
    person.run(&["admin", "delete", "group/dba"]).await?;
    let gone = person.hoop(&["admin", "get", "connections/nothing"])?.output().await?;
    ensure!(Psql(gone).failure()?.contains("there is no such connection"));
    Ok(())
}

#[tokio::test]
async fn a_connection_is_described_with_what_it_allows() -> Result {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let described = person.hoop(&["describe", CONNECTION])?.output().await?;
    let (said, shown) = (described.stderr.clone(), Psql(described).success()?);
    ensure!(shown.contains("type             postgres"), "{shown}");
    ensure!(shown.contains("secrets          DB HOST PASS PORT SSLMODE USER"), "{shown}");
    ensure!(String::from_utf8_lossy(&said).contains("hoop connect pg"), "{said:?}");
    let json = person.run(&["describe", CONNECTION, "-o", "json"]).await?;
    let json: Value = serde_json::from_str(&json)?;
    assert_eq!(text(&json, "agent_name"), AGENT);

    let narrow = person.run(&["list"]).await?;
    assert_eq!(
        narrow.lines().next().unwrap_or_default().split_whitespace().collect::<Vec<_>>(),
        ["NAME", "TYPE", "AGENT", "STATUS"]
    );
    let wide = person.run(&["list", "-o", "wide"]).await?;
    ensure!(wide.contains("GROUPS") && wide.contains("strict"), "{wide}");
    let listed: Value = serde_json::from_str(&person.run(&["ls", "-o", "json"]).await?)?;
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let version: Value = serde_json::from_str(&person.run(&["version", "-o", "json"]).await?)?;
    assert_eq!(text(&version, "version"), env!("CARGO_PKG_VERSION"));
    Ok(())
}
