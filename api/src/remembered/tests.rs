//! Somebody who takes connections and never says a word. Time is the tests' own: it passes at
//! once when all wait.

use std::net::TcpListener;

use futures_util::future::join_all;
use tokio::time::advance;

use super::*;
use crate::outward;

const FRESH: Duration = Duration::from_secs(60);

/// Somebody who hangs, and who asks them.
struct Hanging {
    listener: TcpListener,
    asked_for: Remembered<()>,
}

impl Hanging {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/metadata", listener.local_addr().unwrap());
        let client = outward::client().unwrap();
        let asked_for = Remembered::new("somebody", move || {
            let request = client.get(&url).send();
            async move { request.await.map(drop) }
        });
        Self { listener, asked_for }
    }

    /// How often they were asked since it was last looked.
    fn asked(&self) -> usize {
        std::iter::from_fn(|| self.listener.accept().ok()).count()
    }

    /// How many of so many who ask at the same time are answered.
    async fn ask(&self, times: usize) -> usize {
        let questions = (0..times).map(|_| self.asked_for.get(FRESH));
        join_all(questions).await.iter().filter(|answer| answer.is_ok()).count()
    }
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_somebody_who_hangs_share_one_question() {
    let hanging = Hanging::new();
    let begun = Instant::now();
    assert_eq!(hanging.ask(50).await, 0);
    assert_eq!(hanging.asked(), 1);
    assert!(begun.elapsed() < Duration::from_secs(15), "they waited one after the other");
}

#[tokio::test(start_paused = true)]
async fn that_there_was_no_answer_is_remembered_for_a_while() {
    let hanging = Hanging::new();
    hanging.ask(1).await;
    let asked = Instant::now();
    assert_eq!(hanging.ask(20).await, 0);
    assert_eq!((hanging.asked(), asked.elapsed()), (1, Duration::ZERO));
    advance(AWAY).await;
    hanging.ask(20).await;
    assert_eq!(hanging.asked(), 1, "they are asked again");
}

#[tokio::test(start_paused = true)]
async fn a_question_goes_on_when_who_asked_it_has_gone() {
    let hanging = Hanging::new();
    let hasty = hanging.asked_for.clone();
    let hasty = tokio::spawn(async move { hasty.get(FRESH).await.is_ok() });
    tokio::task::yield_now().await;
    hasty.abort();
    hanging.ask(3).await;
    assert_eq!(hanging.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_who_is_away_and_was_known() {
    let hanging = Hanging::new();
    hanging.asked_for.remember(());
    assert_eq!((hanging.ask(5).await, hanging.asked()), (5, 0));

    advance(FRESH).await;
    assert_eq!(hanging.ask(5).await, 5, "the first ones find out");
    assert_eq!(hanging.asked(), 1);
    advance(AWAY).await;
    let asked = Instant::now();
    assert_eq!(hanging.ask(5).await, 5);
    assert_eq!(asked.elapsed(), Duration::ZERO, "the others don't wait");
    assert!(hanging.asked_for.news(FRESH).await.is_ok());
    assert!(Duration::ZERO < asked.elapsed(), "who needs news does");
}
