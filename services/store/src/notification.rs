//! Channels, subscriptions and deliveries: who is told of what, through what.

pub mod channel;
pub mod delivery;
mod fan_out;
mod key;
mod kind;
mod log;
mod pattern;
pub mod subscription;
mod trial;

pub use fan_out::{REQUESTER, REVIEWERS};
pub use key::ChannelKey;
pub use kind::{ChannelKind, Values};
pub use log::{Delivery, DeliveryFilter};
pub use pattern::{InvalidPattern, Pattern};
