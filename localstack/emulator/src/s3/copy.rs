//! CopyObject and UploadPartCopy: a range of an object that is already here becomes an object or a part.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use s3s::dto::CopySource;
use s3s::{S3Error, S3Result, s3_error};

use super::condition::ReadConditions;
use super::object_file::ObjectMeta;
use super::spool::{Spool, Spooled, checksum_hasher};
use super::store::Store;

const COPY_BUFFER_BYTES: usize = 1 << 20;

/// The bucket and key of a copy's source.
pub(super) fn source_of(source: &CopySource) -> S3Result<(&str, &str)> {
    match source {
        CopySource::Bucket { bucket, key, version_id: None } => Ok((bucket, key)),
        CopySource::Bucket { .. } => Err(s3_error!(NotImplemented, "object versions are not emulated")),
        _ => Err(s3_error!(NotImplemented, "copying from access points and Outposts is not emulated")),
    }
}

/// `x-amz-copy-source-range`: `bytes=first-last`, both given.
pub(super) fn parse_source_range(range: &str, size: u64) -> S3Result<Range<u64>> {
    let invalid =
        || s3_error!(InvalidArgument, "The x-amz-copy-source-range value must be of the form bytes=first-last");
    let (first, last) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(invalid)?;
    let (first, last): (u64, u64) = (first.parse().map_err(|_| invalid())?, last.parse().map_err(|_| invalid())?);
    if first > last || last >= size {
        return Err(s3_error!(InvalidRange, "The requested range is not valid for the source of size {size}"));
    }
    Ok(first..last + 1)
}

/// Reads the source into a file that is ready to be published.
pub(super) fn copy_source(
    store: &Store,
    source: &CopySource,
    conditions: &ReadConditions,
    range: Option<&str>,
    algorithm: Option<&str>,
) -> S3Result<(Arc<ObjectMeta>, Spooled)> {
    let (bucket, key) = source_of(source)?;
    let (meta, mut file) = store.bucket(bucket)?.open_object(key)?;
    conditions.check_source(&meta)?;
    let range = range.map_or(Ok(0..meta.size), |range| parse_source_range(range, meta.size))?;
    let algorithm = algorithm.map(str::to_ascii_lowercase);
    let mut spool = Spool::new(store, checksum_hasher(|name| algorithm.as_deref() == Some(name)))?;
    file.seek(SeekFrom::Start(range.start)).map_err(S3Error::internal_error)?;
    let mut data = file.take(range.end - range.start);
    let mut buffer = vec![0; COPY_BUFFER_BYTES];
    loop {
        let length = data.read(&mut buffer).map_err(S3Error::internal_error)?;
        if length == 0 {
            break;
        }
        spool.write(&buffer[..length])?;
    }
    Ok((meta, spool.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_ranges() {
        assert_eq!(parse_source_range("bytes=0-4", 5).ok(), Some(0..5));
        assert_eq!(parse_source_range("bytes=4-4", 5).ok(), Some(4..5));
        for bad in ["bytes=0-5", "bytes=3-2", "bytes=3-", "bytes=-3", "0-1", ""] {
            assert!(parse_source_range(bad, 5).is_err(), "{bad}");
        }
    }
}
