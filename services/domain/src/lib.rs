//! Ids, names, sessions, keys and seals: what the product talks about.
//!
//! Nothing here does I/O, reads a clock or knows a wire format. Domain types are
//! deliberately not `Serialize`: a derive is a promise of compatibility, and those
//! are made where the bytes are (`proto::convert`, `store`, `api::routes`).

pub mod agent_key;
pub mod attempts;
pub mod audit_level;
pub mod audit_line;
pub mod back_off;
pub mod both;
pub mod chain;
pub mod connection;
pub mod id;
pub mod keyring;
pub mod manifest;
pub mod name;
pub mod plugin;
pub mod proxies;
pub mod rate;
pub mod reason;
pub mod reference;
pub mod review;
pub mod role;
pub mod seal;
pub mod secret;
pub mod session;
pub mod time;

pub use attempts::Attempts;
pub use audit_level::AuditLevel;
pub use audit_line::AuditLine;
pub use back_off::BackOff;
pub use both::Both;
pub use chain::Chain;
pub use connection::ConnectionType;
pub use id::{
    AgentId, AuditLineId, ChannelId, ConnectionId, CredentialId, DeliveryId, EventId, GroupId,
    OrgId, PluginId, ReviewId, SessionId, SubscriptionId, TokenId, UserId,
};
pub use keyring::Keyring;
pub use name::{AgentName, ApiKeyName, ConnectionName, GroupName, InvalidName};
pub use plugin::Plugin;
pub use proxies::TrustedProxies;
pub use reason::{DenialCode, EndReason};
pub use reference::Reference;
pub use review::{InputHash, ReviewKind, ReviewRule, ReviewStatus, TimeWindow};
pub use role::Role;
pub use secret::Secret;
pub use session::{Direction, Partition};
