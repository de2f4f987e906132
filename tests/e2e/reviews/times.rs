//! Access for a time: `psql`, `hoop connect`, and what ends with the approval.

use anyhow::{Context, ensure};
use hoop_domain::EndReason;
use hoop_tests::rest::text;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{BOB, Scene, decide, vote};
use crate::{
    Result,
    ending::{complaint, not_running, sleeper},
};

#[tokio::test]
async fn psql_is_refused_with_the_request_let_in_when_it_is_approved_and_cut_off_when_revoked()
-> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    let access = scene.ann.credential_create("shared", 600).await?;
    let access = scene.gateway.through(access, 1)?;
    access.answer("select 1").await?;
    scene.change_shared(json!({ "reviewers": ["leads"] })).await?;

    let refused = access.query("select 1").await?.failure()?;
    let review = scene.pending().await?;
    let id = text(&review, "id");
    ensure!(refused.contains(id) && refused.contains("a member of leads"), "{refused}");
    assert_eq!(text(&review, "type"), "jit");
    access.query("select 1").await?.failure()?;
    assert_eq!(text(&scene.pending().await?, "id"), id, "asked twice, it is one request");

    decide(&scene.bob, id, "APPROVED").await?;
    assert_eq!(access.answer("select 7").await?, "7");
    let psql = sleeper(&scene.gateway, &access).await?;
    let revoke = ["review", "revoke", id, "--reason", "the incident is over"];
    let revoked = scene.hoop(&scene.bob, &revoke).await?;
    revoked.success()?;
    ensure!(revoked.complaint().contains(&format!("review {id} is revoked")), "{revoked:?}");
    let complaint = complaint(psql).await?;
    let told = format!("the approval was revoked by {BOB}: the incident is over");
    ensure!(complaint.contains(&told), "{complaint}");
    not_running(&scene.gateway, "pg_sleep").await?;
    let sessions = scene.gateway.rest.sessions("connection=shared").await?;
    let newest = sessions.first().context("no session")?;
    let session = scene.gateway.rest.session_done(text(newest, "id")).await?;
    assert_eq!(text(&session, "end_reason"), "access_revoked");

    let refused = access.query("select 1").await?.failure()?;
    let next = scene.pending().await?;
    ensure!(text(&next, "id") != id && refused.contains(text(&next, "id")), "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_session_ends_when_the_approval_said_however_late_it_began() -> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    scene.change_shared(json!({ "reviewers": ["leads"] })).await?;
    let ask = json!({ "access_duration_seconds": 600 });
    let path = "/api/connections/shared/credentials";
    let held = scene.ann.post(path, ask.clone()).await?;
    assert_eq!(held["has_review"], json!(true), "{held}");
    let id = text(&held, "review_id").to_owned();
    let approve = json!({ "status": "APPROVED" });
    let approved = scene.bob.send(Method::PUT, &format!("/api/jits/{id}"), approve).await?;
    ensure!(approved.status == 200 && text(&approved.body, "status") == "APPROVED", "{approved:?}");
    assert_eq!(approved.body["access_duration_sec"], json!(600));
    // Most of the time goes by.
    let sql = "update reviews set ends_at = now() + interval '25 s'";
    scene.gateway.run_on_state(sql).await?;
    let ends = text(&scene.ann.get(&format!("/api/jits/{id}")).await?, "revoke_at").to_owned();
    let access = scene.gateway.through(scene.ann.credential_create("shared", 600).await?, 1)?;
    let listed = scene.ann.get("/api/credentials").await?;
    assert_eq!(text(&listed["data"][0], "expires_at"), ends, "it works no longer than that");
    let psql = sleeper(&scene.gateway, &access).await?;
    let complaint = complaint(psql).await?;
    ensure!(complaint.contains(EndReason::Expired.message()), "{complaint}");
    not_running(&scene.gateway, "pg_sleep").await?;
    ensure!(!access.query("select 1").await?.failure()?.is_empty());
    let again = vote(&scene.bob, &id, "APPROVED", "").await?;
    assert_eq!(again.status, 409, "the end does not move: {again:?}");
    Ok(())
}

#[tokio::test]
async fn hoop_connect_waits_for_the_approval_and_then_opens_its_port() -> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    scene.change_shared(json!({ "reviewers": ["leads"], "jit_access_duration_sec": 900 })).await?;
    let connect = ["connect", "shared", "--port", "0"];
    let mut child = scene.person.hoop_as(&scene.ann, &connect)?.spawn()?;
    let review = scene.pending().await?;
    assert_eq!(review["access_duration_sec"], json!(900), "the connection's usual time");
    decide(&scene.bob, text(&review, "id"), "APPROVED").await?;
    let stdout = child.stdout.take().context("no standard output")?;
    let uri = BufReader::new(stdout).lines().next_line().await?.context("nothing was printed")?;
    let psql = tokio::process::Command::new("psql")
        .args(["-X", "-At", "-c", "select 8", &uri])
        .output()
        .await?;
    assert_eq!(hoop_tests::Psql(psql).success()?, "8");
    child.kill().await?;
    Ok(())
}

#[tokio::test]
async fn an_approval_for_other_hours_lets_nobody_in() -> Result {
    let scene = Scene::new().await?;
    scene.shared().await?;
    let access = scene.gateway.through(scene.ann.credential_create("shared", 600).await?, 1)?;
    scene.change_shared(json!({ "reviewers": ["leads"] })).await?;
    access.query("select 1").await?.failure()?;
    let id = text(&scene.pending().await?, "id").to_owned();
    // Twelve hours from now, whenever that is: an hour on either side of it.
    let from = scene.hours_from_now(11).await?;
    let to = scene.hours_from_now(13).await?;
    let approve = ["review", "approve", &id, "--from", &from, "--to", &to];
    scene.hoop(&scene.bob, &approve).await?.success()?;
    let shown = scene.ann.get(&format!("/api/jits/{id}")).await?;
    let window = json!({
        "type": "time_range", "configuration": { "start_time": from, "end_time": to },
    });
    assert_eq!(shown["time_window"], window);
    let shown = scene.hoop(&scene.ann, &["review", "get", &id]).await?.success()?;
    ensure!(shown.contains(&format!("{from} to {to} UTC")), "{shown}");
    let refused = access.query("select 1").await?.failure()?;
    ensure!(refused.contains("another time of the day"), "{refused}");
    // Across midnight, as if somebody had approved all other hours.
    let sql = format!("update reviews set window_start = '{to}', window_end = '{from}'");
    scene.gateway.run_on_state(&sql).await?;
    assert_eq!(access.answer("select 9").await?, "9");
    Ok(())
}

impl Scene {
    /// The time of the day in so many hours, by the clock of the state store.
    async fn hours_from_now(&self, hours: u8) -> Result<String> {
        let sql =
            format!("select to_char((now() + interval '{hours} h') at time zone 'UTC', 'HH24:MI')");
        Ok(self.gateway.run_on_state(&sql).await?.trim().to_owned())
    }
}
