//! PostgreSQL's own clients, unchanged, in front of PostgreSQL itself.

use std::process::Stdio;

use hoop_native::{Listener, Tls};
use hoop_testkit::Postgres;
use hoop_wire::postgres::transcript::{Exchange, Kind};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    gateway::{PASSWORD, USER},
    real::Real,
};

struct Stack {
    gateway: Real,
    port: u16,
    direct: u16,
    database: String,
    _postgres: Postgres,
}

impl Stack {
    async fn start() -> Self {
        let postgres = hoop_testkit::postgres().await.unwrap();
        let uri = postgres.create_database().await.unwrap();
        let database =
            uri.rsplit('/').next().and_then(|rest| rest.split('?').next()).unwrap().to_owned();
        let listener =
            Listener::bind(([127, 0, 0, 1], 0).into(), Tls::self_signed().unwrap()).await.unwrap();
        let port = listener.address().port();
        let direct = postgres.port();
        let gateway = Real::new(direct);
        tokio::spawn(listener.run(gateway.clone(), std::future::pending()));
        Self { gateway, port, direct, database, _postgres: postgres }
    }

    /// Runs a client through the listener; what it printed.
    async fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        self.run_on(self.port, program, arguments, input).await
    }

    async fn run_on(&self, port: u16, program: &str, arguments: &[&str], input: &str) -> String {
        let user = if port == self.direct { "postgres" } else { USER };
        let mut child = Command::new(program)
            .args(arguments)
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", port.to_string())
            .env("PGUSER", user)
            .env("PGPASSWORD", PASSWORD)
            .env("PGDATABASE", &self.database)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("PostgreSQL's clients are installed (Debian: postgresql)");
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        let output = child.wait_with_output().await.unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn psql(&self, sql: &str) -> String {
        self.run("psql", &["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1"], sql).await
    }
}

fn find<'a>(exchanges: &'a [Exchange], beginning: &str) -> &'a Exchange {
    exchanges
        .iter()
        .find(|exchange| exchange.sql.starts_with(beginning))
        .unwrap_or_else(|| panic!("no {beginning:?} in {exchanges:#?}"))
}

#[tokio::test]
async fn psql_copies_both_ways_and_the_transcript_says_so() {
    let stack = Stack::start().await;
    let printed = stack
        .psql(
            "create table t (a int);\n\
             copy t from stdin;\n1\n2\n3\n\\.\n\
             copy (select a from t, generate_series(1, 100000)) to stdout;\n\
             select sum(a) from t;\n",
        )
        .await;
    assert!(printed.ends_with("\n6\n"), "{} bytes", printed.len());
    let exchanges = stack.gateway.exchanges();
    assert_eq!(find(&exchanges, "create table").tag(), "CREATE TABLE");
    let copy = find(&exchanges, "copy t from");
    assert_eq!((copy.kind, copy.tag().as_str()), (Kind::Copy, "COPY 3"));
    let copy = find(&exchanges, "copy (select");
    assert_eq!((copy.kind, copy.tag().as_str()), (Kind::Copy, "COPY 300000"));
    assert!(300_000 * 7 <= copy.bytes_out);
    let sum = find(&exchanges, "select sum");
    assert_eq!((sum.kind, sum.rows, sum.tag().as_str()), (Kind::Simple, 1, "SELECT 1"));
    assert!(exchanges.iter().all(|exchange| exchange.finished_at.is_some()));
}

#[tokio::test]
async fn pgbench_runs_in_every_mode() {
    let stack = Stack::start().await;
    stack.run_on(stack.direct, "pgbench", &["-i", "-q", "-s", "1"], "").await;
    for mode in ["simple", "extended", "prepared"] {
        stack.run("pgbench", &["-n", "-M", mode, "-c", "4", "-j", "2", "-t", "25"], "").await;
        let exchanges = stack.gateway.exchanges();
        let updates: Vec<_> =
            exchanges.iter().filter(|e| e.sql.starts_with("UPDATE pgbench_accounts")).collect();
        assert_eq!(updates.len(), 100, "{mode}");
        assert!(updates.iter().all(|e| e.error.is_none() && e.tag() == "UPDATE 1"), "{mode}");
        let bound = updates.iter().all(|e| e.parameters.len() == 2);
        assert_eq!(bound, mode != "simple", "{mode}");
    }
}

#[tokio::test]
async fn a_dump_is_the_same_as_a_direct_one_and_can_be_restored() {
    let stack = Stack::start().await;
    stack.run_on(stack.direct, "pgbench", &["-i", "-q", "-s", "1"], "").await;
    stack.psql("select lo_from_bytea(0, 'large');").await;
    // Without a key of our own every dump has another one in it.
    let arguments = ["--no-owner", "--restrict-key=same"];
    let dump = stack.run("pg_dump", &arguments, "").await;
    let direct = stack.run_on(stack.direct, "pg_dump", &arguments, "").await;
    assert!(dump == direct, "{} bytes, not {}", dump.len(), direct.len());

    stack
        .psql("drop table pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers;")
        .await;
    stack.psql("select lo_unlink(oid) from pg_largeobject_metadata;").await;
    stack.psql(&dump).await;
    assert_eq!(stack.psql("select count(*) from pgbench_accounts;").await, "100000\n");
}

#[tokio::test]
async fn notifications_arrive() {
    let stack = Stack::start().await;
    let printed = stack.psql("listen news;\nnotify news, 'hello';\nselect 1;\n").await;
    assert!(printed.contains("Asynchronous notification \"news\" with payload \"hello\""));
}
