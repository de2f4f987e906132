//! Whoever follows one session through the logs of five processes finds all of it.

use anyhow::Result;

use super::{Finding, Tree, tree::File};

pub(super) const LAW: &str = "a log line about one session names it";
pub(super) const BECAUSE: &str = "what happened to a session is found by its id, in every process";

const LEVELS: &[&str] = &["trace!(", "debug!(", "info!(", "warn!(", "error!("];

/// How a line speaks of one session.
const SPEAKS: &[&str] = &["a session", "the session", "a recording", "an end ", "a packet"];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let files = tree.with_extension("rs").filter(|file| is_process(file) && !file.only_tests());
    Ok(files.flat_map(findings).collect())
}

fn is_process(file: &File) -> bool {
    file.path.contains("/src/") && !["xtask/", "tests/"].iter().any(|at| file.path.starts_with(at))
}

fn findings(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (begin, call) in calls(&file.text) {
        let (fields, sentence) = call.split_once('"').unwrap_or((call, ""));
        let about_one = file.path.contains("/session/")
            || file.path.ends_with("/session.rs")
            || SPEAKS.iter().any(|words| sentence.contains(words));
        if about_one && !fields.contains("session") {
            let line = file.text.get(..begin).unwrap_or_default().lines().count();
            findings.push(Finding::new(format!("{}:{line}", file.path), "names no session"));
        }
    }
    findings
}

/// Every call of a logging macro, from its name to the end of its statement.
fn calls(text: &str) -> Vec<(usize, &str)> {
    let mut calls = Vec::new();
    for level in LEVELS {
        for (begin, _) in text.match_indices(level) {
            let Some((before, rest)) = text.split_at_checked(begin) else { continue };
            if before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
                continue;
            }
            calls.push((begin + 1, rest.split_once(");").map_or(rest, |(call, _)| call)));
        }
    }
    calls.sort_unstable();
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).unwrap().into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn a_line_that_speaks_of_a_session_without_its_id_is_found() {
        let text = "//! A.\nfn a() {\n    tracing::warn!(%cause, \"a session was refused\");\n}\n";
        assert_eq!(places(&[("edge/src/open.rs", text)]), ["edge/src/open.rs:3"]);
        let named = text.replace("%cause", "%session, %cause");
        assert!(places(&[("edge/src/open.rs", &named)]).is_empty());
    }

    #[test]
    fn whatever_is_said_where_a_session_lives_names_it() {
        let text = "//! A.\nfn a() {\n    debug!(\n        why,\n        \"gone\"\n    );\n}\n";
        assert_eq!(places(&[("edge/src/session/lane.rs", text)]), ["edge/src/session/lane.rs:3"]);
        assert!(places(&[("edge/src/link.rs", text)]).is_empty());
    }
}
