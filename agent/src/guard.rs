//! A small process that outlives the agent: when the agent is killed, it ends the commands
//! that the agent ran and removes their private files.
//!
//! The system could send a signal on the parent's death, but to the direct child only, and
//! when the thread that started it ends. The guard is this same program, started with
//! `--guard` when the first command is; it reads what there is to end from a pipe, and the
//! end of the pipe is the end of the agent.

use std::{
    collections::HashSet,
    fs,
    io::{BufRead, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long a command may take to end after SIGTERM.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// How often the guard looks whether it has.
const LOOK: Duration = Duration::from_millis(100);

/// The agent's side of it.
#[derive(Debug)]
pub(crate) struct Guard {
    program: Option<PathBuf>,
    process: Mutex<Option<Child>>,
}

impl Guard {
    pub(crate) const fn new(program: Option<PathBuf>) -> Self {
        Self { program, process: Mutex::new(None) }
    }

    /// This process group is to be ended when the agent dies.
    pub(crate) fn add(&self, group: Pid) {
        self.tell(&format!("+{}\n", group.as_raw_nonzero()));
    }

    /// It is over.
    pub(crate) fn remove(&self, group: Pid) {
        self.tell(&format!("-{}\n", group.as_raw_nonzero()));
    }

    /// This directory is to be removed when the agent dies.
    pub(crate) fn add_directory(&self, path: &Path) {
        self.tell(&format!("/{}\n", path.display()));
    }

    fn tell(&self, line: &str) {
        let Some(program) = &self.program else { return };
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.is_none() {
            match start(program) {
                Ok(started) => *process = Some(started),
                Err(error) => tracing::warn!(%error, "commands run without a guard"),
            }
        }
        if let Some(stdin) = process.as_mut().and_then(|process| process.stdin.as_mut()) {
            // A guard that is gone guards nothing; the commands still have the agent.
            let _ = stdin.write_all(line.as_bytes());
        }
    }
}

fn start(program: &Path) -> std::io::Result<Child> {
    Command::new(program)
        .arg("--guard")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// The guard's side: reads until the agent is gone, then ends what it left.
#[must_use]
pub fn run(input: impl BufRead) -> ExitCode {
    let (mut groups, mut directories) = (HashSet::new(), HashSet::new());
    for line in input.lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("+", group)) => drop(pid(group).map(|group| groups.insert(group))),
            Some(("-", group)) => drop(pid(group).map(|group| groups.remove(&group))),
            Some(("/", path)) => drop(directories.insert(PathBuf::from(path))),
            _ => {}
        }
    }
    end(&groups);
    for directory in directories {
        let _ = fs::remove_dir_all(directory);
    }
    ExitCode::SUCCESS
}

fn pid(text: &str) -> Option<Pid> {
    // Process 1 as a group would be everybody.
    text.parse().ok().filter(|pid| 1 < *pid).and_then(Pid::from_raw)
}

fn end(groups: &HashSet<Pid>) {
    for group in groups {
        let _ = kill_process_group(*group, Signal::TERM);
    }
    let until = Instant::now() + GRACE;
    let alive = || groups.iter().any(|group| test_kill_process_group(*group).is_ok());
    while alive() && Instant::now() < until {
        thread::sleep(LOOK);
    }
    for group in groups {
        let _ = kill_process_group(*group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_taken_back_is_ended() {
        let spawn = || Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let (mut left, mut over) = (spawn(), spawn());
        let directory = tempfile::tempdir().unwrap().keep();
        let told = format!(
            "+{}\n+{}\n-{}\n/{}\n+1\n+-1\n+x\nnonsense\n\n",
            left.id(),
            over.id(),
            over.id(),
            directory.display()
        );
        // A child of this process is reaped by this process.
        let reaper = thread::spawn(move || left.wait().unwrap());
        assert_eq!(run(told.as_bytes()), ExitCode::SUCCESS);
        assert!(!reaper.join().unwrap().success());
        assert!(over.try_wait().unwrap().is_none());
        over.kill().unwrap();
        over.wait().unwrap();
        assert!(!directory.exists());
    }
}
