//! A recording over REST: packets, statements, and the bytes as they passed.

use bytes::Bytes;
use chrono::DateTime;
use hoop_domain::{
    Both, Chain, Direction, EndReason, Partition, SessionId, manifest::SigningKey, time,
};
use hoop_proto::{
    packet::seal,
    v1::{self, packet::Body},
};
use hoop_store::recording::{End, Head, Segment, Write, WriterId, format};
use serde_json::json;

use super::{sessions::open, world::World};

/// Makes packets of both directions and stores them in segments.
pub(super) struct Recorder<'a> {
    world: &'a World,
    pub(super) session: SessionId,
    heads: Both<Head>,
    segments: u32,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(world: &'a World, session: SessionId) -> Self {
        let heads = Both::from_fn(|direction| Head::start(session, direction));
        Self { world, session, heads, segments: 0 }
    }

    pub(super) fn packet(&mut self, direction: Direction, body: Body) -> Bytes {
        let head = self.heads.get_mut(direction);
        head.seq += 1;
        head.packets += 1;
        let packet = v1::Packet {
            session: self.session.as_bytes().to_vec().into(),
            direction: v1::Direction::from(direction).into(),
            seq: head.seq,
            channel: 1,
            at: 1_700_000_000_000_000 + i64::try_from(head.seq).unwrap(),
            body: Some(body),
            taken: 0,
            chain: Bytes::new(),
        };
        let (encoded, chain): (Bytes, Chain) = seal(packet, head.chain);
        head.chain = chain;
        encoded
    }

    pub(super) async fn store(&mut self, packets: &[(Direction, Body)], finish: Option<End>) {
        let first = self.heads.map(|head| head.seq + 1);
        let mut raw = Vec::new();
        for (direction, body) in packets {
            let encoded = self.packet(*direction, body.clone());
            raw.extend(format::record_header(encoded.len()));
            raw.extend(&encoded);
        }
        let seqs = Both::from_fn(|direction| {
            let (first, last) = (*first.get(direction), self.heads.get(direction).seq);
            (first <= last).then_some((first, last))
        });
        let stored = format::Packer::new().unwrap().pack(&raw).unwrap();
        let at: DateTime<_> = time::from_micros(1_700_000_000_000_000);
        let segment = Segment {
            number: self.segments,
            seqs,
            packets: packets.len() as u64,
            raw_bytes: raw.len() as u64,
            begun_at: at,
            ended_at: at,
            digest: *blake3::hash(&stored).as_bytes(),
            stored,
            object: None,
        };
        self.segments += 1;
        let write = Write {
            session: self.session,
            org: Some(self.world.app.org.id()),
            begun_at: at,
            ended_at: at,
            heads: self.heads.clone(),
            segment: Some(segment),
            flaws: vec![],
            exit_code: None,
            finish,
        };
        let lasting = std::time::Duration::from_secs(60);
        let store = &self.world.app.store;
        let writer = WriterId::generate();
        let partition = Partition::of(self.session);
        let lease = store.lease_acquire(writer, partition, lasting).await.unwrap().unwrap();
        let key = SigningKey::from_seed(&[1; 32]).unwrap();
        store.manifest_key_add(key.public_key()).await.unwrap();
        store.recordings_commit(&lease, &[write], &key).await.unwrap();
        store.lease_release(lease).await.unwrap();
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], length.as_slice(), body].concat()
}

fn data(bytes: &[u8]) -> Body {
    Body::Data(Bytes::copy_from_slice(bytes))
}

/// Two segments: a query, and its answer in two pieces.
pub(super) async fn recorded(world: &World, token: &str) -> (SessionId, Vec<u8>, Vec<u8>) {
    let session = open(world, token).await;
    let query = message(b'Q', b"select 1\0");
    let row = message(b'D', &[0, 1, 0, 0, 0, 1, b'1']);
    let answer = [
        message(b'T', b"\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0"),
        row,
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat();
    let (start, rest) = answer.split_at(20);
    let mut recorder = Recorder::new(world, session);
    let begin = v1::SessionStart { user_email: "ann@example.com".into(), ..Default::default() };
    let first = [
        (Direction::In, Body::SessionStart(begin)),
        (Direction::In, data(&query)),
        (Direction::Out, data(start)),
    ];
    recorder.store(&first, None).await;
    let end = v1::SessionEnd::of(EndReason::ClientClosed);
    let second = [(Direction::Out, data(rest)), (Direction::In, Body::SessionEnd(end))];
    recorder.store(&second, Some(End::of(EndReason::ClientClosed))).await;
    (session, query, answer)
}

#[tokio::test]
async fn packets_come_in_pages_in_the_order_of_the_recording() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let (session, ..) = recorded(&world, &ann).await;
    let base = format!("/api/sessions/{session}/packets");

    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&ann, &format!("{base}?limit=2{cursor}")).await.body;
        found.extend(page["data"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let seen: Vec<_> = found
        .iter()
        .map(|packet| {
            let text = |name: &str| packet[name].as_str().unwrap().to_owned();
            (text("direction"), packet["seq"].as_u64().unwrap(), text("kind"))
        })
        .collect();
    let expect = [
        ("in", 1, "session_start"),
        ("in", 2, "data"),
        ("out", 1, "data"),
        ("out", 2, "data"),
        ("in", 3, "session_end"),
    ];
    let expect: Vec<_> =
        expect.iter().map(|(way, seq, kind)| ((*way).into(), *seq, (*kind).into())).collect();
    assert_eq!(seen, expect);
    assert_eq!(found[4]["detail"]["code"], "client_closed");

    let one = world.get(&ann, &format!("{base}?direction=out&after_seq=1")).await.body;
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    assert_eq!(one["data"][0]["seq"], 2);
    assert_eq!(world.get(&ann, &format!("{base}?after_seq=1")).await.body["field"], "after_seq");
}

#[tokio::test]
async fn a_recording_is_shown_as_statements_and_as_the_bytes_that_passed() {
    let world = World::new().await;
    world.pg().await;
    let ann = world.user("ann@example.com", &["dba"]).await;
    let (session, query, answer) = recorded(&world, &ann).await;
    let base = format!("/api/sessions/{session}");

    let statements = world.get(&ann, &format!("{base}/statements")).await.body;
    assert_eq!(statements["complete"], true);
    let list = statements["data"].as_array().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!((&list[0]["text"], &list[0]["tag"]), (&json!("select 1"), &json!("SELECT 1")));
    assert_eq!(list[0]["rows"], 1);

    assert_eq!(world.get(&ann, &format!("{base}/download?format=raw-in")).await.bytes, query);
    assert_eq!(world.get(&ann, &format!("{base}/download?format=raw-out")).await.bytes, answer);
    let sql = world.get(&ann, &format!("{base}/download?format=sql")).await;
    assert_eq!(sql.kind, "application/sql");
    let sql = String::from_utf8(sql.bytes).unwrap();
    assert!(sql.starts_with("-- 2023-11-14T") && sql.ends_with("\nselect 1;\n\n"), "{sql}");
    let lines = world.get(&ann, &format!("{base}/download")).await.bytes;
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 5);
    assert_eq!(world.get(&ann, &format!("{base}/download?format=zip")).await.status, 422);

    let shown = world.get(&ann, &base).await.body;
    assert_eq!((&shown["status"], &shown["recording"]), (&json!("done"), &json!("finished")));
    assert_eq!((&shown["packets_in"], &shown["packets_out"]), (&json!(3), &json!(2)));
    assert_eq!(shown["end_reason"], "client_closed");
}
