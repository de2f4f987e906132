//! Something that each direction of a session has one of.

use crate::Direction;

/// One value per direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Both<T> {
    /// From the user to the target.
    pub inward: T,
    /// From the target to the user.
    pub outward: T,
}

impl<T> Both<T> {
    /// Both, made by `make`.
    pub fn from_fn(mut make: impl FnMut(Direction) -> T) -> Self {
        Self { inward: make(Direction::In), outward: make(Direction::Out) }
    }

    /// The one of `direction`.
    pub const fn get(&self, direction: Direction) -> &T {
        match direction {
            Direction::In => &self.inward,
            Direction::Out => &self.outward,
        }
    }

    /// The one of `direction`, to be changed.
    pub const fn get_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::In => &mut self.inward,
            Direction::Out => &mut self.outward,
        }
    }

    /// What `convert` makes of each.
    pub fn map<U>(&self, mut convert: impl FnMut(&T) -> U) -> Both<U> {
        Both { inward: convert(&self.inward), outward: convert(&self.outward) }
    }
}
