//! An upload on its way in: the body goes to a temporary file while its MD5 and the checksums asked for are computed.
//! Memory is bounded by one buffer for each request, and hashing and writing happen off the async threads.

use bytes::Bytes;
use futures::TryStreamExt;
use http::HeaderMap;
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};
use std::io::Write;
use std::sync::Arc;
use tempfile::NamedTempFile;

use super::blocking;
use super::object_file::Checksums;
use super::store::Store;

/// How much of a body is gathered before it is hashed and written. Smaller bodies need one hop to another thread.
const BUFFER_BYTES: usize = 1 << 20;

/// S3's bound on one PUT or one part: 5 GiB.
const UPLOAD_BYTES_MAX: u64 = 5 << 30;

/// What the client says of the bytes that it sends.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// `Content-MD5`, base64.
    pub md5: Option<String>,
    pub checksums: Checksums,
    /// `x-amz-sdk-checksum-algorithm`, `x-amz-checksum-algorithm` and `x-amz-trailer`: what to compute, in any case.
    pub algorithms: Vec<String>,
    /// Checksums that come after the body.
    pub trailers: Option<TrailingHeaders>,
}

impl Claims {
    pub(super) fn new(
        md5: Option<String>,
        checksums: Checksums,
        algorithm: Option<&str>,
        headers: &HeaderMap,
        trailers: Option<TrailingHeaders>,
    ) -> Self {
        let trailer = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok());
        let in_trailer = trailer.into_iter().flat_map(|names| names.split(','));
        let in_trailer = in_trailer.filter_map(|name| name.trim().strip_prefix("x-amz-checksum-"));
        let algorithms = algorithm.into_iter().chain(in_trailer).map(str::to_ascii_lowercase).collect();
        Self { md5, checksums, algorithms, trailers }
    }

    fn hasher(&self) -> ChecksumHasher {
        let wanted = |name: &str| {
            let claimed = self.checksums.entries().iter().any(|(other, value)| *other == name && value.is_some());
            claimed || self.algorithms.iter().any(|other| other == name)
        };
        checksum_hasher(wanted)
    }

    /// Compares what was claimed, before or after the body, with what came.
    fn verify(&self, md5: &[u8], computed: &Checksums) -> S3Result<()> {
        if let Some(claimed) = &self.md5
            && *claimed != base64(md5)
        {
            return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
        }
        let trailing = self.trailers.as_ref().and_then(TrailingHeaders::take).unwrap_or_default();
        for ((name, computed), (_, claimed)) in computed.entries().into_iter().zip(self.checksums.entries()) {
            let trailing = trailing.get(format!("x-amz-checksum-{name}")).and_then(|value| value.to_str().ok());
            if let (Some(claimed), Some(computed)) = (claimed.or(trailing), computed)
                && claimed != computed
            {
                let name = name.to_ascii_uppercase();
                return Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."));
            }
        }
        Ok(())
    }
}

pub(super) fn checksum_hasher(wanted: impl Fn(&str) -> bool) -> ChecksumHasher {
    ChecksumHasher {
        crc32: wanted("crc32").then(Crc32::new),
        crc32c: wanted("crc32c").then(Crc32c::new),
        sha1: wanted("sha1").then(Sha1::new),
        sha256: wanted("sha256").then(Sha256::new),
        crc64nvme: wanted("crc64nvme").then(Crc64Nvme::new),
    }
}

pub(super) fn finish_checksums(hasher: ChecksumHasher) -> Checksums {
    let mut sums = hasher.finalize();
    super::object_file::take_checksums!(sums)
}

/// A file being filled.
pub(super) struct Spool {
    file: NamedTempFile,
    md5: Md5,
    checksums: ChecksumHasher,
    size: u64,
}

/// A filled file and what was found out about it; it still lacks its trailer.
pub(super) struct Spooled {
    pub file: NamedTempFile,
    pub size: u64,
    pub md5: [u8; 16],
    pub checksums: Checksums,
}

impl Spool {
    pub(super) fn new(store: &Store, checksums: ChecksumHasher) -> S3Result<Self> {
        Ok(Self { file: store.temp_file()?, md5: Md5::new(), checksums, size: 0 })
    }

    pub(super) fn write(&mut self, chunk: &[u8]) -> S3Result<()> {
        self.size += chunk.len() as u64;
        if self.size > UPLOAD_BYTES_MAX {
            return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"));
        }
        self.md5.update(chunk);
        self.checksums.update(chunk);
        self.file.write_all(chunk).map_err(S3Error::internal_error)
    }

    pub(super) fn finish(self) -> Spooled {
        let checksums = finish_checksums(self.checksums);
        Spooled { file: self.file, size: self.size, md5: self.md5.finalize().into(), checksums }
    }
}

/// Takes a body in, verifies it, and hands the file to `publish`, which runs off the async threads as well.
pub(super) async fn receive<T: Send + 'static>(
    store: &Arc<Store>,
    body: Option<StreamingBlob>,
    claims: Claims,
    publish: impl FnOnce(Spooled) -> S3Result<T> + Send + 'static,
) -> S3Result<T> {
    let mut spool = None;
    let (mut chunks, mut gathered) = (Vec::new(), 0);
    if let Some(mut body) = body {
        let incomplete = |error| S3Error::with_source(S3ErrorCode::IncompleteBody, error);
        while let Some(chunk) = body.try_next().await.map_err(incomplete)? {
            gathered += chunk.len();
            chunks.push(chunk);
            if gathered >= BUFFER_BYTES {
                let (store, hasher) = (Arc::clone(store), spool.is_none().then(|| claims.hasher()));
                let full: Vec<Bytes> = std::mem::take(&mut chunks);
                gathered = 0;
                spool = Some(
                    blocking(move || {
                        let mut spool = spool_or_new(spool, &store, hasher)?;
                        full.iter().try_for_each(|chunk| spool.write(chunk))?;
                        Ok(spool)
                    })
                    .await?,
                );
            }
        }
    }
    let store = Arc::clone(store);
    blocking(move || {
        let hasher = spool.is_none().then(|| claims.hasher());
        let mut spool = spool_or_new(spool, &store, hasher)?;
        chunks.iter().try_for_each(|chunk| spool.write(chunk))?;
        let spooled = spool.finish();
        claims.verify(&spooled.md5, &spooled.checksums)?;
        publish(spooled)
    })
    .await
}

fn spool_or_new(spool: Option<Spool>, store: &Store, hasher: Option<ChecksumHasher>) -> S3Result<Spool> {
    match spool {
        Some(spool) => Ok(spool),
        None => Spool::new(store, hasher.unwrap_or_default()),
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
