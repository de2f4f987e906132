//! Holds the streams, relays sessions, keeps nothing.
