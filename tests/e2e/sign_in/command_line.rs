//! `hoop login` with a browser, on the same machine or another one.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::PathBuf, process::Output};

use anyhow::{Context, ensure};
use hoop_testkit::eventually;
use hoop_tests::{Browser, Psql, cli::Person};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStderr},
};

use super::{World, says};
use crate::Result;

/// A `hoop login` that waits.
pub(crate) struct Waiting {
    child: Child,
    talk: BufReader<ChildStderr>,
    /// The page that it names.
    pub(crate) url: String,
    /// The code that it shows.
    pub(crate) code: String,
}

impl Waiting {
    pub(crate) async fn begin(api_url: &str, person: &Person, with: &[&str]) -> Result<Self> {
        let arguments = [&["login", "--api-url", api_url], with].concat();
        let mut child = person.hoop(&arguments)?.env("BROWSER", browser(person)?).spawn()?;
        let mut talk = BufReader::new(child.stderr.take().context("no standard error")?);
        let mut said = String::new();
        while !said.contains("shows the code") {
            ensure!(talk.read_line(&mut said).await? != 0, "it ended: {said}");
        }
        let url = said.split_whitespace().find(|word| word.starts_with("http"));
        let code = said.split_whitespace().last();
        let (url, code) = (url.context("no URL")?.to_owned(), code.context("no code")?.to_owned());
        Ok(Self { child, talk, url, code })
    }

    pub(crate) async fn end(mut self) -> Result<Output> {
        let mut stderr = Vec::new();
        self.talk.read_to_end(&mut stderr).await?;
        let mut output = self.child.wait_with_output().await?;
        output.stderr = stderr;
        Ok(output)
    }
}

/// A browser that writes down what it is to open, and opens nothing: the test is the person.
fn browser(person: &Person) -> Result<PathBuf> {
    let script = person.home().join("browser");
    std::fs::write(&script, "#!/bin/sh\nprintf %s \"$1\" >\"${0%/*}/opened\"\n")?;
    std::fs::set_permissions(&script, Permissions::from_mode(0o700))?;
    Ok(script)
}

/// What the person's browser was to open; nothing when it was not started.
fn opened(person: &Person) -> Option<String> {
    std::fs::read_to_string(person.home().join("opened")).ok()
}

#[tokio::test]
async fn the_command_line_signs_in_through_a_browser_on_any_machine() -> Result {
    let world = World::new().await?;
    let person = Person::new()?;
    let waiting = Waiting::begin(&world.gateway.api_url, &person, &["--no-browser"]).await?;
    let mut browser = Browser::new()?;
    // By way of the identity provider, and back to the question.
    let page = browser.open(&waiting.url).await?;
    says(&page, 200, &waiting.code)?;
    says(&page, 200, "ann@example.com")?;
    ensure!(page.text.contains("hoop login"), "{page:?}");
    let allow = [("user_code", waiting.code.as_str()), ("answer", "allow")];
    let done = browser.submit(&page.url, "/api/login/device", &allow).await?;
    says(&done, 200, "Your terminal goes on")?;
    let output = waiting.end().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Psql(output).success()?;
    ensure!(said.contains("signed in as ann@example.com (standard)"), "{said}");
    ensure!(opened(&person).is_none(), "a browser was opened here");
    let token = person.run(&["config", "view", "token", "--raw"]).await?;
    ensure!(token.starts_with("hpl_"), "{token}");
    person.run(&["list"]).await?;

    // The browser's session is what the login was had with.
    browser.submit(&page.url, "/api/logout", &[]).await?;
    let refused = person.hoop(&["list"])?.output().await?;
    ensure!(!refused.status.success(), "the login outlived its browser's session");
    Ok(())
}

#[tokio::test]
async fn a_browser_on_the_same_machine_comes_by_at_the_terminal() -> Result {
    let world = World::new().await?;
    let person = Person::new()?;
    let waiting = Waiting::begin(&world.gateway.api_url, &person, &[]).await?;
    let url = eventually("a browser to be opened", async || {
        let url = opened(&person).unwrap_or_default();
        ensure!(url == waiting.url, "{url:?} was opened, not {}", waiting.url);
        Ok(url)
    })
    .await?;
    let mut browser = Browser::new()?;
    let page = browser.open(&url).await?;
    let typed = waiting.code.to_lowercase().replace('-', " ");
    let allow = [("user_code", typed.as_str()), ("answer", "allow")];
    let done = browser.submit(&page.url, "/api/login/device", &allow).await?;
    ensure!(done.url.host_str() == Some("127.0.0.1") && done.url.path() == "/callback", "{done:?}");
    ensure!(done.url.query().is_none(), "{done:?}");
    says(&done, 200, "Your terminal goes on")?;
    Psql(waiting.end().await?).success()?;
    Ok(())
}

#[tokio::test]
async fn who_denies_signs_nobody_in_and_a_stranger_can_take_nothing() -> Result {
    let world = World::new().await?;
    let person = Person::new()?;
    let waiting = Waiting::begin(&world.gateway.api_url, &person, &["--no-browser"]).await?;
    let mut browser = Browser::new()?;
    let page = browser.open(&waiting.url).await?;
    let deny = [("user_code", waiting.code.as_str()), ("answer", "deny")];
    // A page of another site can't answer for the person.
    let foreign = "https://evil.example.com/".parse()?;
    let forged = browser.forge(&foreign, &page.url, "/api/login/device", &deny).await?;
    says(&forged, 403, "another site")?;
    says(&browser.submit(&page.url, "/api/login/device", &deny).await?, 200, "Nobody")?;
    let output = waiting.end().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success() && said.contains("you denied it in the browser"), "{said}");
    says(&browser.open(&waiting_url(&page, "BCDF-GHJK")).await?, 404, "run hoop login again")
}

fn waiting_url(page: &hoop_tests::browser::Page, code: &str) -> String {
    let mut url = page.url.clone();
    url.set_query(Some(&format!("user_code={code}")));
    url.into()
}
