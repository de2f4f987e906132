//! What a session was allowed for, and what its channels are.
//!
//! The gateway decides by what a client says it wants. That it then does nothing else is looked
//! at here, where channels are opened, at whichever edge their client has come back.

use hoop_domain::session::Verb;
use hoop_proto::v1::channel_open::Kind;

use crate::connector::Connector;

/// Whether a session that was allowed for `verb` may have a channel of this kind.
///
/// A terminal on a command is `connect` as well, so only a database tells them apart in both
/// directions. Edges of older versions do not say what a session is for; what a newer one may
/// say that is not known here is refused.
pub(super) fn allows(verb: &str, connector: &Connector, kind: &Kind) -> bool {
    match verb.parse() {
        Ok(Verb::Exec) => matches!(kind, Kind::Exec(_)),
        Ok(Verb::Connect) => !matches!((connector, kind), (Connector::Postgres(..), Kind::Exec(_))),
        Err(_) => verb.is_empty(),
    }
}
