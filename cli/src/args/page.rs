//! Which part of a list that comes in pages.

use clap::Args as ClapArgs;

/// Which part of the list.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Page {
    /// How many at most, 1 to 100.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u16,
    /// Where to go on: what the page before said.
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

impl Page {
    /// What the API is asked for: this page, and the filters that were given.
    pub(crate) fn query<const N: usize>(
        &self,
        filters: [(&'static str, Option<&str>); N],
    ) -> Vec<(&'static str, String)> {
        let filters = filters.into_iter().chain([("cursor", self.cursor.as_deref())]);
        let given = filters.filter_map(|(name, value)| Some((name, value?.to_owned())));
        std::iter::once(("limit", self.limit.to_string())).chain(given).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_filters_that_were_given_are_sent() {
        let page = Page { limit: 5, cursor: Some("next".into()) };
        let query = page.query([("user", None), ("connection", Some("pg"))]);
        let [limit, connection, cursor] =
            [("limit", "5"), ("connection", "pg"), ("cursor", "next")]
                .map(|(name, value)| (name, value.to_owned()));
        assert_eq!(query, [limit, connection, cursor]);
    }
}
