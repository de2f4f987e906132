//! Counts of very many things in little memory.
//!
//! Each thing has a cell in each row; what counts is the cell that says least. Sharing one
//! cell with something busy costs nothing, sharing all of them is rare.

use std::time::Duration;

const ROWS: usize = 3;

/// 32 KiB a row.
const WIDTH: usize = 4096;

/// So many at once, and one more after each of these times.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// So many at once.
    pub burst: u32,
    /// And one more each time this has passed.
    pub every: Duration,
}

/// A cell is when its allowance will be whole again, in milliseconds.
pub(crate) struct Sketch {
    allowance: Allowance,
    cells: Vec<u64>,
}

impl Sketch {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self { allowance, cells: vec![0; ROWS * WIDTH] }
    }

    /// How long until there is something left.
    pub(crate) fn wait(&self, key: u64, now: Duration) -> Duration {
        let whole = cells(key).filter_map(|cell| self.cells.get(cell)).min();
        let whole = Duration::from_millis(whole.copied().unwrap_or_default());
        let slack = self.allowance.every.saturating_mul(self.allowance.burst.saturating_sub(1));
        whole.saturating_sub(slack).saturating_sub(now)
    }

    /// Takes one away.
    pub(crate) fn charge(&mut self, key: u64, now: Duration) {
        let (now, step) = (millis(now), millis(self.allowance.every));
        self.change(key, |whole| whole.max(now).saturating_add(step));
    }

    /// Puts one back.
    pub(crate) fn give_back(&mut self, key: u64) {
        let step = millis(self.allowance.every);
        self.change(key, |whole| whole.saturating_sub(step));
    }

    fn change(&mut self, key: u64, change: impl Fn(u64) -> u64) {
        for cell in cells(key) {
            if let Some(whole) = self.cells.get_mut(cell) {
                *whole = change(*whole);
            }
        }
    }
}

/// The places of the cells, a different part of the hash for each row.
fn cells(key: u64) -> impl Iterator<Item = usize> {
    (0..ROWS).map(move |row| {
        let part = (key >> (row * 16)) % WIDTH as u64;
        row * WIDTH + usize::try_from(part).unwrap_or_default()
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
