//! A function's code, from where the request has it to a folder with `bootstrap`: a zip in the request, a zip in the
//! emulator's S3, or a folder of the developer's, by LocalStack's convention (bucket `hot-reload`, key = its path).

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zip::ZipArchive;

use super::api_error::ApiError;
use super::function::Code;
use crate::s3::Store;

/// Of the unpacked files together.
const UNPACKED_BYTES_MAX: u64 = 262_144_000;
/// A zip can hardly be longer than what it unpacks to.
const ZIP_BYTES_MAX: u64 = UNPACKED_BYTES_MAX + (1 << 20);
const HOT_RELOAD_BUCKET: &str = "hot-reload";

/// The code of CreateFunction (under `Code`) and UpdateFunctionCode.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CodeSource {
    zip_file: Option<String>,
    s3_bucket: Option<String>,
    s3_key: Option<String>,
    s3_object_version: Option<String>,
    image_uri: Option<String>,
}

/// Brings the code under `code_dir`, or finds it where it is. Blocks.
pub(super) fn install(source: CodeSource, store: &Store, code_dir: &Path) -> Result<Code, ApiError> {
    if source.image_uri.is_some() {
        return Err(ApiError::not_emulated("ImageUri"));
    }
    if source.s3_object_version.is_some() {
        return Err(ApiError::not_emulated("S3ObjectVersion"));
    }
    match (source.zip_file, source.s3_bucket, source.s3_key) {
        (Some(zip), None, None) => {
            let zip = STANDARD.decode(zip).map_err(|_| ApiError::invalid_content("ZipFile is not base64"))?;
            unpack(&zip, code_dir)
        }
        (None, Some(bucket), Some(folder)) if bucket == HOT_RELOAD_BUCKET => hot_folder(&folder),
        (None, Some(bucket), Some(key)) => {
            let zip = store.read_object(&bucket, &key, ZIP_BYTES_MAX).map_err(|e| ApiError::service(e.to_string()))?;
            let zip = zip.ok_or_else(|| {
                ApiError::invalid_parameter(format!(
                    "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: s3://{bucket}/{key}"
                ))
            })?;
            unpack(&zip, code_dir)
        }
        _ => Err(ApiError::invalid_parameter(
            "Please provide a source for function code: ZipFile, or S3Bucket and S3Key",
        )),
    }
}

/// When the program last changed, for code that may change under its function.
pub(super) fn modified(code: &Code) -> Option<std::time::SystemTime> {
    if !code.is_hot {
        return None;
    }
    fs::metadata(code.dir.join("bootstrap")).and_then(|metadata| metadata.modified()).ok()
}

fn hot_folder(folder: &str) -> Result<Code, ApiError> {
    let dir = PathBuf::from(folder);
    if !dir.is_absolute() || !dir.is_dir() {
        return Err(ApiError::invalid_parameter(format!(
            "{folder} is not a folder; with the bucket hot-reload, S3Key is the absolute path of the folder with bootstrap"
        )));
    }
    let sha256 = STANDARD.encode(Sha256::digest(folder));
    Ok(Code { dir, sha256, size: 0, is_hot: true })
}

fn unpack(zip: &[u8], code_dir: &Path) -> Result<Code, ApiError> {
    let unreadable = |_| {
        ApiError::invalid_parameter("Could not unzip uploaded file. Please check your file, then try to upload again.")
    };
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(unreadable)?;
    let dir = code_dir.join(Uuid::new_v4().simple().to_string());
    let unpacked = (0..archive.len()).try_fold(0, |bytes, index| {
        let entry = archive.by_index(index).map_err(io::Error::other)?;
        Ok::<_, io::Error>(bytes + unpack_entry(entry, &dir, UNPACKED_BYTES_MAX.saturating_sub(bytes))?)
    });
    let unpacked = fs::create_dir_all(&dir).and(unpacked).map_err(|error| {
        // What was unpacked is of no use.
        let _ = fs::remove_dir_all(&dir);
        ApiError::invalid_parameter(format!("Could not unzip uploaded file: {error}"))
    })?;
    if unpacked > UNPACKED_BYTES_MAX {
        let _ = fs::remove_dir_all(&dir);
        return Err(ApiError::invalid_parameter(format!(
            "Unzipped size must be smaller than {UNPACKED_BYTES_MAX} bytes"
        )));
    }
    let sha256 = STANDARD.encode(Sha256::digest(zip));
    Ok(Code { dir, sha256, size: zip.len() as u64, is_hot: false })
}

/// Unpacks one entry; returns its bytes, or one more than `bytes_max` where it is longer.
fn unpack_entry<R: Read>(mut entry: zip::read::ZipFile<'_, R>, dir: &Path, bytes_max: u64) -> io::Result<u64> {
    let outside = || io::Error::other("an entry leads out of the package");
    let path = dir.join(entry.enclosed_name().ok_or_else(outside)?);
    if entry.is_dir() {
        fs::create_dir_all(path)?;
        return Ok(0);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // As on AWS, a program that the zip does not mark as executable cannot be run.
    let mode = entry.unix_mode().unwrap_or(0o644) & 0o777;
    let mut file = File::create(&path)?;
    let bytes = io::copy(&mut entry.by_ref().take(bytes_max + 1), &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(bytes)
}
