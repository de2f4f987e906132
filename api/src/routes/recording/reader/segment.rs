//! One segment, from the database or from the bucket.

use bytes::Bytes;
use hoop_domain::SessionId;
use hoop_store::recording::{Contents, StoredSegment, format::Records};

use super::{Reader, failed};
use crate::{App, Error, error::Result};

/// What the segment's place holds, whatever that is; `None` when its object was removed.
///
/// # Errors
/// When the bucket is not available.
pub(crate) async fn stored(
    app: &App,
    session: SessionId,
    segment: &StoredSegment,
) -> Result<Option<Bytes>> {
    match &segment.contents {
        Contents::Row(stored) => Ok(Some(stored.clone())),
        Contents::Object(key) => {
            let objects = app.objects.as_ref().ok_or_else(|| {
                Error::internal(format!("segment {key} is in a bucket, and S3_BUCKET is not set"))
            })?;
            match objects.get(key).await {
                Ok(stored) => Ok(Some(stored)),
                Err(error @ hoop_objects::Error::NoObject { .. }) => {
                    tracing::error!(%session, %error, "a segment is gone");
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

impl Reader {
    pub(super) async fn read_segment(&self) -> Result<Records> {
        let store = &self.app.store;
        let found = store.segment_fetch(self.session, self.reading).await.map_err(failed)?;
        let segment = found.ok_or_else(|| self.damaged())?;
        let stored = stored(&self.app, self.session, &segment).await?;
        let stored = stored.ok_or_else(|| self.damaged())?;
        segment.unpack(stored).await.map(Records::new).map_err(failed)
    }

    pub(super) fn damaged(&self) -> Error {
        let number = self.reading;
        failed(hoop_store::recording::Error::Damaged { session: self.session, number })
    }
}
