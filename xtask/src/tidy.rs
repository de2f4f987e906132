//! The rules that no compiler knows. Each is a file in `tidy/`, with its reason and its tests.

mod first_line;
mod graph;
mod length;
mod links;
mod log_lines;
mod manifests;
mod metrics;
mod migrations;
mod module_names;
mod todo;
mod tree;
mod variables;

use anyhow::{Result, ensure};

use crate::shell::{root, say};
use tree::Tree;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A path, with a line where that helps.
    place: String,
    /// What is wrong there.
    what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// A rule: what must hold, why, and who looks.
struct Rule {
    law: &'static str,
    because: &'static str,
    check: fn(&Tree) -> Result<Vec<Finding>>,
}

const RULES: &[Rule] = &[
    Rule { law: first_line::LAW, because: first_line::BECAUSE, check: first_line::check },
    Rule { law: length::LAW, because: length::BECAUSE, check: length::check },
    Rule { law: module_names::LAW, because: module_names::BECAUSE, check: module_names::check },
    Rule { law: todo::LAW, because: todo::BECAUSE, check: todo::check },
    Rule { law: manifests::LAW, because: manifests::BECAUSE, check: manifests::check },
    Rule { law: graph::LAW, because: graph::BECAUSE, check: graph::check },
    Rule { law: migrations::LAW, because: migrations::BECAUSE, check: migrations::check },
    Rule { law: links::LAW, because: links::BECAUSE, check: links::check },
    Rule { law: log_lines::LAW, because: log_lines::BECAUSE, check: log_lines::check },
    Rule { law: metrics::LAW, because: metrics::BECAUSE, check: metrics::check },
    Rule { law: variables::LAW, because: variables::BECAUSE, check: variables::check },
];

/// `cargo xtask tidy`
pub(crate) fn run(_arguments: &[String]) -> Result<()> {
    let tree = Tree::read(&root()?)?;
    let mut broken = 0;
    for rule in RULES {
        let findings = (rule.check)(&tree)?;
        if findings.is_empty() {
            continue;
        }
        broken += 1;
        say(&format!("{}\n  because {}", rule.law, rule.because));
        for Finding { place, what } in findings {
            say(&format!("    {place}: {what}"));
        }
    }
    for warning in length::warnings(&tree) {
        say(&format!("warning: {}: {}", warning.place, warning.what));
    }
    ensure!(broken == 0, "{broken} of {} rules are broken", RULES.len());
    say(&format!("tidy: {} rules hold for {} files", RULES.len(), tree.files.len()));
    Ok(())
}
