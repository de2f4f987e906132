//! A tail over a WebSocket: each event is a text message, and a close frame says why it ended.
//!
//! A message is made when the one before it is gone, so a client that reads slowly is behind and
//! costs nobody else anything. All that a client says is that it is there: pongs.

use std::time::Duration;

use axum::{
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    response::Response,
};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, interval_at, timeout};

use super::{
    KEEP_ALIVE, PATIENCE,
    follow::{TAKEN_AWAY, Tail},
    told::Told,
};

/// What a client may send at once. It is more than a pong or a close frame ever is.
const LARGEST: usize = 4096;
/// Pings and pongs of a client between two of ours; a ping every second is 15.
const MOST_PINGS: u32 = 64;
/// How long the other side may take to close, too. It holds a socket and nothing else.
const PARTING: Duration = Duration::from_secs(5);

const BROKEN: &str = "the tail broke; go on after the last event";
const NO_MESSAGES: &str = "a tail takes no messages";

/// What a close frame has room for, in bytes, beside its code.
const MOST_WORDS: usize = 123;

/// The code and the words of a close frame.
type LastWord = (u16, &'static str);

pub(super) fn answer(upgrade: WebSocketUpgrade, tail: Tail) -> Response {
    upgrade
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST)
        .read_buffer_size(LARGEST)
        .on_upgrade(move |socket| run(socket, tail))
}

async fn run(mut socket: WebSocket, tail: Tail) {
    let last = tell(&mut socket, tail).await;
    let part = async {
        if let Some((code, reason)) = last {
            let close = CloseFrame { code, reason: fitting(reason).into() };
            // Where nobody listens any more, there is nobody to tell.
            let _ = socket.send(Message::Close(Some(close))).await;
        }
        // It answers a close frame of the other side, or waits for the answer to ours.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = timeout(PARTING, part).await;
}

/// Until the session or the client is gone: what to say at last, where there is somebody to
/// hear it.
async fn tell(socket: &mut WebSocket, tail: Tail) -> Option<LastWord> {
    let mut told = Box::pin(tail.told());
    let mut ping = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    let (mut alive_at, mut pings) = (Instant::now(), 0);
    loop {
        tokio::select! {
            next = told.next() => {
                let Some(Ok(next)) = next else { return Some(broken()) };
                let Ok(text) = next.text() else { return Some(broken()) };
                say(socket, Message::text(text)).await?;
                if let Some(last) = last_word(&next) {
                    return Some(last);
                }
                alive_at = Instant::now();
            }
            heard = socket.recv() => match heard? {
                Ok(Message::Close(_)) => return None,
                Ok(Message::Ping(_) | Message::Pong(_)) if pings < MOST_PINGS => {
                    pings += 1;
                    alive_at = Instant::now();
                }
                Ok(_) | Err(_) => return Some((close_code::POLICY, NO_MESSAGES)),
            },
            _ = ping.tick() => {
                // Four pings were not answered.
                if PATIENCE < alive_at.elapsed() {
                    return None;
                }
                pings = 0;
                say(socket, Message::Ping(Bytes::new())).await?;
            }
        }
    }
}

/// `None` when it can't be said.
async fn say(socket: &mut WebSocket, message: Message) -> Option<()> {
    timeout(PATIENCE, socket.send(message)).await.ok()?.ok()
}

fn last_word(told: &Told) -> Option<LastWord> {
    match told {
        Told::Packet { .. } => None,
        Told::End { data } => Some((close_code::NORMAL, data.reason)),
        Told::Refused { .. } => Some((close_code::POLICY, TAKEN_AWAY)),
    }
}

const fn broken() -> LastWord {
    (close_code::ERROR, BROKEN)
}

/// As much of it as a close frame has room for.
fn fitting(words: &str) -> &str {
    words.get(..words.floor_char_boundary(MOST_WORDS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hoop_domain::EndReason;

    use super::*;

    #[test]
    fn whatever_is_said_at_last_fits_into_a_close_frame_and_nothing_of_ours_is_cut() {
        for said in [&format!("{}€", "x".repeat(121)), &"é".repeat(200), &"x".repeat(124)] {
            let cut = fitting(said);
            assert!(said.starts_with(cut) && (121..=123).contains(&cut.len()), "{cut}");
        }
        let reasons = EndReason::ALL.iter().map(|reason| reason.as_str());
        for whole in reasons.chain([TAKEN_AWAY, BROKEN, NO_MESSAGES]) {
            assert_eq!(fitting(whole), whole);
        }
    }
}
