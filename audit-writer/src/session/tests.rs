//! The decisions about one recording, packet by packet, without I/O.

use bytes::Bytes;
use hoop_domain::{
    Chain, Direction, EndReason, OrgId, SessionId,
    manifest::{Flaw, FlawKind},
};
use hoop_proto::v1::{self, packet::Body};
use hoop_store::recording::{End, Progress};
use tokio::time::{Duration, Instant};

use super::{Due, Fed, Known, Limits, Retention, Session, Step, Ticket};
use Direction::{In, Out};

/// What an edge would publish for one direction.
struct Edge {
    session: SessionId,
    direction: Direction,
    seq: u64,
    head: Chain,
}

impl Edge {
    fn new(session: SessionId, direction: Direction) -> Self {
        Self { session, direction, seq: 0, head: Chain::start(session, direction) }
    }

    fn send(&mut self, body: Body) -> Bytes {
        self.seq += 1;
        let packet = v1::Packet {
            session: Bytes::copy_from_slice(self.session.as_bytes()),
            direction: v1::Direction::from(self.direction).into(),
            seq: self.seq,
            channel: 0,
            at: i64::try_from(self.seq).unwrap(),
            body: Some(body),
            taken: 0,
            chain: Bytes::new(),
        };
        let (encoded, head) = hoop_proto::packet::seal(packet, self.head);
        self.head = head;
        encoded
    }

    fn data(&mut self) -> Bytes {
        self.send(Body::Data(Bytes::from_static(b"select 1")))
    }

    fn end(&mut self, reason: EndReason) -> Bytes {
        self.send(Body::SessionEnd(v1::SessionEnd::of(reason)))
    }
}

impl Ticket for u32 {
    fn message(&self) -> u64 {
        (*self).into()
    }
}

/// Nothing but the newest is kept.
const NEWEST: Retention = Retention { bytes: 0, packets: 1, age: Duration::ZERO };

/// A recording with its two edges; tickets are counted from 1.
struct Scene {
    session: Session<u32>,
    inward: Edge,
    outward: Edge,
    now: Instant,
    delivered: u32,
}

impl Scene {
    fn new() -> Self {
        let (id, now) = (SessionId::generate(), Instant::now());
        Self {
            session: Session::new(id, now),
            inward: Edge::new(id, In),
            outward: Edge::new(id, Out),
            now,
            delivered: 0,
        }
    }

    fn feed(&mut self, direction: Direction, packet: &Bytes) -> Fed<u32> {
        self.delivered += 1;
        self.session.feed(direction, packet, self.delivered, self.now)
    }

    fn due(&self) -> Option<Due> {
        self.session.due(self.now, self.now, &Limits::default(), false)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// Cuts and commits what there is.
    fn store(&mut self) -> Vec<u32> {
        let _ = self.session.cut(Due::Store);
        self.committed()
    }

    fn committed(&mut self) -> Vec<u32> {
        self.session.committed(self.now, &NEWEST)
    }

    fn released(&mut self, retention: Retention) -> Vec<u32> {
        self.session.release(self.now, &retention).collect()
    }
}

const RECORD: Fed<u32> = Fed::Record;
const SKIP: Fed<u32> = Fed::Skip { ack: None };

fn end(reason: EndReason) -> End {
    End::of(reason)
}

#[test]
fn the_newest_packet_of_each_direction_stays_in_the_stream() {
    let mut scene = Scene::new();
    for _ in 0..2 {
        let (inward, outward) = (scene.inward.data(), scene.outward.data());
        assert_eq!(scene.feed(In, &inward), RECORD);
        assert_eq!(scene.feed(Out, &outward), RECORD);
    }
    assert_eq!(scene.store(), [2], "1 is the first packet");
    let next = scene.inward.data();
    assert_eq!(scene.feed(In, &next), RECORD);
    assert_eq!(scene.store(), [3]);
    assert_eq!(scene.session.kept().0, 2);
}

#[test]
fn what_an_end_may_not_have_received_stays_up_to_a_size_a_number_and_an_age() {
    let mut scene = Scene::new();
    let length = u64::try_from(scene.outward.data().len()).unwrap();
    scene.outward = Edge::new(scene.session.id(), Out);
    for _ in 0..8 {
        let packet = scene.outward.data();
        scene.feed(Out, &packet);
    }
    let all = Retention::default();
    let _ = scene.session.cut(Due::Store);
    assert_eq!(scene.session.committed(scene.now, &all), [0; 0]);
    assert_eq!(scene.session.kept(), (8, 8 * length));
    assert_eq!(scene.released(Retention { bytes: 6 * length, ..all }), [1, 2]);
    assert_eq!(scene.released(Retention { packets: 5, ..all }), [3]);
    scene.pass(Duration::from_secs(30));
    let later = scene.outward.data();
    scene.feed(Out, &later);
    let _ = scene.session.cut(Due::Store);
    assert_eq!(scene.session.committed(scene.now, &all), [0; 0]);
    let limits = Limits::default();
    let wake = scene.session.wake_at(scene.now, &limits).unwrap();
    assert_eq!(wake, scene.now + Duration::from_secs(30));
    scene.pass(Duration::from_secs(30));
    assert_eq!(scene.released(all), [4, 5, 6, 7, 8]);
    scene.pass(Duration::from_secs(3600));
    assert_eq!(scene.released(all), [0; 0], "the newest stays");
    assert_eq!(scene.session.wake_at(scene.now, &limits), None);
}

#[test]
fn a_second_message_with_the_same_packet_does_not_stay() {
    let mut scene = Scene::new();
    let packet = scene.outward.data();
    for _ in 0..3 {
        scene.feed(Out, &packet);
    }
    assert_eq!(scene.store(), [1, 2], "an edge goes by the last message");
    assert_eq!(scene.session.feed(Out, &packet, 3, scene.now), SKIP, "the same message");
    assert_eq!(scene.session.feed(Out, &packet, 2, scene.now), Fed::Skip { ack: Some(2) });
    assert_eq!(scene.session.kept().0, 1);
}

#[test]
fn nothing_of_a_step_is_acknowledged_before_it_is_committed() {
    let mut scene = Scene::new();
    let packets: Vec<Bytes> = (0..3).map(|_| scene.inward.data()).collect();
    assert_eq!(scene.feed(In, &packets[0]), RECORD);
    let step = scene.session.cut(Due::Store);
    assert_eq!(step.write.heads.inward.seq, 1);
    assert_eq!(scene.feed(In, &packets[1]), RECORD);
    let _ = scene.session.cut(Due::Store);
    assert_eq!(scene.feed(In, &packets[2]), RECORD);
    assert_eq!(scene.committed(), [0; 0], "the first packet stays");
    assert_eq!(scene.committed(), [0; 0], "and the newest");
    let _ = scene.session.cut(Due::Store);
    assert_eq!(scene.committed(), [2]);
}

#[test]
fn the_agents_word_on_how_the_command_ended_goes_with_the_step_that_has_it() {
    let mut scene = Scene::new();
    let exit = |code| Body::ChannelExit(v1::ChannelExit { code, signal: 0 });
    let claimed = scene.inward.send(exit(1));
    assert_eq!(scene.feed(In, &claimed), RECORD);
    assert_eq!(scene.session.cut(Due::Store).write.exit_code, None, "it is the user's word");
    let real = scene.outward.send(exit(42));
    assert_eq!(scene.feed(Out, &real), RECORD);
    assert_eq!(scene.session.cut(Due::Begin).write.exit_code, None);
    assert_eq!(scene.session.cut(Due::Store).write.exit_code, Some(42));
    assert_eq!(scene.session.cut(Due::Finish(end(EndReason::TargetClosed))).write.exit_code, None);
}

#[test]
fn a_packet_that_is_delivered_again_is_recorded_once_and_acknowledged_when_it_is_stored() {
    let mut scene = Scene::new();
    let packets: Vec<Bytes> = (0..2).map(|_| scene.outward.data()).collect();
    for packet in &packets {
        assert_eq!(scene.feed(Out, packet), RECORD);
    }
    assert_eq!(scene.feed(Out, &packets[0]), SKIP, "it is spooled only");
    let _ = scene.session.cut(Due::Store);
    assert_eq!(scene.feed(Out, &packets[0]), SKIP, "it is in flight only");
    assert_eq!(scene.committed(), [1, 3, 4]);
    assert_eq!(scene.feed(Out, &packets[0]), SKIP);
    assert_eq!(scene.released(NEWEST), [5]);
    assert_eq!(scene.feed(Out, &packets[1]), Fed::Skip { ack: Some(2) }, "another message");
    let next = scene.outward.data();
    assert_eq!(scene.feed(Out, &next), RECORD);
    assert_eq!(scene.store(), [6]);
}

#[test]
fn another_writer_goes_on_where_the_first_one_stored_last() {
    let mut scene = Scene::new();
    let packets: Vec<Bytes> = (0..3).map(|_| scene.inward.data()).collect();
    for packet in &packets[..2] {
        assert_eq!(scene.feed(In, packet), RECORD);
    }
    let Step { write, piece } = scene.session.cut(Due::Store);
    assert!(piece.is_some());
    let progress = Progress {
        session: write.session,
        org: OrgId::generate(),
        finished: false,
        begun_at: write.begun_at,
        ended_at: write.ended_at,
        segments: 1,
        heads: write.heads,
    };
    let mut second: Session<u32> = Session::resumed(&progress, scene.now);
    assert_eq!(second.feed(In, &packets[0], 1, scene.now), SKIP);
    assert_eq!(second.feed(In, &packets[1], 2, scene.now), SKIP);
    assert_eq!(second.kept().0, 1, "and the first packet");
    assert_eq!(second.feed(In, &packets[2], 3, scene.now), RECORD);
    let step = second.cut(Due::Store);
    assert_eq!(step.write.heads.inward.packets, 3);
    assert_eq!(second.committed(scene.now, &NEWEST), [2]);
    let segment = step.piece.unwrap().into_segment(Vec::new());
    assert_eq!((segment.number, segment.seqs.inward), (1, Some((3, 3))));
    assert!(step.write.flaws.is_empty());
}

#[test]
fn a_recording_is_finished_when_both_ends_are_there() {
    let mut scene = Scene::new();
    let (inward, outward) =
        (scene.inward.end(EndReason::Killed), scene.outward.end(EndReason::ClientClosed));
    assert_eq!(scene.feed(Out, &outward), RECORD);
    assert_eq!(scene.due(), None);
    assert_eq!(scene.feed(In, &inward), RECORD);
    assert_eq!(scene.due(), Some(Due::Finish(end(EndReason::Killed))));
    let step = scene.session.cut(Due::Finish(end(EndReason::Killed)));
    assert_eq!(step.write.finish, Some(end(EndReason::Killed)));
    assert_eq!(scene.feed(In, &inward), SKIP);
    let late = scene.outward.data();
    let flaw = Flaw { direction: Out, seq: 2, kind: FlawKind::Late };
    assert_eq!(scene.feed(Out, &late), Fed::Late { flaw, ticket: 4 });
    assert_eq!(scene.due(), None);
    assert_eq!(scene.committed(), [2, 1, 3]);
}

/// An edge that was left alone says its last word after everybody else has given up.
#[test]
fn a_farewell_after_the_recordings_end_is_no_flaw() {
    let mut scene = Scene::new();
    let inward = scene.inward.data();
    scene.feed(In, &inward);
    let _ = scene.session.cut(Due::Finish(end(EndReason::EdgeLost)));
    let farewell = scene.outward.end(EndReason::EdgeLost);
    assert_eq!(scene.feed(Out, &farewell), Fed::Skip { ack: Some(2) });
    // Whatever claims to be one and follows nothing is not one.
    scene.outward.data();
    let forged = scene.outward.end(EndReason::EdgeLost);
    assert!(matches!(scene.feed(Out, &forged), Fed::Late { .. }));
}

#[test]
fn the_last_step_acknowledges_what_was_kept() {
    let mut scene = Scene::new();
    let (inward, outward) =
        (scene.inward.end(EndReason::Killed), scene.outward.end(EndReason::Killed));
    scene.feed(In, &inward);
    assert_eq!(scene.store(), [0; 0]);
    scene.feed(Out, &outward);
    let _ = scene.session.cut(Due::Finish(end(EndReason::Killed)));
    assert_eq!(scene.committed(), [2, 1]);
}

#[test]
fn a_target_that_says_no_good_bye_is_waited_for_while_it_speaks() {
    let mut scene = Scene::new();
    let inward = scene.inward.end(EndReason::ClientClosed);
    scene.feed(In, &inward);
    scene.pass(Duration::from_secs(4));
    let outward = scene.outward.data();
    scene.feed(Out, &outward);
    scene.pass(Duration::from_secs(4));
    let listening = scene.now - Duration::from_secs(60);
    let limits = Limits::default();
    let due = |scene: &Scene, listening| scene.session.due(scene.now, listening, &limits, false);
    assert!(!matches!(due(&scene, listening), Some(Due::Finish(_))));
    scene.pass(Duration::from_secs(1));
    let finish = Some(Due::Finish(end(EndReason::ClientClosed)));
    assert_eq!(due(&scene, listening), finish);
    // A writer that was not listening can't tell silence from deafness.
    assert_ne!(due(&scene, scene.now), finish);
}

#[test]
fn a_session_that_its_row_says_is_over_is_finished_after_a_silence() {
    let mut scene = Scene::new();
    let (inward, outward) = (scene.inward.data(), scene.outward.end(EndReason::AgentLost));
    scene.feed(In, &inward);
    scene.session.close(end(EndReason::EdgeLost));
    let listening = scene.now;
    scene.pass(Duration::from_secs(9));
    let limits = Limits::default();
    let wake = scene.session.wake_at(listening, &limits).unwrap();
    assert!(wake <= scene.now + Duration::from_secs(1));
    scene.store();
    assert_eq!(scene.session.due(scene.now, listening, &limits, false), None);
    scene.pass(Duration::from_secs(1));
    let due = scene.session.due(scene.now, listening, &limits, false);
    assert_eq!(due, Some(Due::Finish(end(EndReason::EdgeLost))));
    // What the recording itself says counts more than the row.
    scene.feed(Out, &outward);
    scene.pass(Duration::from_secs(10));
    let due = scene.session.due(scene.now, listening, &limits, false);
    assert_eq!(due, Some(Due::Finish(end(EndReason::AgentLost))));
}

#[test]
fn a_segment_is_cut_by_size_and_by_age() {
    let mut scene = Scene::new();
    let packet = scene.inward.data();
    scene.feed(In, &packet);
    let limits = Limits { segment_bytes: 4 + packet.len() as u64 + 1, ..Limits::default() };
    let due = |scene: &Scene| scene.session.due(scene.now, scene.now, &limits, false);
    assert_eq!(due(&scene), None);
    assert_eq!(scene.session.due(scene.now, scene.now, &limits, true), Some(Due::Store));
    scene.pass(limits.begin_after);
    assert_eq!(due(&scene), Some(Due::Begin));
    assert!(scene.session.cut(Due::Begin).piece.is_none());
    assert_eq!(due(&scene), None);
    scene.pass(limits.segment_age);
    assert_eq!(due(&scene), Some(Due::Store));
    let packet = scene.inward.data();
    scene.feed(In, &packet);
    scene.now -= limits.segment_age;
    assert_eq!(due(&scene), Some(Due::Store), "it is full");
}

#[test]
fn to_say_that_it_began_stores_and_acknowledges_nothing() {
    let mut scene = Scene::new();
    let packets: Vec<Bytes> = (0..2).map(|_| scene.inward.data()).collect();
    scene.feed(In, &packets[0]);
    let step = scene.session.cut(Due::Begin);
    assert_eq!(step.write.heads.inward.seq, 0);
    assert_eq!(scene.feed(In, &packets[0]), SKIP);
    scene.feed(In, &packets[1]);
    assert_eq!(scene.committed(), [0; 0]);
    let step = scene.session.cut(Due::Store);
    assert_eq!(step.piece.unwrap().into_segment(Vec::new()).number, 0);
    assert_eq!(scene.committed(), [1], "another message has the first packet, too");
}

/// Feeds what `damage` makes of the second of three packets.
fn flaws_of(damage: impl Fn(&Bytes) -> Option<Bytes>) -> (Vec<Flaw>, u64) {
    let mut scene = Scene::new();
    let packets: Vec<Bytes> = (0..3).map(|_| scene.inward.data()).collect();
    scene.feed(In, &packets[0]);
    if let Some(packet) = damage(&packets[1]) {
        scene.feed(In, &packet);
    }
    scene.feed(In, &packets[2]);
    let write = scene.session.cut(Due::Store).write;
    assert_eq!(write.heads.inward.chain, scene.inward.head);
    (write.flaws, write.heads.inward.packets)
}

#[test]
fn what_is_wrong_is_recorded_and_named_once() {
    let flaw = |seq, kind| Flaw { direction: In, seq, kind };
    assert_eq!(flaws_of(|packet| Some(packet.clone())), (vec![], 3));
    assert_eq!(flaws_of(|_| None), (vec![flaw(3, FlawKind::Gap)], 2));
    let touched = |packet: &Bytes| {
        let mut bytes = packet.to_vec();
        let at = bytes.windows(6).position(|window| window == b"select").unwrap();
        bytes[at] = b'S';
        Some(Bytes::from(bytes))
    };
    assert_eq!(flaws_of(touched), (vec![flaw(2, FlawKind::BrokenChain)], 3));
    let noise = |_: &Bytes| Some(Bytes::from_static(b"\xff\xff"));
    let expected = vec![flaw(2, FlawKind::Undecodable), flaw(3, FlawKind::Gap)];
    assert_eq!(flaws_of(noise), (expected, 2));
    let foreign = |_: &Bytes| Some(Edge::new(SessionId::generate(), In).data());
    let expected = vec![flaw(2, FlawKind::Misplaced), flaw(3, FlawKind::Gap)];
    assert_eq!(flaws_of(foreign), (expected, 2));
}

#[test]
fn what_is_no_packet_is_acknowledged_with_its_flaw() {
    let mut scene = Scene::new();
    assert_eq!(scene.feed(In, &Bytes::from_static(b"\xff")), SKIP);
    let step = scene.session.cut(Due::Store);
    assert_eq!((step.write.flaws.len(), step.piece.is_none()), (1, true));
    assert_eq!(scene.committed(), [1]);
}

#[test]
fn the_organisation_and_the_times_come_from_the_packets() {
    let mut scene = Scene::new();
    let org = OrgId::generate();
    let start = v1::SessionStart {
        org: Bytes::copy_from_slice(org.as_bytes()),
        ..v1::SessionStart::default()
    };
    let packets = [scene.inward.send(Body::SessionStart(start)), scene.inward.data()];
    for packet in &packets {
        scene.feed(In, packet);
    }
    let write = scene.session.cut(Due::Store).write;
    assert_eq!(write.org, Some(org));
    assert_eq!(write.begun_at, hoop_domain::time::from_micros(1));
    assert_eq!(write.ended_at, hoop_domain::time::from_micros(2));
}

#[test]
fn a_packet_of_a_finished_recording_is_known_or_late() {
    let mut edge = Edge::new(SessionId::generate(), In);
    let packets = [edge.data(), edge.data()];
    assert_eq!(Known::judge(In, 1, &packets[0]), Known::Recorded);
    let late = Flaw { direction: In, seq: 2, kind: FlawKind::Late };
    assert_eq!(Known::judge(In, 1, &packets[1]), Known::Late(late));
    let farewell = edge.end(EndReason::EdgeLost);
    assert_eq!(Known::judge(In, 2, &farewell), Known::Farewell);
    assert!(matches!(Known::judge(In, 1, &farewell), Known::Late(_)));
}
