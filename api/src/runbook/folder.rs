//! The folder that runbooks are in, such as a checkout that something else keeps up to date.
//! Nothing outside of it is read, whatever name or link leads there.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind, Read},
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use super::within::Within;

/// A file with more than this is no runbook.
const LARGEST: u64 = 1024 * 1024;
/// So many are listed; the folder is looked through for each list.
const MOST: usize = 500;
/// And this is read for it, so that a list costs no more however large the files are.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// So many entries of folders are looked at, and folders so deep.
const MOST_ENTRIES: usize = 10_000;
const DEEPEST: usize = 16;
/// Of a path in it, and of each of its parts, as file systems have it.
const LONGEST: usize = 512;
const LONGEST_PART: usize = 255;

/// A folder with runbooks: files with `.runbook.` in their names.
#[derive(Debug, Clone)]
pub struct RunbookFolder(PathBuf);

/// Why a folder is none for runbooks.
#[derive(Debug, thiserror::Error)]
#[error("{path} is no folder that can be read: {cause}")]
pub struct InvalidFolder {
    path: String,
    cause: io::Error,
}

/// Why a runbook can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("it is larger than 1 MiB")]
    TooLarge,
    #[error("it is not UTF-8")]
    NotText,
    #[error("its file can't be read")]
    Unreadable(#[from] io::Error),
}

/// What is in the folder.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Runbooks in order, by their paths in the folder.
    pub(crate) runbooks: Vec<(String, Result<String, Error>)>,
    /// What could not be looked at, in words.
    pub(crate) errors: Vec<String>,
}

impl FromStr for RunbookFolder {
    type Err = InvalidFolder;
    fn from_str(path: &str) -> Result<Self, InvalidFolder> {
        match fs::read_dir(path) {
            Ok(_) => Ok(Self(path.into())),
            Err(cause) => Err(InvalidFolder { path: path.into(), cause }),
        }
    }
}

impl RunbookFolder {
    /// All runbooks that are in it.
    pub(crate) fn list(&self, within: &Within) -> io::Result<Listing> {
        // What is there may be a link that leads elsewhere after each update.
        let root = self.0.canonicalize()?;
        let mut listing = Listing::default();
        let mut bytes = 0;
        for name in names(&root, within, &mut listing.errors) {
            if listing.runbooks.len() == MOST || MOST_BYTES < bytes {
                listing
                    .errors
                    .push(format!("only the first {} are listed", listing.runbooks.len()));
                break;
            }
            let read = match read(&root, &name) {
                Ok(Some(text)) => Ok(text),
                // It went meanwhile, or is a link to somewhere else.
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            bytes += read.as_ref().map_or(0, String::len);
            listing.runbooks.push((name, read));
        }
        Ok(listing)
    }

    /// The runbook of this name; `None` when there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, Error> {
        if !is_runbook(name) {
            return Ok(None);
        }
        read(&self.0.canonicalize()?, name)
    }
}

/// Whether a path is one that a runbook may have: it goes down, and to nothing hidden.
fn is_runbook(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    let parts = file.split_once(".runbook.");
    is_plain(name) && parts.is_some_and(|(before, after)| !before.is_empty() && !after.is_empty())
}

fn is_plain(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part.len() <= LONGEST_PART
            && !part.starts_with('.')
            && !part.contains(|c: char| c.is_control() || c == '\\')
    };
    path.len() <= LONGEST && path.split('/').all(plain)
}

/// The paths of all runbooks that `within` covers. Nothing beside that is looked at or spoken of.
fn names(root: &Path, within: &Within, errors: &mut Vec<String>) -> BTreeSet<String> {
    let (mut found, mut seen) = (BTreeSet::new(), 0);
    // In order, so that one which is in another is looked at once.
    let mut folders: BTreeSet<String> = within.paths().filter_map(folder_of).collect();
    found.extend(within.paths().filter(|path| is_runbook(path)).map(str::to_owned));
    while let Some(prefix) = folders.pop_first() {
        let entries = match entries(root, &prefix) {
            Ok(Some(entries)) => entries,
            Ok(None) => continue,
            Err(error) => {
                errors.push(format!("the folder {prefix} can't be read: {error}"));
                continue;
            }
        };
        for entry in entries.map_while(Result::ok) {
            seen += 1;
            if MOST_ENTRIES < seen {
                errors.push(format!("there are more than {MOST_ENTRIES} files"));
                return found;
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = format!("{prefix}{name}");
            // A link to a folder is not followed: it may lead round and round.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.extend(folder_of(&name));
            } else if is_runbook(&name) {
                found.insert(name);
            }
        }
    }
    found
}

/// What the paths in a folder begin with, if runbooks may be in it.
fn folder_of(path: &str) -> Option<String> {
    match path {
        "" => Some(String::new()),
        _ => (is_plain(path) && path.matches('/').count() < DEEPEST).then(|| format!("{path}/")),
    }
}

/// What is in a folder; `None` where there is none, or a link is on the way to it.
fn entries(root: &Path, prefix: &str) -> io::Result<Option<fs::ReadDir>> {
    let path = root.join(prefix);
    let read = path.canonicalize().and_then(|found| {
        // Paths are equal by their parts, so that a last '/' makes no difference.
        if found == path { fs::read_dir(found).map(Some) } else { Ok(None) }
    });
    match read {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        read => read,
    }
}

fn read(root: &Path, name: &str) -> Result<Option<String>, Error> {
    let path = match root.join(name).canonicalize() {
        Ok(path) => path,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let Ok(inside) = path.strip_prefix(root) else { return Ok(None) };
    let hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    // A pipe would keep who opens it waiting.
    if inside.components().any(hidden) || !fs::metadata(&path)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    fs::File::open(&path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| LARGEST < length) {
        return Err(Error::TooLarge);
    }
    String::from_utf8(bytes).map(Some).map_err(|_| Error::NotText)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Scene {
        _outer: tempfile::TempDir,
        outside: PathBuf,
        inside: PathBuf,
        folder: RunbookFolder,
    }

    fn scene() -> Scene {
        let outer = tempfile::tempdir().unwrap();
        let (outside, inside) = (outer.path().join("secret.runbook.sql"), outer.path().join("in"));
        fs::write(&outside, "secret").unwrap();
        fs::create_dir_all(inside.join("team/.git")).unwrap();
        for (name, text) in [
            ("a.runbook.sql", "select 1"),
            ("team/b.runbook.sh", "true"),
            ("team/.git/hidden.runbook.sh", "hidden"),
            ("team/notes.md", "no runbook"),
            (".hidden.runbook.sh", "hidden"),
        ] {
            fs::write(inside.join(name), text).unwrap();
        }
        let folder = inside.to_str().unwrap().parse().unwrap();
        Scene { _outer: outer, outside, inside, folder }
    }

    fn list(scene: &Scene, words: &[&str]) -> Listing {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        scene.folder.list(&Within::new(&words)).unwrap()
    }

    fn names(scene: &Scene) -> Vec<String> {
        let listing = list(scene, &[]);
        assert_eq!(listing.errors, [""; 0]);
        listing.runbooks.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn runbooks_are_found_by_their_paths_in_order() {
        let scene = scene();
        assert_eq!(names(&scene), ["a.runbook.sql", "team/b.runbook.sh"]);
        let read = |name: &str| scene.folder.read(name).unwrap();
        assert_eq!(read("team/b.runbook.sh").as_deref(), Some("true"));
    }

    #[test]
    fn nothing_but_what_is_wanted_is_looked_at_or_spoken_of() {
        let scene = scene();
        fs::create_dir_all(scene.inside.join("crowd")).unwrap();
        for number in 0..=MOST_ENTRIES {
            fs::write(scene.inside.join(format!("crowd/{number}")), "").unwrap();
        }
        fs::create_dir_all(scene.inside.join("team/below")).unwrap();
        fs::write(scene.inside.join("team/below/c.runbook.sql"), "select 3").unwrap();
        symlink("team", scene.inside.join("link")).unwrap();
        let (a, b, c) = ("a.runbook.sql", "team/b.runbook.sh", "team/below/c.runbook.sql");
        let cases: [(&[&str], &[&str]); 6] = [
            (&["team"], &[b, c]),
            (&["/team/", "team/below"], &[b, c]),
            (&["team/below"], &[c]),
            (&["a.runbook.sql", "team/b.runbook.sh"], &[a, b]),
            (&["tea", "no", "a.runbook.sql/no", "link", "team/.git", "..", "."], &[]),
            (&["/"], &[]),
        ];
        for (words, expect) in cases {
            let listing = list(&scene, words);
            assert_eq!(listing.errors, [""; 0], "{words:?}");
            let names: Vec<_> = listing.runbooks.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, expect, "{words:?}");
        }
        for words in [&["crowd"][..], &[]] {
            assert_eq!(list(&scene, words).errors, ["there are more than 10000 files"]);
        }
    }

    #[test]
    fn nothing_outside_and_nothing_hidden_is_read() {
        let scene = scene();
        symlink(&scene.outside, scene.inside.join("link.runbook.sql")).unwrap();
        symlink(scene.inside.parent().unwrap(), scene.inside.join("up")).unwrap();
        symlink("a.runbook.sql", scene.inside.join("alias.runbook.sql")).unwrap();
        symlink(".hidden.runbook.sh", scene.inside.join("shown.runbook.sh")).unwrap();
        symlink("team/.git/hidden.runbook.sh", scene.inside.join("config.runbook.sh")).unwrap();
        symlink("team/.git", scene.inside.join("git")).unwrap();
        symlink("nowhere", scene.inside.join("broken.runbook.sql")).unwrap();
        fs::create_dir(scene.inside.join("folder.runbook.d")).unwrap();
        let absolute = scene.outside.to_str().unwrap();
        let long = format!("{}.runbook.sql", "x".repeat(600));
        for name in [
            "link.runbook.sql",
            "up/secret.runbook.sql",
            "../secret.runbook.sql",
            "team/../../secret.runbook.sql",
            "./a.runbook.sql",
            "team//b.runbook.sh",
            "team/.git/hidden.runbook.sh",
            ".hidden.runbook.sh",
            "team/notes.md",
            "team",
            "",
            "/",
            ".runbook.sql",
            "a.runbook.",
            "a.runbook.sql\0",
            "a.runbook.sql/x.runbook.sql",
            "shown.runbook.sh",
            "config.runbook.sh",
            "git/hidden.runbook.sh",
            "broken.runbook.sql",
            "folder.runbook.d",
            "no.runbook.sql",
            absolute,
            long.as_str(),
        ] {
            assert!(matches!(scene.folder.read(name), Ok(None)), "{name}");
        }
        // A link that stays inside is as good as what it leads to.
        assert_eq!(scene.folder.read("alias.runbook.sql").unwrap().as_deref(), Some("select 1"));
        assert_eq!(names(&scene), ["a.runbook.sql", "alias.runbook.sql", "team/b.runbook.sh"]);
    }

    #[test]
    fn what_is_too_large_or_no_text_says_so() {
        let scene = scene();
        let large = vec![b'x'; 1024 * 1024 + 1];
        fs::write(scene.inside.join("large.runbook.sql"), large).unwrap();
        fs::write(scene.inside.join("wrong.runbook.sql"), [0xff]).unwrap();
        let read = |name: &str| scene.folder.read(name).unwrap_err();
        assert!(matches!(read("large.runbook.sql"), Error::TooLarge));
        assert!(matches!(read("wrong.runbook.sql"), Error::NotText));
        let listing = list(&scene, &[]);
        let wrong = listing.runbooks.iter().filter(|(_, read)| read.is_err());
        assert_eq!((listing.runbooks.len(), wrong.count()), (4, 2));
    }

    #[test]
    fn a_folder_that_is_replaced_by_a_link_is_read_anew() {
        let scene = scene();
        let (parent, link) = (scene.inside.parent().unwrap(), "current");
        symlink("in", parent.join(link)).unwrap();
        let folder: RunbookFolder = parent.join(link).to_str().unwrap().parse().unwrap();
        assert!(folder.read("a.runbook.sql").unwrap().is_some());
        fs::create_dir(parent.join("next")).unwrap();
        fs::write(parent.join("next/c.runbook.sql"), "select 3").unwrap();
        fs::remove_file(parent.join(link)).unwrap();
        symlink("next", parent.join(link)).unwrap();
        assert!(folder.read("a.runbook.sql").unwrap().is_none());
        assert!(folder.read("c.runbook.sql").unwrap().is_some());
    }

    #[test]
    fn what_is_no_folder_is_refused_with_its_name() {
        let refused = "/no/such/folder".parse::<RunbookFolder>().unwrap_err().to_string();
        assert!(refused.starts_with("/no/such/folder is no folder"), "{refused}");
        assert!(scene().outside.to_str().unwrap().parse::<RunbookFolder>().is_err());
    }
}
