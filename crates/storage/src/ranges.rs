//! Which requests bring a set of byte ranges, and how the ranges are put together from them.
//!
//! ```text
//! asked for   ▓▓▓ ▓▓        ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
//! spans       ├────┤        ├─────────────────┤   gaps under 1 MiB are read along
//! requests    ├────┤        ├─────┤├────┤├────┤   none over 16 MiB, so that they run in parallel
//! ```

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use firesteel_protocol::ErrorKind;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt, Result};

use crate::error::{ShortRange, Shortfall, classify};
use crate::meter::MeteredStore;

/// A gap of this many bytes costs less than a request of its own.
const GAP_BYTES_MAX: u64 = 1024 * 1024;
/// The most that one request asks for. What is longer is cut into even pieces, none under half of this.
const REQUEST_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Requests of one call under way at a time.
const REQUESTS_MAX: usize = 16;

/// Reads ranges whole, in the order in which they were asked for, or fails: a store that has less is an error.
pub(crate) async fn fetch(store: &MeteredStore, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
    let spans = merge(ranges);
    let requests: Vec<_> = spans.iter().flat_map(cut).collect();
    let mut pieces = stream::iter(requests)
        .map(|request| async move { get_whole(store, location, request).await })
        .buffered(REQUESTS_MAX)
        .boxed();
    let mut contents = Vec::with_capacity(spans.len());
    for span in &spans {
        contents.push(assemble(span, &mut pieces).await?);
    }
    Ok(ranges.iter().map(|range| slice(range, &spans, &contents)).collect())
}

/// Takes the pieces of a span as they come. A span of one request is not copied.
async fn assemble(
    span: &Range<u64>,
    pieces: &mut (impl stream::Stream<Item = Result<Bytes>> + Unpin),
) -> Result<Bytes> {
    let length = (span.end - span.start) as usize;
    let mut content = BytesMut::new();
    while let Some(piece) = pieces.try_next().await? {
        if piece.len() == length {
            return Ok(piece);
        }
        if content.is_empty() {
            content.reserve(length);
        }
        content.extend_from_slice(&piece);
        if content.len() == length {
            break;
        }
    }
    Ok(content.freeze())
}

async fn get_whole(store: &MeteredStore, location: &Path, range: Range<u64>) -> Result<Bytes> {
    let short = |found| Error::Generic { store: "range", source: Box::new(ShortRange { range: range.clone(), found }) };
    let result = match store.get_opts(location, GetOptions::new().with_range(Some(range.clone()))).await {
        Ok(result) => result,
        Err(error @ Error::Generic { .. }) if !matches!(classify(&error), ErrorKind::Retry | ErrorKind::Throttled) => {
            // Stores differ in how they refuse a range that begins past the end; the object's size tells.
            return match store.head(location).await {
                Ok(meta) if meta.size < range.end => Err(short(Shortfall::ObjectBytes(meta.size))),
                _ => Err(error),
            };
        }
        Err(error) => return Err(error),
    };
    if result.range != range {
        return Err(short(Shortfall::ObjectBytes(result.meta.size)));
    }
    let content = result.bytes().await?;
    if content.len() as u64 == range.end - range.start {
        Ok(content)
    } else {
        Err(short(Shortfall::BodyBytes(content.len() as u64)))
    }
}

/// The spans that cover all ranges, in order and apart. Empty ranges need none.
fn merge(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut spans: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match spans.last_mut() {
            Some(last) if range.start <= last.end + GAP_BYTES_MAX => last.end = last.end.max(range.end),
            _ => spans.push(range),
        }
    }
    spans
}

/// Cuts a span into the fewest even pieces of at most [`REQUEST_BYTES_MAX`].
fn cut(span: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    let (start, length) = (span.start, span.end - span.start);
    let pieces = length.div_ceil(REQUEST_BYTES_MAX);
    let piece_bytes = length.div_ceil(pieces.max(1));
    (0..pieces).map(move |n| start + n * piece_bytes..start + length.min((n + 1) * piece_bytes))
}

/// A range's bytes, out of the span that holds it.
fn slice(range: &Range<u64>, spans: &[Range<u64>], contents: &[Bytes]) -> Bytes {
    if range.is_empty() {
        return Bytes::new();
    }
    let at = spans.partition_point(|span| span.end < range.end);
    let from = range.start - spans[at].start;
    contents[at].slice(from as usize..(from + range.end - range.start) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    /// Ranges as pairs: clippy takes an array of one range for a slip.
    fn requests(ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let ranges: Vec<_> = ranges.iter().map(|&(start, end)| start..end).collect();
        merge(&ranges).iter().flat_map(cut).map(|request| (request.start, request.end)).collect()
    }

    #[test]
    fn small_gaps_are_read_along() {
        assert_eq!(requests(&[(0, 10), (20, 30)]), [(0, 30)]);
        assert_eq!(requests(&[(20, 30), (0, 10), (5, 25)]), [(0, 30)]);
        assert_eq!(requests(&[(0, 10), (10 + MIB, 20 + MIB)]), [(0, 20 + MIB)]);
        assert_eq!(requests(&[(0, 10), (11 + MIB, 20 + MIB)]), [(0, 10), (11 + MIB, 20 + MIB)]);
    }

    #[test]
    fn long_ranges_are_cut_evenly() {
        assert_eq!(requests(&[(7, 7 + 16 * MIB)]), [(7, 7 + 16 * MIB)]);
        assert_eq!(requests(&[(0, 16 * MIB + 2)]), [(0, 8 * MIB + 1), (8 * MIB + 1, 16 * MIB + 2)]);
        for length in [1, 15 * MIB, 17 * MIB, 100 * MIB + 3, 1000 * MIB + 1] {
            let pieces = requests(&[(5, 5 + length)]);
            assert_eq!((pieces[0].0, pieces[pieces.len() - 1].1), (5, 5 + length));
            assert!(pieces.windows(2).all(|pair| pair[0].1 == pair[1].0));
            assert!(pieces.iter().all(|(start, end)| start < end && end - start <= REQUEST_BYTES_MAX));
            assert!(pieces.len() == 1 || pieces.iter().all(|(start, end)| end - start > REQUEST_BYTES_MAX / 2 - 1));
        }
    }

    #[test]
    fn empty_ranges_need_no_request() {
        assert_eq!(requests(&[(5, 5)]), []);
        assert_eq!(requests(&[]), []);
    }
}
