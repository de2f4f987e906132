//! The attributes of SCRAM messages: `a=value`, in a fixed order, with commas between.

use std::num::NonZeroU32;

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::Error;

/// Bytes of a nonce before it is written in base64. libpq and the server use 18 too.
const NONCE_LEN: usize = 18;

/// A message as the attributes that are left of it.
pub(super) struct Attributes<'a>(Option<&'a str>);

impl<'a> Attributes<'a> {
    pub(super) fn new(message: &'a [u8]) -> Result<Self, Error> {
        std::str::from_utf8(message)
            .map(|text| Self(Some(text)))
            .map_err(|_| Error::Malformed("not UTF-8"))
    }

    pub(super) const fn of(text: &'a str) -> Self {
        Self(Some(text))
    }

    /// The next piece up to a comma.
    pub(super) fn piece(&mut self) -> Option<&'a str> {
        let text = self.0?;
        match text.split_once(',') {
            Some((piece, rest)) => {
                self.0 = Some(rest);
                Some(piece)
            }
            None => self.0.take(),
        }
    }

    /// The value of the next attribute, which has to be `name`.
    pub(super) fn expect(&mut self, name: &str, problem: &'static str) -> Result<&'a str, Error> {
        self.piece()
            .and_then(|piece| piece.strip_prefix(name)?.strip_prefix('='))
            .ok_or(Error::Malformed(problem))
    }

    /// Everything that is left.
    pub(super) fn rest(self) -> &'a str {
        self.0.unwrap_or_default()
    }
}

/// Printable, without a comma (RFC 5802, section 7).
pub(super) fn well_formed_nonce(nonce: &str) -> bool {
    !nonce.is_empty() && nonce.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b',')
}

pub(super) fn generate_nonce() -> Result<String, Error> {
    let mut bytes = [0; NONCE_LEN];
    rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(to_base64(&bytes))
}

pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn from_base64(text: &str, problem: &'static str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|_| Error::Malformed(problem))
}

pub(super) fn iterations(text: &str) -> Result<NonZeroU32, Error> {
    text.parse().map_err(|_| Error::Malformed("iteration count"))
}

/// The GS2 header and the certificate's hash, as `c=` has them.
pub(super) fn channel_binding(gs2_header: &str, hash: Option<&[u8]>) -> Vec<u8> {
    let mut input = gs2_header.as_bytes().to_vec();
    input.extend_from_slice(hash.unwrap_or_default());
    input
}
