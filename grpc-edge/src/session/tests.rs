//! Lanes: nothing leaves before its receipt, nothing leaves out of order, nothing leaves
//! twice.

use super::{
    Event, Events, LocalCredit,
    lane::{Broken, Lane},
    outlet,
};
use bytes::Bytes;
use hoop_bus::packets::Receipt;
use hoop_domain::{Chain, Direction, SessionId};
use hoop_proto::{self as proto, packet};

fn stored(stream_seq: u64) -> Receipt {
    Receipt::Stored { stream_seq }
}

fn data(text: &'static str) -> proto::Payload {
    proto::Payload::data(1, Bytes::from_static(text.as_bytes()))
}

fn encoded(seq: u64, text: &'static str) -> Bytes {
    let session = SessionId::generate();
    let packet = proto::Packet {
        session: Bytes::copy_from_slice(session.as_bytes()),
        direction: proto::Direction::Out.into(),
        seq,
        channel: 1,
        at: 0,
        body: Some(proto::v1::packet::Body::Data(Bytes::from_static(text.as_bytes()))),
        taken: 0,
        chain: Bytes::new(),
    };
    packet::seal(packet, Chain::start(session, Direction::Out)).0
}

fn lane() -> (Lane, Events) {
    let (outlet, events) = outlet();
    let mut lane = Lane::default();
    lane.set_outlet(outlet);
    (lane, events)
}

fn delivered(events: &mut Events) -> Vec<u64> {
    let mut seqs = Vec::new();
    while let Some(Event::Delivery(delivery)) = events.try_recv() {
        seqs.push(delivery.seq);
    }
    seqs
}

#[test]
fn nothing_published_here_leaves_before_its_receipt() {
    let (mut lane, mut events) = lane();
    lane.publish(1, Some(data("a")));
    lane.publish(2, Some(data("b")));
    assert!(delivered(&mut events).is_empty());
    lane.receive(1, stored(10)).unwrap();
    assert_eq!(delivered(&mut events), [1]);
    lane.receive(2, stored(11)).unwrap();
    assert_eq!(delivered(&mut events), [2]);
}

#[test]
fn nothing_of_the_other_edge_leaves_before_its_receipt_whichever_comes_first() {
    let (mut lane, mut events) = lane();
    lane.witness(encoded(1, "a")).unwrap();
    assert!(delivered(&mut events).is_empty());
    lane.receive(1, stored(10)).unwrap();
    lane.receive(2, stored(11)).unwrap();
    assert_eq!(delivered(&mut events), [1]);
    lane.witness(encoded(2, "b")).unwrap();
    assert_eq!(delivered(&mut events), [2]);
}

#[test]
fn a_receipt_that_is_missing_stops_the_lane() {
    let (mut lane, mut events) = lane();
    lane.publish(1, Some(data("a")));
    lane.publish(2, Some(data("b")));
    let broken = lane.receive(2, stored(11)).unwrap_err();
    assert_eq!(broken, Broken::ReceiptMissing { expected: 1, got: 2 });
    assert!(delivered(&mut events).is_empty());
}

#[test]
fn a_packet_that_is_missing_stops_the_lane() {
    let (mut lane, _events) = lane();
    let broken = lane.witness(encoded(2, "b")).unwrap_err();
    assert_eq!(broken, Broken::PacketMissing { expected: 1, got: 2 });
}

#[test]
fn what_the_broker_refused_does_not_leave() {
    let (mut lane, mut events) = lane();
    lane.publish(1, Some(data("a")));
    let full = Receipt::Refused { cause: "maximum bytes exceeded".into() };
    assert!(lane.receive(1, full).is_err());
    lane.publish(2, Some(data("b")));
    assert_eq!(lane.receive(1, Receipt::Fenced), Err(Broken::Fenced));
    assert!(delivered(&mut events).is_empty());
}

#[test]
fn a_packet_that_comes_twice_leaves_once() {
    let (mut lane, mut events) = lane();
    lane.witness(encoded(1, "a")).unwrap();
    lane.receive(1, stored(10)).unwrap();
    lane.witness(encoded(1, "a")).unwrap();
    lane.receive(1, stored(10)).unwrap();
    assert_eq!(delivered(&mut events), [1]);
}

#[test]
fn the_broker_is_told_what_to_expect_whenever_that_is_known() {
    let (mut lane, _events) = lane();
    assert_eq!(lane.publish(1, Some(data("a"))), Some(0));
    assert_eq!(lane.publish(2, Some(data("b"))), None);
    lane.receive(1, stored(10)).unwrap();
    lane.receive(2, stored(11)).unwrap();
    assert_eq!(lane.publish(3, Some(data("c"))), Some(11));
}

#[test]
fn nobody_sends_more_than_was_granted() {
    let (mut lane, _events) = lane();
    let piece = packet::LARGEST_DATA + packet::FRAME_COST;
    for _ in 0..3 {
        lane.charge(1, piece).unwrap();
    }
    // Four pieces and what they cost beside their data are more than the window.
    assert!(lane.charge(1, piece).is_err());
    // Another channel has an allowance of its own.
    assert!(lane.charge(2, 1).is_ok());
}

fn resize() -> proto::Payload {
    let resize = proto::TerminalResize { columns: 80, rows: 25 };
    proto::Payload { channel: 1, body: Some(proto::payload::Body::TerminalResize(resize)) }
}

/// Sends resizes through the lane until it refuses one; how many it took.
fn flood(lane: &mut Lane, from: u64) -> u64 {
    let mut seq = from;
    while lane.charge(1, resize().cost()).is_ok() {
        lane.publish(seq, Some(resize()));
        lane.receive(seq, stored(seq)).unwrap();
        seq += 1;
    }
    seq - from
}

#[test]
fn what_costs_no_credit_is_bounded_while_the_endpoint_does_not_take_it() {
    let (mut lane, mut events) = lane();
    let taken = flood(&mut lane, 1);
    assert!((900..=1024).contains(&taken), "{taken}");
    assert_eq!(delivered(&mut events).len() as u64, taken);
    // The endpoint has taken it all: as much may come again.
    assert_eq!(flood(&mut lane, taken + 1), taken);
}

#[test]
fn what_costs_no_credit_is_bounded_before_its_receipt_too() {
    let (mut lane, _events) = lane();
    let mut seq = 0;
    while lane.charge(1, 0).is_ok() {
        seq += 1;
        lane.publish(seq, Some(resize()));
    }
    assert!((900..=1024).contains(&seq), "{seq}");
    // Data is not affected: it is bounded by credit.
    assert!(lane.charge(1, 10).is_ok());
}

#[test]
fn an_endpoint_that_takes_what_it_is_told_is_never_flooded() {
    let (mut lane, mut events) = lane();
    for seq in 1..10_000 {
        lane.charge(1, resize().cost()).unwrap();
        lane.publish(seq, Some(resize()));
        lane.receive(seq, stored(seq)).unwrap();
        assert_eq!(delivered(&mut events), [seq]);
    }
}

#[test]
fn the_other_edge_cannot_flood_an_endpoint_either() {
    let (mut lane, _events) = lane();
    let session = SessionId::generate();
    let exit = |seq| {
        let exit = proto::ChannelExit { code: 0, signal: 0 };
        let packet = proto::Packet {
            session: Bytes::copy_from_slice(session.as_bytes()),
            direction: proto::Direction::Out.into(),
            seq,
            channel: 1,
            at: 0,
            body: Some(proto::v1::packet::Body::ChannelExit(exit)),
            taken: 0,
            chain: Bytes::new(),
        };
        packet::seal(packet, Chain::start(session, Direction::Out)).0
    };
    let refused = (1..=1100).find_map(|seq| lane.witness(exit(seq)).err());
    assert_eq!(refused, Some(Broken::Flooded));
}

#[tokio::test]
async fn credit_of_an_endpoint_here_counts_before_it_reads_anything() {
    let credit = std::sync::Arc::new(LocalCredit::new(1));
    let (outlet, _unread) = outlet();
    let mut lane = Lane::default();
    lane.set_outlet(outlet.with_credit(credit.clone()));
    credit.spend(packet::WINDOW as usize).await.unwrap();
    for channel in [2, 1] {
        lane.tell(Event::Credit(proto::Credit { channel, bytes: u32::MAX }));
        lane.tell(Event::Credit(proto::Credit { channel, bytes: u32::MAX }));
    }
    credit.spend(64 * 1024 * 1024).await.unwrap();
    // More than is ever outstanding was not taken in, and an end is learnt at once.
    lane.tell(Event::Closed(proto::SessionClosed::default()));
    assert!(credit.spend(1).await.is_err());
}
