//! Parts of a download, so that a replay can go on where it stopped.
//!
//! A rendering has no length before it was made. So a part costs a pass over the recording
//! that counts, and a second that skips and sends; memory holds a segment in either.

use bytes::{Buf, Bytes};
use futures_util::{Stream, TryStreamExt, stream};
use http::{HeaderMap, header};

use crate::Error;

/// What a client asks for with `Range`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// From here to there, both included; to the end when that is not said.
    From(u64, Option<u64>),
    /// As many bytes from the end.
    Last(u64),
}

impl Range {
    /// The one range that is asked for. Whatever else the header says, the whole is the answer.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::RANGE)?.to_str().ok()?;
        let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
        match (first.trim(), last.trim()) {
            ("", last) => Some(Self::Last(last.parse().ok()?)),
            (first, "") => Some(Self::From(first.parse().ok()?, None)),
            (first, last) => {
                let (first, last) = (first.parse().ok()?, last.parse().ok()?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// The first and the last byte of `total`; `None` when there is no such byte.
    pub(crate) fn within(self, total: u64) -> Option<(u64, u64)> {
        let end = total.checked_sub(1)?;
        let (first, last) = match self {
            Self::From(first, last) => (first, last.unwrap_or(end).min(end)),
            Self::Last(count) => (total.saturating_sub(count), end),
        };
        (first <= last && self != Self::Last(0)).then_some((first, last))
    }
}

/// The bytes from `first` to `last` of `whole`, which is read no further.
pub(crate) fn window(
    whole: impl Stream<Item = Result<Bytes, Error>> + Send,
    first: u64,
    last: u64,
) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    let left = (last - first).saturating_add(1);
    stream::try_unfold((Box::pin(whole), first, left), |(mut whole, mut skip, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        while let Some(mut piece) = whole.try_next().await? {
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if length <= skip {
                skip -= length;
                continue;
            }
            piece.advance(usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len()));
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            let sent = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            return Ok(Some((piece, (whole, 0, left.saturating_sub(sent)))));
        }
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn range(text: &'static str) -> Option<Range> {
        let value = HeaderValue::from_static(text);
        Range::of(&HeaderMap::from_iter([(header::RANGE, value)]))
    }

    #[test]
    fn a_range_is_cut_to_what_is_there() {
        assert_eq!(range("bytes=2-5").unwrap().within(4), Some((2, 3)));
        assert_eq!(range("bytes=2-").unwrap().within(4), Some((2, 3)));
        assert_eq!(range("bytes=-3").unwrap().within(4), Some((1, 3)));
        assert_eq!(range("bytes=-9").unwrap().within(4), Some((0, 3)));
        assert_eq!(range("bytes=4-").unwrap().within(4), None);
        assert_eq!(range("bytes=-0").unwrap().within(4), None);
        assert_eq!(range("bytes=0-").unwrap().within(0), None);
    }

    #[test]
    fn what_is_no_single_range_is_no_range() {
        for text in ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=", "bytes=1-2,4-5", "bytes=-"] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn a_window_over_pieces_is_what_the_whole_has_there() {
        let whole = b"0123456789";
        for (first, last) in [(0, 9), (0, 0), (3, 3), (2, 6), (4, 5), (9, 9)] {
            let pieces = whole.chunks(3).map(|piece| Ok(Bytes::copy_from_slice(piece)));
            let seen: Vec<Bytes> =
                window(stream::iter(pieces), first, last).try_collect().await.unwrap();
            let (first, last) = (usize::try_from(first).unwrap(), usize::try_from(last).unwrap());
            assert_eq!(seen.concat(), &whole[first..=last]);
        }
    }
}
