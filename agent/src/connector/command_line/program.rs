//! Which program a connection runs, and what to say when it is not there.

use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

/// The option file of `mysql`; the variable of the same name has its path.
pub(super) const MYSQL_OPTIONS: &str = "MYSQL_OPTIONS";

/// The exit codes that shells have for these.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

/// What is run.
#[derive(Debug)]
pub(crate) enum Program {
    /// The connection's own command.
    Given(Vec<String>),
    /// PostgreSQL's client.
    Psql,
    /// MySQL's or MariaDB's client.
    Mysql,
}

impl Program {
    /// The connection's own command, or a default when it has none.
    pub(super) fn or(command: Vec<String>, default: Self) -> Self {
        if command.is_empty() { default } else { Self::Given(command) }
    }

    pub(super) fn has_nul(&self) -> bool {
        match self {
            Self::Given(command) => command.iter().any(|word| word.contains('\0')),
            Self::Psql | Self::Mysql => false,
        }
    }

    /// The words of the command. `paths` are the files that were written for it, `search`
    /// is where programs are.
    pub(super) fn words(
        &self,
        terminal: bool,
        paths: &[(String, String)],
        search: Option<&OsStr>,
    ) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Given(command) => return command.clone(),
            // A pager could not be left, or run commands of its own.
            Self::Psql if terminal => &["psql", "-P", "pager=off"],
            // What people read line by line, and programs too.
            Self::Psql => &["psql", "-X", "-v", "ON_ERROR_STOP=1", "-A", "-F\t", "-P", "pager=off"],
            Self::Mysql => return mysql(paths, search),
        };
        words.iter().map(ToString::to_string).collect()
    }

    /// Why the command did not start: an exit code, and a sentence for the person.
    pub(super) fn not_started(&self, word: &str, error: &io::Error) -> (i32, String) {
        let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
        let install = match self {
            Self::Given(_) => "install it there, or correct the command of this connection",
            Self::Psql => "install the PostgreSQL client there, such as postgresql-client",
            Self::Mysql => "install the MySQL or MariaDB client there, such as mariadb-client",
        };
        let sentence = match error.kind() {
            io::ErrorKind::NotFound => format!("not found on the agent's host; {install}"),
            io::ErrorKind::PermissionDenied => {
                "the agent may not execute it; correct its permissions on the agent's host".into()
            }
            io::ErrorKind::ArgumentListTooLong => {
                "its arguments are too long; send what is long through standard input".into()
            }
            _ => format!("it could not be started on the agent's host: {error}"),
        };
        (code, format!("hoop: {word}: {sentence}\n"))
    }
}

/// The option file has to come first.
fn mysql(paths: &[(String, String)], search: Option<&OsStr>) -> Vec<String> {
    let options = paths.iter().find(|(name, _)| name == MYSQL_OPTIONS);
    let options = options.map(|(_, path)| format!("--defaults-extra-file={path}"));
    let there = |name: &str| find(name, search).is_some();
    let name = if !there("mysql") && there("mariadb") { "mariadb" } else { "mysql" };
    [Some(name.to_owned()), options].into_iter().flatten().collect()
}

fn find(name: &str, search: Option<&OsStr>) -> Option<PathBuf> {
    let folders = env::split_paths(search?);
    folders.map(|folder| folder.join(name)).find(|path| Path::is_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_client_says_what_to_install() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        for (program, word, package) in [
            (Program::Psql, "psql", "postgresql-client"),
            (Program::Mysql, "mysql", "mariadb-client"),
        ] {
            let (code, sentence) = program.not_started(word, &missing);
            assert_eq!(code, 127);
            assert!(sentence.starts_with(&format!("hoop: {word}: not found")), "{sentence}");
            assert!(sentence.contains(package), "{sentence}");
        }
    }

    #[test]
    fn mariadb_stands_in_for_mysql() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [(MYSQL_OPTIONS.to_owned(), "/private/options".to_owned())];
        let words = || Program::Mysql.words(false, &paths, Some(folder.path().as_os_str()));
        assert_eq!(words(), ["mysql", "--defaults-extra-file=/private/options"]);
        std::fs::write(folder.path().join("mariadb"), "").unwrap();
        assert_eq!(words(), ["mariadb", "--defaults-extra-file=/private/options"]);
    }
}
