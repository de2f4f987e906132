//! A connection's secrets, unsealed: in memory for the session and wiped after it.

use std::collections::BTreeMap;

use aws_lc_rs::agreement::PrivateKey;
use hoop_domain::{Secret, SessionId, seal};

/// A box that gives no secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// It was not sealed to this key and session, or was damaged.
    #[error(
        "the connection's credentials were not sealed to this agent; save the connection again"
    )]
    Sealed,
    /// What is in it is no object of strings.
    #[error("the connection's credentials are malformed; save the connection again")]
    Malformed,
}

/// Names and values.
#[derive(Debug)]
pub(crate) struct Secrets(BTreeMap<String, Secret<String>>);

impl Secrets {
    /// Opens what was sealed for `session`.
    pub(crate) fn open(key: &PrivateKey, session: SessionId, sealed: &[u8]) -> Result<Self, Error> {
        let plain = Secret::new(seal::open(key, session, sealed).map_err(|_| Error::Sealed)?);
        Self::parse(plain.reveal())
    }

    /// Reads a JSON object of strings.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Error> {
        let values: BTreeMap<String, String> =
            serde_json::from_slice(json).map_err(|_| Error::Malformed)?;
        Ok(Self(values.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()))
    }

    /// Every name and value.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.reveal().as_str()))
    }

    /// Puts what was found in the place of where it is.
    pub(crate) fn replace(&mut self, name: &str, value: Secret<String>) {
        self.0.insert(name.to_owned(), value);
    }

    /// The value, if it is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.reveal().as_str()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use hoop_domain::agent_key::AgentKey;

    use super::*;

    #[test]
    fn a_box_opens_for_its_agent_and_session_only() {
        let (key, other) = (AgentKey::generate().unwrap(), AgentKey::generate().unwrap());
        let session = SessionId::generate();
        let json = br#"{"HOST":"db","PASS":""}"#;
        let sealed = seal::seal(&key.seal_public_key().unwrap(), session, json).unwrap();

        let secrets = Secrets::open(&key.seal_key().unwrap(), session, &sealed).unwrap();
        assert_eq!(secrets.text("HOST"), Some("db"));
        assert_eq!(secrets.text("PASS"), None);
        assert_eq!(format!("{secrets:?}"), r#"Secrets({"HOST": ***, "PASS": ***})"#);
        for (key, session) in [(&other, session), (&key, SessionId::generate())] {
            let opened = Secrets::open(&key.seal_key().unwrap(), session, &sealed);
            assert_eq!(opened.err(), Some(Error::Sealed));
        }
    }

    #[test]
    fn what_is_no_object_of_strings_is_malformed() {
        for json in ["", "[]", r#"{"PORT":5432}"#, "null"] {
            assert_eq!(Secrets::parse(json.as_bytes()).err(), Some(Error::Malformed), "{json}");
        }
    }
}
