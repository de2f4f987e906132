//! What PostgreSQL's own clients can do, they can do through the gateway.

use anyhow::ensure;
use hoop_tests::{Access, Gateway, Psql, gateway::CONNECTION};

use crate::{
    Result,
    ending::{complaint, not_running, sleeper},
};

async fn run(access: &Access, program: &str, arguments: &[&str]) -> Result<String> {
    let output = access.command(program).args(arguments).output().await?;
    Psql(output).success()
}

#[tokio::test]
async fn copy_works_both_ways() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let folder = tempfile::tempdir()?;
    let (there, back) = (folder.path().join("there"), folder.path().join("back"));
    let lines: String = (0..50_000).map(|i| format!("{i}\t{}\n", "x".repeat(i % 100))).collect();
    tokio::fs::write(&there, &lines).await?;
    let copies = format!(
        "create table copied (i int, t text);\n\\copy copied from '{}'\n\\copy (table copied order by i) to '{}'\n",
        there.display(),
        back.display()
    );
    let script = folder.path().join("script.sql");
    tokio::fs::write(&script, copies).await?;
    run(&access, "psql", &["-X", "-v", "ON_ERROR_STOP=1", "-f", &script.display().to_string()])
        .await?;
    ensure!(tokio::fs::read_to_string(&back).await? == lines, "what came back is something else");
    Ok(())
}

#[tokio::test]
async fn a_dump_restores_to_the_same_database() -> Result {
    let gateway = Gateway::usual().await?;
    let from = gateway.access(1).await?;
    let empty = format!("{}_copy", gateway.target.database);
    let create = format!("create database {empty} owner {}", gateway.target.role);
    gateway.postgres.run("postgres", &create).await?;
    gateway.connection_to_database("copy", &empty).await?;
    let to = gateway.access_to("copy", 0).await?;
    let fill = "create table filled as select i, md5(i::text) m from generate_series(1, 20000) i;
                create index on filled (m); create view seen as select * from filled where i < 10";
    from.answer(fill).await?;
    let folder = tempfile::tempdir()?;
    let dump = folder.path().join("dump").display().to_string();
    run(&from, "pg_dump", &["-Fc", "-f", &dump]).await?;
    run(&to, "pg_restore", &["-d", "copy", "--no-owner", "-j", "2", &dump]).await?;
    let direct = gateway.target.direct();
    let before = run(&direct, "pg_dump", &["--no-owner"]).await?;
    let after = run(&direct.to_database(&empty), "pg_dump", &["--no-owner"]).await?;
    // Newer versions of pg_dump put a random word into these lines.
    let plain = |dump: &str| -> String {
        dump.lines()
            .filter(|line| !line.starts_with('\\') || *line == "\\.")
            .collect::<Vec<_>>()
            .join("\n")
    };
    ensure!(plain(&before) == plain(&after), "the copy differs");
    Ok(())
}

#[tokio::test]
async fn pgbench_runs_in_all_its_modes() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    run(&access, "pgbench", &["-i", "-s", "1", "-q"]).await?;
    for mode in ["simple", "extended", "prepared"] {
        let printed = run(&access, "pgbench", &["-n", "-M", mode, "-c", "4", "-t", "50"]).await?;
        ensure!(
            printed.contains("number of transactions actually processed: 200/200"),
            "{printed}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn notifications_and_notices_arrive() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let output = access
        .psql()
        .args([
            "-c",
            "listen news",
            "-c",
            "notify news, 'hello'",
            "-c",
            "do $$ begin raise notice 'look'; end $$",
        ])
        .output()
        .await?;
    let said = Psql(output);
    ensure!(
        said.success()?.contains("Asynchronous notification \"news\" with payload \"hello\""),
        "{said:?}"
    );
    ensure!(said.complaint().contains("NOTICE:  look"), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn large_objects_travel_both_ways() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let folder = tempfile::tempdir()?;
    let (there, back) = (folder.path().join("there"), folder.path().join("back"));
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    tokio::fs::write(&there, &bytes).await?;
    let script = folder.path().join("script.sql");
    let commands =
        format!("\\lo_import '{}'\n\\lo_export :LASTOID '{}'\n", there.display(), back.display());
    tokio::fs::write(&script, commands).await?;
    run(&access, "psql", &["-X", "-v", "ON_ERROR_STOP=1", "-f", &script.display().to_string()])
        .await?;
    ensure!(tokio::fs::read(&back).await? == bytes, "what came back is something else");
    Ok(())
}

#[tokio::test]
async fn ctrl_c_in_psql_cancels_the_statement() -> Result {
    for edge in 0..2 {
        let gateway = Gateway::usual().await?;
        let psql = sleeper(&gateway, &gateway.access(edge).await?).await?;
        let pid = psql.id().unwrap_or_default().to_string();
        tokio::process::Command::new("kill").args(["-s", "INT", &pid]).status().await?;
        let complaint = complaint(psql).await?;
        ensure!(complaint.contains("canceling statement due to user request"), "{complaint}");
        not_running(&gateway, "pg_sleep").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_statement_timeout_of_the_target_is_passed_on() -> Result {
    let gateway = Gateway::usual().await?;
    let output = gateway
        .access(1)
        .await?
        .psql()
        .env("PGOPTIONS", "-c statement_timeout=50ms")
        .args(["-c", "select pg_sleep(60)"])
        .output()
        .await?;
    let complaint = Psql(output).failure()?;
    ensure!(complaint.contains("canceling statement due to statement timeout"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn errors_of_the_target_come_with_their_codes_and_do_not_end_the_session() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let output = access
        .command("psql")
        .args([
            "-X",
            "-At",
            "-v",
            "VERBOSITY=verbose",
            "-c",
            "select 1/0",
            "-c",
            "select 'still here'",
        ])
        .output()
        .await?;
    ensure!(String::from_utf8_lossy(&output.stderr).contains("22012"), "{output:?}");
    ensure!(String::from_utf8_lossy(&output.stdout).contains("still here"), "{output:?}");
    assert_eq!(gateway.rest.sessions(&format!("connection={CONNECTION}")).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn settings_of_the_client_reach_the_target() -> Result {
    let gateway = Gateway::usual().await?;
    let output = gateway
        .access(1)
        .await?
        .psql()
        .env("PGAPPNAME", "the-app")
        .env("PGTZ", "Asia/Tokyo")
        .env("PGCLIENTENCODING", "LATIN1")
        .args(["-At", "-c", "select current_setting('application_name'), current_setting('TimeZone'), current_setting('client_encoding')"])
        .output()
        .await?;
    assert_eq!(Psql(output).success()?, "the-app|Asia/Tokyo|LATIN1");
    Ok(())
}
