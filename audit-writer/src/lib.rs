//! From the AUDIT stream to recordings nobody can lose.
pub mod session;
