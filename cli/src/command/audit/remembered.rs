//! The end of the chain, kept from one time to the next. What is cut off the chain's end
//! leaves no trace in what is left, so somebody else has to remember how far it had come.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use hoop_recording::Head;

/// What was kept; `None` the first time.
pub(super) fn load(path: &Path) -> Result<Option<Head>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    let head = parse(&text).with_context(|| {
        format!("{} holds no end of a chain; remove it to begin anew", path.display())
    })?;
    Ok(Some(head))
}

/// Keeps `head`.
pub(super) fn store(path: &Path, head: Head) -> Result<()> {
    let digest = blake3_hex(head.digest);
    let draft = path.with_extension("part");
    fs::write(&draft, format!("{} {digest}\n", head.position))
        .and_then(|()| fs::rename(&draft, path))
        .with_context(|| format!("write {}", path.display()))
}

/// 32 bytes in hexadecimal.
pub(super) fn blake3_hex(digest: [u8; 32]) -> String {
    blake3::Hash::from_bytes(digest).to_hex().to_string()
}

fn parse(text: &str) -> Option<Head> {
    let (position, digest) = text.trim_end().split_once(' ')?;
    let digest = *blake3::Hash::from_hex(digest).ok()?.as_bytes();
    Some(Head { position: position.parse().ok()?, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_kept_and_nothing_else_is_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head");
        assert_eq!(load(&path).unwrap(), None);
        let head = Head { position: 7, digest: [3; 32] };
        store(&path, head).unwrap();
        assert_eq!(load(&path).unwrap(), Some(head));
        fs::write(&path, "7 x").unwrap();
        assert!(load(&path).is_err());
    }
}
