//! What is switched on for a connection beside its own settings.

use hoop_domain::{GroupName, Plugin};

use crate::{Result, convert};

/// What plugins say of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plugged {
    /// The groups that have to approve, beside the connection's own.
    pub reviewers: Vec<GroupName>,
    /// The groups of which a user has to be in one as well; `None` where that is not asked.
    pub restricted_to: Option<Vec<GroupName>>,
    /// The folders and files of runbooks that it may use, all where none is named; `None` where
    /// runbooks are not enabled for it.
    pub runbooks: Option<Vec<String>>,
    /// Whether something is switched on that this version does not do.
    pub unsupported: bool,
}

impl Plugged {
    /// Reads the plugins' names, and how those that decide are set for the connection.
    pub(super) fn read(
        names: &[String],
        reviewers: Option<&[String]>,
        restricted_to: Option<&[String]>,
        runbooks: Option<&[String]>,
    ) -> Result<Self> {
        let built = |name: &String| name.parse().is_ok_and(Plugin::is_built);
        // One that reviews and names nobody is one that can't be obeyed.
        let nobody = reviewers.is_some_and(<[String]>::is_empty);
        let groups = |names: &[String]| convert::parse_all(names, "a group's name");
        Ok(Self {
            unsupported: nobody || !names.iter().all(built),
            reviewers: groups(reviewers.unwrap_or_default())?,
            restricted_to: restricted_to.map(groups).transpose()?,
            runbooks: runbooks.map(<[String]>::to_vec),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn what_this_version_does_not_do_is_unsupported() {
        let read = |plugins: &[&str]| Plugged::read(&names(plugins), None, None, None).unwrap();
        assert_eq!(read(&[]), Plugged::default());
        assert!(!read(&["audit", "slack", "review"]).unsupported);
        assert!(read(&["dlp"]).unsupported);
        assert!(read(&["audit", "of_tomorrow"]).unsupported);
        let nobody = Plugged::read(&names(&["review"]), Some(&[]), None, None).unwrap();
        assert!(nobody.unsupported, "a review by nobody is no review");
    }

    #[test]
    fn a_group_that_is_no_name_can_not_be_read() {
        let spaced = names(&["a b"]);
        assert!(Plugged::read(&names(&["review"]), Some(&spaced), None, None).is_err());
    }
}
