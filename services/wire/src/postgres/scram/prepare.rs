//! SASLprep (RFC 4013): the same password, however it was typed, is the same bytes.
//!
//! Done as PostgreSQL and libpq do it, because it is their verifiers and proofs that ours
//! have to fit: what the standard forbids is not refused but taken as it is, and so is what
//! has nothing left afterwards. User names are not prepared: PostgreSQL takes them from the
//! start-up message, and what SCRAM says of them is empty and ignored.

use std::borrow::Cow;

use stringprep::saslprep;
use zeroize::Zeroizing;

/// The bytes that a password stands for.
pub(super) fn prepare(password: &str) -> Zeroizing<Vec<u8>> {
    let prepared = match saslprep(password) {
        // There is nothing to forget here that the caller does not hold.
        Ok(Cow::Borrowed(same)) => return Zeroizing::new(same.as_bytes().to_vec()),
        Ok(Cow::Owned(prepared)) => Zeroizing::new(prepared.into_bytes()),
        Err(_) => Zeroizing::default(),
    };
    if prepared.is_empty() { Zeroizing::new(password.as_bytes().to_vec()) } else { prepared }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (typed, meant) in [
            ("pencil", "pencil"),
            ("", ""),
            // Another space, a soft hyphen, a ligature, and ü in two pieces.
            ("two\u{a0}words", "two words"),
            ("I\u{ad}X", "IX"),
            ("\u{fb01}t", "fit"),
            ("u\u{308}ber", "über"),
            ("\u{2168}", "IX"),
            ("ª", "a"),
        ] {
            assert_eq!(*prepare(typed), meant.as_bytes(), "{typed:?}");
        }
    }

    #[test]
    fn what_the_standard_forbids_is_taken_as_it_is() {
        for password in [
            "a\u{7}bell",
            "\u{e000}private",
            // Right to left, and left to right behind it.
            "\u{627}1",
            // Not assigned when the standard was written.
            "\u{1f511}",
            // Nothing would be left.
            "\u{ad}",
        ] {
            assert_eq!(*prepare(password), password.as_bytes(), "{password:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_makes_no_panic_and_something_stays_something(password in ".*") {
            prop_assert_eq!(prepare(&password).is_empty(), password.is_empty());
        }
    }
}
