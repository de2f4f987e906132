//! A session for one approved command: exactly these arguments and this input get in.
//!
//! The input is let in when all of it has come, so that a part of it, which nobody has
//! approved, is never run: a statement without its `WHERE` is another statement.

use hoop_domain::EndReason;
use hoop_proto::{self as proto, channel_open::Kind, payload::Body};

/// What was approved, and how much of it has come.
#[derive(Debug)]
pub(crate) struct Pinned {
    approved: proto::ExecInput,
    /// The channel that the command is on, when it has begun.
    channel: Option<u32>,
    /// How many bytes of the input have come.
    come: usize,
    /// What has come and is not let in yet; never more than the input.
    waiting: Vec<proto::Payload>,
}

/// Something else came than what was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotApproved;

impl Pinned {
    pub(crate) const fn new(approved: proto::ExecInput) -> Self {
        Self { approved, channel: None, come: 0, waiting: Vec::new() }
    }

    /// Takes in `payload`; what may be passed on now, in order.
    pub(crate) fn admit(
        &mut self,
        payload: proto::Payload,
    ) -> Result<Vec<proto::Payload>, NotApproved> {
        let on_it = self.channel == Some(payload.channel);
        match &payload.body {
            Some(Body::ChannelOpen(open)) if self.channel.is_none() => {
                let Some(Kind::Exec(exec)) = &open.kind else { return Err(NotApproved) };
                if exec.terminal.is_some() || exec.arguments != self.approved.arguments {
                    return Err(NotApproved);
                }
                self.channel = Some(payload.channel);
                Ok(vec![payload])
            }
            Some(Body::Data(data)) if on_it => {
                let rest = self.approved.input.get(self.come..).unwrap_or_default();
                // Nothing at all is no part of anything, and many nothings take room.
                if data.is_empty() || !rest.starts_with(data) {
                    return Err(NotApproved);
                }
                self.come += data.len();
                self.waiting.push(payload);
                let due = self.is_complete().then(|| std::mem::take(&mut self.waiting));
                Ok(due.unwrap_or_default())
            }
            // The end of the input.
            Some(Body::ChannelClose(_)) if on_it && self.is_complete() => Ok(vec![payload]),
            Some(Body::ChannelCancel(_)) => Ok(vec![payload]),
            // Why it ended decides whether the approval is used up; the client's word does not.
            Some(Body::SessionEnd(_)) => {
                let end = proto::SessionEnd::of(EndReason::ClientClosed);
                Ok(vec![proto::Payload { channel: 0, body: Some(Body::SessionEnd(end)) }])
            }
            _ => Err(NotApproved),
        }
    }

    fn is_complete(&self) -> bool {
        self.come == self.approved.input.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(channel: u32, arguments: &[&str], terminal: bool) -> proto::Payload {
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        let terminal = terminal.then(proto::Terminal::default);
        let kind = Some(Kind::Exec(proto::ExecOpen { arguments, terminal }));
        let body = Some(Body::ChannelOpen(proto::ChannelOpen { kind }));
        proto::Payload { channel, body }
    }

    fn data(channel: u32, data: &str) -> proto::Payload {
        let body = Some(Body::Data(data.to_owned().into()));
        proto::Payload { channel, body }
    }

    fn close(channel: u32) -> proto::Payload {
        let body = Some(Body::ChannelClose(proto::ChannelClose::default()));
        proto::Payload { channel, body }
    }

    fn pinned(input: &str) -> Pinned {
        let input = input.to_owned().into();
        Pinned::new(proto::ExecInput { arguments: vec!["-e".into()], input })
    }

    /// How many of the payloads are let in at each step, and whether the last is refused.
    fn run(pinned: &mut Pinned, payloads: Vec<proto::Payload>) -> (Vec<usize>, bool) {
        let mut steps = Vec::new();
        for payload in payloads {
            match pinned.admit(payload) {
                Ok(due) => steps.push(due.len()),
                Err(NotApproved) => return (steps, true),
            }
        }
        (steps, false)
    }

    #[test]
    fn what_was_approved_gets_in_when_all_of_it_has_come() {
        let all = vec![open(7, &["-e"], false), data(7, "sel"), data(7, "ect"), close(7)];
        assert_eq!(run(&mut pinned("select"), all), (vec![1, 0, 2, 1], false));
        let nothing = vec![open(7, &["-e"], false), close(7)];
        assert_eq!(run(&mut pinned(""), nothing), (vec![1, 1], false));
    }

    #[test]
    fn what_the_client_says_of_why_it_ends_is_not_believed() {
        let lie = proto::SessionEnd::of(EndReason::AgentUnresponsive);
        let end = proto::Payload { channel: 0, body: Some(Body::SessionEnd(lie)) };
        let passed = pinned("select").admit(end).unwrap();
        let Some(Body::SessionEnd(end)) = &passed[0].body else { panic!("{passed:?}") };
        assert_eq!(end.code, EndReason::ClientClosed.as_str());
    }

    #[test]
    fn a_part_of_it_never_gets_in() {
        let part = vec![open(7, &["-e"], false), data(7, "delete from t"), close(7)];
        assert_eq!(run(&mut pinned("delete from t where x"), part), (vec![1, 0], true));
    }

    #[test]
    fn anything_else_is_refused() {
        let begun = |more: proto::Payload| vec![open(7, &["-e"], false), more];
        for (payloads, let_in) in [
            (vec![open(7, &[], false)], 0),
            (vec![open(7, &["-x"], false)], 0),
            (vec![open(7, &["-e"], true)], 0),
            (vec![data(7, "select")], 0),
            (vec![close(7)], 0),
            (begun(open(8, &["-e"], false)), 1),
            (begun(data(8, "select")), 1),
            (begun(data(7, "selects")), 1),
            (begun(data(7, "drop")), 1),
            (begun(data(7, "")), 1),
            (begun(close(7)), 1),
        ] {
            let (steps, refused) = run(&mut pinned("select"), payloads.clone());
            assert_eq!((steps.iter().sum::<usize>(), refused), (let_in, true), "{payloads:?}");
        }
        let twice = vec![open(7, &["-e"], false), data(7, "select"), data(7, "s")];
        assert_eq!(run(&mut pinned("select"), twice), (vec![1, 1], true));
    }
}
