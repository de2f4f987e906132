//! Nothing is left undone in the code.

use anyhow::Result;

use super::{Finding, Tree};

pub(super) const LAW: &str = "no notes of things to do in Rust files";
pub(super) const BECAUSE: &str = "an issue is read by somebody, a comment in passing is not";

/// Spelt so that this file does not find itself.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.with_extension("rs") {
        for (line, number) in file.text.lines().zip(1..) {
            if let Some(mark) = MARKS.iter().find(|mark| has_word(line, mark)) {
                findings.push(Finding::new(format!("{}:{number}", file.path), *mark));
            }
        }
    }
    Ok(findings)
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_with_its_line() {
        let text = format!("//! A.\n// {}: later\n", MARKS[0]);
        let tree = Tree::of(&[("a.rs", &text)]);
        assert_eq!(check(&tree).unwrap(), [Finding::new("a.rs:2", MARKS[0])]);
    }
}
