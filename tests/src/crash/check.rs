//! What the ends of a session saw, beside what is recorded of it.

use super::{evidence::Recorded, load::Kind};

/// What a comparison found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Bytes that came through, to both ends.
    pub(super) through: u64,
    /// Bytes that came through and are not recorded.
    pub(super) lost: u64,
    pub(super) problems: Vec<String>,
}

/// What one end saw: for each connection, what came from the user's side and from the target's.
pub(super) type Heard = Vec<(Vec<u8>, Vec<u8>)>;

/// Compares both ends of `kind` with its sessions' recordings. A session that ended well has
/// to be recorded to the last byte, any other not less than what came through.
pub(super) fn compare(
    kind: Kind,
    whole: bool,
    client: Heard,
    target: Heard,
    recorded: &[Recorded],
) -> Verdict {
    let mut verdict = Verdict::default();
    let inputs: Vec<&[u8]> = recorded.iter().map(|recorded| recorded.input.as_slice()).collect();
    let outputs: Vec<&[u8]> = recorded.iter().map(|recorded| recorded.output.as_slice()).collect();
    for (sent, got) in client {
        let (sent, got) = match kind {
            Kind::Terminal => (sent, on_screen(&got).to_vec()),
            _ if kind.is_native() => (after_start_up(&sent).to_vec(), after_login(&got).to_vec()),
            _ => (sent, got),
        };
        verdict.received("the client", &got, &outputs, farewell);
        if kind.is_one_session() {
            verdict.sent("the client", &sent, &inputs, whole);
            verdict.whole("the client", whole, &got, &outputs);
        }
    }
    let (targets, mut silent) = (target.len(), 0);
    for (got, sent) in target {
        let (got, sent) = match kind.is_native() {
            true => (after_start_up(&got).to_vec(), after_login(&sent).to_vec()),
            false => (got, sent),
        };
        // Whoever stops a statement calls the target again, and says nothing to its session.
        if got.is_empty() && sent.is_empty() && !inputs.iter().all(|input| input.is_empty()) {
            silent += 1;
            if silent < targets {
                continue;
            }
        }
        verdict.received("the target", &got, &inputs, |rest| rest == TERMINATE);
        if kind.is_one_session() {
            verdict.sent("the target", &sent, &outputs, whole);
            verdict.whole("the target", whole, &got, &inputs);
        }
    }
    verdict
}

impl Verdict {
    /// What came through must be recorded, at the beginning of one of the recordings.
    fn received(
        &mut self,
        who: &str,
        got: &[u8],
        recorded: &[&[u8]],
        is_ours: impl Fn(&[u8]) -> bool,
    ) {
        self.through += length(got);
        let common = recorded.iter().map(|recorded| common(got, recorded)).max().unwrap_or(0);
        let rest = got.get(common..).unwrap_or_default();
        if rest.is_empty() || is_ours(rest) {
            return;
        }
        self.lost += length(rest);
        let words = String::from_utf8_lossy(rest.get(..rest.len().min(60)).unwrap_or_default());
        self.problems.push(format!(
            "{who} got {} bytes that are not recorded, after {common} that are: {words:?}",
            rest.len()
        ));
    }

    /// What is recorded must have been sent, each byte once.
    fn sent(&mut self, who: &str, sent: &[u8], recorded: &[&[u8]], whole: bool) {
        for recorded in recorded {
            let common = common(sent, recorded);
            if common < recorded.len() {
                self.problems.push(format!(
                    "{} bytes are recorded that {who} has not sent, after {common} that it has",
                    recorded.len() - common
                ));
            } else if whole && ![b"", TERMINATE].contains(&sent.get(common..).unwrap_or_default()) {
                // A tunnel may be gone before the good-bye was through it.
                self.problems.push(format!(
                    "{who} sent {} bytes and {common} are recorded, though all went well",
                    sent.len()
                ));
            }
        }
    }

    /// Who ended well has got all that is recorded.
    fn whole(&mut self, who: &str, whole: bool, got: &[u8], recorded: &[&[u8]]) {
        let all: usize = recorded.iter().map(|recorded| recorded.len()).sum();
        if whole && got.len() < all {
            let missing = all - got.len();
            self.lost += u64::try_from(missing).unwrap_or(u64::MAX);
            self.problems
                .push(format!("{who} lacks {missing} recorded bytes, though all went well"));
        }
    }
}

/// How many bytes are the same at the beginning.
fn common(one: &[u8], other: &[u8]) -> usize {
    // A block at a time: there are a hundred megabytes in every run.
    const BLOCK: usize = 4096;
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK));
    let same = BLOCK * blocks.take_while(|(one, other)| one == other).count();
    let [one, other] = [one, other].map(|bytes| bytes.get(same..).unwrap_or_default());
    same + one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// How a PostgreSQL client says that it ends.
const TERMINATE: &[u8] = b"X\0\0\0\x04";

/// What an edge itself says when a session ends: an `ErrorResponse`, and no more; or on a
/// terminal a line of the command's own.
fn farewell(rest: &[u8]) -> bool {
    let error = rest.first() == Some(&b'E') && rest.len() < 1000;
    let words = String::from_utf8_lossy(rest);
    // The terminal is given back as it was before.
    let given_back = rest.first() == Some(&0x1b) || words.contains("hoop");
    let line = rest.len() < 400 && given_back && !words.contains("tick-");
    error || line
}

/// What came after the log-in: everything past the first `ReadyForQuery`.
fn after_login(mut bytes: &[u8]) -> &[u8] {
    while let Some((kind, rest)) = message(bytes) {
        bytes = rest;
        if kind == b'Z' {
            return bytes;
        }
    }
    &[]
}

/// What a client sent after its start-up message and its password.
fn after_start_up(bytes: &[u8]) -> &[u8] {
    let Some((length, _)) = bytes.split_first_chunk::<4>() else { return &[] };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let mut bytes = bytes.get(length..).unwrap_or_default();
    while let Some((b'p', rest)) = message(bytes) {
        bytes = rest;
    }
    bytes
}

/// The kind of the first message, and what follows it.
fn message(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (length, _) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    Some((*kind, rest.get(length..)?))
}

/// What came after the line with which `hoop connect` hands over the terminal.
fn on_screen(bytes: &[u8]) -> &[u8] {
    let mark = b"| session: ";
    let Some(at) = bytes.windows(mark.len()).position(|window| window == mark) else { return &[] };
    let rest = bytes.get(at..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b'\n');
    end.and_then(|end| rest.get(end + 1..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(input: &[u8], output: &[u8]) -> Recorded {
        Recorded {
            session: String::new(),
            reason: String::new(),
            packets: 0,
            input: input.to_vec(),
            output: output.to_vec(),
            findings: Vec::new(),
        }
    }

    fn verdict(whole: bool, client: (&[u8], &[u8]), target: (&[u8], &[u8])) -> Verdict {
        let heard = |(one, other): (&[u8], &[u8])| vec![(one.to_vec(), other.to_vec())];
        let recorded = [recorded(b"question", b"answer")];
        compare(Kind::Echo, whole, heard(client), heard(target), &recorded)
    }

    #[test]
    fn what_came_through_and_is_not_recorded_is_lost() {
        let good = verdict(true, (b"question", b"answer"), (b"question", b"answer"));
        assert!(good.problems.is_empty() && good.lost == 0 && good.through == 14);
        // Cut off: less came through than was recorded, and less was recorded than was sent.
        let cut = verdict(false, (b"questions", b"ans"), (b"quest", b"answers"));
        assert!(cut.problems.is_empty() && cut.lost == 0, "{cut:?}");
        let leaked = verdict(false, (b"question", b"answers"), (b"question", b"answer"));
        assert_eq!((leaked.lost, leaked.problems.len()), (1, 1), "{leaked:?}");
        let other = verdict(false, (b"question", b"anXwer"), (b"question", b"answer"));
        assert_eq!(other.lost, 4);
    }

    #[test]
    fn what_is_recorded_and_did_not_happen_is_found() {
        let invented = verdict(false, (b"quest", b"answer"), (b"question", b"answer"));
        assert_eq!((invented.lost, invented.problems.len()), (0, 1), "{invented:?}");
        let lacking = verdict(true, (b"question", b"answ"), (b"question", b"answer"));
        assert_eq!((lacking.lost, lacking.problems.len()), (2, 1), "{lacking:?}");
    }

    #[test]
    fn log_ins_are_left_out() {
        let client = [b"\0\0\0\x08user".as_slice(), b"p\0\0\0\x06pw", b"Q\0\0\0\x04"].concat();
        assert_eq!(after_start_up(&client), b"Q\0\0\0\x04");
        assert_eq!(after_start_up(b"\0"), b"");
        let server = [b"R\0\0\0\x04".as_slice(), b"Z\0\0\0\x05I", b"T\0\0\0\x04"].concat();
        assert_eq!(after_login(&server), b"T\0\0\0\x04");
        assert_eq!(on_screen(b"wait\r\nx | session: 1\r\nremote> "), b"remote> ");
    }
}
