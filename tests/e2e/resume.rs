//! A session outlives the edges that carry it: whatever breaks between its ends, both go on at
//! the right byte, and the recording is whole.

use std::process::Stdio;

use anyhow::ensure;
use hoop_testkit::eventually;
use hoop_tests::{
    Balanced, Gateway, Options, Psql,
    cli::Connected,
    gateway::AGENT,
    rest::{Recording, text},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use crate::{Result, command_line_admin::make, ending::running};

/// See [`Balanced`], with a connection `bash` as well.
async fn world() -> Result<Balanced> {
    let world = Balanced::start(None).await?;
    make(&world.person, "bash", &["bash"]).await?;
    Ok(world)
}

/// The recording of a session that is over is whole, and verifies.
async fn is_recorded(world: &Balanced, id: &str) -> Result<Recording> {
    world.gateway.rest.session_done(id).await?;
    let recording = world.gateway.rest.recording(id).await?;
    recording.is_complete()?;
    let verified = world.person.run(&["audit", "verify", "--session", id]).await?;
    ensure!(verified.contains(id), "{verified}");
    Ok(recording)
}

/// What is sent piece by piece and comes back, so that a lost or repeated byte shows.
struct Echo {
    stream: TcpStream,
    round: u32,
}

impl Echo {
    const PIECE: usize = 40_000;

    async fn by(connected: &Connected) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", connected.port)).await?;
        Ok(Self { stream, round: 0 })
    }

    /// What is sent in a round.
    fn piece(round: u32) -> Vec<u8> {
        let words = (0..).map(|n: u32| (n ^ round).wrapping_mul(2_654_435_761));
        words.flat_map(u32::to_le_bytes).take(Self::PIECE).collect()
    }

    /// Sends some pieces and reads them back.
    async fn rounds(&mut self, rounds: usize) -> Result {
        for _ in 0..rounds {
            self.round += 1;
            let piece = Self::piece(self.round);
            let (mut read, mut write) = self.stream.split();
            let mut back = vec![0; piece.len()];
            tokio::try_join!(write.write_all(&piece), read.read_exact(&mut back))?;
            ensure!(back == piece, "round {} came back as something else", self.round);
        }
        Ok(())
    }

    /// Sends pieces and reads them back, until the flood is told to end.
    fn flood(mut self) -> Flood {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            while stopped.try_recv().is_err() {
                self.rounds(1).await?;
            }
            Ok(self)
        });
        Flood { stop, task }
    }
}

/// An echo that is busy.
struct Flood {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<Echo>>,
}

impl Flood {
    async fn end(self) -> Result<Echo> {
        let _ = self.stop.send(());
        self.task.await?
    }
}

/// A tunnel with an echo at its other end.
async fn tunnel(world: &Balanced) -> Result<(Connected, Echo)> {
    let connected = world.person.connect("echo").await?;
    let echo = Echo::by(&connected).await?;
    Ok((connected, echo))
}

/// Ends it: what was sent and came back is what is recorded, to the byte.
async fn is_all_recorded(world: &Balanced, connected: Connected, echo: Echo) -> Result {
    let (session, rounds) = (connected.session.clone(), echo.round);
    drop(echo);
    interrupt(connected).await?;
    let recording = is_recorded(world, &session).await?;
    let sent: Vec<u8> = (1..=rounds).flat_map(Echo::piece).collect();
    ensure!(recording.input_bytes()? == sent, "something else was recorded going in");
    ensure!(recording.output_bytes()? == sent, "something else was recorded coming out");
    Ok(())
}

async fn interrupt(mut connected: Connected) -> Result {
    let pid = connected.child.id().unwrap_or_default().to_string();
    tokio::process::Command::new("kill").args(["-s", "INT", &pid]).status().await?;
    let status = connected.child.wait().await?;
    ensure!(status.success(), "{status}");
    Ok(())
}

#[tokio::test]
async fn a_session_goes_on_when_the_clients_edge_is_killed() -> Result {
    let mut world = world().await?;
    let (connected, mut echo) = tunnel(&world).await?;
    echo.rounds(20).await?;
    world.gateway.edge_mut(1)?.kill()?;
    echo.rounds(20).await?;
    is_all_recorded(&world, connected, echo).await
}

#[tokio::test]
async fn a_session_goes_on_when_both_its_ends_lose_their_edge() -> Result {
    let mut world = world().await?;
    world.outer.prefer(0);
    let (connected, mut echo) = tunnel(&world).await?;
    echo.rounds(20).await?;
    world.gateway.edge_mut(0)?.kill()?;
    echo.rounds(20).await?;
    is_all_recorded(&world, connected, echo).await
}

#[tokio::test]
async fn psql_at_its_own_edge_does_not_notice_that_the_agents_edge_is_killed() -> Result {
    let mut world = world().await?;
    let access = world.gateway.access(1).await?;
    let sql = "select md5(string_agg(n::text, ',')) from generate_series(1, 100000) n";
    let expected = world.gateway.target.direct().answer(sql).await?;
    let psql = access.psql().args(["-At", "-c", "select pg_sleep(2)", "-c", sql]).spawn()?;
    running(&world.gateway, "pg_sleep").await?;
    world.gateway.edge_mut(0)?.kill()?;
    let output = Psql(psql.wait_with_output().await?).success()?;
    ensure!(output.contains(&expected), "{output}");
    let id = crate::recording::finished(&world.gateway.rest).await?;
    is_recorded(&world, &id).await?;
    Ok(())
}

#[tokio::test]
async fn a_bulk_copy_survives_edges_that_are_killed_in_turn() -> Result {
    let mut world = world().await?;
    let access = world.gateway.access(1).await?;
    let copy =
        "copy (select n, repeat(md5(n::text), 8) from generate_series(1, 400000) n) to stdout";
    let expected = world.gateway.target.direct().query(copy).await?.success()?;
    let tap = hoop_tests::Tap::start(access.port).await?;
    let psql = access
        .by_port(tap.port)
        .psql()
        .env("PGSSLMODE", "disable")
        .args(["-At", "-c", copy])
        .spawn()?;
    let output = tokio::spawn(psql.wait_with_output());
    for bytes in [10_000_000, 40_000_000] {
        eventually("the copy to be in full flow", async || {
            ensure!(bytes < tap.heard_from_server(), "{} bytes", tap.heard_from_server());
            Ok(())
        })
        .await?;
        // Whichever the agent is at: the second time it has come back to the first one.
        world.gateway.edge_mut(0)?.kill()?;
        world.gateway.edge_mut(0)?.start()?;
        world.inner.prefer(0);
        world.inner.reset();
    }
    let output = Psql(output.await??).success()?;
    ensure!(output == expected, "{} bytes and not {}", output.len(), expected.len());
    let id = crate::recording::finished(&world.gateway.rest).await?;
    is_recorded(&world, &id).await?;
    Ok(())
}

#[tokio::test]
async fn a_network_that_is_cut_costs_a_pause_even_at_the_same_edge() -> Result {
    let world = world().await?;
    let (connected, mut echo) = tunnel(&world).await?;
    for _ in 0..5 {
        echo.rounds(10).await?;
        world.outer.reset();
        world.inner.reset();
    }
    echo.rounds(10).await?;
    is_all_recorded(&world, connected, echo).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_ends_no_session_that_can_resume() -> Result {
    let mut world = world().await?;
    let (connected, echo) = tunnel(&world).await?;
    let script = "for i in $(seq 1 200); do echo line $i; sleep 0.05; done; exit 7";
    let exec =
        world.person.hoop(&["exec", "bash", "--", "-c", script])?.stdout(Stdio::piped()).spawn()?;
    let exec = tokio::spawn(exec.wait_with_output());
    running_exec(&world).await?;
    let flood = echo.flood();
    for edge in [0, 1, 0, 1] {
        world.gateway.edge_mut(edge)?.stop()?;
        world.gateway.edge_mut(edge)?.start()?;
    }
    let mut echo = flood.end().await?;
    echo.rounds(10).await?;
    let output = exec.await??;
    let lines: Vec<String> = (1..=200).map(|i| format!("line {i}")).collect();
    let printed = String::from_utf8(output.stdout)?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(printed.lines().collect::<Vec<_>>(), lines, "{complaint}");
    assert_eq!(output.status.code(), Some(7), "{complaint}");
    is_all_recorded(&world, connected, echo).await
}

/// Makes a connection for tunnels to the target, which knows nothing of databases.
async fn make_tunnels(world: &Balanced) -> Result {
    let port = world.gateway.target.postgres.port().to_string();
    let secret = [("HOST", "127.0.0.1"), ("PORT", port.as_str())];
    world.gateway.rest.connection_create("target", "tcp", AGENT, &secret, &[]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_pgbench_and_copy_ends_no_session() -> Result {
    let mut world = world().await?;
    let direct = world.gateway.target.direct();
    let tables = direct.command("pgbench").args(["-i", "-q", "-s", "1"]).output().await?;
    Psql(tables).success()?;
    let copy =
        "copy (select n, repeat(md5(n::text), 8) from generate_series(1, 400000) n) to stdout";
    let expected = direct.query(copy).await?.success()?;
    make_tunnels(&world).await?;
    let queries = world.person.connect("target").await?;
    let copies = world.person.connect("target").await?;
    let bench = direct
        .by_port(queries.port)
        .command("pgbench")
        .args(["-S", "-n", "-c", "4", "-j", "1", "-T", "12"])
        .spawn()?;
    let bench = tokio::spawn(bench.wait_with_output());
    let access = direct.by_port(copies.port);
    let copying = tokio::spawn(async move {
        let mut answers = Vec::new();
        for _ in 0..2 {
            answers.push(access.query(copy).await?.success()?);
        }
        Ok::<_, anyhow::Error>(answers)
    });
    running(&world.gateway, "generate_series").await?;
    for edge in [0, 1] {
        world.gateway.edge_mut(edge)?.stop()?;
        world.gateway.edge_mut(edge)?.start()?;
    }
    for answer in copying.await?? {
        ensure!(answer == expected, "{} bytes and not {}", answer.len(), expected.len());
    }
    let report = Psql(bench.await??).success()?;
    ensure!(report.contains("number of failed transactions: 0 "), "{report}");
    for connected in [queries, copies] {
        let id = connected.session.clone();
        interrupt(connected).await?;
        is_recorded(&world, &id).await?;
    }
    Ok(())
}

async fn running_exec(world: &Balanced) -> Result {
    eventually("the command to run", async || {
        let sessions = world.gateway.rest.sessions("connection=bash").await?;
        let open = sessions.iter().any(|session| text(session, "status") == "open");
        ensure!(open, "{sessions:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_edge_that_hangs_and_comes_back_records_nothing_more() -> Result {
    let mut world = world().await?;
    let (connected, mut echo) = tunnel(&world).await?;
    echo.rounds(10).await?;
    world.gateway.edge_mut(1)?.process()?.signal("STOP")?;
    world.outer.prefer(0);
    // The client's connection is reset on the way, as a load balancer would that takes the
    // hanging edge for dead.
    world.outer.reset();
    echo.rounds(10).await?;
    world.gateway.edge_mut(1)?.process()?.signal("CONT")?;
    echo.rounds(10).await?;
    is_all_recorded(&world, connected, echo).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_restarted_costs_a_pause() -> Result {
    let mut world = world().await?;
    let (connected, echo) = tunnel(&world).await?;
    let access = world.gateway.access(1).await?;
    let psql = access.psql().args(["-At", "-c", "select pg_sleep(4), 'survived'"]).spawn()?;
    running(&world.gateway, "survived").await?;
    let flood = echo.flood();
    world.gateway.nats.kill()?;
    world.gateway.nats.restart().await?;
    let mut echo = flood.end().await?;
    echo.rounds(10).await?;
    let output = Psql(psql.wait_with_output().await?).success()?;
    ensure!(output.contains("survived"), "{output}");
    is_all_recorded(&world, connected, echo).await
}

#[tokio::test]
async fn what_a_command_said_last_arrives_though_the_edge_dies_meanwhile() -> Result {
    let mut world = world().await?;
    let (go, gone) = (world.person.home().join("go"), world.person.home().join("gone"));
    let script = format!(
        "until [ -e {} ]; do sleep 0.1; done; echo the last word; touch {}; exit 9",
        go.display(),
        gone.display()
    );
    let exec = world.person.hoop(&["exec", "bash", "--", "-c", &script])?.spawn()?;
    running_exec(&world).await?;
    world.gateway.edge_mut(1)?.kill()?;
    world.gateway.edge_mut(0)?.kill()?;
    // No edge is there when the command ends.
    std::fs::write(&go, "")?;
    eventually("the command to end", async || {
        ensure!(gone.exists(), "it runs");
        Ok(())
    })
    .await?;
    world.gateway.edge_mut(0)?.start()?;
    let output = exec.wait_with_output().await?;
    assert_eq!(output.status.code(), Some(9), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"the last word\n");
    Ok(())
}

#[tokio::test]
async fn an_end_that_does_not_come_back_ends_the_session_with_the_reason() -> Result {
    let options = Options::default().with("grpc-edge", "EDGE_RESUME_GRACE", "1s");
    let mut gateway = Gateway::start(options).await?;
    let access = gateway.access(1).await?;
    let psql = crate::ending::sleeper(&gateway, &access).await?;
    gateway.agent_mut()?.kill()?;
    let complaint = crate::ending::complaint(psql).await?;
    ensure!(complaint.contains("agent"), "{complaint}");
    let id = crate::recording::finished(&gateway.rest).await?;
    let session = gateway.rest.session_done(&id).await?;
    assert_eq!(text(&session, "end_reason"), "agent_lost", "{session}");
    Ok(())
}
