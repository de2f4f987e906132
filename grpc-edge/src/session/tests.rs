//! Lanes: nothing leaves before its receipt, nothing leaves out of order, nothing leaves
//! twice.

use bytes::Bytes;
use hoop_bus::packets::Receipt;
use hoop_domain::{Chain, Direction, SessionId};
use hoop_proto::{self as proto, packet};
use tokio::sync::mpsc;

use super::{
    Event,
    lane::{Broken, Lane},
};

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
        chain: Bytes::new(),
    };
    packet::seal(packet, Chain::start(session, Direction::Out)).0
}

fn lane() -> (Lane, mpsc::UnboundedReceiver<Event>) {
    let (outlet, events) = mpsc::unbounded_channel();
    let mut lane = Lane::default();
    lane.set_outlet(outlet);
    (lane, events)
}

fn delivered(events: &mut mpsc::UnboundedReceiver<Event>) -> Vec<u64> {
    let mut seqs = Vec::new();
    while let Ok(Event::Delivery(delivery)) = events.try_recv() {
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
