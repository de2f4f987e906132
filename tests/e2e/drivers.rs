//! Drivers of three languages, unchanged.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use hoop_testkit::tools;
use hoop_tests::{Access, Gateway, Psql};
use sqlx::{Connection, Executor, PgConnection, Row};

use crate::Result;

/// A program of `tests/clients` that talks PostgreSQL with one driver and prints `ok` at the end.
async fn runs(
    access: &Access,
    program: &str,
    folder: PathBuf,
    variable: &str,
    script: &str,
) -> Result {
    ensure!(folder.is_dir(), "{} is not there; run `cargo xtask install`", folder.display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script);
    let output = access.command(program).env(variable, &folder).arg(&script).output().await?;
    let printed = Psql(output).success().with_context(|| script.display().to_string())?;
    assert_eq!(printed.lines().last(), Some("ok"));
    Ok(())
}

fn tools() -> Result<PathBuf> {
    tools::folder().context("no folder of tools")
}

/// Runs a script of `tests/clients/python` with psycopg and the libpq that it brings along,
/// through the edge without the agent.
pub(crate) async fn psycopg(gateway: &Gateway, script: &str) -> Result {
    let access = gateway.access(1).await?;
    let script = format!("python/{script}");
    runs(&access, "python3", tools()?.join("python"), "PYTHONPATH", &script).await
}

#[tokio::test]
async fn psycopg_works() -> Result {
    psycopg(&Gateway::usual().await?, "roundtrip.py").await
}

#[tokio::test]
async fn node_postgres_works() -> Result {
    let gateway = Gateway::usual().await?;
    let access = gateway.access(1).await?;
    let modules = tools()?.join("node/node_modules");
    runs(&access, "node", modules, "NODE_PATH", "node/roundtrip.js").await
}

#[tokio::test]
async fn sqlx_works() -> Result {
    let gateway = Gateway::usual().await?;
    for mode in ["disable", "require"] {
        let access = gateway.access(1).await?;
        let mut connection =
            PgConnection::connect(&format!("{}?sslmode={mode}", access.uri())).await?;
        connection.execute("create temp table notes (id int primary key, body text)").await?;
        let mut transaction = connection.begin().await?;
        for id in 0..100_i32 {
            sqlx::query("insert into notes values ($1, $2)")
                .bind(id)
                .bind(format!("note {id}"))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        let mut copy = connection.copy_in_raw("copy notes from stdin").await?;
        copy.send(&b"100\tcopied\n"[..]).await?;
        assert_eq!(copy.finish().await?, 1);
        let rows = sqlx::query("select id, body from notes where id >= $1 order by id")
            .bind(99_i32)
            .fetch_all(&mut connection)
            .await?;
        let found: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(found, [(99, "note 99".to_owned()), (100, "copied".to_owned())]);
        let refused = sqlx::query("select 1/0").execute(&mut connection).await;
        let code =
            refused.err().and_then(|error| Some(error.as_database_error()?.code()?.into_owned()));
        assert_eq!(code.as_deref(), Some("22012"));
        connection.close().await?;
    }
    Ok(())
}
