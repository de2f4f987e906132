//! A real `psql` reaches a database whose password it does not have, a shell runs where the
//! agent is, somebody is told by mail, and all of it is replayed from a bucket and verified.

mod inbox;

use std::path::PathBuf;

use anyhow::{Context, Result};
use hoop_testkit::{
    S3, s3,
    smtp::{Tls, smtp},
};

use super::{
    replay,
    terminal::{heading, quote, say},
};
use crate::{
    Access, Gateway, Options,
    cli::Person,
    gateway::{AGENT, CONNECTION},
    rest::text,
};

const QUERIES: [&str; 2] = [
    "select * from customers order by id",
    "select count(*) as londoners from customers where city = 'London'",
];

/// Where recordings go.
const BUCKET: &str = "recordings";

/// A connection that is a shell beside the agent.
const SHELL: &str = "shell";

pub(super) async fn run(logs: PathBuf) -> Result<()> {
    heading("starting PostgreSQL, NATS, an S3 server, a mail server and the gateway's processes");
    let (bucket, mail) = (s3().await?, smtp(Tls::Off).await?);
    bucket.bucket(BUCKET).await?;
    let options = Options { logs: Some(logs), ..Options::default() };
    let options = inbox::settings(stored_in(options, &bucket), &mail);
    let mut gateway = Gateway::start(options).await?;
    cast(&gateway);
    say(&format!("    {:<18}keeps the recordings, at {}", "S3 server", bucket.url()));
    say(&format!("    {:<18}127.0.0.1:{}", "mail server", mail.port()));
    inbox::subscribe(&gateway.rest).await?;

    heading("psql, through the edge that does not hold the agent");
    let access = gateway.access(1).await?;
    let shown = psql(&access).await?;
    quote(&shown);

    heading("what the gateway recorded, from the REST API");
    let session = gateway.rest.only_session(CONNECTION).await?;
    let session = gateway.rest.session_done(text(&session, "id")).await?;
    replay::show(&gateway.rest, &session).await?;

    heading("a shell beside the agent, in a real terminal, then replayed");
    let person = Person::signed_in(&gateway).await?;
    let id = shell(&gateway, &person).await?;

    heading("where the recording of that shell is");
    let keys = bucket.keys(BUCKET).await?;
    keys.iter().filter(|key| key.contains(&id)).for_each(|key| say(&format!("    {key}")));

    heading("the mail about both");
    inbox::show(&mail).await?;

    heading("whether anybody has touched a recording since");
    quote("$ hoop audit verify");
    quote(&person.run(&["audit", "verify"]).await?);

    heading("stopping everything");
    gateway.stop()?;
    drop(gateway);
    say("    nothing is left behind; `cargo xtask up` starts the same to play with");
    Ok(())
}

fn stored_in(mut options: Options, bucket: &S3) -> Options {
    for process in ["api", "audit-writer"] {
        options = options
            .with(process, "S3_BUCKET", BUCKET)
            .with(process, "S3_ENDPOINT", bucket.url())
            .with(process, "AWS_ACCESS_KEY_ID", "demo")
            .with(process, "AWS_SECRET_ACCESS_KEY", "demo");
    }
    options
}

/// Types into a shell and shows the screen, then shows the replay. Returns the session's id.
async fn shell(gateway: &Gateway, person: &Person) -> Result<String> {
    let make = ["admin", "create", "connection", SHELL, "-a", AGENT, "-t", "command-line"];
    let command = ["--command", "env", "PS1=remote> ", "bash", "--norc", "--noprofile"];
    person.run(&[&make[..], &command].concat()).await?;
    quote(&format!("$ hoop connect {SHELL}"));
    let mut terminal = person.terminal(&["connect", SHELL])?;
    for (typed, shown) in [("echo I am $(id -un)", "I am "), ("stty size", "24 80")] {
        terminal.shows_last("remote>").await?;
        terminal.types(&format!("{typed}\r")).await?;
        terminal.shows(&format!("\n{shown}")).await?;
    }
    terminal.shows_last("remote>").await?;
    quote(terminal.screen().trim_end());
    terminal.types("exit\r").await?;
    terminal.ended().await?;
    let session = gateway.rest.only_session(SHELL).await?;
    let id = text(&session, "id").to_owned();
    gateway.rest.session_done(&id).await?;
    say("");
    quote(&format!("$ hoop sessions replay {id} --speed 20"));
    quote(&person.run(&["sessions", "replay", &id, "--speed", "20"]).await?);
    Ok(id)
}

/// Who takes part, and where they listen.
pub(super) fn cast(gateway: &Gateway) {
    say(&format!(
        "    {:<18}{}",
        "PostgreSQL",
        format_args!("127.0.0.1:{}", gateway.postgres.port())
    ));
    say(&format!("    {:<18}{}", "nats-server", gateway.nats.url().trim_start_matches("nats://")));
    say(&format!("    {:<18}{}", "hoop-api", gateway.api_url));
    for (number, edge) in gateway.edges.iter().enumerate() {
        let name = format!("hoop-grpc-edge {number}");
        say(&format!("    {name:<18}gRPC 127.0.0.1:{}, psql 127.0.0.1:{}", edge.grpc, edge.pg));
    }
    say(&format!("    {:<18}stores what the edges record", "hoop-audit-writer"));
    say(&format!("    {:<18}tells people what happened", "hoop-notifier"));
    say(&format!("    {:<18}called edge 0; it alone knows the database's password", "hoop-agent"));
}

async fn psql(access: &Access) -> Result<String> {
    let Access { host, port, username, database, .. } = access;
    quote(&format!("$ psql -h {host} -p {port} -U {username} {database}"));
    let mut command = access.psql();
    // psql shows each query before its answer.
    command.arg("--echo-queries").args(QUERIES.iter().flat_map(|query| ["-c", query]));
    let output = command.output().await.context("run psql")?;
    crate::Psql(output).success().context("psql through the gateway")
}
