//! The real psql.

use std::{net::SocketAddr, process::Output};

use tokio::process::Command;

use crate::gateway::{PASSWORD, Running, USER};

async fn psql(address: SocketAddr, extra: &str, password: &str, sql: &str) -> Output {
    let target = format!("host=127.0.0.1 port={} user={USER} {extra}", address.port());
    Command::new("psql")
        .args(["-X", "-A", "-t", "-d", &target, "-c", sql])
        .env("PGPASSWORD", password)
        .env("PGCONNECT_TIMEOUT", "30")
        .env("LC_ALL", "C")
        .output()
        .await
        .expect("psql is installed (Debian: postgresql-client)")
}

fn printed(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn a_query_is_answered_with_and_without_tls() {
    let running = Running::start().await;
    for extra in [
        "dbname=pg sslmode=disable",
        "dbname=pg sslmode=prefer",
        "dbname=pg sslmode=require",
        "dbname=pg sslmode=require channel_binding=require",
        "dbname=pg sslmode=require channel_binding=disable",
        "dbname=pg sslmode=disable gssencmode=disable",
    ] {
        let output = psql(running.address, extra, PASSWORD, "select 1").await;
        assert_eq!(printed(&output), "1\n", "{extra}");
    }
    assert_eq!(running.script.seen.lock().unwrap().applications[0], "psql");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_are_told_the_same() {
    let running = Running::start().await;
    for sslmode in ["disable", "require"] {
        let extra = format!("dbname=pg sslmode={sslmode}");
        let wrong = complaint(&psql(running.address, &extra, "wrong", "select 1").await);
        assert!(
            wrong.contains("FATAL:  password authentication failed for user \"alice\""),
            "{wrong}"
        );
        let extra = format!("dbname=pg sslmode={sslmode} user=nobody");
        let unknown = complaint(&psql(running.address, &extra, PASSWORD, "select 1").await);
        assert_eq!(unknown.replace("nobody", "alice"), wrong);
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_words() {
    let running = Running::start().await;
    for (database, sentence) in [
        ("nowhere", "FATAL:  there is no connection of that name that you may use"),
        ("offline", "FATAL:  the agent of this connection is offline"),
        ("expired", "FATAL:  this credential has expired; create a new one"),
        ("down", "FATAL:  no answer from db:5432"),
    ] {
        let extra = format!("dbname={database} sslmode=require");
        let told = complaint(&psql(running.address, &extra, PASSWORD, "select 1").await);
        assert!(told.contains(sentence), "{told}");
        assert!(told.contains("HINT:"), "{told}");
    }
}

/// Runs `sql` in clear and under TLS, as it should go.
async fn both_ways(sql: &str) -> [Output; 2] {
    let running = Running::start().await;
    let run = async |sslmode: &str| {
        let extra = format!("dbname=pg sslmode={sslmode}");
        psql(running.address, &extra, PASSWORD, sql).await
    };
    [run("disable").await, run("require").await]
}

#[tokio::test]
async fn a_killed_session_is_told_why() {
    for output in both_ways("kill me").await {
        let told = complaint(&output);
        assert!(told.contains("FATAL:  the session was ended by an administrator"), "{told}");
    }
}

#[tokio::test]
async fn a_million_rows_arrive() {
    for output in both_ways("flood").await {
        assert_eq!(printed(&output).len(), 2_000_000);
    }
}

#[tokio::test]
async fn a_notice_reaches_the_person_and_the_session_goes_on() {
    for (sql, sentence) in [
        ("warn me", "WARNING:  this session ends in 5 minutes"),
        ("warn me in the middle", "WARNING:  this session ends in 1 minute"),
    ] {
        for output in both_ways(sql).await {
            assert_eq!(printed(&output), "1\n", "{sql}");
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(told.contains(sentence), "{sql}: {told}");
        }
    }
}
