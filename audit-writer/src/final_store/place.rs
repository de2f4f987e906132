//! Segments into objects, before anything refers to them.

use std::collections::HashSet;

use futures_util::{StreamExt, stream};
use hoop_domain::{OrgId, SessionId};
use hoop_objects::{Error, Objects};
use hoop_store::recording::{Segment, Write};

use super::FinalStore;
use crate::commit::causes;

/// Puts that are under way at a time, of one partition: the store is far, and patient.
const AT_ONCE: usize = 4;

impl FinalStore {
    /// Brings the segments of `writes` to where they belong. Returns the steps that can be
    /// committed now, and those that can't: a segment was not taken, or one before it.
    pub(crate) async fn place(&self, writes: Vec<Write>) -> (Vec<Write>, Vec<Write>) {
        let Some(objects) = &self.objects else { return (writes, Vec::new()) };
        let mut placed = stream::iter(writes)
            .map(|mut write| async move {
                let put = put_segment(objects, &mut write).await;
                (write, put)
            })
            .buffered(AT_ONCE);
        let (mut ready, mut late, mut blocked) = (Vec::new(), Vec::new(), HashSet::new());
        while let Some((write, put)) = placed.next().await {
            let session = write.session;
            if let Err(cause) = put {
                let cause = causes(&cause);
                tracing::warn!(cause, %session, "a segment can't be stored; trying again");
                blocked.insert(session);
            }
            if blocked.contains(&session) { late.push(write) } else { ready.push(write) }
        }
        (ready, late)
    }
}

async fn put_segment(objects: &Objects, write: &mut Write) -> Result<(), Error> {
    let Some(segment) = write.segment.as_mut().filter(|segment| segment.object.is_none()) else {
        return Ok(());
    };
    let key = objects.key(&segment_name(write.org, write.session, segment));
    // The copy is for the request's body, which the SDK may have to send twice.
    objects.put(&key, segment.stored.clone().into()).await?;
    segment.object = Some(key);
    Ok(())
}

/// The folder of what has no organisation: neither the recording nor a row says whose it is.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Says whose it is, its place and what is in it: the same name always holds the same bytes.
fn segment_name(org: Option<OrgId>, session: SessionId, segment: &Segment) -> String {
    let digest = blake3::Hash::from_bytes(segment.digest).to_hex();
    format!("{}/{session}/{:06}-{digest}.zst", folder(org), segment.number)
}

pub(super) fn folder(org: Option<OrgId>) -> String {
    org.map_or_else(|| NOBODY.to_owned(), |org| org.to_string())
}
