//! Multipart uploads. An upload is a folder with its description and one object file for each part, so a part arrives
//! by one `rename` and a restart loses nothing.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::condition::WriteCondition;
use super::object_file::{Checksums, ObjectHeaders, ObjectMeta, now_unix_s, read_trailer, write_trailer};
use super::spool::{Spooled, checksum_hasher, finish_checksums};
use super::store::{Bucket, Store};

const DESCRIPTION: &str = "upload.json";
const PART_NUMBER_MAX: i32 = 10_000;
/// Every part but the last.
const PART_BYTES_MIN: u64 = 5 << 20;
const COPY_BUFFER_BYTES: usize = 1 << 20;

/// What CreateMultipartUpload laid down.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Upload {
    pub id: String,
    pub key: String,
    /// Seconds since 1970.
    pub initiated: i64,
    pub headers: ObjectHeaders,
    /// In upper case, as S3 spells it.
    pub checksum_algorithm: Option<String>,
    /// The checksum is of the whole object, not of its parts' checksums.
    pub is_full_object_checksum: bool,
}

/// A part that CompleteMultipartUpload names.
#[derive(Debug, Clone)]
pub(super) struct NamedPart {
    pub number: i32,
    /// Without quotes.
    pub etag: String,
}

pub(super) fn create_upload(store: &Store, bucket: &Bucket, mut upload: Upload) -> S3Result<Upload> {
    upload.id = Uuid::new_v4().simple().to_string();
    upload.initiated = now_unix_s();
    let folder = store.temp_dir()?;
    let description = serde_json::to_vec(&upload).map_err(S3Error::internal_error)?;
    fs::write(folder.path().join(DESCRIPTION), description).map_err(S3Error::internal_error)?;
    fs::rename(folder.keep(), bucket.uploads_dir.join(&upload.id)).map_err(S3Error::internal_error)?;
    Ok(upload)
}

/// The upload of this id, if it is one for this key.
pub(super) fn find_upload(bucket: &Bucket, id: &str, key: &str) -> S3Result<Upload> {
    // Ids are hex, so none can lead out of the folder.
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let upload = if is_id { read_description(bucket, id)? } else { None };
    upload.filter(|upload| upload.key == key).ok_or_else(no_such_upload)
}

/// All uploads, by key and then by the time they began.
pub(super) fn list_uploads(bucket: &Bucket) -> S3Result<Vec<Upload>> {
    let mut uploads = Vec::new();
    for entry in fs::read_dir(&bucket.uploads_dir).map_err(S3Error::internal_error)? {
        let name = entry.map_err(S3Error::internal_error)?.file_name();
        if let Some(id) = name.to_str() {
            uploads.extend(read_description(bucket, id)?);
        }
    }
    uploads.sort_by(|a, b| (&a.key, a.initiated, &a.id).cmp(&(&b.key, b.initiated, &b.id)));
    Ok(uploads)
}

fn read_description(bucket: &Bucket, id: &str) -> S3Result<Option<Upload>> {
    match fs::read(bucket.uploads_dir.join(id).join(DESCRIPTION)) {
        Ok(description) => serde_json::from_slice(&description).map(Some).map_err(S3Error::internal_error),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(S3Error::internal_error(error)),
    }
}

/// Publishes a part; one of the same number is replaced.
pub(super) fn put_part(bucket: &Bucket, upload: &Upload, number: i32, mut part: Spooled) -> S3Result<ObjectMeta> {
    if !(1..=PART_NUMBER_MAX).contains(&number) {
        return Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and {PART_NUMBER_MAX}"));
    }
    let meta = ObjectMeta {
        key: upload.key.clone(),
        size: part.size,
        etag: hex::encode(part.md5),
        last_modified: now_unix_s(),
        checksums: part.checksums,
        ..ObjectMeta::default()
    };
    write_trailer(&mut part.file, &meta).map_err(S3Error::internal_error)?;
    let published = part.file.persist(part_path(bucket, &upload.id, number));
    published.map_err(|error| match error.error.kind() {
        io::ErrorKind::NotFound => no_such_upload(),
        _ => S3Error::internal_error(error.error),
    })?;
    Ok(meta)
}

/// The parts that have come, by number.
pub(super) fn list_parts(bucket: &Bucket, upload: &Upload) -> S3Result<Vec<(i32, ObjectMeta)>> {
    let folder = bucket.uploads_dir.join(&upload.id);
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder).map_err(|_| no_such_upload())? {
        let path = entry.map_err(S3Error::internal_error)?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_prefix("part-")?.parse().ok());
        if let Some(number) = number {
            let meta = File::open(&path).and_then(|file| read_trailer(&file)).map_err(S3Error::internal_error)?;
            parts.push((number, meta));
        }
    }
    parts.sort_by_key(|(number, _)| *number);
    Ok(parts)
}

pub(super) fn abort_upload(bucket: &Bucket, upload: &Upload) -> S3Result<()> {
    fs::remove_dir_all(bucket.uploads_dir.join(&upload.id)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_such_upload(),
        _ => S3Error::internal_error(error),
    })
}

/// Puts the named parts together and publishes the object. The upload is gone only once that has succeeded.
pub(super) fn complete_upload(
    store: &Store,
    bucket: &Bucket,
    upload: &Upload,
    named: &[NamedPart],
    claimed: &Checksums,
    condition: &WriteCondition,
) -> S3Result<Arc<ObjectMeta>> {
    let mut parts = open_parts(bucket, upload, named)?;
    let algorithm = upload.checksum_algorithm.as_deref().map(str::to_ascii_lowercase);
    let mut whole = checksum_hasher(|name| upload.is_full_object_checksum && algorithm.as_deref() == Some(name));
    let is_hashed = upload.is_full_object_checksum && algorithm.is_some();

    let mut file = store.temp_file()?;
    let mut md5 = Md5::new();
    for (meta, part) in &mut parts {
        md5.update(hex::decode(&meta.etag).map_err(S3Error::internal_error)?);
        append_part(part, meta.size, file.as_file_mut(), is_hashed.then_some(&mut whole))
            .map_err(S3Error::internal_error)?;
    }
    let checksums = match algorithm {
        _ if is_hashed => finish_checksums(whole),
        Some(algorithm) => composite_checksum(&algorithm, &parts),
        None => Checksums::default(),
    };
    for ((name, computed), (_, claimed)) in checksums.entries().into_iter().zip(claimed.entries()) {
        if let (Some(computed), Some(claimed)) = (computed, claimed)
            && computed != claimed
        {
            return Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."));
        }
    }
    let meta = ObjectMeta {
        key: upload.key.clone(),
        size: parts.iter().map(|(meta, _)| meta.size).sum(),
        etag: format!("{}-{}", hex::encode(md5.finalize()), parts.len()),
        last_modified: now_unix_s(),
        headers: upload.headers.clone(),
        checksums,
        part_sizes: parts.iter().map(|(meta, _)| meta.size).collect(),
    };
    write_trailer(&mut file, &meta).map_err(S3Error::internal_error)?;
    let meta = bucket.publish(file, meta, condition)?;
    // Another request may have completed or aborted the upload meanwhile; the object stands either way.
    let _ = abort_upload(bucket, upload);
    Ok(meta)
}

fn open_parts(bucket: &Bucket, upload: &Upload, named: &[NamedPart]) -> S3Result<Vec<(ObjectMeta, File)>> {
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    if named.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
    }
    let mut parts = Vec::with_capacity(named.len());
    for (index, part) in named.iter().enumerate() {
        let invalid = || {
            let NamedPart { number, etag } = part;
            s3_error!(InvalidPart, "Part {number} with ETag {etag} could not be found.")
        };
        let file = File::open(part_path(bucket, &upload.id, part.number)).map_err(|_| invalid())?;
        let meta = read_trailer(&file).map_err(S3Error::internal_error)?;
        if meta.etag != part.etag {
            return Err(invalid());
        }
        if meta.size < PART_BYTES_MIN && index + 1 < named.len() {
            return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
        }
        parts.push((meta, file));
    }
    Ok(parts)
}

fn append_part(part: &mut File, size: u64, to: &mut File, hasher: Option<&mut ChecksumHasher>) -> io::Result<()> {
    let mut data = part.take(size);
    let Some(hasher) = hasher else {
        // The kernel copies between the files; the bytes do not pass through here.
        io::copy(&mut data, to)?;
        return Ok(());
    };
    let mut buffer = vec![0; COPY_BUFFER_BYTES];
    loop {
        let length = data.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        hasher.update(&buffer[..length]);
        to.write_all(&buffer[..length])?;
    }
}

/// The checksum of the parts' checksums; none where a part came without one.
fn composite_checksum(algorithm: &str, parts: &[(ObjectMeta, File)]) -> Checksums {
    let mut hasher = checksum_hasher(|name| name == algorithm);
    for (meta, _) in parts {
        let sum = meta.checksums.entries().into_iter().find(|(name, _)| *name == algorithm).and_then(|(_, sum)| sum);
        let Some(sum) = sum.and_then(|sum| base64::engine::general_purpose::STANDARD.decode(sum).ok()) else {
            return Checksums::default();
        };
        hasher.update(&sum);
    }
    let count = parts.len();
    let composite = |sum: Option<String>| sum.map(|sum| format!("{sum}-{count}"));
    let Checksums { crc32, crc32c, crc64nvme, sha1, sha256 } = finish_checksums(hasher);
    Checksums {
        crc32: composite(crc32),
        crc32c: composite(crc32c),
        crc64nvme: composite(crc64nvme),
        sha1: composite(sha1),
        sha256: composite(sha256),
    }
}

fn part_path(bucket: &Bucket, upload_id: &str, number: i32) -> PathBuf {
    bucket.uploads_dir.join(upload_id).join(format!("part-{number:05}"))
}

fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might \
         have been aborted or completed."
    )
}
