//! Commands that do not behave, and clients that do not.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn a_command_that_ignores_sigterm_is_killed_when_its_client_has_gone() {
    let mut rig = Rig::start().await;
    let script = "trap '' TERM HUP INT; echo $$; while :; do sleep 1; done";
    let mut session = rig.command_session(&["sh", "-c", script], "{}").await;
    session.run(&[]).await;
    let process = session.process().await;
    session.deliver(0, client_closed());
    let (0, Body::SessionEnd(end)) = session.payload().await else { panic!("no end") };
    assert_eq!(end.code, "client_closed");
    gone(process).await;
}

#[tokio::test]
async fn an_aborted_channel_ends_the_command_and_its_children() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["sh", "-c", "sleep 600 & echo $!; wait"], "{}").await;
    session.run(&[]).await;
    let child = session.process().await;
    session.deliver(1, close(true));
    gone(child).await;
}

#[tokio::test]
async fn a_lost_stream_ends_the_command() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["sh", "-c", "echo $$; exec sleep 600"], "{}").await;
    session.run(&[]).await;
    let process = session.process().await;
    drop(session);
    gone(process).await;
}

#[tokio::test]
async fn an_agent_that_drains_ends_its_commands() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["sh", "-c", "echo $$; exec sleep 600"], "{}").await;
    session.run(&[]).await;
    let process = session.process().await;
    rig.drain.begin();
    drop(rig.control);
    rig.agent.await.unwrap();
    gone(process).await;
}

#[tokio::test]
async fn a_grandchild_that_keeps_the_outputs_open_does_not_hold_the_session() {
    let mut rig = Rig::start().await;
    // One in the command's group, and one that has left it.
    for leave in ["", "setsid "] {
        let script = format!("{leave}sleep 20 & echo $!; exit 4");
        let mut session = rig.command_session(&["sh", "-c", &script], "{}").await;
        let began = Instant::now();
        session.run(&[]).await;
        let outcome = session.outcome().await;
        assert_eq!(outcome.code, 4);
        assert!(began.elapsed() < Duration::from_secs(15));
        if leave.is_empty() {
            gone(outcome.stdout().trim().parse().unwrap()).await;
        }
    }
}

#[tokio::test]
async fn a_command_that_closes_its_outputs_early_is_waited_for() {
    let mut rig = Rig::start().await;
    let mut session =
        rig.command_session(&["sh", "-c", "exec >&- 2>&-; cat; read x; exit 5"], "{}").await;
    session.run(&[]).await;
    session.deliver(1, Body::Data(Bytes::from_static(b"read and not echoed\n")));
    session.deliver(1, close(false));
    let outcome = session.outcome().await;
    assert_eq!((outcome.stdout(), outcome.stderr()), ("", ""));
    assert_ne!(outcome.code, 0);
}

#[tokio::test]
async fn input_that_nobody_reads_holds_up_only_its_sender() {
    let mut rig = Rig::start().await;
    let mut session =
        rig.command_session(&["sh", "-c", "read x; echo $$; exec sleep 600"], "{}").await;
    session.run(&[]).await;
    session.deliver(1, Body::Data(Bytes::from_static(b"go\n")));
    for _ in 0..3 {
        session.deliver(1, Body::Data(Bytes::from(vec![b'x'; 256 * 1024])));
    }
    // Not a byte of credit comes before the line: the pipe to the command is full.
    let process = session.process().await;
    session.deliver(0, client_closed());
    assert!(matches!(session.payload().await, (0, Body::SessionEnd(_))));
    gone(process).await;
}

#[tokio::test]
async fn much_output_arrives_complete_at_a_reader_that_grants_little() {
    let mut rig = Rig::start().await;
    let mut session =
        rig.command_session(&["sh", "-c", "head -c 50000000 /dev/zero; echo end >&2"], "{}").await;
    session.run(&[]).await;
    let outcome = session.outcome().await;
    assert_eq!((outcome.stdout.len(), outcome.stderr()), (50_000_000, "end\n"));
}

#[tokio::test]
async fn an_argument_with_a_nul_fails_in_words() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["echo"], "{}").await;
    session.deliver(1, open(&["a\0b"], None));
    let (1, Body::ChannelFailed(failed)) = session.payload().await else { panic!("no failure") };
    assert_eq!(failed.code, "protocol_violation");
    assert!(failed.message.contains("NUL"), "{}", failed.message);
}

#[tokio::test]
async fn a_command_that_is_interrupted_ends_by_sigint() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["sh", "-c", "echo $$; exec sleep 600"], "{}").await;
    session.run(&[]).await;
    session.process().await;
    session.deliver(1, Body::ChannelCancel(hoop_proto::v1::ChannelCancel {}));
    assert_eq!(session.outcome().await.signal, 2);
}
