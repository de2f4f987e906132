//! Numbers that a seed determines: splitmix64.

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The stream `number` of `seed`.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut random = Self(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        // Neighbouring seeds must not begin alike.
        let _ = random.next();
        random
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` and below `high`.
    pub(super) const fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    /// Whether something happens that does in `percent` of all cases.
    pub(super) const fn chance(&mut self, percent: u64) -> bool {
        self.within(0, 100) < percent
    }

    /// 0 or 1.
    pub(super) const fn side(&mut self) -> usize {
        if self.chance(50) { 1 } else { 0 }
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        let mut left = u64::try_from(list.len()).unwrap_or(0);
        while 1 < left {
            let other = usize::try_from(self.within(0, left)).unwrap_or(0);
            left -= 1;
            list.swap(usize::try_from(left).unwrap_or(0), other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_numbers_and_another_does_not() {
        let numbers = |seed, number| {
            let mut random = Random::new(seed, number);
            [random.next(), random.within(3, 9), random.next()]
        };
        assert_eq!(numbers(1, 2), numbers(1, 2));
        assert_ne!(numbers(1, 2), numbers(2, 1));
        let mut list = [1, 2, 3, 4, 5, 6, 7, 8];
        Random::new(7, 7).shuffle(&mut list);
        let mut sorted = list;
        sorted.sort_unstable();
        assert_eq!(sorted, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_ne!(list, sorted);
    }
}
