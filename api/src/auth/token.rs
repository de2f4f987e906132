//! Bearer tokens, and other random text that is shown once and kept as a digest.

use aws_lc_rs::digest::{SHA256, digest as hash};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{Error, error::Result};

/// Crockford's base 32: no letters that look like digits.
const LEGIBLE: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What API keys begin with.
pub(crate) const API_KEY: &str = "hpk_";

/// What kind of token it is, for those who find one in a log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Of a person who logged in.
    Login,
    /// Of a person's browser, where it is a cookie.
    Browser,
    /// That acts as the person who made it.
    Person,
    /// An API key: an identity of its own.
    Key,
}

/// Makes a token: 256 random bits.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn generate(kind: Kind) -> Result<String> {
    let prefix = match kind {
        Kind::Login => "hpl_",
        Kind::Browser => "hpb_",
        Kind::Person => "hpt_",
        Kind::Key => API_KEY,
    };
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// What is shown of a token, once it has been shown: enough for one who has it to recognize
/// it, and of no use to anybody else.
pub(crate) fn masked(token: &str) -> String {
    let (start, end) = (token.get(..8), token.len().checked_sub(4).and_then(|n| token.get(n..)));
    format!("{}…{}", start.unwrap_or_default(), end.unwrap_or_default())
}

/// What is kept of a token.
pub(crate) fn digest(token: &str) -> [u8; 32] {
    digest_of(token.as_bytes())
}

/// The same of what is no text.
pub(crate) fn digest_of(secret: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash(&SHA256, secret).as_ref());
    bytes
}

/// 32 random characters of base64url: 192 bits.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn password() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<24>()?))
}

/// `c-` and 12 random letters and digits: 60 bits, enough to be unique and no secret.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn username() -> Result<String> {
    let letters = random::<12>()?
        .map(|byte| LEGIBLE.get(usize::from(byte % 32)).copied().map_or('_', char::from));
    Ok(std::iter::once("c-".to_owned()).chain(letters.map(String::from)).collect())
}

/// `N` random bytes.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("no randomness"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_text_is_of_its_length_and_never_the_same() {
        assert_eq!(password().unwrap().len(), 32);
        assert_eq!(username().unwrap().len(), 14);
        assert_ne!(username().unwrap(), username().unwrap());
        let token = generate(Kind::Key).unwrap();
        assert!(token.starts_with("hpk_"));
        assert!(masked(&token).starts_with("hpk_") && masked(&token).len() < 20);
        assert_ne!(digest(&token), digest(&generate(Kind::Login).unwrap()));
    }
}
