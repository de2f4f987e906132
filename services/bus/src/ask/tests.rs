//! Questions that get lost, and groups whose members come and go, at a real broker.

use futures_util::future::{join, join_all};
use hoop_testkit::{Nats, eventually};
use tokio::{sync::oneshot, task::JoinHandle};

use super::*;
use crate::{ControlRequest, Question};

static SUBJECT: Subject = Subject::Control(ControlRequest::Verifier);
const GROUP: &str = "answerers";
const DEADLINE: Duration = Duration::from_secs(30);

async fn bus(nats: &Nats) -> Bus {
    Bus::connect(&nats.url(), "test").await.unwrap()
}

/// Says what was asked.
async fn echo(question: Question) {
    let words: String = question.decode().unwrap();
    question.answer(&words).await;
}

/// One of the group, until it is told to leave.
struct Member {
    leave: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Member {
    async fn join(nats: &Nats) -> Self {
        let bus = bus(nats).await;
        let questions = bus.serve(&SUBJECT, GROUP).await.unwrap();
        let (leave, left) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            questions.until(async { drop(left.await) }).for_each_concurrent(8, echo).await;
            bus.flush(DEADLINE).await;
        });
        Self { leave, task }
    }

    async fn leave(self) {
        self.leave.send(()).unwrap();
        self.task.await.unwrap();
    }
}

#[tokio::test]
async fn a_question_that_got_lost_is_asked_again() {
    let nats = hoop_testkit::nats().await.unwrap();
    let (asker, answerer) = (bus(&nats).await, bus(&nats).await);
    let mut questions = answerer.serve(&SUBJECT, GROUP).await.unwrap();
    let question = "who is ann?".to_owned();
    let asked = asker.ask(&SUBJECT, &question, DEADLINE);
    let answered = async {
        drop(questions.next().await.unwrap());
        echo(questions.next().await.unwrap()).await;
    };
    let (answer, ()): (Result<String, Error>, ()) = join(asked, answered).await;
    assert_eq!(answer.unwrap(), "who is ann?");
}

#[tokio::test]
async fn a_late_answer_counts_as_well() {
    let nats = hoop_testkit::nats().await.unwrap();
    let (asker, answerer) = (bus(&nats).await, bus(&nats).await);
    let mut questions = answerer.serve(&SUBJECT, GROUP).await.unwrap();
    let question = "who is ann?".to_owned();
    let asked = asker.ask(&SUBJECT, &question, DEADLINE);
    let answered = async {
        let first = questions.next().await.unwrap();
        let _second = questions.next().await.unwrap();
        echo(first).await;
    };
    let (answer, ()): (Result<String, Error>, ()) = join(asked, answered).await;
    assert_eq!(answer.unwrap(), "who is ann?");
}

#[tokio::test]
async fn who_asks_when_nobody_is_there_is_answered_by_who_comes_soon() {
    let nats = hoop_testkit::nats().await.unwrap();
    let asker = bus(&nats).await;
    let heard =
        || asker.client().statistics().in_messages.load(std::sync::atomic::Ordering::Relaxed);
    let question = "is anybody there?".to_owned();
    let asked = asker.ask(&SUBJECT, &question, DEADLINE);
    let comes = async {
        // The broker has said that nobody is there.
        eventually("the broker's word", async || match heard() {
            0 => Err(std::io::Error::other("it has said nothing").into()),
            _ => Ok(()),
        })
        .await
        .unwrap();
        Member::join(&nats).await
    };
    let (answer, member): (Result<String, Error>, Member) = join(asked, comes).await;
    assert_eq!(answer.unwrap(), "is anybody there?");
    member.leave().await;
}

#[tokio::test]
async fn nobody_who_asks_notices_that_members_of_a_group_come_and_go() {
    let nats = hoop_testkit::nats().await.unwrap();
    let mut oldest = Member::join(&nats).await;
    let (over, asking) = tokio::sync::watch::channel(false);
    let askers = (0..8).map(|number: u32| {
        let (nats, asking) = (&nats, asking.clone());
        async move {
            let bus = bus(nats).await;
            for turn in 0.. {
                let question = format!("{number} asks in turn {turn}");
                let answer: String = bus.ask(&SUBJECT, &question, DEADLINE).await.unwrap();
                assert_eq!(answer, question);
                if *asking.borrow() {
                    return;
                }
            }
        }
    });
    let changes = async {
        for _ in 0..40 {
            let next = Member::join(&nats).await;
            std::mem::replace(&mut oldest, next).leave().await;
        }
        over.send(true).unwrap();
    };
    join(join_all(askers), changes).await;
    oldest.leave().await;
}
