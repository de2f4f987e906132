//! Real sockets, and a clock that can be turned.

use axum::{
    extract::ConnectInfo,
    routing::{get, post},
};
use hoop_runtime::shutdown::DrainHandle;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{pace::HEAD, *};
use crate::extract;

struct Running {
    address: SocketAddr,
    drain: DrainHandle,
    task: JoinHandle<()>,
}

async fn running() -> Running {
    let router = Router::new()
        .route("/", get(|from: ConnectInfo<SocketAddr>| async move { from.0.ip().to_string() }))
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(3 * HEAD).await;
                "at last"
            }),
        )
        .route("/body", post(|_: extract::Body<serde_json::Value>| async { "read" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (drain, begun) = Drain::new();
    let task = tokio::spawn(serve(listener, router, begun));
    Running { address, drain, task }
}

impl Running {
    /// A connection that has said `words`.
    async fn says(&self, words: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        stream
    }

    async fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        rest(&mut self.says(&request).await).await
    }
}

/// Everything until the other side hangs up.
async fn rest(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A reset is as good as an end.
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8(said).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_does_not_finish_a_head_is_cut_after_ten_seconds() {
    let running = running().await;
    for words in ["", "G", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let started = Instant::now();
        let mut stream = running.says(words).await;
        rest(&mut stream).await;
        let waited = started.elapsed();
        assert!(HEAD <= waited && waited < HEAD + Duration::from_secs(2), "{words}: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_wins_no_time() {
    let running = running().await;
    let mut stream = running.says("GET / HTTP/1.1\r\nx: ").await;
    let started = Instant::now();
    let (mut reader, mut writer) = stream.split();
    let mut end = [0; 1];
    let mut ended = pin!(reader.read(&mut end));
    while timeout(Duration::from_secs(1), &mut ended).await.is_err() {
        let _ = writer.write_all(b"x").await;
    }
    assert!(started.elapsed() < HEAD + Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn silent_connections_cost_others_nothing() {
    let running = running().await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(running.says("GET / HTTP/1.1\r\n").await);
    }
    let answer = timeout(HEAD / 2, running.get("/")).await.expect("it is not held up");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_as_long_as_it_takes() {
    assert!(running().await.get("/slow").await.ends_with("at last"));
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_was_begun_and_takes_nothing_new() {
    let running = running().await;
    let mut stream = running.says("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // A request behind it on the same server is answered, so it was taken in.
    running.get("/").await;
    running.drain.begin();
    assert!(rest(&mut stream).await.ends_with("at last"));
    running.task.await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

/// A request on a connection that is kept, and its answer of nine bytes.
async fn exchange(stream: &mut TcpStream) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"127.0.0.1") {
        assert_ne!(stream.read_buf(&mut said).await.unwrap(), 0, "it was closed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_rest_for_longer_than_load_balancers_keep_theirs() {
    let running = running().await;
    let mut stream = running.says("").await;
    for _ in 0..3 {
        exchange(&mut stream).await;
        tokio::time::advance(Duration::from_secs(65)).await;
    }
    exchange(&mut stream).await;
    let rested = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    let rested = rested.elapsed();
    assert!(REST <= rested && rested < REST + Duration::from_secs(2), "{rested:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_has_begun_has_ten_seconds_on_a_kept_connection_too() {
    let running = running().await;
    let mut stream = running.says("").await;
    exchange(&mut stream).await;
    tokio::time::advance(Duration::from_secs(30)).await;
    stream.write_all(b"GET / HT").await.unwrap();
    let begun = Instant::now();
    rest(&mut stream).await;
    let waited = begun.elapsed();
    assert!(HEAD <= waited && waited < HEAD + Duration::from_secs(2), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_in_is_refused_after_thirty_seconds() {
    let running = running().await;
    let head = "POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
        content-length: 1000\r\n\r\n";
    let mut stream = running.says(head).await;
    let began = Instant::now();
    let (mut reader, mut writer) = stream.split();
    let mut said = Vec::new();
    let mut answer = pin!(reader.read_to_end(&mut said));
    while timeout(Duration::from_secs(1), &mut answer).await.is_err() {
        let _ = writer.write_all(b" ").await;
    }
    let took = began.elapsed();
    assert!(took < extract::SLOWEST_BODY + Duration::from_secs(5), "{took:?}");
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
}
