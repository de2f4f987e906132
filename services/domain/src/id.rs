//! Every id, one newtype each, from one alphabetical list.
//!
//! Inside, an id is a UUID of version 7: it sorts by the time it was made, which is
//! what keyset paging and B-trees want. Outside, it is printed as the bare UUID.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// Text or bytes that are not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a UUID")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id that sorts after all that were made before.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id for a UUID that a database or a peer holds.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID, for a database column.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The 16 bytes, for the wire.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = InvalidId;
            fn try_from(bytes: &[u8]) -> Result<Self, InvalidId> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| InvalidId)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

ids! {
    /// A key that agents dial in with; several running agents may share one.
    AgentId,
    /// A line of the audit log.
    AuditLineId,
    /// A way to tell people.
    ChannelId,
    /// A named target.
    ConnectionId,
    /// A user name and password for a native port.
    CredentialId,
    /// One event on its way to somebody.
    DeliveryId,
    /// Something that happened.
    EventId,
    /// A set of users that connections are opened to.
    GroupId,
    /// A tenant.
    OrgId,
    /// Something that is switched on for connections.
    PluginId,
    /// A request to be let in.
    ReviewId,
    /// One visit of one user to one connection.
    SessionId,
    /// Which events go to whom.
    SubscriptionId,
    /// An API token.
    TokenId,
    /// A person or a program.
    UserId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_bytes() {
        let id = SessionId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(SessionId::try_from(id.as_bytes().as_slice()), Ok(id));
    }

    #[test]
    fn what_is_not_a_uuid_is_not_an_id() {
        assert_eq!("../etc".parse::<SessionId>(), Err(InvalidId));
        assert_eq!(SessionId::try_from([1u8; 15].as_slice()), Err(InvalidId));
    }
}
