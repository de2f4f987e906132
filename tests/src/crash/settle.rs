//! After a run, beside the runs that follow: everything closes, and what is recorded is compared.

use anyhow::{Context, Result, ensure};
use hoop_testkit::eventually_after;
use serde_json::Value;

use super::{
    check, evidence,
    evidence::Recorded,
    load::{self, Load, Trouble},
    plan::Plan,
    run::{LONGEST, Left},
    site::Site,
};
use crate::{
    Rest,
    crash::{Expect, fault::Blow},
    rest::text,
};

/// A run whose traffic is over or is about to be.
pub(super) struct Settling {
    rest: Rest,
    key: String,
    expect: Expect,
    plan: Plan,
    left: Left,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) number: u64,
    pub(super) cases: Vec<String>,
    pub(super) missed: Vec<&'static str>,
    pub(super) sessions: u64,
    /// Sessions of which both ends were told that all went well.
    pub(super) survived: u64,
    /// The other sessions' reasons.
    pub(super) ended: Vec<String>,
    pub(super) packets: u64,
    pub(super) verified: u64,
    pub(super) through: u64,
    pub(super) lost: u64,
    pub(super) violations: Vec<String>,
}

/// In patiences of 30 s: a dead edge's sessions are closed after a minute, and other faults
/// come meanwhile.
const CLOSED: u32 = 10;

impl Settling {
    pub(super) fn new(site: &Site, plan: Plan, left: Left, expect: Expect) -> Self {
        let (rest, key) = (site.gateway.rest.clone(), site.key.clone());
        Self { rest, key, expect, plan, left }
    }

    pub(super) async fn settle(self) -> Report {
        let Self { rest, key, expect, plan, left } = self;
        let mut report = Report {
            number: plan.number,
            cases: plan.blows.iter().map(|blow| blow.case.to_string()).collect(),
            missed: left.missed,
            ..Report::default()
        };
        report.violations = left.problems;
        for load in left.loads {
            let place = load.place;
            let before = report.violations.len();
            if let Err(error) = report.look(load, &rest, &key, expect, &plan.blows).await {
                report.violations.push(format!("{error:#}"));
            }
            for violation in report.violations.iter_mut().skip(before) {
                *violation = format!("{place}: {violation}");
            }
        }
        let run = format!("run {} ({})", plan.number, plan.cases());
        for violation in &mut report.violations {
            *violation = format!("{run}: {violation}");
        }
        report
    }
}

impl Report {
    async fn look(
        &mut self,
        load: Load,
        rest: &Rest,
        key: &str,
        expect: Expect,
        blows: &[Blow],
    ) -> Result<()> {
        let Load { place, connection, client, target, mut task, .. } = load;
        let ended = tokio::time::timeout(LONGEST, &mut task).await;
        if ended.is_err() {
            task.abort();
        }
        let ended = ended.context("it neither goes on nor ends")??;
        let recorded = recordings(rest, &connection, key).await?;
        for Recorded { session, findings, .. } in &recorded {
            let found = findings.iter().map(|found| format!("session {session}: {found}"));
            self.violations.extend(found);
        }
        self.sessions += count(recorded.len());
        self.verified += count(recorded.iter().filter(|it| it.findings.is_empty()).count());
        self.packets += recorded.iter().map(|recorded| recorded.packets).sum::<u64>();
        let reasons = recorded.iter().map(|recorded| recorded.reason.clone());
        // A command ends its session itself.
        let one = place.kind.is_one_session();
        let (well, badly): (Vec<_>, Vec<_>) =
            reasons.partition(|reason| if one { ended.is_ok() } else { reason == "client_closed" });
        self.survived += count(well.len());
        self.ended.extend(badly);
        if let Err(trouble) = &ended {
            let had_to = one && expect.survives(&place, blows);
            if had_to || matches!(trouble, Trouble::Wrong(_)) {
                let words = if had_to { "it had to survive: " } else { "" };
                self.violations.push(format!("{words}{trouble}"));
            }
        }
        let target = target.map(|wire| load::heard(&wire.calls())).unwrap_or_default();
        let verdict = check::compare(place.kind, ended.is_ok(), client.heard(), target, &recorded);
        self.through += verdict.through;
        self.lost += verdict.lost;
        self.violations.extend(verdict.problems);
        Ok(())
    }

    /// One line for people who watch.
    pub(super) fn line(&self) -> String {
        let Self { number, sessions, survived, lost, through, .. } = self;
        let cases = self.cases.join(" + ");
        let mut line = format!(
            "run {number:>4}  {cases:<44} {sessions:>3} sessions, {survived:>3} whole, {:>4} MiB, {lost} bytes lost",
            through / 1_048_576
        );
        for violation in &self.violations {
            line.push_str(&format!("\n    VIOLATION {violation}"));
        }
        line
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The recordings of all sessions of a connection, when all are finished.
async fn recordings(rest: &Rest, connection: &str, key: &str) -> Result<Vec<Recorded>> {
    let sessions = eventually_after(CLOSED, "its sessions to be closed", async || {
        let sessions = sessions(rest, connection).await?;
        for session in &sessions {
            let done =
                text(session, "status") == "done" && text(session, "recording") == "finished";
            // One that never began has nothing to be recorded; one that was lost has.
            let never = text(session, "status") == "done"
                && text(session, "recording") == "none"
                && text(session, "end_reason") != "edge_lost";
            ensure!(done || never, "{session}");
        }
        ensure!(!sessions.is_empty(), "there is no session");
        Ok(sessions)
    })
    .await?;
    let mut recorded = Vec::new();
    for session in &sessions {
        let id = text(session, "id");
        if text(session, "recording") == "finished" {
            let fetched = eventually_after(CLOSED, "the evidence", async || {
                evidence::fetch(rest, id, key).await
            });
            recorded.push(fetched.await?);
        }
    }
    Ok(recorded)
}

/// Every session of a connection, page by page.
async fn sessions(rest: &Rest, connection: &str) -> Result<Vec<Value>> {
    let (mut sessions, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/sessions?connection={connection}&limit=100{cursor}");
        let page = rest.get(&path).await?;
        let listed = page.get("data").and_then(Value::as_array).context("the answer is no list")?;
        sessions.extend(listed.iter().cloned());
        match text(&page, "next_cursor") {
            "" => return Ok(sessions),
            next => cursor = format!("&cursor={next}"),
        }
    }
}
