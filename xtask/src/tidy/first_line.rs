//! Every file says first what it is.

use anyhow::Result;

use super::{Finding, Tree};

pub(super) const LAW: &str = "a Rust file begins with `//!`";
pub(super) const BECAUSE: &str = "its first line is what a reader decides by whether to read on";

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    Ok(tree
        .with_extension("rs")
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| Finding::new(&file.path, "begins with something else"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_begins_with_code_is_found() {
        let tree = Tree::of(&[("a.rs", "//! A.\n"), ("b.rs", "use a;\n"), ("c.sql", "x")]);
        let findings = check(&tree).unwrap();
        assert_eq!(findings, [Finding::new("b.rs", "begins with something else")]);
    }
}
