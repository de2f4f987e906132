//! A request for access as JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use hoop_domain::{GroupName, ReviewKind, ReviewStatus, TimeWindow};
use hoop_store::{
    Page,
    review::{Person, Review, Vote},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Error, error::Result};

/// The longest reason that is told.
const LONGEST_REASON: usize = 500;
/// The one type of time window that there is.
const TIME_RANGE: &str = "time_range";

/// Which requests, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReviewQuery {
    /// `onetime` or `jit`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `PENDING`, `APPROVED`, `REJECTED`, `REVOKED`, `PROCESSING` or `EXECUTED`.
    status: Option<String>,
    /// Of this user: an e-mail address or an id.
    user: Option<String>,
    /// For the connection of this name.
    connection: Option<String>,
    /// 1 to 100; 20 when left out.
    pub(super) limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl ReviewQuery {
    pub(super) fn kind(&self) -> Result<Option<ReviewKind>> {
        let kind = self.kind.as_deref().map(str::parse).transpose();
        kind.map_err(|error| Error::invalid("type", error))
    }

    pub(super) fn user(&self) -> Result<Option<String>> {
        name("user", self.user.as_deref())
    }

    pub(super) fn connection(&self) -> Result<Option<String>> {
        name("connection", self.connection.as_deref())
    }

    pub(super) fn status(&self) -> Result<Option<ReviewStatus>> {
        let status = self.status.as_deref().map(str::to_uppercase);
        let status = status.as_deref().map(str::parse).transpose();
        status.map_err(|error| Error::invalid("status", error))
    }
}

/// A name to look for, which the store can hold.
fn name(field: &str, given: Option<&str>) -> Result<Option<String>> {
    match given {
        Some(name) if name.contains('\0') => Err(Error::invalid(field, "has no NUL")),
        name => Ok(name.map(str::to_owned)),
    }
}

/// What a reviewer says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewRequest {
    /// `APPROVED`, `REJECTED` or `REVOKED`.
    status: String,
    /// The hours of the day in which an approval holds; all when left out.
    time_window: Option<Window>,
    /// Approves alone, as a member of one of the connection's `force_approve_groups`.
    #[serde(default)]
    force_review: bool,
    /// Why it is rejected or revoked, for the one who asked: at most 500 printable bytes.
    #[serde(default)]
    rejection_reason: String,
}

/// Hours of the day.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReviewTimeWindow)]
pub(crate) struct Window {
    /// `time_range`.
    #[serde(rename = "type")]
    kind: String,
    /// `start_time` and `end_time` as `HH:MM` in UTC; the end may be on the next day.
    configuration: BTreeMap<String, String>,
}

/// What is to become of a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    Approve { window: Option<TimeWindow>, force: bool },
    Reject,
    Revoke,
}

impl ReviewRequest {
    pub(super) fn wish(&self) -> Result<Wish> {
        let window = self.time_window.as_ref().map(Window::parse).transpose()?;
        let wish = match self.status.as_str() {
            "APPROVED" => return Ok(Wish::Approve { window, force: self.force_review }),
            "REJECTED" => Wish::Reject,
            "REVOKED" => Wish::Revoke,
            _ => return Err(Error::invalid("status", "is APPROVED, REJECTED or REVOKED")),
        };
        if window.is_some() {
            return Err(Error::invalid("time_window", "goes with an approval only"));
        }
        if self.force_review {
            return Err(Error::invalid("force_review", "goes with an approval only"));
        }
        Ok(wish)
    }

    pub(super) fn reason(&self) -> Result<String> {
        let reason = &self.rejection_reason;
        if LONGEST_REASON < reason.len() || reason.chars().any(char::is_control) {
            return Err(Error::invalid("rejection_reason", "has at most 500 printable bytes"));
        }
        Ok(reason.clone())
    }
}

impl Window {
    fn parse(&self) -> Result<TimeWindow> {
        if self.kind != TIME_RANGE {
            return Err(Error::invalid("time_window.type", "is time_range"));
        }
        let time = |name: &str| self.configuration.get(name).map_or("", String::as_str);
        TimeWindow::parse(time("start_time"), time("end_time"))
            .map_err(|error| Error::invalid("time_window.configuration", error))
    }

    fn of(window: TimeWindow) -> Self {
        let times = [("start_time", window.start()), ("end_time", window.end())];
        let configuration = times.map(|(name, time)| (name.to_owned(), time)).into();
        Self { kind: TIME_RANGE.into(), configuration }
    }
}

/// A request for access.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewResponse {
    /// The id.
    id: String,
    /// The one session that it was used for; null before that.
    session: Option<String>,
    /// `onetime` (one command, once) or `jit` (sessions, for a time).
    #[serde(rename = "type")]
    kind: &'static str,
    /// How long an approval holds, in nanoseconds, as older clients read it.
    access_duration: u64,
    /// The same in seconds.
    access_duration_sec: u32,
    /// `PENDING`, `APPROVED`, `REJECTED`, `REVOKED`, `PROCESSING` or `EXECUTED`.
    status: &'static str,
    /// When the approval ends; null before it is given.
    revoke_at: Option<DateTime<Utc>>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// What each group says.
    review_groups_data: Vec<GroupResponse>,
    /// The hours of the day in which the approval holds.
    time_window: Option<Window>,
    /// How many groups have to approve.
    min_approvals: u32,
    /// Groups of which one member may approve alone.
    force_approval_groups: Vec<String>,
    /// Why it was rejected or revoked.
    #[serde(skip_serializing_if = "String::is_empty")]
    rejection_reason: String,
    /// Who asks.
    review_owner: OwnerResponse,
    /// The connection's id.
    connection_id: String,
    /// The connection's name.
    connection: String,
    /// Who brought about the status that it has; null while nobody has.
    decided_by: Option<OwnerResponse>,
    /// When that was.
    decided_at: Option<DateTime<Utc>>,
    /// The connection's command, where the request is for one.
    command: Vec<String>,
    /// The arguments after it.
    arguments: Vec<String>,
    /// What it would read, not in lists; what is no UTF-8 in it is replaced.
    input: Option<String>,
    /// The BLAKE3 digest of command, arguments and input, which the approval is bound to.
    input_hash: Option<String>,
}

/// What a group says.
#[derive(Serialize, ToSchema)]
#[schema(as = ReviewGroup)]
pub(crate) struct GroupResponse {
    /// The group's name; there is nothing else to name it by.
    id: String,
    /// The same.
    group: String,
    /// `PENDING`, `APPROVED` or `REJECTED`.
    status: &'static str,
    /// Who said so.
    reviewed_by: Option<OwnerResponse>,
    /// When.
    review_date: Option<DateTime<Utc>>,
    /// Whether they decided alone.
    forced_review: bool,
}

/// Somebody.
#[derive(Serialize, ToSchema)]
#[schema(as = ReviewOwner)]
pub(crate) struct OwnerResponse {
    /// The user's id.
    id: String,
    /// The name at that time.
    name: String,
    /// The e-mail address at that time.
    email: String,
}

/// A page of requests.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewList {
    /// The requests, the newest first.
    data: Vec<ReviewResponse>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl ReviewList {
    pub(super) fn new(page: Page<Review>) -> Self {
        let next_cursor = page.next.map(|cursor| cursor.to_string());
        Self { data: page.rows.into_iter().map(ReviewResponse::of).collect(), next_cursor }
    }
}

impl ReviewResponse {
    pub(crate) fn of(review: Review) -> Self {
        let text = |input: Vec<u8>| String::from_utf8_lossy(&input).into_owned();
        Self {
            id: review.id.to_string(),
            session: review.session.map(|session| session.to_string()),
            kind: review.kind.as_str(),
            access_duration: u64::from(review.seconds) * 1_000_000_000,
            access_duration_sec: review.seconds,
            status: review.status.as_str(),
            revoke_at: review.ends_at,
            created_at: review.created_at,
            review_groups_data: review.votes.into_iter().map(GroupResponse::of).collect(),
            time_window: review.window.map(Window::of),
            min_approvals: review.needed,
            force_approval_groups: review.force_groups.iter().map(GroupName::to_string).collect(),
            rejection_reason: review.rejection_reason,
            review_owner: OwnerResponse::of(review.user),
            connection_id: review.connection.to_string(),
            connection: review.connection_name.to_string(),
            decided_by: review.decided_by.map(OwnerResponse::of),
            decided_at: review.decided_at,
            command: review.command,
            arguments: review.arguments,
            input: review.input.map(text),
            input_hash: review.input_hash.map(|hash| hash.to_string()),
        }
    }
}

impl GroupResponse {
    fn of(vote: Vote) -> Self {
        Self {
            id: vote.group.to_string(),
            group: vote.group.to_string(),
            status: match vote.yes {
                None => "PENDING",
                Some(true) => "APPROVED",
                Some(false) => "REJECTED",
            },
            reviewed_by: vote.by.map(OwnerResponse::of),
            review_date: vote.at,
            forced_review: vote.forced,
        }
    }
}

impl OwnerResponse {
    fn of(person: Person) -> Self {
        Self { id: person.id.to_string(), name: person.name, email: person.email }
    }
}
