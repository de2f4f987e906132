//! The code counts what the list of metrics has, and nothing else.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Finding, Tree};

const LIST: &str = "services/runtime/src/metrics/list.rs";

/// What makes a series; its name follows.
const MAKERS: &[&str] = &["counter(", "gauge(", "histogram(", "observe(", "ways(", "statistic("];

pub(super) const LAW: &str =
    "every metric of services/runtime/src/metrics/list.rs is counted somewhere, and no other";
pub(super) const BECAUSE: &str =
    "a metric that nobody counts is a graph that says that all is well";

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let Some(list) = tree.get(LIST) else { return Ok(Vec::new()) };
    let listed: BTreeSet<&str> = named(&list.text, "metric(").collect();
    let code: Vec<_> = tree
        .with_extension("rs")
        .filter(|file| file.path != LIST && !file.only_tests() && !file.path.starts_with("xtask/"))
        .collect();
    let mut findings = Vec::new();
    for name in &listed {
        let quoted = format!("\"{name}\"");
        if !code.iter().any(|file| file.text.contains(&quoted)) {
            findings.push(Finding::new(LIST, format!("has {name}, which nothing counts")));
        }
    }
    for file in code {
        for name in MAKERS.iter().flat_map(|maker| named(&file.text, maker)) {
            if (name.starts_with("hoop_") || name.starts_with("process_")) && !listed.contains(name)
            {
                findings.push(Finding::new(&file.path, format!("counts {name}, not in {LIST}")));
            }
        }
    }
    Ok(findings)
}

/// The first string after each call of `maker`.
fn named<'a>(text: &'a str, maker: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(maker)
        .skip(1)
        .filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_list_or_only_the_code_has_is_found() {
        let list = "metric(\"hoop_a_total\", X),\nmetric(\n  \"hoop_b\", X)";
        let code = "counter(\"hoop_a_total\"); gauge(\n \"hoop_c\"); counter(\"other\");";
        let tree = Tree::of(&[(LIST, list), ("api/src/metrics.rs", code)]);
        let found: Vec<_> = check(&tree).unwrap().into_iter().map(|finding| finding.what).collect();
        assert_eq!(
            found,
            [
                "has hoop_b, which nothing counts",
                "counts hoop_c, not in services/runtime/src/metrics/list.rs"
            ]
        );
    }
}
