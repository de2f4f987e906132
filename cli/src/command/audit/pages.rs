//! A list of the gateway's that is read to its end, a page at a time.

use std::collections::VecDeque;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use hoop_recording::Head;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{api::Api, args::moment};

/// What such a list is of.
pub(super) trait Listed: DeserializeOwned {
    /// Where it is in the list, which is in this order.
    type Place: PartialOrd + ToString;
    /// Where the list is.
    const PATH: &'static [&'static str];

    fn place(&self) -> Self::Place;
}

/// Reads a list in order.
pub(super) struct Pages<'a, T: Listed> {
    api: &'a Api,
    since: Option<DateTime<Utc>>,
    after: Option<T::Place>,
    page: VecDeque<T>,
    more: bool,
    /// Where the chain ends, if it is one: as the first page says, because later ones may know
    /// of what came meanwhile.
    pub(super) end: Option<Head>,
}

#[derive(Debug, Deserialize)]
struct Page<T> {
    data: VecDeque<T>,
    end: Option<End>,
    has_next_page: bool,
}

/// Where a chain ends, as the gateway says.
#[derive(Debug, Deserialize)]
pub(super) struct End {
    position: u64,
    digest: String,
}

impl End {
    pub(super) fn head(&self) -> Result<Head> {
        let digest = blake3::Hash::from_hex(&self.digest).context("the end of a chain")?;
        Ok(Head { position: self.position, digest: *digest.as_bytes() })
    }
}

impl<'a, T: Listed> Pages<'a, T> {
    /// All of them, or those that came since then.
    pub(super) const fn new(api: &'a Api, since: Option<DateTime<Utc>>) -> Self {
        Self { api, since, after: None, page: VecDeque::new(), more: true, end: None }
    }

    /// The next one; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<T>> {
        if self.page.is_empty() && self.more {
            self.load().await?;
        }
        Ok(self.page.pop_front())
    }

    async fn load(&mut self) -> Result<()> {
        let mut query = vec![("limit", "1000".to_owned())];
        query.extend(self.after.as_ref().map(|after| ("after", after.to_string())));
        query.extend(self.since.map(|since| ("since", moment::rfc3339(since))));
        let answer = self.api.get(T::PATH, &query).await?;
        let list = || format!("the gateway's list at {}", T::PATH.join("/"));
        let page: Page<T> = serde_json::from_value(answer).with_context(list)?;
        let last = page.data.back().map(T::place);
        // Whoever is audited must not keep the auditor busy for ever.
        ensure!(!page.has_next_page || self.after < last, "{} does not go on", list());
        if self.end.is_none() {
            self.end = page.end.as_ref().map(End::head).transpose()?;
        }
        (self.after, self.page, self.more) = (last, page.data, page.has_next_page);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::tests::answering,
        command::audit::{checkpoints::Open, log_heads, manifests},
    };

    /// A page with things at these places, whatever the list is of.
    fn page(places: &[u64], more: bool) -> String {
        let thing = |place: &u64| -> Value {
            json!({"position": place, "session": place.to_string(), "manifest": "", "head": "",
                "signature": "", "public_key": ""})
        };
        let data: Vec<Value> = places.iter().map(thing).collect();
        json!({"data": data, "has_next_page": more}).to_string()
    }

    /// What was asked, and how many things there were.
    async fn read<T: Listed>(pages: &[String]) -> (Vec<String>, Result<usize>) {
        let answers: Vec<(&str, &str)> =
            pages.iter().map(|page| ("200 OK", page.as_str())).collect();
        answering(&answers, None, async |api: &Api| -> Result<usize> {
            let (mut list, mut count) = (Pages::<T>::new(api, None), 0);
            while list.next().await?.is_some() {
                count += 1;
            }
            Ok(count)
        })
        .await
    }

    async fn is_read_to_its_end<T: Listed>() {
        let (requests, count) = read::<T>(&[page(&[1, 2], true), page(&[3], false)]).await;
        assert_eq!(count.unwrap(), 3);
        let path = format!("GET /prefix/api/{}?limit=1000", T::PATH.join("/"));
        let [first, second] = requests.as_slice() else { panic!("{requests:?}") };
        assert!(first.starts_with(&format!("{path} ")), "{first}");
        assert!(second.starts_with(&format!("{path}&after=2 ")), "{second}");
        for endless in [
            vec![page(&[], true)],
            vec![page(&[1], true), page(&[], true)],
            vec![page(&[1], true), page(&[1], true)],
            vec![page(&[2], true), page(&[1], true)],
        ] {
            let message = read::<T>(&endless).await.1.unwrap_err().to_string();
            assert!(message.contains("does not go on"), "{message}");
        }
    }

    #[tokio::test]
    async fn the_open_sessions_are_read_to_their_end_and_not_for_ever() {
        is_read_to_its_end::<Open>().await;
    }

    #[tokio::test]
    async fn the_chain_of_manifests_is_read_to_its_end_and_not_for_ever() {
        is_read_to_its_end::<manifests::Item>().await;
    }

    #[tokio::test]
    async fn the_signed_ends_are_read_to_their_end_and_not_for_ever() {
        is_read_to_its_end::<log_heads::Item>().await;
    }
}
