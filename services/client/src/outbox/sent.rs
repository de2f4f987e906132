//! What was sent and is not known to be recorded: should the stream break, another one sends
//! it again.

use std::collections::VecDeque;

use bytes::Bytes;
use hoop_proto::v1::{self, payload::Body};

use crate::Error;

/// Smaller pieces are copied, so that they don't keep the buffer that they were read into.
const WORTH_SHARING: usize = 16 * 1024;

/// See the module. Credit bounds it: an edge says what is recorded every 64 KiB.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Whether anything is kept: only sessions can be resumed.
    keep: bool,
    /// How many payloads are recorded.
    recorded: u64,
    /// Those behind them, in order.
    rest: VecDeque<v1::Payload>,
    /// How many of those the present stream has sent.
    sent: usize,
}

impl Sent {
    pub(super) const fn keep(&mut self) {
        self.keep = true;
    }

    pub(super) const fn keeps(&self) -> bool {
        self.keep
    }

    /// Notes what is sent now.
    pub(super) fn note(&mut self, payload: &v1::Payload) {
        if !self.keep {
            return;
        }
        let mut payload = payload.clone();
        if let Some(Body::Data(data) | Body::Stderr(data)) = &mut payload.body
            && data.len() < WORTH_SHARING
        {
            *data = Bytes::copy_from_slice(data);
        }
        self.rest.push_back(payload);
        self.sent += 1;
    }

    /// What is to be sent again, if anything is.
    pub(super) fn again(&mut self) -> Option<v1::Payload> {
        let payload = self.rest.get(self.sent)?.clone();
        self.sent += 1;
        Some(payload)
    }

    /// So many payloads are recorded.
    pub(super) fn received(&mut self, payloads: u64) -> Result<(), Error> {
        let more = payloads.saturating_sub(self.recorded);
        let more = usize::try_from(more).unwrap_or(usize::MAX);
        if self.sent < more {
            return Err(Error::Violation("the gateway has received more than was sent"));
        }
        self.rest.drain(..more);
        self.sent -= more;
        self.recorded = self.recorded.max(payloads);
        Ok(())
    }

    /// Another stream goes on, and so many payloads are recorded.
    pub(super) fn resume(&mut self, payloads: u64) -> Result<(), Error> {
        if payloads < self.recorded {
            return Err(Error::Violation("the gateway has lost what it had received"));
        }
        self.sent = self.rest.len();
        self.received(payloads)?;
        self.sent = 0;
        Ok(())
    }

    /// What the payloads of a channel cost that are not known to be recorded.
    pub(super) fn unrecorded_cost(&self, channel: u32) -> u64 {
        let its = self.rest.iter().filter(|payload| payload.channel == channel);
        its.map(|payload| u64::try_from(payload.cost()).unwrap_or(u64::MAX)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(byte: u8) -> v1::Payload {
        v1::Payload::data(1, Bytes::from(vec![byte]))
    }

    fn sent(bytes: std::ops::Range<u8>) -> Sent {
        let mut sent = Sent::default();
        sent.keep();
        bytes.for_each(|byte| sent.note(&data(byte)));
        sent
    }

    #[test]
    fn what_is_not_recorded_is_sent_again_and_nothing_else() {
        let mut sent = sent(0..5);
        sent.received(2).unwrap();
        sent.resume(3).unwrap();
        assert_eq!(sent.again(), Some(data(3)));
        // That stream breaks, too.
        sent.resume(4).unwrap();
        assert_eq!(sent.again(), Some(data(4)));
        assert_eq!(sent.again(), None);
        sent.note(&data(5));
        assert_eq!(sent.again(), None);
        sent.received(6).unwrap();
        assert!(sent.rest.is_empty());
    }

    #[test]
    fn a_gateway_that_can_not_count_is_not_believed() {
        assert!(sent(0..3).received(4).is_err());
        let mut sent = sent(0..3);
        sent.received(2).unwrap();
        assert!(sent.resume(1).is_err());
    }

    #[test]
    fn only_what_is_not_recorded_counts_for_credit() {
        let mut sent = sent(0..3);
        sent.received(1).unwrap();
        assert_eq!(sent.unrecorded_cost(1), 2 * 257);
        assert_eq!(sent.unrecorded_cost(2), 0);
    }
}
