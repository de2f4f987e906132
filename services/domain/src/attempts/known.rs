//! From where each account has logged in: the latest places of each, so that who has many
//! addresses pushes out places of their own account, and of no other.

use std::collections::HashMap;

/// Places that are remembered of an account: more than anybody works from.
pub const PLACES: usize = 16;

/// Accounts that are remembered. Only who logs in is, so it takes as many accounts of one's own to
/// push somebody else's out, and then one at random goes. 12 MiB when it is full.
const ACCOUNTS: usize = 64 * 1024;

/// Which accounts are known where. Both are numbers that nobody can choose.
#[derive(Default)]
pub(super) struct Known {
    /// The places of each, the latest first.
    accounts: HashMap<u64, Vec<u64>>,
}

impl Known {
    /// Whether `account` has logged in at `place`.
    pub(super) fn is(&self, account: u64, place: u64) -> bool {
        self.accounts.get(&account).is_some_and(|places| places.contains(&place))
    }

    /// It has now.
    pub(super) fn remember(&mut self, account: u64, place: u64) {
        let full = ACCOUNTS <= self.accounts.len() && !self.accounts.contains_key(&account);
        if full && let Some(other) = self.accounts.keys().next().copied() {
            self.accounts.remove(&other);
        }
        let places = self.accounts.entry(account).or_default();
        places.retain(|known| *known != place);
        places.truncate(PLACES - 1);
        places.insert(0, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_places_of_an_account_are_known_and_no_more() {
        let mut known = Known::default();
        known.remember(1, 0);
        for place in 1..=PLACES as u64 {
            known.remember(1, 100);
            known.remember(1, place);
        }
        assert!(known.is(1, 100), "it was used all the time");
        assert!(known.is(1, PLACES as u64) && known.is(1, 2));
        assert!(!known.is(1, 0) && !known.is(1, 1), "these were used first");
        assert_eq!(known.accounts[&1].len(), PLACES);
        assert!(!known.is(2, 100), "it is another account's");
    }

    #[test]
    fn the_memory_for_accounts_is_bounded() {
        let mut known = Known::default();
        for account in 0..=ACCOUNTS as u64 {
            known.remember(account, 1);
        }
        assert_eq!(known.accounts.len(), ACCOUNTS);
        assert!(known.is(ACCOUNTS as u64, 1), "the latest is there");
    }
}
