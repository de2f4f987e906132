//! Every crate obeys the same law, and versions stand in one place.

use anyhow::Result;

use super::{Finding, Tree};

pub(super) const LAW: &str =
    "a crate takes its lints, its edition and every version from the root manifest";
pub(super) const BECAUSE: &str =
    "a rule that a crate can leave out is none, and two versions of one thing are two things";

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        // Fuzz targets are a workspace of their own, since they need another compiler.
        if file.text.contains("cargo-fuzz = true") {
            continue;
        }
        if !file.text.contains("[lints]\nworkspace = true") {
            findings.push(Finding::new(&file.path, "has no `[lints] workspace = true`"));
        }
        if !file.text.contains("edition.workspace = true") {
            findings.push(Finding::new(&file.path, "has an edition of its own"));
        }
        let mut section = "";
        for (line, number) in file.text.lines().zip(1..) {
            if line.starts_with('[') {
                section = line;
            } else if section.contains("dependencies") && has_version(line) {
                let place = format!("{}:{number}", file.path);
                findings.push(Finding::new(place, format!("has a version: {line}")));
            }
        }
    }
    Ok(findings)
}

/// A dependency line is `name.workspace = true` or `name = { workspace = true, … }`.
fn has_version(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#') && !line.contains("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_ones_own_is_found() {
        let law = "edition.workspace = true\n[lints]\nworkspace = true\n";
        let good = format!(
            "{law}[dependencies]\na.workspace = true\nb = {{ workspace = true, features = [\"x\"] }}\n"
        );
        let bad = format!("{law}[dev-dependencies]\na = \"1\"\n");
        let tree = Tree::of(&[("good/Cargo.toml", &good), ("bad/Cargo.toml", &bad)]);
        assert_eq!(
            check(&tree).unwrap(),
            [Finding::new("bad/Cargo.toml:5", "has a version: a = \"1\"")]
        );
    }

    #[test]
    fn a_crate_without_lints_is_found() {
        let tree = Tree::of(&[("a/Cargo.toml", "edition.workspace = true\n")]);
        assert_eq!(
            check(&tree).unwrap(),
            [Finding::new("a/Cargo.toml", "has no `[lints] workspace = true`")]
        );
    }
}
