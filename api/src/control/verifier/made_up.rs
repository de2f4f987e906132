//! The verifier of a user name that no credential has.
//!
//! It is derived from the deployment's key and the name, so it is the same on every process
//! and after every restart, as a stored one is. A salt that differed between two edges, or
//! before and after a restart, would tell strangers which user names exist.

use aws_lc_rs::hmac;
use hoop_store::credential::ScramVerifier;
use hoop_wire::postgres::scram::{ITERATIONS, SALT_LEN};

use crate::secrets::SecretsKey;

/// Keeps this use of the key apart from all others.
const LABEL: &str = "hoop: verifiers of user names that do not exist";

/// Looks like any other, and no password fits: its stored key is no hash of anything that
/// anybody knows.
pub(super) fn verifier(key: &SecretsKey, username: &str) -> ScramVerifier {
    let key = key.derive(LABEL);
    let part = |name: &[u8]| {
        let mut context = hmac::Context::with_key(&key);
        context.update(name);
        context.update(username.as_bytes());
        context.sign().as_ref().to_vec()
    };
    let mut salt = part(b"salt:");
    salt.truncate(SALT_LEN);
    ScramVerifier {
        salt,
        iterations: ITERATIONS.get(),
        stored_key: part(b"stored:"),
        server_key: part(b"server:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_each_time_and_another_for_each_name_and_deployment() {
        let key = || SecretsKey::for_development().unwrap();
        let nobody = verifier(&key(), "nobody");
        assert_eq!(nobody, verifier(&key(), "nobody"));
        assert_ne!(nobody.salt, verifier(&key(), "somebody").salt);
        let other = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        let other = SecretsKey::from_base64(other).unwrap();
        assert_ne!(nobody.salt, verifier(&other, "nobody").salt);
    }

    #[test]
    fn it_has_the_shape_of_a_stored_one() {
        let key = SecretsKey::for_development().unwrap();
        let nobody = verifier(&key, "nobody");
        assert_eq!((nobody.salt.len(), nobody.iterations), (SALT_LEN, ITERATIONS.get()));
        assert_eq!((nobody.stored_key.len(), nobody.server_key.len()), (32, 32));
        assert_ne!(nobody.stored_key, nobody.server_key);
    }
}
