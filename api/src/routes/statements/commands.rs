//! Commands as statements: what was run, what was typed into it, and how it ended.

use std::collections::HashMap;

use hoop_domain::Direction;
use hoop_proto::v1::{self, channel_open::Kind, packet::Body};

use super::{Statement, StatementError, instant};

/// Bytes of input that are shown of one command.
const LONGEST_INPUT: usize = 64 * 1024;
/// Commands at a time in one session; what is beyond is in the packets.
const MOST_COMMANDS: usize = 64;

/// The commands that run, by channel.
#[derive(Default)]
pub(super) struct Commands {
    running: HashMap<u32, Command>,
    /// Whether there were too many at a time.
    pub(super) lost: bool,
}

/// A command.
struct Command {
    at: i64,
    open: v1::ExecOpen,
    input: Vec<u8>,
    bytes_in: u64,
    bytes_out: u64,
    tag: String,
    finished_at: Option<i64>,
    error: Option<StatementError>,
}

impl Commands {
    /// Whether a packet belongs to a command.
    pub(super) fn knows(&self, packet: &v1::Packet) -> bool {
        let opens = matches!(&packet.body, Some(Body::ChannelOpen(open))
            if matches!(open.kind, Some(Kind::Exec(_))));
        opens || self.running.contains_key(&packet.channel)
    }

    /// Takes a packet of a command. Returns the command when it is over.
    pub(super) fn feed(&mut self, packet: v1::Packet) -> Option<Statement> {
        let (at, channel) = (packet.at, packet.channel);
        let inward = packet.travels() == Some(Direction::In);
        if let Some(Body::ChannelOpen(v1::ChannelOpen { kind: Some(Kind::Exec(open)) })) =
            packet.body
        {
            let room = self.running.len() < MOST_COMMANDS;
            self.lost |= !room;
            if room {
                self.running.insert(channel, Command::new(at, open));
            }
            return None;
        }
        let command = self.running.get_mut(&channel)?;
        let over = match packet.body {
            Some(Body::Data(data) | Body::Stderr(data)) => {
                command.passed(inward, &data);
                false
            }
            Some(Body::ChannelExit(exit)) => {
                command.exited(at, &exit);
                false
            }
            Some(Body::ChannelFailed(failed)) => {
                let message = format!("{}: {}", failed.code, failed.message);
                command.error = Some(StatementError { sqlstate: String::new(), message });
                command.finished_at = Some(at);
                true
            }
            // The last word of the agent; the client's is the end of standard input.
            Some(Body::ChannelClose(_)) => !inward,
            _ => false,
        };
        if over { self.running.remove(&channel).map(Command::into_statement) } else { None }
    }

    /// The commands that the recording has no end of.
    pub(super) fn finish(self) -> Vec<Statement> {
        let mut left: Vec<Command> = self.running.into_values().collect();
        left.sort_by_key(|command| command.at);
        left.into_iter().map(Command::into_statement).collect()
    }
}

impl Command {
    fn new(at: i64, open: v1::ExecOpen) -> Self {
        let (input, tag) = (Vec::new(), String::new());
        Self { at, open, input, bytes_in: 0, bytes_out: 0, tag, finished_at: None, error: None }
    }

    fn passed(&mut self, inward: bool, data: &[u8]) {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        if !inward {
            self.bytes_out += length;
            return;
        }
        self.bytes_in += length;
        let room = LONGEST_INPUT.saturating_sub(self.input.len());
        self.input.extend(data.iter().take(room));
    }

    fn exited(&mut self, at: i64, exit: &v1::ChannelExit) {
        self.finished_at = Some(at);
        self.tag = match exit.signal {
            0 => format!("exit {}", exit.code),
            signal => format!("signal {signal}"),
        };
    }

    fn into_statement(self) -> Statement {
        let shown = u64::try_from(self.input.len()).unwrap_or(u64::MAX);
        Statement {
            at: instant(self.at),
            text: String::from_utf8_lossy(&self.input).into_owned(),
            kind: if self.open.terminal.is_some() { "terminal" } else { "exec" },
            parameters: self.open.arguments.into_iter().map(Some).collect(),
            truncated: shown < self.bytes_in,
            finished_at: self.finished_at.map(instant),
            duration_us: self.finished_at.map(|end| end.saturating_sub(self.at)),
            tag: self.tag,
            rows: 0,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            error: self.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn packet(at: i64, channel: u32, way: Direction, body: Body) -> v1::Packet {
        let direction = v1::Direction::from(way).into();
        v1::Packet { at, channel, direction, body: Some(body), ..Default::default() }
    }

    fn open(arguments: &[&str]) -> Body {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let exec = v1::ExecOpen { arguments, terminal: None };
        Body::ChannelOpen(v1::ChannelOpen { kind: Some(Kind::Exec(exec)) })
    }

    #[test]
    fn a_command_is_shown_with_its_input_and_its_exit() {
        let mut commands = Commands::default();
        let data = |text: &'static str| Bytes::from_static(text.as_bytes());
        let exit = v1::ChannelExit { code: 3, signal: 0 };
        let close = v1::ChannelClose { abort: false };
        let steps = [
            packet(10, 1, Direction::In, open(&["-c", "x"])),
            packet(11, 1, Direction::In, Body::Data(data("select 1"))),
            packet(12, 1, Direction::In, Body::ChannelClose(close)),
            packet(13, 1, Direction::Out, Body::Data(data("1"))),
            packet(14, 1, Direction::Out, Body::Stderr(data("oh"))),
            packet(15, 1, Direction::Out, Body::ChannelExit(exit)),
        ];
        for step in steps {
            assert!(commands.knows(&step));
            assert!(commands.feed(step).is_none());
        }
        let last = packet(16, 1, Direction::Out, Body::ChannelClose(close));
        let statement = commands.feed(last).unwrap();
        assert_eq!((statement.text.as_str(), statement.kind), ("select 1", "exec"));
        assert_eq!(statement.tag, "exit 3");
        assert_eq!((statement.bytes_in, statement.bytes_out), (8, 3));
        assert_eq!(statement.duration_us, Some(5));
        assert_eq!(statement.parameters, [Some("-c".to_owned()), Some("x".to_owned())]);
        assert!(commands.finish().is_empty());
    }

    #[test]
    fn input_without_end_is_cut_and_a_command_without_end_is_shown() {
        let mut commands = Commands::default();
        commands.feed(packet(1, 7, Direction::In, open(&[])));
        let much = Bytes::from(vec![b'x'; LONGEST_INPUT + 1]);
        commands.feed(packet(2, 7, Direction::In, Body::Data(much)));
        let left = commands.finish();
        assert_eq!(left.len(), 1);
        assert!(left[0].truncated && left[0].finished_at.is_none());
        assert_eq!(left[0].text.len(), LONGEST_INPUT);
    }
}
