//! Files are named after what they hold.

use anyhow::Result;

use super::{Finding, Tree};

pub(super) const LAW: &str =
    "no `mod.rs`, and no file or folder called common, core, utils or helpers";
pub(super) const BECAUSE: &str = "a name that says nothing collects everything";

const EMPTY: &[&str] = &["common", "core", "helpers", "util", "utils"];

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.with_extension("rs") {
        let path = file.path.trim_end_matches(".rs");
        if path.ends_with("/mod") {
            findings.push(Finding::new(&file.path, "call it after its folder, beside it"));
        }
        for part in path.split('/').filter(|part| EMPTY.contains(part)) {
            findings.push(Finding::new(&file.path, format!("{part:?} says nothing")));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_found() {
        let tree = Tree::of(&[("a/mod.rs", ""), ("a/utils.rs", ""), ("a/model.rs", "")]);
        let places: Vec<_> = check(&tree).unwrap().into_iter().map(|found| found.place).collect();
        assert_eq!(places, ["a/mod.rs", "a/utils.rs"]);
    }
}
