//! Lanes: nothing leaves before its receipt, nothing leaves out of order, nothing leaves
//! twice.

use super::{
    Event, Events, Head, LocalCredit,
    lane::{Broken, Lane, Packet},
    outlet,
};
use bytes::Bytes;
use hoop_bus::{
    packets::{Publisher, Receipt},
    recorded::Recorded,
};
use hoop_domain::{Chain, Direction, SessionId};
use hoop_proto::{self as proto, packet};

fn stored(stream_seq: u64) -> Receipt {
    Receipt::Stored { stream_seq }
}

fn data(text: &'static str) -> proto::Payload {
    proto::Payload::data(1, Bytes::from_static(text.as_bytes()))
}

fn encoded(seq: u64, text: impl Into<String>) -> Bytes {
    let session = SessionId::generate();
    let packet = proto::Packet {
        session: Bytes::copy_from_slice(session.as_bytes()),
        direction: proto::Direction::Out.into(),
        seq,
        channel: 1,
        at: 0,
        body: Some(proto::v1::packet::Body::Data(Bytes::from(text.into()))),
        taken: seq,
        chain: Bytes::new(),
    };
    packet::seal(packet, Chain::start(session, Direction::Out)).0
}

fn lane() -> (Lane, Events) {
    let (outlet, events) = outlet();
    let mut lane = Lane::default();
    lane.set_outlet(Some(outlet));
    (lane, events)
}

/// The publisher of this edge, and another one.
fn publishers(lane: &mut Lane) -> (Publisher, Publisher) {
    let (ours, theirs) = (Publisher::generate(), Publisher::generate());
    lane.give_to(ours);
    (ours, theirs)
}

fn publish(lane: &mut Lane, publisher: Publisher, seq: u64, payload: proto::Payload) -> u64 {
    lane.publish(Packet::ours(seq, publisher, encoded(seq, "ours"), Some(payload), seq))
}

fn found(seq: u64, encoded: Bytes) -> Recorded {
    Recorded { stream_seq: 100 + seq, encoded }
}

fn delivered(events: &mut Events) -> Vec<u64> {
    let mut seqs = Vec::new();
    while let Some(event) = events.try_recv() {
        if let Event::Delivery(delivery) = event {
            seqs.push(delivery.seq);
        }
    }
    seqs
}

#[test]
fn nothing_published_here_leaves_before_its_receipt() {
    let (mut lane, mut events) = lane();
    let (ours, _) = publishers(&mut lane);
    publish(&mut lane, ours, 1, data("a"));
    assert!(delivered(&mut events).is_empty());
    assert!(lane.in_flight());
    lane.receive(1, ours, stored(10));
    assert_eq!(delivered(&mut events), [1]);
    assert!(!lane.in_flight());
    publish(&mut lane, ours, 2, data("b"));
    assert!(delivered(&mut events).is_empty());
    lane.receive(2, ours, stored(11));
    assert_eq!(delivered(&mut events), [2]);
}

#[test]
fn nothing_of_the_other_edge_leaves_before_its_receipt_whichever_comes_first() {
    let (mut lane, mut events) = lane();
    let theirs = Publisher::generate();
    lane.witness(theirs, encoded(1, "a")).unwrap();
    assert!(delivered(&mut events).is_empty());
    lane.receive(1, theirs, stored(10));
    lane.receive(2, theirs, stored(11));
    assert_eq!(delivered(&mut events), [1]);
    lane.witness(theirs, encoded(2, "b")).unwrap();
    assert_eq!(delivered(&mut events), [2]);
}

#[test]
fn what_is_missing_stops_the_lane_until_the_stream_is_looked_at() {
    let (mut lane, mut events) = lane();
    let theirs = Publisher::generate();
    // Packet 1 and its receipt were lost on the way.
    lane.witness(theirs, encoded(2, "b")).unwrap();
    lane.receive(2, theirs, stored(11));
    assert!(delivered(&mut events).is_empty());
    assert!(lane.doubtful_since().is_some());
    lane.found(found(1, encoded(1, "a"))).unwrap();
    assert_eq!(delivered(&mut events), [1, 2]);
    assert!(lane.doubtful_since().is_none());
    // What can't be found any more is not made up for.
    let missing = lane.found(found(4, encoded(4, "d"))).unwrap_err();
    assert_eq!(missing, Broken::PacketMissing { expected: 3, got: 4 });
}

#[test]
fn what_the_broker_refused_does_not_leave_and_is_published_again() {
    let (mut lane, mut events) = lane();
    let (ours, _) = publishers(&mut lane);
    publish(&mut lane, ours, 1, data("a"));
    let full = Receipt::Refused { cause: "maximum bytes exceeded".into() };
    assert!(lane.receive(1, ours, full).refused.is_some());
    assert!(delivered(&mut events).is_empty());
    let again = lane.unknown().unwrap();
    assert_eq!((again.seq, again.expected), (1, 0));
    lane.receive(1, ours, stored(10));
    assert_eq!(delivered(&mut events), [1]);
    assert!(lane.unknown().is_none());
}

#[test]
fn a_receipt_that_got_lost_is_made_up_for_by_the_stream() {
    let (mut lane, mut events) = lane();
    let (ours, _) = publishers(&mut lane);
    publish(&mut lane, ours, 1, data("a"));
    // It was published twice, and the broker has the first one.
    assert!(lane.receive(1, ours, Receipt::Fenced).doubt);
    let settled = lane.found(found(1, encoded_of(&lane))).unwrap();
    assert!(!settled.overtaken && lane.is_ours());
    assert_eq!(delivered(&mut events), [1]);
}

fn encoded_of(lane: &Lane) -> Bytes {
    lane.unknown().map(|unknown| unknown.encoded).unwrap_or_default()
}

#[test]
fn an_edge_that_was_overtaken_gives_way_and_hears_the_other_one() {
    let (mut lane, mut events) = lane();
    let (ours, theirs) = publishers(&mut lane);
    publish(&mut lane, ours, 1, data("a"));
    lane.receive(1, ours, stored(10));
    // Both publish packet 2, and the broker takes theirs.
    publish(&mut lane, ours, 2, data("stale"));
    lane.witness(theirs, encoded(2, "b")).unwrap();
    assert!(lane.receive(2, ours, Receipt::Fenced).doubt);
    let settled = lane.receive(2, theirs, stored(11));
    assert!(settled.overtaken && !lane.is_ours());
    lane.witness(theirs, encoded(3, "c")).unwrap();
    lane.receive(3, theirs, stored(12));
    assert_eq!(delivered(&mut events), [1, 2, 3]);
    assert!(lane.unknown().is_none() && !lane.in_flight());
}

#[test]
fn what_a_stale_edge_publishes_is_dropped() {
    let (mut lane, mut events) = lane();
    let (stale, theirs) = (Publisher::generate(), Publisher::generate());
    lane.witness(stale, encoded(1, "stale")).unwrap();
    lane.witness(theirs, encoded(1, "a")).unwrap();
    lane.receive(1, stale, Receipt::Fenced);
    assert!(delivered(&mut events).is_empty());
    lane.receive(1, theirs, stored(10));
    assert_eq!(delivered(&mut events), [1]);
    assert!(lane.doubtful_since().is_none());
}

#[test]
fn what_is_gone_from_the_stream_is_missed_only_where_somebody_receives_it() {
    let (mut lane, _events) = lane();
    let (ours, _) = publishers(&mut lane);
    publish(&mut lane, ours, 1, data("a"));
    lane.receive(1, ours, stored(10));
    publish(&mut lane, ours, 2, data("stale"));
    // Another edge has taken over, and the first of its packets are stored and gone.
    let missing = Broken::PacketMissing { expected: 2, got: 9 };
    assert_eq!(lane.found(found(9, encoded(9, "i"))).unwrap_err(), missing);
    lane.set_outlet(None);
    let settled = lane.found(found(9, encoded(9, "i"))).unwrap();
    assert!(settled.overtaken && !lane.is_ours() && !lane.in_flight());
    assert_eq!(lane.recorded(), 9);
}

#[test]
fn a_packet_that_comes_twice_leaves_once() {
    let (mut lane, mut events) = lane();
    let theirs = Publisher::generate();
    for _ in 0..2 {
        lane.witness(theirs, encoded(1, "a")).unwrap();
        lane.receive(1, theirs, stored(10));
        lane.found(found(1, encoded(1, "a"))).unwrap();
    }
    assert_eq!(delivered(&mut events), [1]);
}

#[test]
fn the_broker_is_always_told_what_to_expect() {
    let (mut lane, _events) = lane();
    let (ours, _) = publishers(&mut lane);
    assert_eq!(publish(&mut lane, ours, 1, data("a")), 0);
    lane.receive(1, ours, stored(10));
    assert_eq!(publish(&mut lane, ours, 2, data("b")), 10);
}

#[test]
fn at_level_synced_nothing_leaves_before_the_audit_writer_has_it() {
    let (mut lane, mut events) = lane();
    let (ours, _) = publishers(&mut lane);
    lane.set_level(proto::AuditLevel::Synced);
    publish(&mut lane, ours, 1, data("a"));
    lane.receive(1, ours, stored(10));
    assert!(delivered(&mut events).is_empty());
    // How long it waits counts, so that it ends in words when the writer stays away.
    assert!(lane.waiting_since().is_some());
    // The next one may be published all the same.
    assert!(!lane.in_flight());
    publish(&mut lane, ours, 2, data("b"));
    lane.receive(2, ours, stored(11));
    lane.synced(1);
    assert_eq!(delivered(&mut events), [1]);
    lane.synced(2);
    assert_eq!(delivered(&mut events), [2]);
    // It may know before the receipt is in.
    lane.synced(3);
    publish(&mut lane, ours, 3, data("c"));
    assert!(delivered(&mut events).is_empty());
    lane.receive(3, ours, stored(12));
    assert_eq!(delivered(&mut events), [3]);
    assert!(lane.waiting_since().is_none());
}

#[test]
fn at_level_windowed_a_mebibyte_leaves_before_it_is_recorded_and_no_more() {
    let (mut lane, mut events) = lane();
    lane.set_level(proto::AuditLevel::Windowed);
    let theirs = Publisher::generate();
    let piece = "x".repeat(300 * 1024);
    for seq in 1..=4 {
        lane.witness(theirs, encoded(seq, piece.clone())).unwrap();
    }
    assert_eq!(delivered(&mut events), [1, 2, 3]);
    lane.receive(1, theirs, stored(10));
    lane.witness(theirs, encoded(5, piece)).unwrap();
    assert_eq!(delivered(&mut events), [4]);
    for seq in 2..=5 {
        lane.receive(seq, theirs, stored(9 + seq));
    }
    assert_eq!(delivered(&mut events), [5]);
}

#[test]
fn a_sender_is_told_now_and_then_what_it_may_forget() {
    let (mut lane, _events) = lane();
    let (ours, _) = publishers(&mut lane);
    let mut told = Vec::new();
    for seq in 1..=96 {
        publish(&mut lane, ours, seq, data("a"));
        told.extend(lane.receive(seq, ours, stored(seq)).received);
    }
    assert_eq!(told, [32, 64, 96]);
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
fn flood(lane: &mut Lane, ours: Publisher, from: u64) -> u64 {
    let mut seq = from;
    while lane.charge(1, resize().cost()).is_ok() {
        publish(lane, ours, seq, resize());
        lane.receive(seq, ours, stored(seq));
        seq += 1;
    }
    seq - from
}

#[test]
fn what_costs_no_credit_is_bounded_while_the_endpoint_does_not_take_it() {
    let (mut lane, mut events) = lane();
    let (ours, _) = publishers(&mut lane);
    let taken = flood(&mut lane, ours, 1);
    assert!((900..=1024).contains(&taken), "{taken}");
    assert_eq!(delivered(&mut events).len() as u64, taken);
    // The endpoint has taken it all: as much may come again.
    assert_eq!(flood(&mut lane, ours, taken + 1), taken);
}

#[test]
fn what_costs_no_credit_is_bounded_before_its_receipt_too() {
    let (mut lane, _events) = lane();
    let (ours, _) = publishers(&mut lane);
    let mut seq = 0;
    while lane.charge(1, 0).is_ok() {
        seq += 1;
        publish(&mut lane, ours, seq, resize());
    }
    assert!((900..=1024).contains(&seq), "{seq}");
    // Data is not affected: it is bounded by credit.
    assert!(lane.charge(1, 10).is_ok());
}

#[test]
fn an_endpoint_that_takes_what_it_is_told_is_never_flooded() {
    let (mut lane, mut events) = lane();
    let (ours, _) = publishers(&mut lane);
    for seq in 1..10_000 {
        lane.charge(1, resize().cost()).unwrap();
        publish(&mut lane, ours, seq, resize());
        lane.receive(seq, ours, stored(seq));
        assert_eq!(delivered(&mut events), [seq]);
    }
}

#[test]
fn the_other_edge_cannot_flood_an_endpoint_either() {
    let (mut lane, _events) = lane();
    let (session, theirs) = (SessionId::generate(), Publisher::generate());
    let exit = |seq| {
        let exit = proto::ChannelExit { code: 0, signal: 0 };
        let packet = proto::Packet {
            session: Bytes::copy_from_slice(session.as_bytes()),
            direction: proto::Direction::Out.into(),
            seq,
            channel: 1,
            at: 0,
            body: Some(proto::v1::packet::Body::ChannelExit(exit)),
            taken: seq,
            chain: Bytes::new(),
        };
        packet::seal(packet, Chain::start(session, Direction::Out)).0
    };
    let refused = (1..=1100).find_map(|seq| lane.witness(theirs, exit(seq)).err());
    assert_eq!(refused, Some(Broken::Flooded));
}

#[tokio::test]
async fn credit_of_an_endpoint_here_counts_before_it_reads_anything() {
    let credit = std::sync::Arc::new(LocalCredit::new(1));
    let (outlet, _unread) = outlet();
    let mut lane = Lane::default();
    lane.set_outlet(Some(outlet.with_credit(credit.clone())));
    credit.spend(packet::WINDOW as usize).await.unwrap();
    for channel in [2, 1] {
        lane.tell(Event::Credit(proto::Credit { channel, total: u64::MAX - 1 }));
        lane.tell(Event::Credit(proto::Credit { channel, total: u64::MAX }));
    }
    credit.spend(64 * 1024 * 1024).await.unwrap();
    // More than is ever outstanding was not taken in, and an end is learnt at once.
    lane.tell(Event::Closed(proto::SessionClosed::default()));
    assert!(credit.spend(1).await.is_err());
}

#[test]
fn who_lies_about_what_it_has_spent_fills_no_memory() {
    let (mut lane, mut events) = lane();
    let (ours, _) = publishers(&mut lane);
    let piece = "x".repeat(packet::LARGEST_DATA);
    let payload = || proto::Payload::data(1, Bytes::from(piece.clone()));
    let most = 66 * 1024 * 1024 / packet::LARGEST_DATA as u64;
    let mut seq = 0;
    loop {
        // As one may say after each move.
        lane.allowances.clear();
        if lane.charge(1, payload().cost()).is_err() {
            break;
        }
        seq += 1;
        publish(&mut lane, ours, seq, payload());
        lane.receive(seq, ours, stored(seq));
        assert!(seq <= most, "{seq} pieces wait for an endpoint that does not read");
    }
    // When that is taken, the sender may go on.
    assert_eq!(delivered(&mut events).len() as u64, seq);
    assert!(lane.charge(1, payload().cost()).is_ok());
}

#[test]
fn what_was_found_out_about_a_direction_is_not_waited_for() {
    let (mut lane, mut events) = lane();
    let theirs = Publisher::generate();
    lane.witness(theirs, encoded(1, "a")).unwrap();
    lane.receive(2, theirs, stored(11));
    let session = SessionId::generate();
    let start = Head::start(session, Direction::Out);
    lane.begin_after(&Head { seq: 2, stream_seq: 11, taken: 2, ..start });
    assert!(lane.doubtful_since().is_none());
    lane.witness(theirs, encoded(3, "c")).unwrap();
    lane.receive(3, theirs, stored(12));
    assert_eq!(delivered(&mut events), [3]);
}
