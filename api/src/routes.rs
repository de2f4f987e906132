//! The handlers, one file per thing, and the JSON that goes in and out.

pub(crate) mod agents;
pub(crate) mod checkpoints;
pub(crate) mod connections;
pub(crate) mod credentials;
pub(crate) mod download;
pub(crate) mod evidence;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod login;
pub(crate) mod manifests;
pub(crate) mod notifications;
pub(crate) mod packets;
pub(crate) mod recording;
pub(crate) mod secrets;
pub(crate) mod server_info;
pub(crate) mod sessions;
pub(crate) mod statements;
pub(crate) mod tail;
pub(crate) mod tokens;
pub(crate) mod userinfo;
pub(crate) mod users;
