//! Notifications: channels, subscriptions and the log of deliveries. For administrators; the
//! notifier does the rest.

pub(crate) mod channels;
mod check;
pub(crate) mod deliveries;
pub(crate) mod subscriptions;
pub(crate) mod trial;
