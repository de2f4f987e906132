//! What a process uses, as the kernel counts it.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// The kernel's clock ticks per second in `/proc`; 100 on every Linux that Rust supports.
const TICKS: u64 = 100;

/// Memory and processor time of one process.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// The most memory it ever had, in bytes.
    pub peak_memory: u64,
    /// The memory it has now, in bytes.
    pub memory: u64,
    /// The processor time it has used since its start.
    pub processor: Duration,
}

impl Cost {
    /// Reads the figures of the process `pid`.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Ok(Self {
            peak_memory: kibibytes(&status, "VmHWM:")?,
            memory: kibibytes(&status, "VmRSS:")?,
            processor: processor(&stat).context("read the processor time")?,
        })
    }
}

fn kibibytes(status: &str, name: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such figure")?;
    let number = line.split_whitespace().next().context("an empty figure")?;
    Ok(number.parse::<u64>()? * 1024)
}

/// User and system time are the 14th and 15th field; the 2nd is a name in parentheses with anything in it.
fn processor(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory() {
        let cost = Cost::of(std::process::id()).unwrap();
        assert!(0 < cost.memory && cost.memory <= cost.peak_memory);
    }
}
