//! `hoop account …`, `hoop logout`: what people do with their own logins.

use anyhow::{Context, ensure};
use hoop_tests::{Gateway, Options, Psql, cli::Person, gateway::ADMIN};

use crate::Result;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a-password-of-a-test";

/// What `person` is told when they ask who they are and are nobody.
async fn refusal(person: &Person) -> Result<String> {
    Psql(person.hoop(&["account", "show"])?.output().await?).failure()
}

#[tokio::test]
async fn a_token_is_made_listed_and_revoked() -> Result {
    let gateway = Gateway::start_without_agent(Options::default()).await?;
    let person = Person::signed_in(&gateway).await?;
    let create = ["account", "tokens", "create", "laptop", "--expires-in", "1h"];
    let token = person.run(&create).await?;
    ensure!(token.lines().count() == 1 && !token.contains(' '), "{token}");
    let program = person.settings_of_another("HOOP_TOKEN", &token)?;
    let shown = program.run(&["account", "show"]).await?;
    ensure!(shown.contains(ADMIN) && shown.contains("role     admin"), "{shown}");

    let listed = person.run(&["account", "tokens", "list"]).await?;
    ensure!(listed.starts_with("ID ") && !listed.contains(&token), "{listed}");
    let row = listed.lines().find(|line| line.contains("laptop"));
    let id = row.and_then(|row| row.split_whitespace().next()).context("it is not listed")?;
    person.run(&["account", "tokens", "revoke", id]).await?;
    let complaint = refusal(&program).await?;
    ensure!(complaint.contains("not valid any more; run `hoop login`"), "{complaint}");
    let again = person.hoop(&["account", "tokens", "revoke", id])?.output().await?;
    let complaint = Psql(again).failure()?;
    ensure!(complaint.contains("`hoop account tokens list` lists what there is"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_logout_ends_the_login_at_the_gateway_and_here() -> Result {
    let gateway = Gateway::start_without_agent(Options::default()).await?;
    let person = Person::signed_in(&gateway).await?;
    let token = person.run(&["config", "view", "token", "--raw"]).await?;
    person.run(&["logout"]).await?;
    let view = person.run(&["config", "view", "--json"]).await?;
    ensure!(view.contains(&gateway.api_url) && view.contains("\"token\": null"), "{view}");
    let complaint = refusal(&person).await?;
    ensure!(complaint.contains("run `hoop login`"), "{complaint}");
    let thief = person.settings_of_another("HOOP_TOKEN", &token)?;
    let complaint = refusal(&thief).await?;
    ensure!(complaint.contains("not valid any more"), "{complaint}");
    let again = person.hoop(&["logout"])?.output().await?;
    ensure!(again.status.success(), "{again:?}");
    Ok(())
}

#[tokio::test]
async fn who_changes_their_password_knows_the_old_one_or_is_an_administrator() -> Result {
    let gateway = Gateway::start_without_agent(Options::default()).await?;
    let ann = gateway.rest.user_create(EMAIL, &[]).await?;
    let person = Person::new()?
        .with("API_URL", gateway.api_url.clone())
        .with("HOOP_TOKEN", ann.token().context("nobody is signed in")?);
    let change = ["account", "password"];
    let typed = |old: &str, new: &str| format!("{old}\n{new}\n").into_bytes();
    let wrong = person.feed(&change, typed("not-her-password", "another-password")).await?;
    let complaint = Psql(wrong).failure()?;
    ensure!(complaint.contains("old_password: is not your password"), "{complaint}");
    Psql(person.feed(&change, typed(PASSWORD, "another-password")).await?).success()?;
    person.run(&["account", "show"]).await?;
    let login = ["login", "--api-url", &gateway.api_url, "--email", EMAIL];
    let old = Person::new()?.feed(&login, format!("{PASSWORD}\n").into_bytes()).await?;
    ensure!(!old.status.success(), "the old password still signs in");
    Psql(Person::new()?.feed(&login, b"another-password\n".to_vec()).await?).success()?;

    let admin = Person::signed_in(&gateway).await?;
    let change = ["account", "password", "--user", EMAIL];
    Psql(admin.feed(&change, b"a-third-password\n".to_vec()).await?).success()?;
    let complaint = refusal(&person).await?;
    ensure!(complaint.contains("not valid any more"), "{complaint}");
    Ok(())
}
