//! A pipe against an edge made of two queues: no network, no clock.

mod command;

use std::sync::Arc;

use bytes::Bytes;
use hoop_proto::{
    packet::FRAME_COST,
    v1::{Credit, Delivery, Payload, down, up},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::UnboundedReceiverStream};

use super::*;
use crate::{KeepAlive, keep_alive::SilenceTimer, outbox::Outbox, outgoing::Outgoing};

type Frames = UnboundedReceiverStream<Result<v1::Down, Status>>;

/// A pipe, and the edge's side of its stream.
struct Rig {
    pipe: Pipe<Frames>,
    outgoing: Outgoing,
    edge: mpsc::UnboundedSender<Result<v1::Down, Status>>,
    seen: Vec<Event>,
}

impl Rig {
    async fn new(peer_window: u32) -> Self {
        let (edge, frames) = mpsc::unbounded_channel();
        let incoming = Incoming::new(Frames::new(frames), KeepAlive::STANDARD);
        let outbox = Outbox::new(up::Frame::AttachHello(v1::AttachHello::default()));
        let silence = SilenceTimer::new(KeepAlive::STANDARD.send_after);
        let outgoing = Outgoing::new(Arc::clone(&outbox), 0, silence);
        let pipe = Pipe::new(Sender::of(outbox), incoming, peer_window);
        let mut rig = Self { pipe, outgoing, edge, seen: Vec::new() };
        assert!(matches!(rig.sent().await, Some(up::Frame::AttachHello(_))));
        rig
    }

    fn frame(&self, frame: down::Frame) {
        self.edge.send(Ok(v1::Down { frame: Some(frame) })).unwrap();
    }

    fn deliver(&self, channel: u32, body: Body) {
        let payload = Some(Payload { channel, body: Some(body) });
        self.frame(down::Frame::Delivery(Delivery { seq: 1, payload, pieces: 1 }));
    }

    /// Grants so much more than the window that a channel begins with.
    fn credit(&self, channel: u32, total: u64) {
        self.frame(down::Frame::Credit(Credit { channel, total }));
    }

    /// The next frame that goes to the edge; what happens meanwhile is kept.
    async fn sent(&mut self) -> Option<up::Frame> {
        loop {
            tokio::select! {
                biased;
                frame = self.outgoing.next() => return frame.and_then(|up| up.frame),
                event = self.pipe.event() => self.seen.push(event.unwrap()),
            }
        }
    }

    async fn event(&mut self) -> Result<Event, Error> {
        if self.seen.is_empty() { self.pipe.event().await } else { Ok(self.seen.remove(0)) }
    }

    /// Opens channel `channel` from the other end and returns the target's side of it.
    async fn target(&mut self, channel: u32, capacity: usize) -> DuplexStream {
        let kind = Kind::Tcp(TcpOpen {});
        self.deliver(channel, Body::ChannelOpen(ChannelOpen { kind: Some(kind) }));
        assert!(matches!(self.event().await, Ok(Event::Open { .. })));
        let (ours, theirs) = duplex(capacity);
        let (reader, writer) = tokio::io::split(ours);
        self.pipe.ready(channel, Vec::new(), reader, writer).unwrap();
        assert!(matches!(self.payload().await, (_, Body::ChannelReady(_))));
        theirs
    }

    async fn payload(&mut self) -> (u32, Body) {
        match self.sent().await {
            Some(up::Frame::Payload(Payload { channel, body: Some(body) })) => (channel, body),
            other => panic!("{other:?} is no payload"),
        }
    }
}

/// Whether `future` has to wait for something.
async fn pending(future: impl Future) -> bool {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

fn data(len: usize) -> Body {
    Body::Data(Bytes::from(vec![7; len]))
}

#[tokio::test]
async fn bytes_travel_both_ways() {
    let mut rig = Rig::new(0).await;
    let mut target = rig.target(1, 1024).await;

    target.write_all(b"hello").await.unwrap();
    assert_eq!(rig.payload().await, (1, Body::Data(Bytes::from_static(b"hello"))));

    rig.deliver(1, Body::Data(Bytes::from_static(b"good ")));
    rig.deliver(1, Body::Data(Bytes::from_static(b"bye")));
    let mut got = [0; 8];
    tokio::select! {
        read = target.read_exact(&mut got) => drop(read.unwrap()),
        frame = rig.sent() => panic!("{frame:?} was not expected"),
    }
    assert_eq!(&got, b"good bye");
}

#[tokio::test]
async fn a_reader_without_credit_waits_for_it() {
    let mut rig = Rig::new(4096).await;
    let mut target = rig.target(1, 64 * 1024).await;
    target.write_all(&[1; 8192]).await.unwrap();

    let mut got = 0;
    let (mut credit, mut total) = (4096, 4096);
    while got < 8192 {
        let (_, Body::Data(piece)) = rig.payload().await else { panic!("data was expected") };
        got += piece.len();
        credit -= piece.len() + FRAME_COST;
        if credit < 2048 && got < 8192 {
            // Nothing may come now: the pipe has no work left but to wait.
            assert!(pending(rig.outgoing.next()).await);
            total += u64::try_from(4096 - credit).unwrap();
            rig.credit(1, total);
            credit = 4096;
        }
    }
}

#[tokio::test]
async fn more_than_was_granted_ends_the_session() {
    let mut rig = Rig::new(0).await;
    let _target = rig.target(1, 64).await;
    for _ in 0..5 {
        rig.deliver(1, data(256 * 1024));
    }
    assert!(matches!(rig.event().await, Err(Error::Violation(_))));
}

#[tokio::test]
async fn credit_is_granted_once_half_a_window_was_consumed() {
    let mut rig = Rig::new(0).await;
    let mut target = rig.target(1, 1024).await;
    let (piece, pieces) = (128 * 1024 - FRAME_COST, 4);
    for _ in 0..pieces {
        rig.deliver(1, data(piece));
    }
    let mut got = vec![0; piece * pieces];
    let granted = tokio::join!(target.read_exact(&mut got), rig.sent()).1;
    assert_eq!(granted, Some(up::Frame::Credit(Credit { channel: 1, total: 1536 * 1024 })));
}

#[tokio::test]
async fn a_stalled_channel_does_not_stop_another() {
    let mut rig = Rig::new(0).await;
    let _stalled = rig.target(1, 64).await;
    let mut flowing = rig.target(2, 64).await;
    rig.deliver(1, data(512 * 1024));
    rig.deliver(2, data(512 * 1024));
    let mut got = vec![0; 512 * 1024];
    tokio::select! {
        read = flowing.read_exact(&mut got) => drop(read.unwrap()),
        _ = async { loop { rig.sent().await; } } => {}
    }
}

#[tokio::test]
async fn a_half_close_travels_and_two_finish_the_channel() {
    let mut rig = Rig::new(0).await;
    let mut target = rig.target(1, 1024).await;
    rig.deliver(1, Body::Data(Bytes::from_static(b"last")));
    rig.deliver(1, Body::ChannelClose(ChannelClose { abort: false }));
    let mut got = Vec::new();
    tokio::select! {
        read = target.read_to_end(&mut got) => drop(read.unwrap()),
        frame = rig.sent() => panic!("{frame:?} was not expected"),
    }
    assert_eq!(got, b"last");

    target.write_all(b"answer").await.unwrap();
    drop(target);
    assert_eq!(rig.payload().await.1, Body::Data(Bytes::from_static(b"answer")));
    assert_eq!(rig.payload().await.1, Body::ChannelClose(ChannelClose { abort: false }));
    assert_eq!(rig.event().await.unwrap(), Event::ReaderEnded { channel: 1 });
    assert_eq!(rig.event().await.unwrap(), Event::Finished { channel: 1 });
}

#[tokio::test]
async fn a_target_that_takes_nothing_more_aborts_the_channel_after_its_last_word() {
    let mut rig = Rig::new(0).await;
    let mut target = rig.target(1, 1024).await;
    target.write_all(b"FATAL").await.unwrap();
    drop(target);
    rig.deliver(1, Body::Data(Bytes::from_static(b"too late")));
    // The writer breaks before the reader is polled.
    assert!(pending(rig.pipe.event()).await);
    assert_eq!(rig.payload().await.1, Body::Data(Bytes::from_static(b"FATAL")));
    assert_eq!(rig.payload().await.1, Body::ChannelClose(ChannelClose { abort: true }));
}

#[tokio::test]
async fn a_settled_pipe_has_written_everything() {
    let mut rig = Rig::new(0).await;
    let mut target = rig.target(1, 16).await;
    rig.deliver(1, Body::Data(Bytes::from_static(b"insert into orders; X")));
    let end = SessionEnd { code: "client_closed".into(), message: String::new() };
    rig.deliver(0, Body::SessionEnd(end));
    let Ok(Event::End { reason: EndReason::ClientClosed, .. }) = rig.event().await else {
        panic!("the end was expected")
    };
    let mut got = Vec::new();
    tokio::join!(rig.pipe.settle(), target.read_to_end(&mut got)).1.unwrap();
    assert_eq!(got, b"insert into orders; X");

    rig.pipe.end(EndReason::ClientClosed, "bye");
    assert!(matches!(rig.sent().await, Some(up::Frame::Payload(Payload { channel: 0, .. }))));
    assert_eq!(rig.outgoing.next().await, None);
}

#[tokio::test]
async fn a_stream_that_tonic_drops_lets_go_of_the_readers() {
    let mut rig = Rig::new(0).await;
    let mut target = rig.target(1, 16).await;
    drop(rig.outgoing);
    drop(rig.pipe);
    assert_eq!(target.read(&mut [0; 8]).await.unwrap(), 0);
}
