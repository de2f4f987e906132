//! The events that were delivered lately, so that one that is published twice is told once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use hoop_domain::EventId;

/// More than is published within the broker's own window for duplicates, and half a megabyte.
const REMEMBERED: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    known: HashSet<EventId>,
    order: VecDeque<EventId>,
}

impl Recent {
    pub(crate) fn contains(&self, id: EventId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).known.contains(&id)
    }

    pub(crate) fn add(&self, id: EventId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ids.known.insert(id) {
            return;
        }
        ids.order.push_back(id);
        if REMEMBERED < ids.order.len()
            && let Some(oldest) = ids.order.pop_front()
        {
            ids.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_first() {
        let recent = Recent::default();
        let ids: Vec<EventId> = (0..=REMEMBERED).map(|_| EventId::generate()).collect();
        for id in &ids {
            recent.add(*id);
        }
        assert!(!recent.contains(ids[0]));
        assert!(recent.contains(ids[1]) && recent.contains(ids[REMEMBERED]));
    }
}
