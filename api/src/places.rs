//! Places that a process has so many of, and of which no one user takes all.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hoop_domain::UserId;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Error, error::Result};

/// When a place may be free again.
const FULL: Duration = Duration::from_secs(5);

/// All of them.
pub(crate) struct Places {
    most: usize,
    each: usize,
    free: Semaphore,
    taken: Mutex<BTreeMap<UserId, usize>>,
}

/// One of them, until it is dropped.
pub(crate) struct Place {
    of: &'static Places,
    user: UserId,
    _permit: SemaphorePermit<'static>,
}

impl Places {
    /// So many in this process, and so many of one user.
    pub(crate) const fn new(most: usize, each: usize) -> Self {
        let free = Semaphore::const_new(most);
        Self { most, each, free, taken: Mutex::new(BTreeMap::new()) }
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.most.saturating_sub(self.free.available_permits())
    }

    /// A place for `user`.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`] when all are taken, or the user has their share.
    pub(crate) fn take(&'static self, user: UserId) -> Result<Place> {
        let full = || Error::TooManyRequests(FULL);
        let permit = self.free.try_acquire().map_err(|_| full())?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(user).or_default();
        if self.each <= *count {
            return Err(full());
        }
        *count += 1;
        Ok(Place { of: self, user, _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.user) {
            Some(count) if 1 < *count => *count -= 1,
            _ => drop(taken.remove(&self.user)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_takes_a_share_of_the_places_and_gives_it_back() {
        static PLACES: Places = Places::new(5, 3);
        let (greedy, other) = (UserId::generate(), UserId::generate());
        let all = |user| -> Vec<Place> { (0..5).map_while(|_| PLACES.take(user).ok()).collect() };
        let mut places = all(greedy);
        assert_eq!(places.len(), 3);
        places.pop();
        assert!(PLACES.take(greedy).is_ok(), "what is given back can be taken");
        let others = all(other);
        assert_eq!((others.len(), PLACES.taken()), (3, 5));
        assert!(PLACES.take(UserId::generate()).is_err(), "all are taken");
        drop((places, others));
        assert_eq!(PLACES.taken(), 0);
        assert!(PLACES.taken.lock().unwrap().is_empty(), "nothing is kept");
    }
}
