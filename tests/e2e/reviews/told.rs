//! Reviewers hear of a request by mail, and the one who asked of what became of it.

use anyhow::ensure;
use hoop_testkit::{
    eventually,
    smtp::{Smtp, Tls, smtp},
};
use hoop_tests::rest::text;
use serde_json::{Value, json};

use super::{ANN, BOB, Scene, vote};
use crate::{Result, notifications::mail_channel};

/// Waits for the one mail with this subject, and whom it is for.
async fn mail(server: &Smtp, subject: &str) -> Result<(Value, String)> {
    eventually("a mail", async || {
        let inbox = server.mail()?;
        let mut found = inbox.iter().filter(|mail| text(mail, "data").contains(subject));
        let Some(mail) = found.next() else { anyhow::bail!("no mail about {subject:?}") };
        ensure!(found.next().is_none(), "two mails about {subject:?}");
        Ok((mail["to"].clone(), text(mail, "data").to_owned()))
    })
    .await
}

#[tokio::test]
async fn reviewers_are_told_of_a_request_and_the_one_who_asked_of_the_decision() -> Result {
    let server = smtp(Tls::Implicit).await?;
    let scene = Scene::new().await?;
    let rest = &scene.gateway.rest;
    rest.post("/api/notifications/channels", mail_channel(&server)?).await?;
    let subscription = json!({
        "name": "approvals", "channel": "mail", "events": ["review.*"],
        "recipients": ["reviewers", "requester"],
    });
    rest.post("/api/notifications/subscriptions", subscription).await?;
    scene.bash().await?;
    let held = scene.exec("true")?;
    let id = text(&scene.pending().await?, "id").to_owned();
    // Both are recipients of this one: bob may decide, ann has asked.
    let asked = eventually("two mails", async || {
        let inbox = server.mail()?;
        let about = inbox.iter().filter(|mail| text(mail, "data").contains("Approval needed"));
        let to: Vec<_> = about.filter_map(|mail| mail["to"][0].as_str()).collect();
        ensure!(to.len() == 2, "mails to {to:?}");
        Ok(to.into_iter().map(str::to_owned).collect::<std::collections::BTreeSet<_>>())
    })
    .await?;
    assert_eq!(asked, [ANN, BOB].map(str::to_owned).into());
    vote(&scene.bob, &id, "REJECTED", "not today").await?;
    let (to, data) = mail(&server, "Subject: Rejected").await?;
    assert_eq!(to, json!([ANN]));
    ensure!(data.contains(BOB) && data.contains("not today"), "{data}");
    ensure!(!held.wait_with_output().await?.status.success(), "it ran");
    Ok(())
}
