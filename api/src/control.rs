//! What edges ask and tell over the bus. One of the `api` processes sees to each.

mod agent;
mod authorize;
mod refused;
mod report;
mod verifier;

use std::{future::Future, time::Instant};

use futures_util::StreamExt;
use hoop_bus::{ControlRequest, Question, Questions, Subject};
use hoop_proto::v1;
use hoop_runtime::Drain;
use hoop_store::session::Kill;
use tokio::task::JoinSet;

use crate::{App, metrics};

/// The queue group that all `api` processes are in.
const GROUP: &str = "api";

/// Questions of one kind that are worked on at once. The database has 16 connections.
pub(crate) const AT_ONCE: usize = 32;

/// Subscribes to every question, and answers in tasks that end with the drain.
///
/// # Errors
/// When the bus is closed for good.
pub(crate) async fn serve(
    app: &App,
    drain: &Drain,
    tasks: &mut JoinSet<()>,
) -> Result<(), hoop_bus::Error> {
    for request in ControlRequest::ALL {
        let questions = app.bus.serve(&Subject::Control(request), GROUP).await?;
        let (app, drain) = (app.clone(), drain.clone());
        match request {
            ControlRequest::Verifier => {
                tasks.spawn(answer(app, drain, request, questions, verifier::answer))
            }
            ControlRequest::Authorize => {
                tasks.spawn(answer(app, drain, request, questions, authorize::answer))
            }
            ControlRequest::Agent => {
                tasks.spawn(answer(app, drain, request, questions, agent::answer))
            }
            ControlRequest::Report => {
                tasks.spawn(answer(app, drain, request, questions, report::answer))
            }
            ControlRequest::Refused => {
                tasks.spawn(answer(app, drain, request, questions, refused::answer))
            }
        };
    }
    Ok(())
}

async fn answer<F: Future<Output = ()> + Send>(
    app: App,
    drain: Drain,
    request: ControlRequest,
    questions: Questions,
    handle: impl Fn(App, Question) -> F,
) {
    questions
        .until(drain.begun())
        .for_each_concurrent(AT_ONCE, |question| {
            let answered = handle(app.clone(), question);
            async move {
                let (_going, begun) = (metrics::Going::question(), Instant::now());
                answered.await;
                metrics::told(request, begun.elapsed());
            }
        })
        .await;
}

/// Tells the edges that hold these sessions at once. The rows say it already; an edge that
/// misses the notice is told when it reports next.
pub(crate) async fn kill_all(app: &App, kills: &[Kill]) {
    for kill in kills {
        metrics::killed(kill.reason);
        tracing::info!(session = %kill.session, reason = %kill.reason, "session has to end");
        let subject = Subject::Kill { session: kill.session };
        if let Err(error) = app.bus.publish(&subject, &kill_message(kill)).await {
            tracing::warn!(session = %kill.session, cause = %error, "a kill was not published");
        }
    }
}

/// A kill as edges read it.
pub(crate) fn kill_message(kill: &Kill) -> v1::SessionKill {
    v1::SessionKill {
        session: kill.session.as_bytes().to_vec().into(),
        code: kill.reason.as_str().into(),
        message: kill.message.clone(),
    }
}
