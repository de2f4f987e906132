//! Those who are not logged in yet: so many and no more, and the oldest makes room.
//!
//! Turning newcomers away instead would let a thousand silent connections keep everybody
//! out. A login takes a fraction of a second, so whoever is the oldest of many is no login.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;
use tracing::warn;

/// A line of clients that have not proved who they are.
#[derive(Debug, Clone)]
pub(crate) struct Waiting(Arc<Mutex<Line>>);

#[derive(Debug)]
struct Line {
    most: usize,
    next: u64,
    /// By age. Who is told has to go.
    places: BTreeMap<u64, oneshot::Sender<()>>,
    cut: usize,
}

/// A place in the line; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    waiting: Waiting,
    number: u64,
}

/// Says when a place is needed for somebody else.
#[derive(Debug)]
pub(crate) struct Cut(oneshot::Receiver<()>);

impl Waiting {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Line { most, next: 0, places: BTreeMap::new(), cut: 0 })))
    }

    /// Takes a place, the oldest one when there is none left.
    pub(crate) fn enter(&self) -> (Place, Cut) {
        let (sender, receiver) = oneshot::channel();
        let mut line = self.line();
        if line.most <= line.places.len()
            && let Some((_, oldest)) = line.places.pop_first()
        {
            let _ = oldest.send(());
            // Once in a while: the log is no place for a flood.
            if line.cut.is_multiple_of(line.most.max(1)) {
                warn!(
                    most = line.most,
                    "many clients don't finish their login; the oldest are cut"
                );
            }
            line.cut = line.cut.wrapping_add(1);
        }
        let number = line.next;
        line.next = number.wrapping_add(1);
        line.places.insert(number, sender);
        (Place { waiting: self.clone(), number }, Cut(receiver))
    }

    /// Looks how many there are, for as long as anybody waits on the line.
    pub(crate) fn look(&self) -> impl Fn() -> Option<usize> + Send + Sync + 'static {
        let line = Arc::downgrade(&self.0);
        move || {
            let line = line.upgrade()?;
            let waiting = line.lock().unwrap_or_else(PoisonError::into_inner).places.len();
            Some(waiting)
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.line().places.remove(&self.number);
    }
}

impl Cut {
    /// Waits for it, for ever once the place was given back.
    pub(crate) async fn made(self) {
        if self.0.await.is_err() {
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_makes_room() {
        let waiting = Waiting::new(2);
        let (_first, cut) = waiting.enter();
        let (_second, mut stays) = waiting.enter();
        let (_third, _) = waiting.enter();
        cut.made().await;
        assert!(stays.0.try_recv().is_err());
        assert_eq!(waiting.line().places.len(), 2);
    }

    #[tokio::test]
    async fn who_has_left_the_line_is_not_cut() {
        let waiting = Waiting::new(1);
        let (place, cut) = waiting.enter();
        drop(place);
        let (_next, _) = waiting.enter();
        let (_more, _) = waiting.enter();
        tokio::select! {
            biased;
            () = cut.made() => panic!("it was cut"),
            () = tokio::task::yield_now() => {}
        }
    }
}
