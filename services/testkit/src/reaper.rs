//! A small shell that ends what this process started, when this process is gone.
//!
//! `Drop` does not run in a test that is killed, for a `static`, or after Ctrl-C. The reaper
//! holds the other end of a pipe: when this process ends, however it ends, the kernel closes
//! the pipe, and the reaper ends the processes and removes the folders it was told of.
//! A parent-death signal is not enough: it fires when the *thread* that started a child ends.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{ChildStdin, Command, Stdio},
    sync::{LazyLock, Mutex, PoisonError},
};

/// Reads `watch SIGNAL:PID`, `forget SIGNAL:PID` and `remove FOLDER` until the end of its input.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
# A zombie, which nobody may be left to collect, is as good as gone.
alive() { read -r _ _ state _ <"/proc/$1/stat" && [ "$state" != Z ]; }
pids=' ' folders=
while read -r verb what; do
  case $verb in
    watch) pids="$pids$what " ;;
    forget) case $pids in *" $what "*) pids="${pids%%" $what "*} ${pids#*" $what "}" ;; esac ;;
    remove) folders="$folders$what
" ;;
  esac
done
for each in $pids; do kill -s "${each%:*}" "${each#*:}"; done
for each in $pids; do
  tries=50
  while alive "${each#*:}" && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
  kill -s KILL "${each#*:}"
done
printf %s "$folders" | while read -r folder; do rm -rf "$folder"; done
"#;

static PIPE: LazyLock<Mutex<Option<ChildStdin>>> = LazyLock::new(|| Mutex::new(start()));

/// A signal that ends a process.
#[derive(Debug, Clone, Copy)]
pub enum Signal {
    /// At once, whatever it is.
    Kill,
    /// What PostgreSQL calls an immediate shutdown: its children go too.
    Quit,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }
}

/// Sends `signal` to `pid` when this process is gone.
pub fn watch(pid: u32, signal: Signal) {
    tell(&format!("watch {}:{pid}", signal.name()));
}

/// `pid` has ended, its number may belong to another process soon.
pub fn forget(pid: u32, signal: Signal) {
    tell(&format!("forget {}:{pid}", signal.name()));
}

/// Removes `folder` when this process is gone.
pub fn remove(folder: &Path) {
    tell(&format!("remove {}", folder.display()));
}

fn tell(line: &str) {
    let mut pipe = PIPE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pipe) = pipe.as_mut() {
        // Without a reaper a killed test leaves something behind, but it runs.
        let _unwritten = writeln!(pipe, "{line}");
    }
}

fn start() -> Option<ChildStdin> {
    Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        // A test runner ends the process group of a test that takes too long.
        .process_group(0)
        .spawn()
        .ok()
        .and_then(|mut child| child.stdin.take())
}
