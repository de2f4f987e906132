//! The pump between an in-memory client and an in-memory session.

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::mpsc,
    task::JoinHandle,
};

use super::*;
use crate::Ended;

struct Tx(mpsc::Sender<ToTarget>);
struct Rx(mpsc::Receiver<FromTarget>);

impl SessionTx for Tx {
    async fn send(&mut self, item: ToTarget) -> Result<(), Ended> {
        self.0.send(item).await.map_err(|_| Ended)
    }
}

impl SessionRx for Rx {
    async fn recv(&mut self) -> FromTarget {
        match self.0.recv().await {
            Some(item) => item,
            None => std::future::pending().await,
        }
    }
}

struct Pump {
    client: DuplexStream,
    to_target: mpsc::Receiver<ToTarget>,
    from_target: mpsc::Sender<FromTarget>,
    task: JoinHandle<()>,
}

/// A pump whose client side holds `buffer` bytes.
fn pump(buffer: usize) -> Pump {
    let (client, io) = tokio::io::duplex(buffer);
    let (tx, to_target) = mpsc::channel(1);
    let (from_target, rx) = mpsc::channel(1);
    let ahead = BytesMut::from(&b"ahead"[..]);
    let task = tokio::spawn(run(io, ahead, Tx(tx), Rx(rx)));
    Pump { client, to_target, from_target, task }
}

fn data(bytes: &'static [u8]) -> FromTarget {
    FromTarget::Data(Bytes::from_static(bytes))
}

fn killed() -> FromTarget {
    FromTarget::Ended { reason: EndReason::Killed, message: String::new() }
}

#[tokio::test]
async fn bytes_pass_both_ways_and_those_that_came_early_come_first() {
    let mut pump = pump(1024);
    pump.client.write_all(b"query").await.unwrap();
    let first = ToTarget::Data(Bytes::from_static(b"ahead"));
    assert_eq!(pump.to_target.recv().await, Some(first));
    let second = ToTarget::Data(Bytes::from_static(b"query"));
    assert_eq!(pump.to_target.recv().await, Some(second));
    pump.from_target.send(data(b"answer")).await.unwrap();
    let mut answer = [0; 6];
    pump.client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"answer");
}

#[tokio::test]
async fn a_client_that_hangs_up_closes_its_session() {
    let mut pump = pump(1024);
    pump.to_target.recv().await.unwrap();
    drop(pump.client);
    assert_eq!(pump.to_target.recv().await, Some(ToTarget::Close));
    pump.from_target.send(killed()).await.unwrap();
    pump.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_holds_the_target_up() {
    const ROW: &[u8] = b"D\0\0\0\x0b\0\x01\0\0\0\x011";
    let mut pump = pump(64);
    let mut taken = 0;
    let patience = Duration::from_secs(1);
    while timeout(patience, pump.from_target.send(data(ROW))).await.is_ok() {
        taken += 1;
        assert!(taken < 100, "rows pile up");
    }
    // Once it reads, everything comes.
    let rows = tokio::spawn(async move {
        let mut all = Vec::new();
        pump.client.read_to_end(&mut all).await.unwrap();
        all
    });
    pump.from_target.send(killed()).await.unwrap();
    let all = rows.await.unwrap();
    assert!(all.starts_with(&ROW.repeat(taken)));
    assert_eq!(all.get(ROW.len() * taken), Some(&b'E'));
}

#[tokio::test]
async fn a_session_that_is_over_is_let_go_of_at_once() {
    let mut pump = pump(1024);
    pump.to_target.recv().await.unwrap();
    pump.from_target.send(killed()).await.unwrap();
    // The client has not hung up yet.
    assert_eq!(pump.to_target.recv().await, None);
    pump.from_target.closed().await;
    let mut told = Vec::new();
    pump.client.read_to_end(&mut told).await.unwrap();
    assert!(told.windows(5).any(|part| part == b"57P01"));
}

#[tokio::test]
async fn a_notice_comes_between_messages_and_the_session_goes_on() {
    const ROW: &[u8] = b"D\0\0\0\x0b\0\x01\0\0\0\x011";
    let mut pump = pump(4096);
    pump.to_target.recv().await.unwrap();
    let notice = || FromTarget::Notice("the session ends in 5 minutes".to_owned());
    for item in [notice(), data(&ROW[..3]), notice(), data(&ROW[3..]), data(ROW), killed()] {
        pump.from_target.send(item).await.unwrap();
    }
    let mut told = BytesMut::new();
    while 0 < pump.client.read_buf(&mut told).await.unwrap() {}
    let mut tags = Vec::new();
    while let Some(message) = hoop_wire::postgres::frame::split(&mut told, 4096).unwrap() {
        tags.push(message.tag);
    }
    assert_eq!(tags, b"NDNDE");
}
