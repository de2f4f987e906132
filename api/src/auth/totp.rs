//! Codes that change every half minute (RFC 6238), as a second factor.

use aws_lc_rs::{constant_time, hmac};
use chrono::{DateTime, Utc};
use hoop_domain::{Secret, UserId};
use hoop_store::user::{Totp, User};

use super::{guesses::Guess, token};
use crate::{
    App, Error,
    error::Result,
    secrets::{Place, SecretMap},
};

/// How long a code is shown.
const STEP: i64 = 30;
/// As long as SHA-1's digest, which is what every authenticator speaks.
const SECRET: usize = 20;
const RECOVERY_CODES: usize = 10;
const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// What the secret is called where it is encrypted.
const NAME: &str = "TOTP";

/// A secret to be shown once, as text, and as it is kept.
pub(crate) struct Enrolment {
    pub(crate) secret: String,
    pub(crate) uri: String,
    pub(crate) stored: Vec<u8>,
}

impl Enrolment {
    /// Makes a secret for `user`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new(app: &App, user: &User) -> Result<Self> {
        let secret = base_32(&token::random::<SECRET>()?);
        let map = SecretMap::from([(NAME.to_owned(), secret.clone())]);
        let stored = app.secrets().encrypt_at(Place::SecondFactor(user.id), &map);
        let stored = stored.map_err(Error::internal)?;
        let label = user.email.replace('%', "%25").replace('@', "%40").replace('/', "%2F");
        let uri = format!(
            "otpauth://totp/hoop:{label}?secret={secret}&issuer=hoop&algorithm=SHA1&digits=6\
             &period={STEP}"
        );
        Ok(Self { secret, uri, stored })
    }
}

/// Whether `given` is a code of `user` that was not used before: one of the authenticator, or a
/// recovery code. It is used up.
///
/// # Errors
/// When there were too many wrong ones, or it can't be found out.
pub(crate) async fn accept(
    app: &App,
    guess: &Guess<'_>,
    user: UserId,
    totp: &Totp,
    given: &str,
) -> Result<bool> {
    let counted = guess.begin_code().await?;
    let right = match step(app, user, totp, given)? {
        Some(step) => app.org.totp_use(user, step).await?,
        None => app.org.totp_recover(user, &recovery_digest(given)).await?,
    };
    if right {
        guess.code_was_right(counted).await?;
    }
    Ok(right)
}

/// The time step whose code `given` is, if it is one of now, or a step before or after: clocks
/// differ, and people type slowly.
///
/// # Errors
/// When the secret does not open.
pub(crate) fn step(app: &App, user: UserId, totp: &Totp, given: &str) -> Result<Option<i64>> {
    let map = app.secrets().decrypt_at(Place::SecondFactor(user), &totp.secret);
    let map = map.map_err(Error::internal)?;
    let secret = map.get(NAME).and_then(|text| from_base_32(text));
    let secret = Secret::new(secret.ok_or_else(|| Error::internal("a second factor is broken"))?);
    Ok(matching(secret.reveal(), given, app.now()))
}

/// New recovery codes, and what is kept of them.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn recovery_codes() -> Result<(Vec<String>, Vec<Vec<u8>>)> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let letters = base_32(&token::random::<10>()?).to_lowercase();
        let (start, end) = letters.split_at_checked(8).unwrap_or((&letters, ""));
        codes.push(format!("{start}-{end}"));
    }
    let digests = codes.iter().map(|code| recovery_digest(code).to_vec()).collect();
    Ok((codes, digests))
}

fn recovery_digest(code: &str) -> [u8; 32] {
    token::digest(&code.trim().to_lowercase())
}

fn matching(secret: &[u8], given: &str, now: DateTime<Utc>) -> Option<i64> {
    let given = given.trim();
    let current = now.timestamp().div_euclid(STEP);
    let mut found = None;
    for step in [current - 1, current, current + 1] {
        let code = code(secret, step);
        if constant_time::verify_slices_are_equal(code.as_bytes(), given.as_bytes()).is_ok() {
            found = Some(step);
        }
    }
    found
}

/// The code of a time step.
fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let digest = hmac::sign(&key, &step.to_be_bytes());
    let digest = digest.as_ref();
    let offset = usize::from(digest.last().copied().unwrap_or_default() & 15);
    let chosen = digest.get(offset..).and_then(|rest| rest.first_chunk()).copied();
    let number = u32::from_be_bytes(chosen.unwrap_or_default()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn base_32(bytes: &[u8]) -> String {
    let bits = |index: usize| {
        let byte = bytes.get(index / 8).copied().unwrap_or_default();
        (byte >> (7 - index % 8)) & 1
    };
    (0..(bytes.len() * 8).div_ceil(5))
        .map(|letter| (0..5).fold(0, |value, bit| (value << 1) | bits(letter * 5 + bit)))
        .filter_map(|value| BASE_32.get(usize::from(value)).copied().map(char::from))
        .collect()
}

fn from_base_32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = BASE_32.iter().position(|known| *known == letter)?;
        held = ((held << 5) | u32::try_from(value).ok()?) & 0xfff;
        bits += 5;
        if 8 <= bits {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// The code that an authenticator with this secret shows at this time.
#[cfg(test)]
pub(crate) fn shown(secret: &str, at: DateTime<Utc>) -> String {
    code(&from_base_32(secret).unwrap(), at.timestamp().div_euclid(STEP))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (time, expected) in
            [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            assert_eq!(code(RFC, time / STEP), expected);
        }
    }

    #[test]
    fn a_code_counts_a_step_before_and_after_and_not_longer() {
        let at = |time| DateTime::from_timestamp(time, 0).unwrap();
        for (now, expected) in [(20, Some(1)), (59, Some(1)), (89, Some(1)), (90, None)] {
            assert_eq!(matching(RFC, " 287082", at(now)), expected, "{now}");
        }
        assert_eq!(matching(RFC, "", at(59)), None);
        assert_eq!(matching(RFC, "2870820", at(59)), None);
    }

    #[test]
    fn base_32_is_that_of_authenticators() {
        assert_eq!(base_32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(from_base_32("MZXW6YTBOI").unwrap(), b"foobar");
        assert_eq!(base_32(RFC).len(), 32);
        assert_eq!(from_base_32(&base_32(RFC)).unwrap(), RFC);
        assert_eq!(from_base_32("a"), None);
    }

    #[test]
    fn recovery_codes_are_many_and_different() {
        let (codes, digests) = recovery_codes().unwrap();
        assert_eq!((codes.len(), digests.len()), (10, 10));
        assert!(codes.iter().all(|code| code.len() == 17), "{codes:?}");
        assert_eq!(recovery_digest(&format!(" {} ", codes[0].to_uppercase())).to_vec(), digests[0]);
    }
}
