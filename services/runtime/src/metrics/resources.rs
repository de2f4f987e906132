//! What the process takes of its machine, read from `/proc` when somebody asks.

use std::{fs, time::Duration};

use super::{gauge, number, observe};

/// The kernel's clock ticks per second in `/proc`; 100 on every Linux that Rust supports.
const TICKS: u64 = 100;

/// Shows the figures that processes of every kind have, by the names that dashboards know.
pub(super) fn show(process: &'static str) {
    let build = [("process", process), ("version", env!("CARGO_PKG_VERSION"))];
    gauge("hoop_build_info", &build).set(1);
    observe("process_cpu_seconds_total", &[], || Some(processor()?.as_secs_f64()));
    observe("process_resident_memory_bytes", &[], || kibibytes("VmRSS:"));
    observe("process_virtual_memory_bytes", &[], || kibibytes("VmSize:"));
    observe("process_threads", &[], || status("Threads:").map(number));
    observe("process_open_fds", &[], open_files);
    observe("process_max_fds", &[], most_files);
    observe("process_start_time_seconds", &[], || started_at().map(|at| at.as_secs_f64()));
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let tasks = move || u64::try_from(runtime.metrics().num_alive_tasks()).ok().map(number);
        observe("hoop_tasks", &[], tasks);
    }
}

fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn kibibytes(name: &str) -> Option<f64> {
    status(name).map(|kibibytes| number(kibibytes * 1024))
}

/// The fields after the name, which is in parentheses and may have anything in it.
fn stat() -> Option<Vec<u64>> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    // The first is the state, a letter; negative numbers are of no interest here.
    Some(fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count * 1000 / TICKS)
}

/// User and system time: the 14th and 15th field of all, the 12th and 13th after the name.
fn processor() -> Option<Duration> {
    let stat = stat()?;
    Some(ticks(stat.get(11)? + stat.get(12)?))
}

/// Since the epoch: when the machine was started, and how long after that this process was.
fn started_at() -> Option<Duration> {
    let machine = fs::read_to_string("/proc/stat").ok()?;
    let line = machine.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(Duration::from_secs(line.trim().parse().ok()?) + ticks(*stat()?.get(19)?))
}

/// What reads the folder is open, too, and not counted.
fn open_files() -> Option<f64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(count).ok().map(|count| number(count.saturating_sub(1)))
}

fn most_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(number)
}
