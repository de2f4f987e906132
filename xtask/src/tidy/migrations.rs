//! Migrations are a sequence.

use anyhow::Result;

use super::{Finding, Tree};

pub(super) const LAW: &str =
    "migrations are called 0001_name.sql, 0002_name.sql and so on, without a gap";
pub(super) const BECAUSE: &str = "they are applied in that order, once, on every database there is";

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut names: Vec<_> =
        tree.files.iter().filter_map(|file| file.path.strip_prefix("migrations/")).collect();
    names.retain(|name| name.ends_with(".sql"));
    names.sort_unstable();
    let wrong = |(name, number): &(&&str, u32)| {
        let expected = format!("{number:04}_");
        !name.starts_with(&expected)
    };
    Ok(names
        .iter()
        .zip(1..)
        .find(wrong)
        .map(|(name, number)| {
            Finding::new(format!("migrations/{name}"), format!("{number:04}_ is the next number"))
        })
        .into_iter()
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_found() {
        let tree = Tree::of(&[("migrations/0001_a.sql", ""), ("migrations/0003_b.sql", "")]);
        assert_eq!(
            check(&tree).unwrap(),
            [Finding::new("migrations/0003_b.sql", "0002_ is the next number")]
        );
    }

    #[test]
    fn a_sequence_is_fine() {
        let tree = Tree::of(&[("migrations/0001_a.sql", ""), ("migrations/0002_b.sql", "")]);
        assert_eq!(check(&tree).unwrap(), []);
    }
}
