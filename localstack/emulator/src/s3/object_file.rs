//! The file of one object (or of one part of a multipart upload): its bytes, then a trailer with its metadata.
//!
//! ```text
//! | data (size bytes) | metadata as JSON | length of the JSON, u32 LE | "FSOBJ001" |
//! ```
//!
//! Data and metadata are one file, so one `rename` publishes both or neither. The trailer stands at the end because the
//! ETag is known only once the last byte has come, and so that byte n of the object is byte n of the file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use s3s::dto::{ETag, Timestamp};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

const MAGIC: &[u8; 8] = b"FSOBJ001";
const FOOTER_BYTES: u64 = 4 + MAGIC.len() as u64;

/// Bounds what a damaged trailer can make us allocate. S3's own limit on user metadata is 2 KB; 10,000 part sizes are
/// the longest thing here.
const METADATA_BYTES_MAX: u64 = 1 << 20;

/// What S3 knows of an object apart from its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ObjectMeta {
    pub key: String,
    /// Bytes of data.
    pub size: u64,
    /// Without quotes: the MD5 in hex, or `<md5 of md5s>-<parts>`.
    pub etag: String,
    /// Seconds since 1970: S3 keeps no finer time.
    pub last_modified: i64,
    #[serde(flatten)]
    pub headers: ObjectHeaders,
    #[serde(default, skip_serializing_if = "Checksums::is_empty")]
    pub checksums: Checksums,
    /// Sizes of the parts that it was put together from; empty for a plain PUT.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub part_sizes: Vec<u64>,
}

/// The headers that come back as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ObjectHeaders {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// `x-amz-meta-*`, without the prefix.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub user: BTreeMap<String, String>,
}

/// `x-amz-checksum-*`, in base64; a composite one ends in `-<parts>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksums {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc32c: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Checksums {
    pub(super) fn is_empty(&self) -> bool {
        self.entries().iter().all(|(_, value)| value.is_none())
    }

    pub(super) fn entries(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("crc32", self.crc32.as_deref()),
            ("crc32c", self.crc32c.as_deref()),
            ("crc64nvme", self.crc64nvme.as_deref()),
            ("sha1", self.sha1.as_deref()),
            ("sha256", self.sha256.as_deref()),
        ]
    }

    pub(super) fn is_composite(&self) -> bool {
        self.entries().iter().any(|(_, value)| value.is_some_and(|value| value.contains('-')))
    }
}

/// Fills the five checksum fields that S3's replies share.
macro_rules! set_checksums {
    ($reply:expr, $sums:expr) => {{
        let sums: $crate::s3::object_file::Checksums = $sums;
        $reply.checksum_crc32 = sums.crc32;
        $reply.checksum_crc32c = sums.crc32c;
        $reply.checksum_crc64nvme = sums.crc64nvme;
        $reply.checksum_sha1 = sums.sha1;
        $reply.checksum_sha256 = sums.sha256;
    }};
}
pub(super) use set_checksums;

/// Takes the five checksum fields of a request.
macro_rules! take_checksums {
    ($input:expr) => {
        $crate::s3::object_file::Checksums {
            crc32: $input.checksum_crc32.take(),
            crc32c: $input.checksum_crc32c.take(),
            crc64nvme: $input.checksum_crc64nvme.take(),
            sha1: $input.checksum_sha1.take(),
            sha256: $input.checksum_sha256.take(),
        }
    };
}
pub(super) use take_checksums;

impl ObjectMeta {
    pub(super) fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }

    pub(super) fn last_modified(&self) -> Timestamp {
        timestamp(self.last_modified)
    }

    pub(super) fn user_metadata(&self) -> Option<HashMap<String, String>> {
        let user = &self.headers.user;
        (!user.is_empty()).then(|| user.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

/// Seconds since 1970 as S3 prints them.
pub(super) fn timestamp(unix_s: i64) -> Timestamp {
    Timestamp::from(OffsetDateTime::from_unix_timestamp(unix_s).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

pub(super) fn unix_s(timestamp: &Timestamp) -> i64 {
    OffsetDateTime::from(timestamp.clone()).unix_timestamp()
}

pub(super) fn now_unix_s() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Ends a file whose data has been written.
pub(super) fn write_trailer(file: &mut impl Write, meta: &ObjectMeta) -> io::Result<()> {
    let mut trailer = serde_json::to_vec(meta)?;
    let length = u32::try_from(trailer.len()).map_err(io::Error::other)?;
    trailer.extend_from_slice(&length.to_le_bytes());
    trailer.extend_from_slice(MAGIC);
    file.write_all(&trailer)
}

/// Reads a file's metadata; refuses a file that is not whole.
pub(super) fn read_trailer(file: &File) -> io::Result<ObjectMeta> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("not an object file: {what}"));
    let file_bytes = file.metadata()?.len();
    let footer_at = file_bytes.checked_sub(FOOTER_BYTES).ok_or_else(|| damaged("too short"))?;
    let mut footer = [0; FOOTER_BYTES as usize];
    file.read_exact_at(&mut footer, footer_at)?;
    let ([l0, l1, l2, l3, magic @ ..], expected) = (footer, MAGIC);
    if &magic != expected {
        return Err(damaged("no trailer"));
    }
    let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    let metadata_at = footer_at.checked_sub(length).filter(|_| length <= METADATA_BYTES_MAX);
    let metadata_at = metadata_at.ok_or_else(|| damaged("trailer longer than the file"))?;
    let mut metadata = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut metadata, metadata_at)?;
    let meta: ObjectMeta = serde_json::from_slice(&metadata)?;
    if meta.size != metadata_at {
        return Err(damaged("size and data disagree"));
    }
    Ok(meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_reads_back_and_a_cut_file_is_refused() -> io::Result<()> {
        let meta = ObjectMeta {
            key: "a/ü".into(),
            size: 5,
            etag: "e".into(),
            last_modified: 7,
            headers: ObjectHeaders {
                content_type: Some("text/plain".into()),
                user: BTreeMap::from([("k".into(), "v".into())]),
                ..ObjectHeaders::default()
            },
            checksums: Checksums { crc32: Some("AAAA".into()), ..Checksums::default() },
            part_sizes: vec![2, 3],
        };
        let mut file = tempfile::tempfile()?;
        file.write_all(b"hello")?;
        write_trailer(&mut file, &meta)?;
        assert_eq!(read_trailer(&file)?, meta);
        file.set_len(file.metadata()?.len() - 1)?;
        assert!(read_trailer(&file).is_err());
        file.set_len(3)?;
        assert!(read_trailer(&file).is_err());
        Ok(())
    }
}
