//! Everything that a command started: its process group and, with a terminal, its session.

use std::{fs, sync::Arc};

use rustix::process::{
    Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group,
};

use crate::surroundings::Surroundings;

/// The processes of one command. Dropping it kills them, so nothing outlives its session.
#[derive(Debug)]
pub(super) struct Group {
    leader: Pid,
    /// Whether it is a session too, whose shells make groups of their own.
    session: bool,
    surroundings: Arc<Surroundings>,
}

impl Group {
    pub(super) fn new(leader: Pid, session: bool, surroundings: Arc<Surroundings>) -> Self {
        surroundings.guard.add(leader);
        Self { leader, session, surroundings }
    }

    /// Asks all of them to end, as a terminal that is closed does.
    pub(super) fn terminate(&self) {
        if self.session {
            // An interactive shell ignores SIGTERM, and one that is stopped hears nothing.
            self.signal(Signal::HUP);
            self.signal(Signal::CONT);
        }
        self.signal(Signal::TERM);
    }

    /// What Ctrl-C does.
    pub(super) fn interrupt(&self) {
        let _ = kill_process_group(self.leader, Signal::INT);
    }

    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    pub(super) fn alive(&self) -> bool {
        test_kill_process_group(self.leader).is_ok()
            || self.members().into_iter().any(|member| test_kill_process(member).is_ok())
    }

    /// Those that are gone already are what was wanted.
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.leader, signal);
        for member in self.members() {
            let _ = kill_process(member, signal);
        }
    }

    /// The processes of the session in other groups than the leader's.
    fn members(&self) -> Vec<Pid> {
        if !self.session {
            return Vec::new();
        }
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let in_session = |pid: &i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let (group, session) = group_and_session(&stat).unwrap_or_default();
            let leader = self.leader.as_raw_nonzero().get();
            session == leader && group != leader
        };
        ids.filter(in_session).filter_map(Pid::from_raw).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        self.surroundings.guard.remove(self.leader);
    }
}

/// Reads `/proc/PID/stat`: the name in it is in parentheses and may hold anything.
fn group_and_session(stat: &str) -> Option<(i32, i32)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_confuses_nobody() {
        let stat = "4242 (a) S 1 (b c) S 1 77 66 34816 77 4194304";
        assert_eq!(group_and_session(stat), Some((77, 66)));
        assert_eq!(group_and_session(""), None);
    }
}
