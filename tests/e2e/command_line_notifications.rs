//! `hoop admin …` for channels, subscriptions and deliveries, with a real mail server.

use anyhow::ensure;
use hoop_testkit::{
    eventually,
    smtp::{self, Tls, smtp},
};
use hoop_tests::{Gateway, Psql, cli::Person, gateway::ADMIN, rest::text};
use serde_json::Value;

use crate::Result;

#[tokio::test]
async fn a_channel_is_made_tried_changed_and_deleted() -> Result {
    let server = smtp(Tls::Implicit).await?;
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let authority = person.home().join("ca.pem");
    std::fs::write(&authority, server.authority()?)?;
    let (port, user) = (format!("port={}", server.port()), format!("user={}", smtp::USER));
    let authority = format!("ca_certificate={}", authority.display());
    let create = ["admin", "create", "channel", "mail", "-t", "smtp"];
    let settings = [
        "--setting",
        "host=127.0.0.1",
        "--setting",
        &port,
        "--setting",
        &user,
        "--setting",
        "tls=implicit",
        "--setting",
        "from=hoop@example.com",
        "--setting-file",
        &authority,
        "--secret-stdin",
        "password",
    ];
    let password = format!("{}\n", smtp::PASSWORD).into_bytes();
    let made = person.feed(&[&create[..], &settings].concat(), password).await?;
    Psql(made).success()?;

    let test = ["admin", "test", "channel/mail", "--recipient", "ann@example.com"];
    let delivery = person.run(&test).await?;
    eventually("the line of the test in the log", async || {
        let log = ["admin", "get", "deliveries", "--channel", "mail", "--status", "delivered"];
        let log = person.run(&log).await?;
        let row = log.lines().find(|line| line.starts_with(&delivery)).unwrap_or_default();
        ensure!(row.contains("channel.test") && row.contains("ann@example.com"), "{log}");
        Ok(())
    })
    .await?;
    ensure!(server.mail()?.len() == 1, "{:?}", server.mail()?);

    let change = ["--overwrite", "--setting", "from=gateway@example.com", "--disabled"];
    person.run(&[&create[..4], &change].concat()).await?;
    let shown = person.run(&["admin", "get", "channels/mail", "--json"]).await?;
    let channel: Value = serde_json::from_str(&shown)?;
    let settings = channel.get("settings").cloned().unwrap_or_default();
    assert_eq!(text(&settings, "from"), "gateway@example.com", "{shown}");
    assert_eq!(text(&settings, "host"), "127.0.0.1", "{shown}");
    assert_eq!(channel["secret_names"], serde_json::json!(["password"]), "{shown}");
    ensure!(!shown.contains(smtp::PASSWORD), "{shown}");
    let listed = person.run(&["admin", "get", "channels"]).await?;
    ensure!(listed.starts_with("NAME") && listed.contains("DISABLED"), "{listed}");

    person.run(&["admin", "delete", "channel/mail"]).await?;
    let gone = person.hoop(&["admin", "get", "channels/mail"])?.output().await?;
    let complaint = Psql(gone).failure()?;
    ensure!(complaint.contains("`hoop admin get channels` lists what there is"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_subscription_is_made_changed_and_deleted_and_what_was_given_up_is_sent_again() -> Result
{
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    let secret = person.home().join("url.txt");
    std::fs::write(&secret, "https://127.0.0.1:1/hook\n")?;
    let secret = format!("webhook_url={}", secret.display());
    let create = ["admin", "create", "channel", "ops", "-t", "slack", "--secret-file", &secret];
    person.run(&create).await?;
    let create = ["admin", "create", "subscription", "on-call"];
    let what = ["--channel", "ops", "--event", "agent.lost,session.*"];
    person.run(&[&create[..], &what].concat()).await?;
    let wrong = [&create[..], &["--overwrite", "--recipient", ADMIN]].concat();
    let complaint = Psql(person.hoop(&wrong)?.output().await?).failure()?;
    ensure!(complaint.contains("recipients: a webhook goes to one place"), "{complaint}");
    person.run(&[&create[..], &["--overwrite", "--event", "agent.*"]].concat()).await?;
    let listed = person.run(&["admin", "get", "subscriptions"]).await?;
    let row = listed.lines().find(|line| line.starts_with("on-call")).unwrap_or_default();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["on-call", "ops", "ENABLED", "agent.*", "-"], "{listed}");

    let output = person.hoop(&["admin", "delete", "channels/ops"])?.output().await?;
    let complaint = Psql(output).failure()?;
    ensure!(complaint.contains("subscriptions use this channel"), "{complaint}");
    let again = person.hoop(&["admin", "redrive", "channel", "ops"])?.output().await?;
    let said = Psql(again).complaint();
    ensure!(said.contains("sent again: 0"), "{said}");
    let again = person.hoop(&["admin", "redrive", "delivery", "nothing"])?.output().await?;
    let complaint = Psql(again).failure()?;
    ensure!(complaint.contains("`hoop admin get deliveries --status dead`"), "{complaint}");
    person.run(&["admin", "delete", "subscriptions/on-call"]).await?;
    person.run(&["admin", "delete", "channels/ops"]).await?;
    let left = person.run(&["admin", "get", "subscriptions", "--json"]).await?;
    ensure!(!left.contains("on-call"), "{left}");
    Ok(())
}
