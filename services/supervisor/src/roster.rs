//! The list of running children in a file, for those who come after a supervisor was killed.
//!
//! A process is known by its number and the time it was started at, so that nobody who got
//! the number later is taken for it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::kept;

/// How long a child may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the file of a supervisor is called, before its process id.
const PREFIX: &str = "children.";

/// A process that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    pid: i32,
    started: u64,
    signal: &'static str,
}

/// The list. Cheap to clone; all clones are the same list.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    path: Arc<Path>,
    entries: Arc<Mutex<BTreeMap<&'static str, Entry>>>,
}

impl Roster {
    /// An empty list, kept in `folder` under the number of this process: a guard that is late
    /// must not take the children of the next supervisor for those of its own.
    pub(crate) fn new(folder: &Path) -> Self {
        let path = folder.join(format!("{PREFIX}{}", std::process::id()));
        Self { path: path.into(), entries: Arc::default() }
    }

    /// Where it is kept.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// `name` runs as `pid`, and ends at once on `signal`.
    pub(crate) fn add(&self, name: &'static str, pid: u32, signal: Signal) {
        let Some(pid) = i32::try_from(pid).ok() else { return };
        let Some(started) = started(pid) else { return };
        self.change(|entries| {
            entries.insert(name, Entry { pid, started, signal: word(signal) });
        });
    }

    /// `name` has ended.
    pub(crate) fn remove(&self, name: &'static str) {
        self.change(|entries| {
            entries.remove(name);
        });
    }

    /// Nothing runs any more.
    pub(crate) fn forget(&self) {
        let _absent = fs::remove_file(&*self.path);
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<&'static str, Entry>)) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut entries);
        let lines = entries.iter().map(|(name, Entry { pid, started, signal })| {
            format!("{signal} {pid} {started} {name}\n")
        });
        // Without the file a killed supervisor leaves something behind, but it works.
        let _unwritten = kept::write(&self.path, &lines.collect::<String>());
    }
}

/// Ends what supervisors that were killed have left behind; how many there were.
pub(crate) fn end_leftovers(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let lists = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    lists.map(|list| end_all(&list.path())).sum()
}

/// Ends every process of the list at `path` and removes the list; how many there were.
pub(crate) fn end_all(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap_or_default();
    let found: Vec<Entry> = text.lines().filter_map(read).filter(Entry::alive).collect();
    for entry in &found {
        entry.send(signal(entry.signal));
    }
    for entry in &found {
        if !entry.gone() {
            entry.send(Signal::KILL);
            entry.gone();
        }
    }
    let _absent = fs::remove_file(path);
    found.len()
}

impl Entry {
    fn alive(&self) -> bool {
        started(self.pid) == Some(self.started)
    }

    fn send(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.alive()) {
            let _ended = kill_process(pid, signal);
        }
    }

    /// Waits until it has ended.
    fn gone(&self) -> bool {
        let begun = Instant::now();
        while self.alive() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
        !self.alive()
    }
}

fn read(line: &str) -> Option<Entry> {
    let mut words = line.split(' ');
    let signal = word(signal(words.next()?));
    Some(Entry { signal, pid: words.next()?.parse().ok()?, started: words.next()?.parse().ok()? })
}

const fn word(signal: Signal) -> &'static str {
    match signal {
        Signal::TERM => "TERM",
        Signal::QUIT => "QUIT",
        _ => "KILL",
    }
}

fn signal(word: &str) -> Signal {
    match word {
        "TERM" => Signal::TERM,
        "QUIT" => Signal::QUIT,
        _ => Signal::KILL,
    }
}

/// When the process was started, in the kernel's ticks. A zombie is as good as gone.
fn started(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(PathBuf::from(format!("/proc/{pid}/stat"))).ok()?;
    // The second field is the program's name in brackets, with anything in it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    fields.nth(18).filter(|_| state != "Z")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_on_the_list_is_ended_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let roster = Roster::new(folder.path());
        let mut ours = Command::new("sleep").arg("60").spawn().unwrap();
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        roster.add("ours", ours.id(), Signal::TERM);
        roster.add("ended", ours.id(), Signal::TERM);
        roster.remove("ended");
        // The number of a process that came later.
        let stale = format!("KILL {} 1 other\n", other.id());
        let text = fs::read_to_string(roster.path()).unwrap();
        fs::write(folder.path().join("children.1"), stale + "nonsense\n\n").unwrap();
        assert_eq!(text.trim().lines().count(), 1);

        assert_eq!(end_leftovers(folder.path()), 1);
        assert!(!ours.wait().unwrap().success());
        assert_eq!(other.try_wait().unwrap(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
