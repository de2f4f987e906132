//! A real `psql` reaches a database whose password it does not have.

use anyhow::ensure;
use hoop_tests::{Gateway, Options, Target, gateway::CONNECTION, rest::text};

use crate::Result;

const WHO: &str = "select current_user, current_database()";

#[tokio::test]
async fn psql_reaches_the_target_on_the_edge_that_holds_the_agent() -> Result {
    let gateway = Gateway::usual().await?;
    let Target { role, database, .. } = &gateway.target;
    let answer = gateway.access(0).await?.answer(WHO).await?;
    assert_eq!(answer, format!("{role}|{database}"));
    Ok(())
}

#[tokio::test]
async fn psql_reaches_the_target_through_another_edge() -> Result {
    let gateway = Gateway::usual().await?;
    let Target { role, database, .. } = &gateway.target;
    let answer = gateway.access(1).await?.answer(WHO).await?;
    assert_eq!(answer, format!("{role}|{database}"));
    Ok(())
}

#[tokio::test]
async fn an_answer_is_the_same_as_without_the_gateway() -> Result {
    let gateway = Gateway::usual().await?;
    let sql = "select i, md5(i::text), null, array[i, -i], i / 7.0 from generate_series(1, 5000) i";
    let direct = gateway.target.direct().answer(sql).await?;
    for edge in 0..2 {
        assert_eq!(gateway.access(edge).await?.answer(sql).await?, direct, "edge {edge}");
    }
    Ok(())
}

#[tokio::test]
async fn the_session_says_who_came_from_where_to_what() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    access.answer("select 1").await?;
    let session = gateway.rest.only_session(CONNECTION).await?;
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    assert_eq!(text(&session, "user"), hoop_tests::gateway::ADMIN);
    assert_eq!(text(&session, "connection"), CONNECTION);
    assert_eq!(text(&session, "agent_name"), hoop_tests::gateway::AGENT);
    assert_eq!(text(&session, "client_application"), "psql");
    assert_eq!(text(&session, "end_reason"), "client_closed");
    ensure!(text(&session, "client_address").starts_with("127.0.0.1"), "{session}");
    Ok(())
}

#[tokio::test]
async fn tls_is_offered_and_required_by_those_who_want_it() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    for mode in ["disable", "prefer", "require"] {
        let output = access
            .psql()
            .env("PGSSLMODE", mode)
            .args(["-At", "-c", "\\conninfo", "-c", "select 1"])
            .output()
            .await?;
        let printed = hoop_tests::Psql(output).success()?;
        assert_eq!(printed.contains("SSL connection"), mode != "disable", "{mode}: {printed}");
    }
    Ok(())
}

#[tokio::test]
async fn one_edge_is_enough() -> Result {
    let gateway = Gateway::start(Options { edges: 1, ..Options::default() }).await?;
    assert_eq!(gateway.access(0).await?.answer("select 1").await?, "1");
    Ok(())
}

#[tokio::test]
async fn a_user_of_a_group_reaches_what_is_open_to_the_group() -> Result {
    let gateway = Gateway::usual().await?;
    gateway.open_to("for-dba", &["dba"]).await?;
    let user = gateway.rest.user_create("dba@example.com", &["dba"]).await?;
    let access = gateway.through(user.credential_create("for-dba", 60).await?, 1)?;
    assert_eq!(access.answer("select 1").await?, "1");
    Ok(())
}
