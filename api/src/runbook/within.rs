//! What of the folder a connection may use: some folders and files in it, or all.

/// Paths in the folder, without `/` around them.
#[derive(Debug, Clone)]
pub(crate) struct Within(Vec<String>);

impl Within {
    /// What these words name, or all where there are none. An empty word names nothing.
    pub(crate) fn new(words: &[String]) -> Self {
        if words.is_empty() {
            return Self(vec![String::new()]);
        }
        let words = words.iter().map(|word| word.trim_matches('/').to_owned());
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    /// Where to look for it: paths of folders and of files. The empty one is the whole folder.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the runbook of this name is in it.
    pub(crate) fn covers(&self, name: &str) -> bool {
        let below = |path: &String| {
            let rest = name.strip_prefix(path.as_str());
            rest.is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with('/'))
        };
        self.0.iter().any(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_uses_what_is_in_its_folders_and_no_neighbour() {
        let within = |words: &[&str], name: &str| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            Within::new(&words).covers(name)
        };
        assert!(within(&[], "team/a.runbook.sql"));
        for word in ["team", "team/", "/team", "team/a.runbook.sql"] {
            assert!(within(&["other", word], "team/a.runbook.sql"), "{word}");
        }
        for word in ["tea", "team/a", "other", "team/b", "a.runbook.sql", "", "/"] {
            assert!(!within(&[word], "team/a.runbook.sql"), "{word}");
        }
    }
}
