//! Recorded sessions, as a person wants to read them.
