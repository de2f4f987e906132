//! Files stay small.

use anyhow::Result;

use super::{Finding, Tree, tree::File};

const LIMIT: usize = 500;
/// Nine files in ten are shorter in the code that we admire.
const LONG: usize = 350;

pub(super) const LAW: &str = "a Rust file has at most 500 lines, not counting its tests";
pub(super) const BECAUSE: &str = "a file tells one story, and nobody holds a longer one in mind";

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    Ok(longer_than(tree, LIMIT, usize::MAX))
}

/// Files that are on their way there.
pub(super) fn warnings(tree: &Tree) -> Vec<Finding> {
    longer_than(tree, LONG, LIMIT)
}

fn longer_than(tree: &Tree, over: usize, up_to: usize) -> Vec<Finding> {
    tree.with_extension("rs")
        .filter(|file| !file.only_tests())
        .map(|file| (file, lines(file)))
        .filter(|(_, lines)| over < *lines && *lines <= up_to)
        .map(|(file, lines)| Finding::new(&file.path, format!("has {lines} lines")))
        .collect()
}

/// Lines up to the tests at the end of the file.
fn lines(file: &File) -> usize {
    let mut previous = "";
    for (number, line) in file.text.lines().enumerate() {
        if previous == "#[cfg(test)]" && line == "mod tests {" {
            return number.saturating_sub(1);
        }
        previous = line;
    }
    file.text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let long = "x\n".repeat(501);
        let tested = format!("x\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        let tree = Tree::of(&[("a.rs", &long), ("b.rs", &tested), ("a/tests.rs", &long)]);
        assert_eq!(check(&tree).unwrap(), [Finding::new("a.rs", "has 501 lines")]);
    }
}
