//! Numbers that no other test uses.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// A random number. The standard library seeds every hasher from the system.
pub(crate) fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}
