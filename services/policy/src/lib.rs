//! Who may open what: decisions as values, without I/O.
//!
//! A decision is a permit that only this crate can make and that the next step takes by
//! value, so a step that nobody decided about does not compile.

pub mod access;
pub mod review;
