//! What a user may do apart from opening connections.

/// From the weakest to the strongest; the order is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Opens connections that a group of theirs is allowed on, and sees their own sessions.
    Standard,
    /// Reads everything, changes nothing.
    Auditor,
    /// Does everything.
    Admin,
}

impl Role {
    /// The group whose members are administrators, and the one whose members are auditors.
    pub const ADMIN_GROUP: &str = "admin";
    /// See [`Self::ADMIN_GROUP`].
    pub const AUDITOR_GROUP: &str = "auditor";

    /// The strongest role that membership of `groups` gives.
    pub fn of_groups<'a>(groups: impl IntoIterator<Item = &'a str>) -> Self {
        groups
            .into_iter()
            .map(|group| match group {
                Self::ADMIN_GROUP => Self::Admin,
                Self::AUDITOR_GROUP => Self::Auditor,
                _ => Self::Standard,
            })
            .max()
            .unwrap_or(Self::Standard)
    }

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_group_wins_and_no_group_gives_nothing() {
        assert_eq!(Role::of_groups(["dba", "auditor", "admin"]), Role::Admin);
        assert_eq!(Role::of_groups(["dba", "auditor"]), Role::Auditor);
        assert_eq!(Role::of_groups([]), Role::Standard);
    }
}
