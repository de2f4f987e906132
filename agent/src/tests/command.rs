//! Commands: what they get, what they print and how they end.

mod hostile;
mod terminal;

use anyhow::ensure;
use bytes::Bytes;
use hoop_domain::ConnectionType;
use hoop_proto::v1::{
    ChannelClose, ChannelExit, ChannelOpen, Credit, ExecOpen, SessionEnd, Terminal,
    channel_open::Kind, down, payload::Body,
};
use hoop_testkit::eventually;

use super::{Rig, Stream};

/// All that a command printed, and how it ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    code: i32,
    signal: i32,
}

fn open(arguments: &[&str], terminal: Option<Terminal>) -> Body {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    Body::ChannelOpen(ChannelOpen { kind: Some(Kind::Exec(ExecOpen { arguments, terminal })) })
}

fn close(abort: bool) -> Body {
    Body::ChannelClose(ChannelClose { abort })
}

fn client_closed() -> Body {
    Body::SessionEnd(SessionEnd { code: "client_closed".into(), message: String::new() })
}

impl Outcome {
    pub(super) fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    fn stderr(&self) -> &str {
        std::str::from_utf8(&self.stderr).unwrap()
    }
}

impl Stream {
    /// Runs the connection's command with these arguments.
    pub(super) async fn run(&mut self, arguments: &[&str]) {
        self.deliver(1, open(arguments, None));
        assert!(matches!(self.payload().await, (1, Body::ChannelReady(_))));
    }

    /// Everything until the session is over, in its right order, with credit for all of it.
    pub(super) async fn outcome(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        loop {
            match self.payload().await {
                (1, Body::Data(data)) => {
                    self.grant(data.len());
                    outcome.stdout.extend_from_slice(&data);
                }
                (1, Body::Stderr(data)) => {
                    self.grant(data.len());
                    outcome.stderr.extend_from_slice(&data);
                }
                (1, Body::ChannelExit(ChannelExit { code, signal })) => {
                    (outcome.code, outcome.signal) = (code, signal);
                    break;
                }
                other => panic!("{other:?} was not expected"),
            }
        }
        assert_eq!(self.payload().await, (1, close(false)));
        let (0, Body::SessionEnd(end)) = self.payload().await else { panic!("no end") };
        assert_eq!(end.code, "target_closed");
        assert_eq!(self.sent().await, None);
        outcome
    }

    fn grant(&mut self, data: usize) {
        self.granted += u64::try_from(data + hoop_proto::packet::FRAME_COST).unwrap();
        let total = u64::from(hoop_proto::packet::WINDOW) + self.granted;
        self.frame(down::Frame::Credit(Credit { channel: 1, total }));
    }

    /// The next line that the command prints.
    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            match self.payload().await.1 {
                Body::Data(data) => line.extend_from_slice(&data),
                other => panic!("{other:?} was not expected"),
            }
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    /// The number that the command prints first: a process.
    async fn process(&mut self) -> u32 {
        self.line().await.parse().unwrap()
    }
}

/// Waits until a process is gone, or nothing more than a zombie.
async fn gone(process: u32) {
    let gone = async || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default().trim_start().chars().next();
        ensure!(matches!(state, None | Some('Z' | 'X')), "process {process} is {state:?}");
        Ok(())
    };
    eventually("the process to be gone", gone).await.unwrap();
}

#[tokio::test]
async fn both_outputs_and_the_exit_code_come_apart_and_in_order() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["sh", "-c"], "{}").await;
    session.run(&["echo out; echo err >&2; exit 3"]).await;
    let outcome = session.outcome().await;
    assert_eq!((outcome.stdout(), outcome.stderr()), ("out\n", "err\n"));
    assert_eq!((outcome.code, outcome.signal), (3, 0));
}

#[tokio::test]
async fn standard_input_streams_until_it_ends() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["wc", "-c"], "{}").await;
    session.run(&[]).await;
    let (piece, pieces) = (Bytes::from(vec![7; 256 * 1024]), 40);
    let mut total = 1024 * 1024;
    let mut spent = 0;
    for _ in 0..pieces {
        spent += piece.len() + hoop_proto::packet::FRAME_COST;
        while total < spent {
            let frame = session.sent().await;
            let Some(hoop_proto::v1::up::Frame::Credit(granted)) = frame else {
                panic!("{frame:?} is no credit")
            };
            total = usize::try_from(granted.total).unwrap();
        }
        session.deliver(1, Body::Data(piece.clone()));
    }
    session.deliver(1, close(false));
    let counted = session.until_line().await;
    assert_eq!(counted, (piece.len() * pieces).to_string());
}

impl Stream {
    /// The first line, whatever credit comes before it.
    async fn until_line(&mut self) -> String {
        loop {
            match self.sent().await {
                Some(hoop_proto::v1::up::Frame::Credit(_)) => {}
                Some(hoop_proto::v1::up::Frame::Payload(payload)) => {
                    let Some(Body::Data(data)) = payload.body else { panic!("{payload:?}") };
                    return String::from_utf8(data.to_vec()).unwrap().trim_end().to_owned();
                }
                other => panic!("{other:?} was not expected"),
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_started_says_why_and_with_which_code() {
    let mut rig = Rig::start().await;
    for (command, code, said) in [
        ("no-such-program", 127, "no-such-program: not found on the agent's host"),
        ("/etc/passwd", 126, "may not execute it"),
        ("/", 126, "may not execute it"),
    ] {
        let mut session = rig.command_session(&[command], "{}").await;
        session.run(&[]).await;
        let outcome = session.outcome().await;
        assert_eq!((outcome.code, outcome.stdout()), (code, ""));
        assert!(outcome.stderr().contains(said), "{}", outcome.stderr());
    }
}

#[tokio::test]
async fn a_signal_is_named_and_counted_from_128() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["sh", "-c", "kill -KILL $$"], "{}").await;
    session.run(&[]).await;
    let outcome = session.outcome().await;
    assert_eq!((outcome.code, outcome.signal), (137, 9));
}

#[tokio::test]
async fn secrets_are_variables_and_private_files_that_are_gone_afterwards() {
    let mut rig = Rig::start().await;
    let json = r#"{"TOKEN":"t","envvar:KEY":"k","filesystem:CERT":"pem\n"}"#;
    let script =
        r#"echo $TOKEN $KEY $HOOP_CONNECTION_NAME; stat -c %a "$CERT"; cat "$CERT"; echo "$CERT""#;
    let mut session = rig.command_session(&["sh", "-c", script], json).await;
    session.run(&[]).await;
    let outcome = session.outcome().await;
    let lines: Vec<_> = outcome.stdout().lines().collect();
    assert_eq!(lines[..3], ["t k target", "600", "pem"]);
    assert!(lines[3].starts_with(rig.private_files.path().to_str().unwrap()), "{}", lines[3]);
    assert!(!std::path::Path::new(lines[3]).exists());
}

#[tokio::test]
async fn a_standard_agent_gives_a_clean_environment() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["env"], r#"{"TOKEN":"t"}"#).await;
    session.run(&[]).await;
    let outcome = session.outcome().await;
    let mut names: Vec<_> =
        outcome.stdout().lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| *name != "USER");
    names.sort_unstable();
    let expected = ["HOME", "HOOP_CONNECTION_NAME", "HOOP_CONNECTION_TYPE", "HOOP_SESSION_ID"];
    assert_eq!(names[..4], expected);
    assert_eq!(names[4..], ["LANG", "PATH", "TERM", "TOKEN"]);
}

#[tokio::test]
async fn a_connection_that_makes_no_sense_ends_its_session_in_words() {
    let mut rig = Rig::start().await;
    let name = r#"{"filesystem:../../etc/cron.d/x":"s3cret"}"#;
    for (command, json, said) in
        [(&["env"][..], name, "letters, digits"), (&[], "{}", "has no command")]
    {
        let mut session = rig.command_session(command, json).await;
        session.deliver(1, open(&[], None));
        let (1, Body::ChannelFailed(failed)) = session.payload().await else {
            panic!("no failure")
        };
        assert_eq!(failed.code, "misconfigured");
        assert!(failed.message.contains(said), "{}", failed.message);
        let (0, Body::SessionEnd(end)) = session.payload().await else { panic!("no end") };
        assert_eq!(end.code, "misconfigured");
    }
}

#[tokio::test]
async fn a_postgres_connection_runs_its_command_with_the_password_in_a_file() {
    let mut rig = Rig::start().await;
    let json = r#"{"HOST":"127.0.0.1","PORT":"1","USER":"app","PASS":"p"}"#;
    let mut session = rig.session(ConnectionType::Postgres, json).await;
    session.run(&["-c", "select 1"]).await;
    let outcome = session.outcome().await;
    // Nobody listens there, which psql says on its own.
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr().contains("port 1 failed"), "{}", outcome.stderr());
}

#[tokio::test]
async fn a_session_runs_one_command() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["cat"], "{}").await;
    session.run(&[]).await;
    session.deliver(2, open(&[], None));
    let (2, Body::ChannelFailed(failed)) = session.payload().await else { panic!("no failure") };
    assert!(failed.message.contains("runs one command"), "{}", failed.message);
    session.deliver(1, close(false));
    assert_eq!(session.outcome().await.code, 0);
}
