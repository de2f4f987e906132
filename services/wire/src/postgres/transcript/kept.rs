//! Statements and portals that a client has given names to.

use std::{collections::HashMap, sync::Arc};

use super::bind::Bind;

/// All text that is kept at a time; what comes beyond is kept shortened.
pub(super) const MOST_TEXT: usize = 8 * 1024 * 1024;

/// What is left of a text that is shortened.
const SHORTENED: usize = 256;

/// Names at a time; what comes beyond is not known later.
const MOST_NAMES: usize = 1 << 14;

/// A prepared statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) truncated: bool,
    /// The parameters' types by number; 0 or missing where it isn't known.
    pub(super) types: Vec<u32>,
}

/// A statement with values.
#[derive(Debug, Clone)]
pub(super) struct Portal {
    pub(super) statement: Arc<Statement>,
    pub(super) parameters: Vec<Option<String>>,
    pub(super) truncated: bool,
}

/// Something that takes memory and can do with less.
pub(super) trait Weighty {
    fn weight(&self) -> usize;
    fn shorten(&mut self);
}

impl Weighty for Statement {
    fn weight(&self) -> usize {
        self.sql.len() + self.types.len() * size_of::<u32>()
    }

    fn shorten(&mut self) {
        if SHORTENED < self.sql.len() {
            self.sql = self.sql.chars().take(SHORTENED).collect();
            self.truncated = true;
        }
        self.types = Vec::new();
    }
}

impl Weighty for Portal {
    fn weight(&self) -> usize {
        let values = self.parameters.iter().flatten().map(String::len).sum::<usize>();
        values + self.parameters.len() * size_of::<Option<String>>() + self.statement.weight()
    }

    fn shorten(&mut self) {
        self.truncated |= !self.parameters.is_empty();
        self.parameters = Vec::new();
        Arc::make_mut(&mut self.statement).shorten();
    }
}

impl Weighty for Bind {
    fn weight(&self) -> usize {
        let values = self.values.iter().map(|raw| 32 + raw.bytes.as_ref().map_or(0, Vec::len));
        values.sum::<usize>() + self.portal.len() + self.statement.len()
    }

    fn shorten(&mut self) {
        self.truncated |= !self.values.is_empty();
        self.values = Vec::new();
    }
}

/// Things by name, within bounds.
#[derive(Debug)]
pub(super) struct Kept<T> {
    named: HashMap<String, Arc<T>>,
    weight: usize,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { named: HashMap::new(), weight: 0 }
    }
}

impl<T: Weighty + Clone> Kept<T> {
    pub(super) fn insert(&mut self, name: String, mut thing: T) {
        self.remove(&name);
        if MOST_TEXT < self.weight + thing.weight() {
            thing.shorten();
        }
        let weight = self.weight + name.len() + thing.weight();
        // The second half of the room is for what can't be made shorter.
        if weight < 2 * MOST_TEXT && self.named.len() < MOST_NAMES {
            self.weight = weight;
            self.named.insert(name, Arc::new(thing));
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Some(thing) = self.named.remove(name) {
            self.weight = self.weight.saturating_sub(name.len() + thing.weight());
        }
    }

    pub(super) fn clear(&mut self) {
        self.named.clear();
        self.weight = 0;
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<T>> {
        self.named.get(name)
    }
}
