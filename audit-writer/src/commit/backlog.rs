//! Steps that wait to be stored, in their order.
//!
//! A session whose step the store refuses waits aside with all that follows, so that it holds
//! up nobody else however much of it there is.

use std::{
    collections::{HashSet, VecDeque},
    future::pending,
    time::Instant,
};

use hoop_domain::SessionId;
use hoop_store::recording::Write;

use super::Job;

/// As many steps go into one transaction, so that the first does not wait for the last,
const GROUP_STEPS: usize = 64;
/// and as many bytes, so that memory stays bounded.
const GROUP_BYTES: u64 = 4 * 1024 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    queue: VecDeque<Job>,
    /// What was refused, and what came after it.
    aside: VecDeque<Job>,
    refused: HashSet<SessionId>,
    /// When what waits aside is tried again.
    due: Option<Instant>,
}

impl Backlog {
    pub(super) fn push(&mut self, job: Job) {
        if self.refused.contains(&job.write.session) {
            self.aside.push_back(job);
        } else {
            self.queue.push_back(job);
        }
    }

    /// Whether there is nothing to store now.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// How many steps from the front go into one transaction, and how large they are together.
    pub(super) fn group_size(&self) -> (usize, u64) {
        let (mut steps, mut bytes) = (0, 0);
        for job in &self.queue {
            if steps == GROUP_STEPS || (0 < steps && GROUP_BYTES < bytes + job.bytes()) {
                break;
            }
            steps += 1;
            bytes += job.bytes();
        }
        (steps, bytes)
    }

    /// The first steps.
    pub(super) fn take(&mut self, steps: usize) -> Vec<Job> {
        self.queue.drain(..steps.min(self.queue.len())).collect()
    }

    /// What was taken goes first again.
    pub(super) fn put_back(&mut self, writes: Vec<Write>) {
        for write in writes.into_iter().rev() {
            self.queue.push_front(Job::again(write));
        }
    }

    /// What was taken and refused waits aside until `due`, with all that follows it.
    pub(super) fn put_aside(&mut self, writes: Vec<Write>, due: Instant) {
        self.refused.extend(writes.iter().map(|write| write.session));
        self.aside.extend(writes.into_iter().map(Job::again));
        let refused = &self.refused;
        let (follow, others) =
            self.queue.drain(..).partition(|job| refused.contains(&job.write.session));
        let follow: VecDeque<Job> = follow;
        self.aside.extend(follow);
        self.queue = others;
        // Who is refused later does not keep the others waiting.
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }

    /// What waits aside goes first again, if it is time.
    pub(super) fn bring_back(&mut self, now: Instant) {
        if self.due.is_none_or(|due| now < due) {
            return;
        }
        self.due = None;
        self.refused.clear();
        self.aside.append(&mut self.queue);
        std::mem::swap(&mut self.aside, &mut self.queue);
    }
}

/// Waits until then; for ever, when nothing is due.
pub(super) async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hoop_domain::{Both, time};
    use hoop_store::recording::Head;

    use super::*;

    /// A step of `session`, which is known by its exit code.
    fn write(session: SessionId, code: i32) -> Write {
        Write {
            session,
            org: None,
            begun_at: time::from_micros(1),
            ended_at: time::from_micros(1),
            heads: Both::from_fn(|direction| Head::start(session, direction)),
            segment: None,
            flaws: Vec::new(),
            exit_code: Some(code),
            finish: None,
        }
    }

    fn job(session: SessionId, code: i32) -> Job {
        Job { write: write(session, code), piece: None, again: false }
    }

    fn all(backlog: &mut Backlog) -> Vec<i32> {
        let jobs = backlog.take(usize::MAX);
        jobs.into_iter().filter_map(|job| job.write.exit_code).collect()
    }

    #[test]
    fn a_refused_session_waits_aside_in_its_order_and_the_others_go_on() {
        let (stuck, fine) = (SessionId::generate(), SessionId::generate());
        let mut backlog = Backlog::default();
        for code in [1, 2] {
            backlog.push(job(stuck, code));
            backlog.push(job(fine, 10 * code));
        }
        let refused = backlog.take(1).into_iter().map(|job| job.write).collect();
        let now = Instant::now();
        let due = now + Duration::from_secs(1);
        backlog.put_aside(refused, due);
        backlog.push(job(stuck, 3));
        backlog.push(job(fine, 30));
        backlog.bring_back(now);
        assert_eq!(all(&mut backlog), [10, 20, 30]);
        assert!(backlog.is_idle() && backlog.has_refused());

        backlog.push(job(fine, 40));
        backlog.bring_back(due);
        assert_eq!(all(&mut backlog), [1, 2, 3, 40]);
        assert!(!backlog.has_refused());
    }

    #[test]
    fn what_an_outage_held_up_goes_first_again() {
        let session = SessionId::generate();
        let mut backlog = Backlog::default();
        for code in 1..5 {
            backlog.push(job(session, code));
        }
        let taken = backlog.take(2).into_iter().map(|job| job.write).collect();
        backlog.put_back(taken);
        let again: Vec<bool> = backlog.queue.iter().map(|job| job.again).collect();
        assert_eq!(again, [true, true, false, false]);
        assert_eq!(all(&mut backlog), [1, 2, 3, 4]);
    }
}
