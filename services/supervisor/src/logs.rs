//! The children's logs: a file each, with a bound.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

/// A log that has grown to this size begins anew; what it had is kept in `NAME.log.1`.
const MOST: u64 = 32 << 20;

/// How often their sizes are looked at.
pub(crate) const PERIOD: Duration = Duration::from_secs(60);

/// What of a log is shown when its process does not start.
const SHOWN: u64 = 4096;

/// As many lines of that.
const LINES: usize = 12;

/// Opens the log of `name` for a child, which writes at its end.
pub(crate) fn open(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let path = path(folder, name);
    let file = File::options().create(true).append(true).open(&path)?;
    Ok((path, file))
}

/// Where `name` logs.
pub(crate) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}

/// Begins every log anew that is too long. Its writer goes on at the new end.
pub(crate) fn shorten(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let long = entry.metadata().is_ok_and(|about| about.len() > MOST);
        if long && path.extension().is_some_and(|extension| extension == "log") {
            // A log that can't be shortened now is tried again.
            let _tried = fs::copy(&path, path.with_extension("log.1"))
                .and_then(|_| File::options().write(true).open(&path)?.set_len(0));
        }
    }
}

/// The last lines of the log at `path`, and no more than was written since it had `begin` bytes.
pub(crate) fn last_words(path: &Path, begin: u64) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(begin.max(end.saturating_sub(SHOWN))))?;
        let mut bytes = Vec::new();
        file.take(SHOWN).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.len().saturating_sub(LINES);
    lines.into_iter().skip(first).map(|line| format!("  {line}\n")).collect::<String>()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_that_is_too_long_begins_anew_under_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut file) = open(folder.path(), "api").unwrap();
        file.set_len(MOST + 1).unwrap();
        shorten(folder.path());
        file.write_all(b"new\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(fs::metadata(folder.path().join("api.log.1")).unwrap().len(), MOST + 1);
    }

    #[test]
    fn the_last_words_are_those_of_this_start() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut file) = open(folder.path(), "api").unwrap();
        file.write_all(b"before\n").unwrap();
        let begin = file.metadata().unwrap().len();
        for number in 0..20 {
            writeln!(file, "line {number}").unwrap();
        }
        let words = last_words(&path, begin);
        assert!(words.starts_with("  line 8\n") && words.ends_with("  line 19\n"), "{words}");
        assert!(!last_words(&path, 0).contains("before"));
    }
}
