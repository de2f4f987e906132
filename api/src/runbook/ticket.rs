//! That a session is to run what this gateway made of a runbook. The `api` that fills one in and
//! the one that is asked to allow the session know of each other by this alone; users never get
//! one, and it is good for one user, one connection and one input, for a minute.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use hoop_domain::{
    ConnectionId, InputHash, UserId,
    time::{from_micros, to_micros},
};
use serde::{Deserialize, Serialize};

use crate::secrets::{Error, SecretsKey};

/// What it is sealed for.
const PLACE: &[u8] = b"runbook ticket";

/// A session is asked for at once.
const LIFE: TimeDelta = TimeDelta::minutes(1);

/// Of which runbook, for whom, where and what.
#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    runbook: String,
    user: String,
    connection: String,
    input: String,
    until_micros: i64,
}

/// Whom and what a ticket is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose {
    pub(crate) user: UserId,
    pub(crate) connection: ConnectionId,
    pub(crate) input: InputHash,
}

/// A ticket for this runbook.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn issue(
    key: &SecretsKey,
    runbook: &str,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Result<Bytes, Error> {
    let ticket = Ticket {
        runbook: runbook.to_owned(),
        user: purpose.user.to_string(),
        connection: purpose.connection.to_string(),
        input: purpose.input.to_string(),
        until_micros: to_micros(now + LIFE),
    };
    let text = serde_json::to_vec(&ticket).map_err(|_| Error::Broken)?;
    key.seal(PLACE, &text).map(Bytes::from)
}

/// The runbook that a ticket is of, when it is good for this.
pub(crate) fn runbook(
    key: &SecretsKey,
    ticket: &[u8],
    purpose: Purpose,
    now: DateTime<Utc>,
) -> Option<String> {
    let text = key.open(PLACE, ticket).ok()?;
    let ticket: Ticket = serde_json::from_slice(text.reveal()).ok()?;
    let good = ticket.user == purpose.user.to_string()
        && ticket.connection == purpose.connection.to_string()
        && ticket.input == purpose.input.to_string()
        && now < from_micros(ticket.until_micros);
    good.then_some(ticket.runbook)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_what_it_was_issued_for_and_for_a_minute() {
        let key = SecretsKey::for_development().unwrap();
        let now = from_micros(1_000_000);
        let input = |text: &str| InputHash::of(&[], &[], text.as_bytes());
        let purpose = Purpose {
            user: UserId::generate(),
            connection: ConnectionId::generate(),
            input: input("select 1"),
        };
        let ticket = issue(&key, "a.runbook.sql", purpose, now).unwrap();
        let holds = |purpose, now| runbook(&key, &ticket, purpose, now).is_some();
        assert_eq!(runbook(&key, &ticket, purpose, now).as_deref(), Some("a.runbook.sql"));
        assert!(holds(purpose, now + TimeDelta::seconds(59)));
        assert!(!holds(purpose, now + TimeDelta::seconds(60)));
        assert!(!holds(Purpose { user: UserId::generate(), ..purpose }, now));
        assert!(!holds(Purpose { connection: ConnectionId::generate(), ..purpose }, now));
        assert!(!holds(Purpose { input: input("select 2"), ..purpose }, now));
        let mut forged = ticket.to_vec();
        *forged.last_mut().unwrap() ^= 1;
        let elsewhere = key.seal(b"another place", b"{}").unwrap();
        for wrong in [&b""[..], b"{}", forged.as_slice(), elsewhere.as_slice()] {
            assert_eq!(runbook(&key, wrong, purpose, now), None);
        }
    }
}
