//! Where the provider's metadata comes from.

use std::{sync::Arc, time::Duration};

use super::{
    Error,
    metadata::{self, Peer},
};
use crate::{
    config::Metadata,
    outward,
    remembered::{Away, Remembered},
};

/// Where the provider's metadata comes from.
pub(super) enum Source {
    /// The operator.
    Given(Arc<Peer>),
    /// A URL.
    At(Remembered<Peer>),
}

impl Source {
    pub(super) fn new(metadata: Metadata) -> anyhow::Result<Self> {
        Ok(match metadata {
            Metadata::Given(text) => Self::Given(Arc::new(Peer::parse(&text)?)),
            Metadata::At(url) => {
                let client = outward::client()?;
                Self::At(Remembered::new("the identity provider", move || {
                    let request = client.get(url.clone()).send();
                    async move { metadata::read(request.await?).await }
                }))
            }
        })
    }

    /// What the provider says of itself, at most so old; older when it does not answer.
    ///
    /// # Errors
    /// When it does not answer and never did.
    pub(super) async fn peer(&self, fresh: Duration) -> Result<Arc<Peer>, Error> {
        match self {
            Self::Given(peer) => Ok(peer.clone()),
            Self::At(said) => said.get(fresh).await.map_err(unreachable),
        }
    }

    /// The same for who has seen an answer that what was known does not verify.
    ///
    /// # Errors
    /// When it does not answer and never did.
    pub(super) async fn news(&self, fresh: Duration) -> Result<Arc<Peer>, Error> {
        match self {
            Self::Given(peer) => Ok(peer.clone()),
            Self::At(said) => said.news(fresh).await.map_err(unreachable),
        }
    }
}

fn unreachable(away: Away) -> Error {
    Error::Unreachable(Box::new(away))
}
