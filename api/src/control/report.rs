//! `control.report`: what an edge holds, and what it should not hold.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use hoop_bus::{Question, Subject};
use hoop_domain::{AgentId, EndReason, SessionId};
use hoop_proto::v1;
use hoop_store::{agent::Presence, session::Kill};

use super::kill_message;
use crate::{App, error::chain};

pub(super) async fn answer(app: App, question: Question) {
    let Ok(report) = question.decode::<v1::EdgeReport>() else {
        tracing::warn!("a question on control.report can't be decoded");
        return;
    };
    match take_down(&app, report).await {
        Ok(kills) => question.answer(&v1::EdgeReportReply { kills }).await,
        // No answer: the edge reports again. Sessions are not ended because of it before
        // their time is up.
        Err(error) => tracing::error!(cause = chain(&error), "control.report failed"),
    }
}

async fn take_down(
    app: &App,
    report: v1::EdgeReport,
) -> Result<Vec<v1::SessionKill>, hoop_store::Error> {
    let now = app.now();
    for ended in &report.ended {
        close(app, ended, now).await?;
    }
    let over = session_ids(&report.over);
    if !over.is_empty() {
        app.store.session_over(&over, now).await?;
    }
    let mut held = Vec::new();
    for agent in report.agents {
        let Ok(id) = AgentId::try_from(agent.agent.as_ref()) else { continue };
        let presence = Presence {
            agent: id,
            version: agent.version,
            hostname: agent.hostname,
            platform: agent.platform,
            gone: agent.gone,
        };
        app.store.agent_seen(&report.edge, &presence, now).await?;
        if !presence.gone {
            held.push(id);
        }
    }
    for agent in app.store.agent_revoked_among(&held).await? {
        let notice = v1::AgentRevoked { message: EndReason::AgentRevoked.message().into() };
        if let Err(error) = app.bus.publish(&Subject::AgentRevoked { agent }, &notice).await {
            tracing::warn!(%agent, cause = %error, "an edge was not told of a revoked agent");
        }
    }
    let sessions = session_ids(&report.sessions);
    let kills = app.store.session_seen(&report.edge, &sessions, now).await?;
    Ok(kills.iter().map(kill_message).collect())
}

/// What is no id names no session.
fn session_ids(ids: &[Bytes]) -> Vec<SessionId> {
    ids.iter().filter_map(|id| SessionId::try_from(id.as_ref()).ok()).collect()
}

/// Closes the row of a session whose recording does not say how it ended. When the
/// audit-writer, or anybody else, has closed it already, that stands.
async fn close(
    app: &App,
    ended: &v1::SessionEnded,
    now: DateTime<Utc>,
) -> Result<(), hoop_store::Error> {
    let Ok(session) = SessionId::try_from(ended.session.as_ref()) else { return Ok(()) };
    // What this version has no name for: the edge was there, and is done with the session.
    let reason = ended.code.parse().unwrap_or(EndReason::EdgeLost);
    let message = if ended.message.is_empty() { reason.message() } else { &ended.message };
    if !app.store.session_close(session, reason, message, now).await? {
        return Ok(());
    }
    tracing::info!(%session, %reason, "an edge says how a session ended");
    // Its other end may be on an edge that has not noticed yet.
    let kill = kill_message(&Kill { session, reason, message: message.into() });
    if let Err(error) = app.bus.publish(&Subject::Kill { session }, &kill).await {
        tracing::warn!(%session, cause = %error, "the other edge was not told of an end");
    }
    Ok(())
}
