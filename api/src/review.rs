//! Approvals: those that there are, and asking for one. Edges ask over the bus and people over
//! REST; both come here.

pub(crate) mod overdue;

use chrono::TimeDelta;
use hoop_domain::{
    DenialCode, GroupName, InputHash, OrgId, ReviewId, ReviewKind, ReviewRule, SessionId, UserId,
    review::MOST_INPUT, session::Verb,
};
use hoop_policy::{
    access::{self, Approval},
    review::{Said, State, Vote},
};
use hoop_proto::v1;
use hoop_store::{
    connection::Connection,
    review::{NewReview, Review},
    user::User,
};

use crate::{App, Error};

/// What is to be done with a connection, as far as approvals are concerned.
#[derive(Debug, Clone)]
pub(crate) struct Purpose {
    /// What would be run; nothing where that is not known beforehand.
    exec: Option<Exec>,
    kind: ReviewKind,
    /// For how long access is wanted; 0 for the usual time.
    seconds: u32,
}

#[derive(Debug, Clone)]
struct Exec {
    input: v1::ExecInput,
    hash: InputHash,
}

impl Purpose {
    /// Opening `connection` for `verb`, with what the client says that it would run.
    pub(crate) fn new(
        connection: Option<&Connection>,
        verb: Verb,
        exec: Option<&v1::ExecInput>,
        seconds: u32,
    ) -> Result<Self, DenialCode> {
        let exec = match (exec, connection, verb) {
            (Some(exec), _, _) if !can_be_shown(exec) => return Err(DenialCode::Malformed),
            (Some(input), Some(connection), Verb::Exec) => {
                let hash = InputHash::of(&connection.command, &input.arguments, &input.input);
                Some(Exec { input: input.clone(), hash })
            }
            _ => None,
        };
        Ok(Self { exec, kind: ReviewKind::of(verb), seconds })
    }

    /// The digest of what would be run.
    pub(crate) fn hash(&self) -> Option<InputHash> {
        self.exec.as_ref().map(|exec| exec.hash)
    }

    /// What would be run.
    pub(crate) fn input(&self) -> Option<v1::ExecInput> {
        self.exec.as_ref().map(|exec| exec.input.clone())
    }
}

/// Whether a reviewer can be shown this: it is not too long, and its words can be arguments.
fn can_be_shown(exec: &v1::ExecInput) -> bool {
    let words: usize = exec.arguments.iter().map(String::len).sum();
    words.saturating_add(exec.input.len()) <= MOST_INPUT
        && !exec.arguments.iter().any(|word| word.contains('\0'))
}

/// What has been approved for this user, connection and purpose, with what `session` has used of
/// it already.
pub(crate) async fn approvals(
    app: &App,
    org: OrgId,
    user: UserId,
    connection: &Connection,
    purpose: &Purpose,
    session: Option<SessionId>,
) -> Result<Vec<Approval>, hoop_store::Error> {
    if !connection.review_rule().asks() {
        return Ok(Vec::new());
    }
    let (org, hash) = (app.store.org(org), purpose.hash());
    let (id, kind) = (connection.id, purpose.kind);
    let found = org.review_approved(user, id, kind, hash, session, app.now()).await?;
    Ok(found.iter().filter_map(approval).collect())
}

fn approval(review: &Review) -> Option<Approval> {
    Some(Approval {
        id: review.id,
        kind: review.kind,
        user: review.user.id,
        connection: review.connection,
        input: review.input_hash,
        until: review.ends_at?,
        window: review.window,
    })
}

/// Whether the user may open `connection` without asking for an approval. That of a command is
/// for one command, and holds for nothing else.
pub(crate) async fn is_approved(
    app: &App,
    user: UserId,
    connection: &Connection,
    verb: Verb,
) -> Result<bool, Error> {
    if !connection.review_rule().asks() {
        return Ok(true);
    }
    if verb != Verb::Connect {
        return Ok(false);
    }
    let purpose = Purpose::new(Some(connection), Verb::Connect, None, 0);
    let purpose = purpose.map_err(|code| Error::Conflict { what: code.message().into() })?;
    Ok(!approvals(app, app.org.id(), user, connection, &purpose, None).await?.is_empty())
}

/// A request that waits, and for whom.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: ReviewId,
    rule: ReviewRule,
}

/// Asks for an approval of this, once however often it is asked for. `None` when nobody could
/// say what they approve: the client has not said what it would run.
pub(crate) async fn request(
    app: &App,
    org: OrgId,
    user: &User,
    connection: &Connection,
    purpose: &Purpose,
) -> Result<Option<Waiting>, hoop_store::Error> {
    let exec = purpose.exec.as_ref();
    let kind = match (purpose.kind, exec) {
        (ReviewKind::OneTime, None) => return Ok(None),
        (kind, _) => kind,
    };
    let rule = connection.review_rule();
    let new = NewReview {
        kind,
        user: user.id,
        user_email: &user.email,
        user_name: &user.name,
        connection: connection.id,
        connection_name: &connection.name,
        command: if exec.is_some() { connection.command.as_slice() } else { &[] },
        arguments: exec.map_or(&[][..], |exec| exec.input.arguments.as_slice()),
        input: exec.map(|exec| (exec.input.input.as_ref(), exec.hash)),
        rule: &rule,
        seconds: rule.seconds(kind, purpose.seconds),
        now: app.now(),
    };
    let requested = app.store.org(org).review_request(&new).await?;
    if requested.new {
        tracing::info!(review = %requested.id, connection = %connection.name, "asked for approval");
    }
    Ok(Some(Waiting { id: requested.id, rule }))
}

impl Waiting {
    /// What the one who asks is told.
    pub(crate) fn sentence(&self, connection: &Connection) -> String {
        let groups = self.rule.reviewers.iter().map(GroupName::as_str);
        let groups = groups.collect::<Vec<_>>().join(", ");
        let all = u32::try_from(self.rule.reviewers.len()).unwrap_or(u32::MAX);
        let whom = match self.rule.needed() {
            1 if all == 1 => format!("a member of {groups}"),
            needed if needed == all => format!("members of {groups}"),
            needed => format!("members of {needed} of {groups}"),
        };
        let (name, id) = (&connection.name, self.id);
        format!("{name} needs an approval: review {id} waits for {whom}")
    }
}

/// A connection as the policy reads it, with the rule that plugins add to.
pub(crate) fn connection_facts(connection: &Connection, org: OrgId) -> access::Connection<'_> {
    access::Connection {
        id: connection.id,
        org,
        kind: connection.kind,
        agent: connection.agent,
        groups: &connection.groups,
        mode_connect: connection.mode_connect,
        mode_exec: connection.mode_exec,
        mode_runbooks: connection.mode_runbooks && connection.plugged.runbooks.is_some(),
        limits: connection.limits,
        audit_level: connection.audit_level,
        restricted_to: connection.plugged.restricted_to.as_deref(),
        reviewed: connection.review_rule().asks(),
        unsupported: connection.plugged.unsupported,
    }
}

/// A request as the policy decides about it, when it may wait for so long; nothing for one that
/// can't be read.
pub(crate) fn policy_review(
    review: &Review,
    may_wait: TimeDelta,
) -> Option<hoop_policy::review::Review> {
    use hoop_domain::ReviewStatus as S;
    let state = match review.status {
        S::Pending => State::Pending { until: review.created_at + may_wait },
        S::Approved => State::Approved { until: review.ends_at? },
        S::Rejected if review.decided_by.is_none() => State::Expired,
        S::Rejected => State::Rejected,
        S::Revoked => State::Revoked,
        S::Processing => State::Used { over: false },
        S::Executed => State::Used { over: true },
    };
    let votes = review.votes.iter().map(|vote| {
        let said = match (vote.yes, &vote.by, vote.at) {
            (Some(yes), Some(by), Some(at)) => {
                let groups = vote.groups.clone();
                Some(Said { yes, by: by.id, at, forced: vote.forced, groups })
            }
            _ => None,
        };
        Vote { group: vote.group.clone(), said }
    });
    Some(hoop_policy::review::Review {
        kind: review.kind,
        owner: review.user.id,
        votes: votes.collect(),
        needed: review.needed,
        force_groups: review.force_groups.clone(),
        seconds: review.seconds,
        window: review.window,
        state,
    })
}
