//! What a one-time approval is for, as a digest: the command, its arguments, its input.

/// The digest of what would be run. Equal digests are equal inputs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputHash([u8; 32]);

impl InputHash {
    /// The digest of a connection's command, the arguments after it and what it reads.
    /// Each part is preceded by its length, so that nothing can move from one to another.
    #[must_use]
    pub fn of(command: &[String], arguments: &[String], input: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("hoop 2026-11 approved input");
        for words in [command, arguments] {
            length(&mut hasher, words.len());
            for word in words {
                length(&mut hasher, word.len());
                hasher.update(word.as_bytes());
            }
        }
        length(&mut hasher, input.len());
        hasher.update(input);
        Self(*hasher.finalize().as_bytes())
    }

    /// The digest that a database holds.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For a database.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn length(hasher: &mut blake3::Hasher, length: usize) {
    hasher.update(&u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
}

impl std::fmt::Display for InputHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl std::fmt::Debug for InputHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InputHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn nothing_moves_from_one_part_to_another() {
        let mut seen = BTreeSet::new();
        for (command, arguments, input) in [
            (&["bash"][..], &["-c", "ls"][..], ""),
            (&["bash", "-c"], &["ls"], ""),
            (&["bash", "-c", "ls"], &[], ""),
            (&["bash"], &["-c"], "ls"),
            (&["bash"], &["-cls"], ""),
            (&["bash"], &[], "-cls"),
            (&[], &["bash", "-c", "ls"], ""),
            (&["bash"], &["-c", "", "ls"], ""),
            (&["bash"], &["-c", "ls"], "\0"),
        ] {
            let hash = InputHash::of(&words(command), &words(arguments), input.as_bytes());
            assert!(seen.insert(hash.to_string()), "{command:?} {arguments:?} {input:?}");
            assert_eq!(InputHash::from_bytes(*hash.as_bytes()), hash);
        }
    }
}
