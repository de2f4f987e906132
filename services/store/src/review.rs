//! Requests for access, and what reviewers said. What it means is for others to decide; this
//! keeps rows, and one decision at a time on each.

use chrono::{DateTime, Utc};
use hoop_domain::{
    ConnectionId, ConnectionName, GroupName, InputHash, OrgId, ReviewId, ReviewKind, ReviewStatus,
    SessionId, TimeWindow, UserId,
};
use uuid::Uuid;

use crate::{Error, Result, convert};

mod claim;
mod decide;
mod list;
mod request;

pub(crate) use claim::{review_claim_on_conn, review_executed_on_conn};
pub use decide::{ReviewChange, ReviewLock};
pub use list::ReviewFilter;
pub use request::{NewReview, Requested};

/// A request for access.
#[derive(Debug, Clone)]
pub struct Review {
    /// The id.
    pub id: ReviewId,
    /// Whose it is.
    pub org: OrgId,
    /// What it is for.
    pub kind: ReviewKind,
    /// Where it is.
    pub status: ReviewStatus,
    /// Who asks.
    pub user: Person,
    /// For what.
    pub connection: ConnectionId,
    /// Its name at that time.
    pub connection_name: ConnectionName,
    /// The connection's command at that time.
    pub command: Vec<String>,
    /// The arguments after it.
    pub arguments: Vec<String>,
    /// What it would read; not in lists.
    pub input: Option<Vec<u8>>,
    /// The digest of these three.
    pub input_hash: Option<InputHash>,
    /// How many groups have to say yes.
    pub needed: u32,
    /// Groups of which one member may decide alone.
    pub force_groups: Vec<GroupName>,
    /// How long an approval holds.
    pub seconds: u32,
    /// The hours of the day in which it holds.
    pub window: Option<TimeWindow>,
    /// Who brought about the status that it has.
    pub decided_by: Option<Person>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was rejected; may be empty.
    pub rejection_reason: String,
    /// When the approval ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// The one session that it was used for.
    pub session: Option<SessionId>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// What each group says, in the order of their names.
    pub votes: Vec<Vote>,
}

/// Somebody, as they were called then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id.
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
    /// The name; empty where it was not kept.
    pub name: String,
}

/// What a group says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// The group.
    pub group: GroupName,
    /// Yes or no, if one of them has said anything.
    pub yes: Option<bool>,
    /// Who that was.
    pub by: Option<Person>,
    /// When.
    pub at: Option<DateTime<Utc>>,
    /// Whether they decided alone.
    pub forced: bool,
    /// The groups that they could speak for.
    pub groups: Vec<GroupName>,
}

struct Row {
    id: Uuid,
    org_id: Uuid,
    kind: String,
    status: String,
    user_id: Uuid,
    user_email: String,
    user_name: String,
    connection_id: Uuid,
    connection_name: String,
    command: Vec<String>,
    arguments: Vec<String>,
    input: Option<Vec<u8>>,
    input_hash: Option<Vec<u8>>,
    needed: i32,
    force_groups: Vec<String>,
    seconds: i32,
    window_start: Option<String>,
    window_end: Option<String>,
    decided_by: Option<Uuid>,
    decided_by_email: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    rejection_reason: String,
    ends_at: Option<DateTime<Utc>>,
    session_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn window(&self) -> Result<Option<TimeWindow>> {
        let Some((start, end)) = self.window_start.as_ref().zip(self.window_end.as_ref()) else {
            return Ok(None);
        };
        let window = TimeWindow::parse(start, end);
        window.map(Some).map_err(|_| Error::corrupt("a review's time window"))
    }

    fn hash(&self) -> Result<Option<InputHash>> {
        let hash = self.input_hash.as_deref();
        let hash = hash.map(|bytes| convert::bytes(bytes, "a review's digest")).transpose()?;
        Ok(hash.map(InputHash::from_bytes))
    }
}

impl TryFrom<Row> for Review {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let number =
            |column: i32| u32::try_from(column).map_err(|_| Error::corrupt("a number of a review"));
        let decider = row.decided_by.zip(row.decided_by_email.clone());
        Ok(Self {
            window: row.window()?,
            input_hash: row.hash()?,
            id: ReviewId::from_uuid(row.id),
            org: OrgId::from_uuid(row.org_id),
            kind: convert::parse(&row.kind, "a review's kind")?,
            status: convert::parse(&row.status, "a review's status")?,
            user: Person {
                id: UserId::from_uuid(row.user_id),
                email: row.user_email,
                name: row.user_name,
            },
            connection: ConnectionId::from_uuid(row.connection_id),
            connection_name: convert::parse(&row.connection_name, "a connection's name")?,
            command: row.command,
            arguments: row.arguments,
            input: row.input,
            needed: number(row.needed)?,
            force_groups: convert::parse_all(&row.force_groups, "a group's name")?,
            seconds: number(row.seconds)?,
            decided_by: decider.map(|(id, email)| Person {
                id: UserId::from_uuid(id),
                email,
                name: String::new(),
            }),
            decided_at: row.decided_at,
            rejection_reason: row.rejection_reason,
            ends_at: row.ends_at,
            session: row.session_id.map(SessionId::from_uuid),
            created_at: row.created_at,
            votes: Vec::new(),
        })
    }
}
