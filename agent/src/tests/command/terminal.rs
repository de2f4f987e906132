//! Commands on a terminal.

use hoop_proto::v1::TerminalResize;

use super::*;

fn terminal(term: &str) -> Option<Terminal> {
    Some(Terminal { term: term.into(), columns: 100, rows: 30 })
}

impl Stream {
    async fn run_on_terminal(&mut self, arguments: &[&str]) {
        self.deliver(1, open(arguments, terminal("xterm")));
        assert!(matches!(self.payload().await, (1, Body::ChannelReady(_))));
    }

    fn type_in(&self, keys: &'static str) {
        self.deliver(1, Body::Data(Bytes::from_static(keys.as_bytes())));
    }

    /// Reads the screen until `text` is on it.
    async fn until(&mut self, text: &str) -> String {
        let mut screen = String::new();
        while !screen.contains(text) {
            match self.payload().await.1 {
                Body::Data(data) => screen.push_str(&String::from_utf8_lossy(&data)),
                other => panic!("{other:?} was not expected after {screen:?}"),
            }
        }
        screen
    }
}

#[tokio::test]
async fn a_command_on_a_terminal_has_its_name_and_size_and_controls_it() {
    let mut rig = Rig::start().await;
    let script = "echo $TERM; stty size; tty < /dev/tty > /dev/null && ps -o sid= -p $$; echo $$";
    let mut session = rig.command_session(&["sh", "-c", script], "{}").await;
    session.run_on_terminal(&[]).await;
    let outcome = session.outcome().await;
    let lines: Vec<_> = outcome.stdout().lines().map(str::trim).collect();
    assert_eq!(lines[..2], ["xterm", "30 100"]);
    assert_eq!(lines[2], lines[3], "it leads a session of its own");
    assert_eq!(outcome.code, 0);
}

#[tokio::test]
async fn without_a_terminal_a_command_that_needs_one_says_so_itself() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["tty"], "{}").await;
    session.run(&[]).await;
    let outcome = session.outcome().await;
    assert_eq!((outcome.stdout(), outcome.code), ("not a tty\n", 1));
}

#[tokio::test]
async fn of_a_flood_of_sizes_the_last_one_counts() {
    let mut rig = Rig::start().await;
    let script = "echo ready; until stty size | grep -q '65535 10000'; do sleep 0.05; done";
    let mut session = rig.command_session(&["sh", "-c", script], "{}").await;
    session.run_on_terminal(&[]).await;
    session.until("ready").await;
    for columns in 1..=10_000 {
        session.deliver(1, Body::TerminalResize(TerminalResize { columns, rows: u32::MAX }));
    }
    assert_eq!(session.outcome().await.code, 0);
}

#[tokio::test]
async fn control_keys_do_what_they_do() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["sh", "-c", "echo ready; exec cat"], "{}").await;
    session.run_on_terminal(&[]).await;
    session.until("ready").await;
    session.type_in("\x03");
    let outcome = session.outcome().await;
    assert_eq!((outcome.code, outcome.signal), (130, 2));

    let mut session = rig.command_session(&["cat"], "{}").await;
    session.run_on_terminal(&[]).await;
    session.type_in("typed\n");
    session.until("typed\r\ntyped\r\n").await;
    // The end of the client's input is what Ctrl-D is.
    session.deliver(1, close(false));
    assert_eq!(session.outcome().await.code, 0);
}

#[tokio::test]
async fn a_shell_and_its_jobs_end_when_the_terminal_is_closed() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["bash", "--norc", "-i"], "{}").await;
    session.run_on_terminal(&[]).await;
    session.type_in("set -m; nohup sleep 600 > /dev/null 2>&1 & echo pid=$!.''\n");
    let screen = session.until(".\r\n").await;
    let job = screen.rsplit("pid=").find_map(|rest| rest.split_once('.')?.0.parse().ok());
    session.deliver(0, client_closed());
    gone(job.unwrap_or_else(|| panic!("no job in {screen:?}"))).await;
}

#[tokio::test]
async fn a_program_that_is_missing_says_so_on_the_terminal() {
    let mut rig = Rig::start().await;
    let mut session = rig.command_session(&["no-such-program"], "{}").await;
    session.run_on_terminal(&[]).await;
    let outcome = session.outcome().await;
    assert_eq!(outcome.code, 127);
    assert!(outcome.stdout().ends_with(".\r\n") || outcome.stdout().ends_with("connection\r\n"));
}
