//! Which connections a list is of, in the words of older clients.

use hoop_domain::ConnectionType;
use hoop_store::connection::ConnectionFilter;
use serde::Deserialize;

use super::family;

/// Which connections, and which page of them. Those are listed of which all of it is true; what
/// is empty is not asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConnectionQuery {
    /// `database`, `application` or `custom`; or the subtype itself.
    #[serde(rename = "type")]
    family: Option<String>,
    /// Such as `postgres`.
    subtype: Option<String>,
    /// The agent's id or name.
    agent_id: Option<String>,
    /// The whole name.
    name: Option<String>,
    /// A part of the name, in capitals or not.
    search: Option<String>,
    /// 1 to 1000; 1000 when left out.
    pub(super) limit: Option<usize>,
    /// Of the page before, whose `Link` header leads here.
    pub(super) cursor: Option<String>,
    /// The number of a page; 1 when only `page_size` is given. With either of them the answer
    /// is an object, and `limit` and `cursor` are refused.
    pub(super) page: Option<u32>,
    /// 1 to 100; 20 when only `page` is given.
    pub(super) page_size: Option<u32>,
}

impl ConnectionQuery {
    pub(super) fn filter(&self) -> ConnectionFilter {
        ConnectionFilter {
            kinds: self.kinds(),
            agent: asked(&self.agent_id),
            name: asked(&self.name),
            part: asked(&self.search),
        }
    }

    /// The types that are both. There may be none: older clients know types that we have not.
    fn kinds(&self) -> Option<Vec<ConnectionType>> {
        let (of, sub) = (asked(&self.family), asked(&self.subtype));
        if of.is_none() && sub.is_none() {
            return None;
        }
        let is = |kind: &ConnectionType| {
            let called = kind.as_str();
            of.as_ref().is_none_or(|of| of == family(*kind) || of == called)
                && sub.as_ref().is_none_or(|sub| sub == called)
        };
        Some(ConnectionType::ALL.into_iter().filter(is).collect())
    }
}

fn asked(word: &Option<String>) -> Option<String> {
    word.clone().filter(|word| !word.is_empty())
}
