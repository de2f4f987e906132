//! Links between documents lead somewhere.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::{Finding, Tree, tree::File};

pub(super) const LAW: &str =
    "a relative link in Markdown leads to a file or folder of the repository";
pub(super) const BECAUSE: &str = "a reader who meets a dead link trusts the rest less";

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.with_extension("md") {
        for (link, line) in links(file) {
            if !leads_somewhere(tree, &file.path, link) {
                findings.push(Finding::new(
                    format!("{}:{line}", file.path),
                    format!("{link} is not there"),
                ));
            }
        }
    }
    Ok(findings)
}

/// The targets of `[text](target)`, outside code blocks, with their lines.
fn links(file: &File) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut code = false;
    for (line, number) in file.text.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code {
            continue;
        }
        for after in line.split("](").skip(1) {
            if let Some((target, _)) = after.split_once(')') {
                found.push((target, number));
            }
        }
    }
    found
}

fn leads_somewhere(tree: &Tree, from: &str, link: &str) -> bool {
    let path = link.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return true;
    }
    let base = Path::new(from).parent().unwrap_or(Path::new(""));
    let Some(path) = normal(&base.join(path)) else { return false };
    let path = path.to_string_lossy();
    let folder = format!("{}/", path.trim_end_matches('/'));
    tree.get(path.trim_end_matches('/')).is_some()
        || tree.files.iter().any(|file| file.path.starts_with(&folder))
}

/// Without `.` and `..`; `None` when it leaves the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => {
                if !normal.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_is_found_with_its_line() {
        let text = "\n[a](b.md#top) [x](https://example.com) [up](../README.md)\n[gone](c.md)\n```\n[code](z)\n```\n";
        let tree = Tree::of(&[("docs/a.md", text), ("docs/b.md", ""), ("README.md", "")]);
        assert_eq!(check(&tree).unwrap(), [Finding::new("docs/a.md:3", "c.md is not there")]);
    }

    #[test]
    fn a_folder_can_be_linked() {
        let tree = Tree::of(&[("README.md", "[adr](docs/adr/)"), ("docs/adr/1.md", "")]);
        assert_eq!(check(&tree).unwrap(), []);
    }
}
