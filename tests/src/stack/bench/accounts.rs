//! Processor time and memory of every process of ours and the broker, by the kernel's accounts.

use std::{collections::BTreeMap, time::Duration};

use crate::{Gateway, cost::Cost};

/// All processes at one moment.
#[derive(Debug, Default)]
pub(super) struct Accounts(BTreeMap<String, Cost>);

impl Accounts {
    pub(super) fn of(gateway: &Gateway) -> Self {
        let ours = gateway
            .services()
            .filter_map(|service| Some((service.name().to_owned(), service.cost()?)));
        let broker = gateway
            .nats
            .pid()
            .and_then(|pid| Some(("nats-server".to_owned(), Cost::of(pid).ok()?)));
        Self(ours.chain(broker).collect())
    }

    /// The processor time of each since then.
    pub(super) fn since(&self, before: &Self) -> BTreeMap<String, Duration> {
        let used = |name: &String, cost: &Cost| {
            let before = before.0.get(name)?;
            Some((name.clone(), cost.processor.saturating_sub(before.processor)))
        };
        self.0.iter().filter_map(|(name, cost)| used(name, cost)).collect()
    }

    /// The memory that each has got since then.
    pub(super) fn memory_since(&self, before: &Self) -> BTreeMap<String, u64> {
        let grown = |name: &String, cost: &Cost| {
            let before = before.0.get(name)?;
            Some((name.clone(), cost.memory.saturating_sub(before.memory)))
        };
        self.0.iter().filter_map(|(name, cost)| grown(name, cost)).collect()
    }
}
