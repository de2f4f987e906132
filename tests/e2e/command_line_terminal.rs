//! `hoop connect` and `hoop sessions replay` under a real terminal.

use anyhow::ensure;
use hoop_tests::{Gateway, Psql, cli::Person, gateway::ADMIN, pty::Terminal, rest::text};

use crate::{Result, command_line_admin::make};

/// A prompt that no local shell has.
const REMOTE: &str = "remote>";

async fn with_bash() -> Result<(Gateway, Person)> {
    let gateway = Gateway::usual().await?;
    let person = Person::signed_in(&gateway).await?;
    make(&person, "bash", &["env", "PS1=remote> ", "bash", "--norc", "--noprofile"]).await?;
    Ok((gateway, person))
}

/// A local shell in which `hoop connect bash` has reached the prompt of the other side.
async fn connected(person: &Person) -> Result<Terminal> {
    let mut terminal = person.shell()?;
    terminal.shows_last("local>").await?;
    terminal.types("hoop connect bash\r").await?;
    terminal.shows("| session: ").await?;
    terminal.shows_last(REMOTE).await?;
    Ok(terminal)
}

#[tokio::test]
async fn a_remote_shell_knows_the_window_takes_ctrl_c_and_gives_the_terminal_back() -> Result {
    let (gateway, person) = with_bash().await?;
    let mut terminal = person.shell()?;
    terminal.shows_last("local>").await?;
    terminal.types("stty -g > ~/before; hoop connect bash\r").await?;
    terminal.shows_last(REMOTE).await?;
    terminal.types("stty size\r").await?;
    terminal.shows("\n24 80").await?;
    terminal.resize(100, 30)?;
    // What is typed may overtake the news of the window.
    let until = "until stty size | grep -qx '30 100'; do sleep 0.1; done; stty size\r";
    terminal.types(until).await?;
    terminal.shows("\n30 100").await?;
    terminal.shows_last(REMOTE).await?;
    terminal.types("echo begun-$((1+1)); sleep 600\r").await?;
    terminal.shows("\nbegun-2").await?;
    terminal.types("\x03").await?;
    terminal.shows("^C").await?;
    terminal.shows_last(REMOTE).await?;
    terminal.types("echo $((6*7))-$?\r").await?;
    terminal.shows("\n42-130").await?;
    terminal.types("exit 9\r").await?;
    terminal.shows_last("local>").await?;
    terminal.types("echo code=$?; stty -g > ~/after\r").await?;
    terminal.shows("\ncode=9").await?;
    terminal.types("exit\r").await?;
    terminal.ended().await?;
    let [before, after] = ["before", "after"].map(|name| std::fs::read(person.home().join(name)));
    assert_eq!(before?, after?);
    let session = gateway.rest.only_session("bash").await?;
    gateway.rest.session_done(text(&session, "id")).await?;
    Ok(())
}

#[tokio::test]
async fn a_killed_session_says_why_and_gives_the_terminal_back() -> Result {
    let (gateway, person) = with_bash().await?;
    let mut terminal = connected(&person).await?;
    // A program that hides the cursor and takes the other screen.
    terminal.types("printf '\\033[?1049h\\033[?25l'; echo other $((40+2))\r").await?;
    terminal.shows("other 42").await?;
    let session = gateway.rest.only_session("bash").await?;
    let id = text(&session, "id");
    person.run(&["sessions", "kill", id, "--reason", "maintenance begins"]).await?;
    terminal.shows("the session ended: the session was ended by").await?;
    terminal.shows("maintenance begins").await?;
    terminal.shows_last("local>").await?;
    terminal.types("echo code=$?\r").await?;
    terminal.shows("\ncode=1").await?;
    let session = gateway.rest.session_done(id).await?;
    let message = format!("the session was ended by {ADMIN}: maintenance begins");
    assert_eq!(text(&session, "end_message"), message);
    let shown = person.run(&["sessions", "get", id]).await?;
    ensure!(shown.contains(&message), "{shown}");
    Ok(())
}

#[tokio::test]
async fn a_lost_gateway_gives_the_terminal_back() -> Result {
    let (mut gateway, person) = with_bash().await?;
    let terminal = connected(&person).await?;
    // The edge that `hoop` calls is the last one.
    let last = gateway.edges.len() - 1;
    gateway.edge_mut(last)?.kill()?;
    terminal.shows("gateway was lost").await?;
    terminal.shows_last("local>").await?;
    Ok(())
}

#[tokio::test]
async fn a_terminal_is_replayed_as_it_was_at_the_chosen_speed() -> Result {
    let (gateway, person) = with_bash().await?;
    let mut terminal = connected(&person).await?;
    terminal.types("echo $((6*7)) things; sleep 2\r").await?;
    terminal.shows("\n42 things").await?;
    terminal.shows_last(REMOTE).await?;
    terminal.types("exit\r").await?;
    terminal.shows_last("local>").await?;
    let session = gateway.rest.only_session("bash").await?;
    let id = text(&session, "id").to_owned();
    gateway.rest.session_done(&id).await?;
    let mut replay = person.terminal(&["sessions", "replay", &id, "--speed", "100"])?;
    replay.shows("\n42 things").await?;
    replay.shows(REMOTE).await?;
    replay.shows("end of the recording").await?;
    ensure!(replay.ended().await?.success(), "{}", replay.screen());
    let piped = person.run(&["sessions", "replay", &id, "--no-wait"]).await?;
    ensure!(piped.contains("42 things"), "{piped}");
    let idle = ["sessions", "replay", &id, "--max-idle", "10ms"];
    let began = std::time::Instant::now();
    person.run(&idle).await?;
    ensure!(began.elapsed().as_secs() < 2, "the pause was not cut: {:?}", began.elapsed());
    Ok(())
}

#[tokio::test]
async fn without_a_terminal_connect_says_what_to_use() -> Result {
    let (_gateway, person) = with_bash().await?;
    let complaint = Psql(person.hoop(&["connect", "bash"])?.output().await?).failure()?;
    ensure!(complaint.contains("hoop exec bash"), "{complaint}");
    Ok(())
}
