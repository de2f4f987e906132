//! Columns to domain types. What does not convert was not written by this version.

use std::str::FromStr;

use hoop_domain::manifest::PublicKey;
use hoop_recording::Signed;

use crate::{Error, Result};

/// Reads a text column as a `T`.
pub(crate) fn parse<T: FromStr>(text: &str, what: &'static str) -> Result<T> {
    text.parse().map_err(|_| Error::corrupt(what))
}

/// Reads a bytea column of a fixed length.
pub(crate) fn bytes<const N: usize>(column: &[u8], what: &'static str) -> Result<[u8; N]> {
    column.try_into().map_err(|_| Error::corrupt(what))
}

/// Reads a text, its signature and the key that made it.
pub(crate) fn signed(encoded: String, signature: Vec<u8>, key: &[u8]) -> Result<Signed> {
    Ok(Signed { encoded, signature, public_key: PublicKey(bytes(key, "a signing key")?) })
}

/// Reads a text[] column of names.
pub(crate) fn parse_all<T: FromStr>(texts: &[String], what: &'static str) -> Result<Vec<T>> {
    texts.iter().map(|text| parse(text, what)).collect()
}

/// Reads a `count(*)`, which is never negative.
pub(crate) fn count(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}
