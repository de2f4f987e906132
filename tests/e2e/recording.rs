//! What is recorded is what happened, byte by byte, and no more.

use anyhow::{Context, ensure};
use hoop_tests::{Gateway, Rest, Tap, Target, gateway::CONNECTION, rest::text};
use serde_json::Value;

use crate::Result;

/// The only session of the usual connection, when it is over.
pub(crate) async fn finished(rest: &Rest) -> Result<String> {
    let session = rest.only_session(CONNECTION).await?;
    let session = rest.session_done(text(&session, "id")).await?;
    Ok(text(&session, "id").to_owned())
}

#[tokio::test]
async fn a_recording_holds_the_bytes_that_psql_sent_and_got() -> Result {
    for edge in 0..2 {
        let gateway = Gateway::usual().await?;
        let access = gateway.access(edge).await?;
        let tap = Tap::start(access.port).await?;
        let output = access
            .by_port(tap.port)
            .psql()
            .env("PGSSLMODE", "disable")
            .args([
                "-c",
                "select i, repeat('x', i) from generate_series(1, 2000) i",
                "-c",
                "select 1",
            ])
            .output()
            .await?;
        hoop_tests::Psql(output).success()?;
        let id = finished(&gateway.rest).await?;
        let recording = gateway.rest.recording(&id).await?;
        recording.is_complete()?;
        let (sent, got) = (recording.input_bytes()?, recording.output_bytes()?);
        ensure!(2_000_000 < got.len(), "only {} bytes were recorded", got.len());
        // The login with the gateway comes before; it is not part of the session.
        ensure!(tap.from_server().ends_with(&got), "edge {edge}: psql got something else");
        ensure!(tap.from_client().ends_with(&sent), "edge {edge}: psql sent something else");
    }
    Ok(())
}

#[tokio::test]
async fn statements_are_decoded_with_what_came_back_and_how_long_it_took() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    access.answer("select name from customers order by id").await?;
    let id = finished(&gateway.rest).await?;
    let statements = gateway.rest.get(&format!("/api/sessions/{id}/statements")).await?;
    let shown = statements.to_string();
    for part in ["select name from customers order by id", "SELECT 3"] {
        ensure!(shown.contains(part), "no {part:?} in {shown}");
    }
    Ok(())
}

#[tokio::test]
async fn the_first_packet_says_who_and_the_last_says_why() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.access(1).await?.answer("select 1").await?;
    let id = finished(&gateway.rest).await?;
    let recording = gateway.rest.recording(&id).await?;
    let first = recording.input.first().context("nothing was recorded")?;
    let last = recording.input.last().context("nothing was recorded")?;
    assert_eq!((first.seq(), first.kind()), (1, "session_start"), "{first:?}");
    assert_eq!(last.kind(), "session_end", "{last:?}");
    let out = recording.output.last().context("nothing came back")?;
    assert_eq!(out.kind(), "session_end", "{out:?}");
    Ok(())
}

#[tokio::test]
async fn the_targets_password_is_in_no_answer_no_log_and_no_packet() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.access(1).await?.answer("select 1").await?;
    let id = finished(&gateway.rest).await?;
    let mut places: Vec<(String, String)> = Vec::new();
    for path in [
        "/api/connections".to_owned(),
        format!("/api/connections/{CONNECTION}"),
        format!("/api/sessions/{id}"),
    ] {
        places.push((path.clone(), gateway.rest.get(&path).await?.to_string()));
    }
    let recording = gateway.rest.recording(&id).await?;
    for packet in recording.input.iter().chain(&recording.output) {
        let data = String::from_utf8_lossy(&packet.data()?).into_owned();
        places.push((format!("packet {}", packet.seq()), format!("{data} {:?}", packet.0)));
    }
    for service in gateway.services() {
        places.push((service.name().to_owned(), service.log()));
    }
    places.push(("the state store".to_owned(), gateway.dump_of_state().await?));
    for (place, text) in places {
        ensure!(!text.contains(Target::PASSWORD), "the password is in {place}");
    }
    Ok(())
}

#[tokio::test]
async fn people_see_their_own_sessions_and_nobody_elses() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.open_to("for-dba", &["dba"]).await?;
    gateway.access(1).await?.answer("select 1").await?;
    let theirs = finished(&gateway.rest).await?;
    let dba = gateway.rest.user_create("dba@example.com", &["dba"]).await?;
    gateway.through(dba.credential_create("for-dba", 60).await?, 0)?.answer("select 2").await?;
    let own = dba.sessions("").await?;
    assert_eq!(own.len(), 1, "{own:?}");
    let own = own.first().map(|session| text(session, "id")).context("no session")?;
    gateway.rest.session_done(own).await?;
    // The same under the names that older clients know.
    for path in [String::new(), format!("/{own}"), format!("/{own}/status")] {
        let answer = dba.get(&format!("/api/plugins/audit/sessions{path}")).await?;
        assert_eq!(answer, dba.get(&format!("/api/sessions{path}")).await?, "{path}");
    }
    let status = dba.get(&format!("/api/plugins/audit/sessions/{own}/status")).await?;
    assert_eq!((text(&status, "id"), text(&status, "status")), (own, "done"));
    let all = gateway.rest.get("/api/plugins/audit/sessions").await?;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(2), "{all}");
    for path in ["", "/status"] {
        let path = format!("/api/plugins/audit/sessions/{theirs}{path}");
        let answer = dba.send(reqwest::Method::GET, &path, Value::Null).await?;
        assert_eq!(answer.status, 404, "{path}");
    }
    for path in ["", "/packets", "/statements", "/status", "/download"] {
        let path = format!("/api/sessions/{theirs}{path}");
        let answer = dba.send(reqwest::Method::GET, &path, Value::Null).await?;
        assert_eq!(answer.status, 404, "{path}");
    }
    Ok(())
}
