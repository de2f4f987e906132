//! Where a rotation is: a place in the list of all secrets, and how it is written down.

use hoop_domain::{ChannelId, ConnectionId, PluginId, TokenId, UserId};

const CONNECTIONS: &str = "connections";
const CHANNELS: &str = "channels";
const PLUGINS: &str = "plugins";
const SECOND_FACTORS: &str = "second-factors";
const REFRESH_TOKENS: &str = "refresh-tokens";

/// A place in the list of all secrets: after the secret of this, or before all of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Connections(Option<ConnectionId>),
    Channels(Option<ChannelId>),
    Plugins(Option<PluginId>),
    SecondFactors(Option<UserId>),
    RefreshTokens(Option<TokenId>),
}

impl Place {
    pub(super) const FIRST: Self = Self::Connections(None);

    pub(super) fn write(self) -> String {
        let id = |id: Option<String>| id.unwrap_or_default();
        let (kind, id) = match self {
            Self::Connections(after) => (CONNECTIONS, id(after.map(|id| id.to_string()))),
            Self::Channels(after) => (CHANNELS, id(after.map(|id| id.to_string()))),
            Self::Plugins(after) => (PLUGINS, id(after.map(|id| id.to_string()))),
            Self::SecondFactors(after) => (SECOND_FACTORS, id(after.map(|id| id.to_string()))),
            Self::RefreshTokens(after) => (REFRESH_TOKENS, id(after.map(|id| id.to_string()))),
        };
        format!("{kind}:{id}")
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let id = (!id.is_empty()).then_some(id);
        Some(match kind {
            CONNECTIONS => Self::Connections(id.map(str::parse).transpose().ok()?),
            CHANNELS => Self::Channels(id.map(str::parse).transpose().ok()?),
            PLUGINS => Self::Plugins(id.map(str::parse).transpose().ok()?),
            SECOND_FACTORS => Self::SecondFactors(id.map(str::parse).transpose().ok()?),
            REFRESH_TOKENS => Self::RefreshTokens(id.map(str::parse).transpose().ok()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written_down() {
        for place in [
            Place::FIRST,
            Place::Connections(Some(ConnectionId::generate())),
            Place::Channels(Some(ChannelId::generate())),
            Place::Plugins(None),
            Place::SecondFactors(Some(UserId::generate())),
            Place::RefreshTokens(Some(TokenId::generate())),
        ] {
            assert_eq!(Place::read(&place.write()), Some(place));
        }
        for text in ["", "plugins", "plugins:x", "users:"] {
            assert_eq!(Place::read(text), None, "{text}");
        }
    }
}
