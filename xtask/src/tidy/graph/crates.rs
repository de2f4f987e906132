//! The dependency graph that cargo resolved, without what only builds and tests need.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context, Result};

/// How `cargo tree` is asked to show each crate: its depth comes before.
pub(super) const FORMAT: &str = " {p}|{f}";

/// Which crate uses which. Versions of one crate count as one.
#[derive(Debug, Default)]
pub(super) struct Crates {
    uses: BTreeMap<String, BTreeSet<String>>,
    features: BTreeMap<String, Vec<String>>,
}

impl Crates {
    /// What [`FORMAT`] shows. `cargo metadata` would list optional crates that nothing turns on.
    pub(super) fn read(tree: &str) -> Result<Self> {
        let mut crates = Self::default();
        let mut way: Vec<&str> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let (depth, rest) = line.split_once(' ').context("no depth")?;
            let (package, features) = rest.split_once('|').context("no features")?;
            let name = package.split(' ').next().context("no name")?;
            way.truncate(depth.parse()?);
            if let Some(user) = way.last() {
                crates.add(user, name);
            }
            way.push(name);
            let features = features.trim_end_matches(" (*)").split(',').map(str::to_owned);
            crates.features.entry(name.to_owned()).or_default().extend(features);
        }
        Ok(crates)
    }

    fn add(&mut self, from: &str, to: &str) {
        self.uses.entry(from.to_owned()).or_default().insert(to.to_owned());
    }

    #[cfg(test)]
    pub(super) fn of(arrows: &[(&str, &str)]) -> Self {
        let mut crates = Self::default();
        for (from, to) in arrows {
            crates.add(from, to);
        }
        crates
    }

    /// The features that `name` is built with.
    pub(super) fn features(&self, name: &str) -> &[String] {
        self.features.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.uses.contains_key(name)
    }

    /// A shortest way from one crate to another, without the first.
    pub(super) fn way<'a>(&'a self, from: &str, to: &str) -> Option<Vec<&'a str>> {
        self.way_around(from, to, "")
    }

    /// A shortest way that does not lead through `around`.
    pub(super) fn way_around<'a>(
        &'a self,
        from: &str,
        to: &str,
        around: &str,
    ) -> Option<Vec<&'a str>> {
        let mut came_from: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let (from, _) = self.uses.get_key_value(from)?;
        let mut next = VecDeque::from([from.as_str()]);
        while let Some(here) = next.pop_front() {
            if here == to {
                let mut way = vec![here];
                while let Some(Some(before)) = way.last().and_then(|last| came_from.get(last)) {
                    way.push(before);
                }
                way.pop();
                way.reverse();
                return Some(way);
            }
            for used in self.uses.get(here).into_iter().flatten() {
                if used != from && used != around && !came_from.contains_key(used.as_str()) {
                    came_from.insert(used, Some(here));
                    next.push_back(used);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_way_is_shown() {
        let crates = Crates::of(&[("a", "b"), ("b", "c"), ("c", "d"), ("a", "c"), ("d", "a")]);
        assert_eq!(crates.way("a", "d"), Some(vec!["c", "d"]));
        assert_eq!(crates.way("d", "d"), Some(vec![]));
        assert_eq!(crates.way("a", "x"), None);
        assert_eq!(crates.way_around("a", "d", "b"), Some(vec!["c", "d"]));
        assert_eq!(crates.way_around("a", "d", "c"), None);
    }

    #[test]
    fn a_tree_that_cargo_printed_is_read() {
        let tree =
            "0 a v0.1.0 (/x)|\n1 b v1.0.0|x,y\n2 c v1.0.0|\n1 d v2.0.0|x (*)\n\n0 d v2.0.0|\n";
        let crates = Crates::read(tree).unwrap();
        assert_eq!(crates.way("a", "c"), Some(vec!["b", "c"]));
        assert_eq!(crates.way("b", "d"), None);
        assert!(crates.features("b").contains(&"y".to_owned()));
        assert!(crates.features("d").contains(&"x".to_owned()));
    }
}
