//! The filters that find sessions.

use chrono::{DateTime, Utc};
use hoop_domain::{ConnectionType, UserId, session::Verb};
use hoop_store::session::SessionFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{Error, error::Result, routes::connections::family};

/// Which sessions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionQuery {
    /// The user's id or e-mail address.
    user: Option<String>,
    /// The connection's name.
    connection: Option<String>,
    /// The agent's id or name.
    agent: Option<String>,
    /// `connect` or `exec`.
    verb: Option<String>,
    /// A family (`database`, `application`, `custom`) or a type, such as `postgres`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Allowed at this time (RFC 3339) or later.
    start_date: Option<DateTime<Utc>>,
    /// Allowed before this time (RFC 3339).
    end_date: Option<DateTime<Utc>>,
    /// `opening`, `open` or `done`.
    status: Option<String>,
    /// 1 to 100 sessions; 20 when left out.
    pub(super) limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// `true` to count all that match, up to 10000.
    count: Option<bool>,
}

impl SessionQuery {
    pub(super) fn wants_total(&self) -> bool {
        self.count.unwrap_or(false)
    }

    pub(super) fn filter(&self, visible_to: Option<UserId>) -> Result<SessionFilter> {
        let kinds = match self.kind.as_deref() {
            None => None,
            Some(name) => Some(kinds(name)?),
        };
        let verb = match self.verb.as_deref() {
            None => None,
            Some(name) => {
                Some(name.parse::<Verb>().map_err(|error| Error::invalid("verb", error))?)
            }
        };
        if let Some(status) = &self.status
            && !["opening", "open", "done"].contains(&status.as_str())
        {
            return Err(Error::invalid("status", "is opening, open or done"));
        }
        Ok(SessionFilter {
            visible_to,
            user: self.user.clone(),
            connection: self.connection.clone(),
            kinds,
            agent: self.agent.clone(),
            verb,
            state: self.status.clone(),
            from: self.start_date,
            until: self.end_date,
        })
    }
}

/// The types that `name` means: itself, or all of its family.
fn kinds(name: &str) -> Result<Vec<ConnectionType>> {
    let all = ConnectionType::ALL.into_iter();
    let kinds: Vec<_> = all.filter(|kind| name == kind.as_str() || name == family(*kind)).collect();
    if kinds.is_empty() {
        let why = "is database, application, custom, postgres, mysql, tcp or command-line";
        return Err(Error::invalid("type", why));
    }
    Ok(kinds)
}
