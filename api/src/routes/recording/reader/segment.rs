//! One segment, from the database or from the bucket.

use hoop_store::recording::{Contents, format::Records};

use super::{Reader, failed};
use crate::{Error, error::Result};

impl Reader {
    pub(super) async fn read_segment(&self) -> Result<Records> {
        let store = &self.app.store;
        let found = store.segment_fetch(self.session, self.reading).await.map_err(failed)?;
        let segment = found.ok_or_else(|| self.damaged())?;
        let stored = match &segment.contents {
            Contents::Row(stored) => stored.clone(),
            Contents::Object(key) => {
                let objects = self.app.objects.as_ref().ok_or_else(|| {
                    Error::internal(format!(
                        "segment {key} is in a bucket, and S3_BUCKET is not set"
                    ))
                })?;
                objects.get(key).await?
            }
        };
        segment.unpack(stored).await.map(Records::new).map_err(failed)
    }

    pub(super) fn damaged(&self) -> Error {
        let number = self.reading;
        failed(hoop_store::recording::Error::Damaged { session: self.session, number })
    }
}
