//! The guide and the code list the same environment variables.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Finding, Tree};

const CODE: &str = "services/runtime/src/config/variables.rs";
const UNUSED: &str = "services/runtime/src/config/unused.rs";
const GUIDE: &str = "docs/guide/configuration.md";

pub(super) const LAW: &str =
    "docs/guide/configuration.md lists the variables of services/runtime/src/config/variables.rs";
pub(super) const BECAUSE: &str =
    "a setting that is not in the guide does not exist for those who need it";

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let (Some(code), Some(guide)) = (tree.get(CODE), tree.get(GUIDE)) else {
        return Ok(Vec::new());
    };
    let unused = tree.get(UNUSED).map(|file| in_code(&file.text, "unused(")).unwrap_or_default();
    let (mut code, guide) = (in_code(&code.text, "variable("), in_guide(&guide.text));
    code.extend(unused);
    let missing = code.difference(&guide).map(|name| Finding::new(GUIDE, format!("lacks {name}")));
    let unknown = guide
        .difference(&code)
        .map(|name| Finding::new(GUIDE, format!("has {name}, which nothing reads")));
    Ok(missing.chain(unknown).collect())
}

/// The first string after each `call`, such as `variable(`.
fn in_code<'a>(text: &'a str, call: &str) -> BTreeSet<&'a str> {
    text.split(call)
        .skip(1)
        .filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next())
        .collect()
}

/// The names in the first column of its tables: all of them, since a row may have several.
fn in_guide(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| {
            name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_of_them_has_is_found() {
        let code = "fn find() {}\nconst fn variable(name: X)\nvariable(\n  \"A_B\", X)\nvariable(\"C\", X)";
        let guide = "| `C` | x |\n| `D`, `A` | `NOT_THIS` |\n";
        let unused = "const fn unused(name: X)\nunused(\"D\", X), unused(\"E\", X)";
        let tree = Tree::of(&[(CODE, code), (UNUSED, unused), (GUIDE, guide)]);
        let found: Vec<_> = check(&tree).unwrap().into_iter().map(|finding| finding.what).collect();
        assert_eq!(found, ["lacks A_B", "lacks E", "has A, which nothing reads"]);
    }
}
