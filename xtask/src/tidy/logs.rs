//! A log line about a session says which one.

use anyhow::Result;

use super::{Finding, Tree};

/// Where the code has one session in hand. A line about all of them, or about none, belongs
/// elsewhere.
const OF_A_SESSION: &[&str] = &[
    "agent/src/session",
    "api/src/routes/recording",
    "audit-writer/src/session",
    "grpc-edge/src/attach.rs",
    "grpc-edge/src/open.rs",
    "grpc-edge/src/resume.rs",
    "grpc-edge/src/session",
];

const LEVELS: &[&str] = &["trace!(", "debug!(", "info!(", "warn!(", "error!("];

pub(super) const LAW: &str =
    "every log line of the modules that have one session in hand has a field `session`";
pub(super) const BECAUSE: &str = "who looks for what happened to a session searches for its id";

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let ours = |path: &str| OF_A_SESSION.iter().any(|place| path.starts_with(place));
    for file in tree.with_extension("rs").filter(|file| ours(&file.path) && !file.only_tests()) {
        for (at, fields) in lines(&file.text) {
            if !has_word(fields, "session") {
                let number = file.text.get(..at).map_or(0, |before| before.lines().count());
                let place = format!("{}:{number}", file.path);
                findings.push(Finding::new(place, "does not say which session it is about"));
            }
        }
    }
    Ok(findings)
}

/// Each log line: where it is, and its fields, which come before its words.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices("tracing::").filter_map(|(at, path)| {
        let call = text.get(at + path.len()..)?;
        let level = LEVELS.iter().find(|level| call.starts_with(**level))?;
        Some((at + path.len(), call.get(level.len()..)?.split('"').next()?))
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_its_session_is_found_where_one_is_in_hand_and_nowhere_else() {
        let text = "//! A.\nfn a() {\n    tracing::warn!(\n        %session, %cause, \"b\");\n    \
                    tracing::info!(sessions, \"session ended\");\n}\n";
        let tree = Tree::of(&[
            ("grpc-edge/src/session/lane.rs", text),
            ("grpc-edge/src/session/tests.rs", text),
            ("grpc-edge/src/agents.rs", text),
        ]);
        let found = check(&tree).unwrap();
        let place = "grpc-edge/src/session/lane.rs:5";
        assert_eq!(found, [Finding::new(place, "does not say which session it is about")]);
    }
}
