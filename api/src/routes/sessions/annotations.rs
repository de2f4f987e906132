//! What who runs something says of it for themselves, then or later. It is kept with the session
//! and shown with it, and nothing is decided by it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Error, error::Result};

/// All of it together, as JSON: some words to find a session by, and no place for files.
const LONGEST: usize = 16 * 1024;

/// As it was sent with `POST /api/sessions`, and changed with `PATCH /api/sessions/{id}/metadata`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub(crate) struct Annotations {
    /// Names to words.
    #[schema(value_type = Object)]
    pub(crate) labels: Map<String, Value>,
    /// Names to anything.
    #[schema(value_type = Object)]
    pub(crate) metadata: Map<String, Value>,
    /// What it belongs to elsewhere; null where nothing was said.
    pub(crate) correlation_id: Option<String>,
    /// What it was run together with; null where nothing was said.
    pub(crate) session_batch_id: Option<String>,
}

impl Annotations {
    /// The same with these names of `metadata` in place of what they named; null takes one away.
    pub(crate) fn with(mut self, metadata: &Map<String, Value>) -> Self {
        for (name, value) in metadata {
            if value.is_null() {
                self.metadata.remove(name);
            } else {
                self.metadata.insert(name.clone(), value.clone());
            }
        }
        self
    }

    /// As it is kept; nothing where nothing was said.
    ///
    /// # Errors
    /// When it is too long, or can't be kept.
    pub(crate) fn checked(&self) -> Result<Option<Value>> {
        if *self == Self::default() {
            return Ok(None);
        }
        let value = serde_json::to_value(self).map_err(Error::internal)?;
        let text = value.to_string();
        // PostgreSQL holds no NUL.
        if LONGEST < text.len() || text.contains("\\u0000") {
            let why = format!(
                "with labels, correlation_id and session_batch_id, is at most {LONGEST} bytes of \
                 JSON without NUL"
            );
            return Err(Error::invalid("metadata", why));
        }
        Ok(Some(value))
    }

    /// What was kept. What can't be read is nothing: it is for people, and of no consequence.
    pub(crate) fn of(kept: Option<Value>) -> Self {
        kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(value: Value) -> Annotations {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_said_is_kept_and_nothing_is_nothing() {
        let all = json!({
            "labels": { "team": "a" }, "metadata": { "ticket": [1, null] },
            "correlation_id": "c-1", "session_batch_id": null,
        });
        let kept = said(all.clone()).checked().unwrap();
        assert_eq!(kept, Some(all.clone()));
        assert_eq!(Annotations::of(kept), said(all));
        assert_eq!(said(json!({ "labels": {}, "metadata": {} })).checked().unwrap(), None);
        assert_eq!(Annotations::of(None), Annotations::default());
        assert_eq!(Annotations::of(Some(json!({ "labels": 1 }))), Annotations::default());
    }

    #[test]
    fn a_change_is_of_the_names_in_it() {
        let before = said(json!({ "labels": { "a": 1 }, "metadata": { "a": 1, "b": { "c": 1 } } }));
        let change = json!({ "a": null, "b": { "d": 2 }, "e": "f", "g": null });
        let after = before.with(change.as_object().unwrap());
        let expected = json!({ "labels": { "a": 1 }, "metadata": { "b": { "d": 2 }, "e": "f" } });
        assert_eq!(after, said(expected));
        let nothing = said(json!({ "metadata": { "a": 1 } }));
        let nothing = nothing.with(json!({ "a": null }).as_object().unwrap());
        assert_eq!(nothing.checked().unwrap(), None);
    }

    #[test]
    fn what_is_too_long_or_can_not_be_kept_is_refused_by_name() {
        for value in [json!("x".repeat(LONGEST)), json!("a\0b")] {
            let refused = said(json!({ "labels": { "a": value } })).checked().unwrap_err();
            assert!(refused.to_string().starts_with("metadata: with labels"), "{refused}");
        }
    }
}
