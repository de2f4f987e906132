//! Conversations as PostgreSQL and its clients have them.

mod conversation;
mod copying;
mod extended;
mod hostile;
mod simple;
