//! The buckets on disk and the index of their keys in memory. This process alone owns the folder (`emulator` holds its
//! lock), so the index is right once the files have been read at the start.
//!
//! ```text
//! s3/tmp/…                        uploads under way; emptied at the start
//! s3/buckets/B/objects/<name>     one file for each object
//! s3/buckets/B/uploads/<id>/…     multipart uploads (`multipart`)
//! ```
//!
//! An object comes, changes and goes under its bucket's write lock, which covers check, rename and index as one step.
//! Files are not flushed to the device: an object survives the end of the process, not the loss of power.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use parking_lot::{RwLock, RwLockReadGuard};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use tempfile::NamedTempFile;
use tracing::warn;

use super::condition::WriteCondition;
use super::key_name::file_name;
use super::object_file::{ObjectMeta, read_trailer};
use crate::error::EmulatorError;

#[derive(Debug)]
pub(crate) struct Store {
    buckets_dir: PathBuf,
    tmp_dir: PathBuf,
    buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
}

pub(super) type Objects = BTreeMap<String, Arc<ObjectMeta>>;

#[derive(Debug)]
pub(super) struct Bucket {
    pub name: String,
    /// Seconds since 1970.
    pub created: i64,
    objects_dir: PathBuf,
    pub uploads_dir: PathBuf,
    objects: RwLock<Objects>,
}

impl Store {
    /// Opens what an earlier run left under `dir`, or begins anew.
    pub(crate) fn open(dir: &Path) -> Result<Self, EmulatorError> {
        let (buckets_dir, tmp_dir) = (dir.join("buckets"), dir.join("tmp"));
        if tmp_dir.exists() {
            fs::remove_dir_all(&tmp_dir).map_err(EmulatorError::state(&tmp_dir))?;
        }
        for dir in [&buckets_dir, &tmp_dir] {
            fs::create_dir_all(dir).map_err(EmulatorError::state(dir))?;
        }
        let mut buckets = BTreeMap::new();
        for entry in fs::read_dir(&buckets_dir).map_err(EmulatorError::state(&buckets_dir))? {
            let path = entry.map_err(EmulatorError::state(&buckets_dir))?.path();
            if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                let bucket = Bucket::open(name, &path).map_err(EmulatorError::state(&path))?;
                buckets.insert(name.to_owned(), Arc::new(bucket));
            }
        }
        Ok(Self { buckets_dir, tmp_dir, buckets: RwLock::new(buckets) })
    }

    pub(super) fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        self.buckets.read().get(name).cloned().ok_or_else(no_such_bucket)
    }

    pub(super) fn buckets(&self) -> Vec<Arc<Bucket>> {
        self.buckets.read().values().cloned().collect()
    }

    /// Making one's own bucket again succeeds, as it does in us-east-1.
    pub(super) fn create_bucket(&self, name: &str) -> S3Result<()> {
        let mut buckets = self.buckets.write();
        if !buckets.contains_key(name) {
            let bucket = Bucket::open(name, &self.buckets_dir.join(name)).map_err(S3Error::internal_error)?;
            buckets.insert(name.to_owned(), Arc::new(bucket));
        }
        Ok(())
    }

    pub(super) fn delete_bucket(&self, name: &str) -> S3Result<()> {
        let mut buckets = self.buckets.write();
        let bucket = buckets.get(name).cloned().ok_or_else(no_such_bucket)?;
        let objects = bucket.objects.write();
        if !objects.is_empty() {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
        }
        // With the folder gone, a write that still holds this bucket finds nowhere to publish.
        fs::remove_dir_all(self.buckets_dir.join(name)).map_err(S3Error::internal_error)?;
        buckets.remove(name);
        Ok(())
    }

    /// A file to fill and then to publish; it vanishes if it is dropped before.
    pub(super) fn temp_file(&self) -> S3Result<NamedTempFile> {
        NamedTempFile::new_in(&self.tmp_dir).map_err(S3Error::internal_error)
    }

    pub(super) fn temp_dir(&self) -> S3Result<tempfile::TempDir> {
        tempfile::tempdir_in(&self.tmp_dir).map_err(S3Error::internal_error)
    }

    /// A whole object, for the parts of the emulator that use S3 themselves. `None`: no such bucket or key.
    pub(crate) fn read_object(&self, bucket: &str, key: &str, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        use std::io::Read;
        let Some((meta, file)) = self.bucket(bucket).and_then(|bucket| bucket.open_object(key)).ok() else {
            return Ok(None);
        };
        let mut data = Vec::new();
        file.take(meta.size.min(bytes_max)).read_to_end(&mut data)?;
        Ok(Some(data))
    }
}

impl Bucket {
    fn open(name: &str, dir: &Path) -> io::Result<Self> {
        let (objects_dir, uploads_dir) = (dir.join("objects"), dir.join("uploads"));
        fs::create_dir_all(&objects_dir)?;
        fs::create_dir_all(&uploads_dir)?;
        let metadata = dir.metadata()?;
        let created = metadata.created().or_else(|_| metadata.modified())?;
        let created = created.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let mut objects = Objects::new();
        for entry in fs::read_dir(&objects_dir)? {
            let path = entry?.path();
            match File::open(&path).and_then(|file| read_trailer(&file)) {
                Ok(meta) => {
                    objects.insert(meta.key.clone(), Arc::new(meta));
                }
                Err(error) => warn!(path = %path.display(), %error, "object left out"),
            }
        }
        Ok(Self {
            name: name.to_owned(),
            created: i64::try_from(created).unwrap_or(0),
            objects_dir,
            uploads_dir,
            objects: RwLock::new(objects),
        })
    }

    /// The keys, in the order of their bytes. Writers wait while the guard lives.
    pub(super) fn objects(&self) -> RwLockReadGuard<'_, Objects> {
        self.objects.read()
    }

    pub(super) fn meta(&self, key: &str) -> S3Result<Arc<ObjectMeta>> {
        self.objects.read().get(key).cloned().ok_or_else(no_such_key)
    }

    /// An object's metadata and its file. The file stays readable when the key is overwritten or deleted.
    pub(super) fn open_object(&self, key: &str) -> S3Result<(Arc<ObjectMeta>, File)> {
        // Under the lock, so that metadata and file are of the same version.
        let objects = self.objects.read();
        let meta = objects.get(key).cloned().ok_or_else(no_such_key)?;
        let file = File::open(self.objects_dir.join(file_name(key))).map_err(S3Error::internal_error)?;
        Ok((meta, file))
    }

    /// Makes a finished file the object of its key, if `condition` holds: of any number of racing `Absent` writes,
    /// one wins.
    pub(super) fn publish(
        &self,
        file: NamedTempFile,
        meta: ObjectMeta,
        condition: &WriteCondition,
    ) -> S3Result<Arc<ObjectMeta>> {
        let path = self.objects_dir.join(file_name(&meta.key));
        let mut objects = self.objects.write();
        condition.check(objects.get(&meta.key).map(Arc::as_ref))?;
        // The index decides; that the file system refuses to replace a file as well is a second lock on the same door.
        let published =
            if *condition == WriteCondition::Absent { file.persist_noclobber(path) } else { file.persist(path) };
        published.map_err(|error| match error.error.kind() {
            io::ErrorKind::NotFound => no_such_bucket(),
            io::ErrorKind::AlreadyExists => s3_error!(PreconditionFailed),
            _ => S3Error::internal_error(error.error),
        })?;
        let meta = Arc::new(meta);
        objects.insert(meta.key.clone(), Arc::clone(&meta));
        Ok(meta)
    }

    /// Deleting what is not there succeeds, unless a condition asks for it to be there.
    pub(super) fn delete(&self, key: &str, condition: impl Fn(&ObjectMeta) -> bool) -> S3Result<()> {
        let mut objects = self.objects.write();
        let Some(meta) = objects.get(key) else { return Ok(()) };
        if !condition(meta) {
            return Err(s3_error!(PreconditionFailed));
        }
        fs::remove_file(self.objects_dir.join(file_name(key))).map_err(S3Error::internal_error)?;
        objects.remove(key);
        Ok(())
    }
}

pub(super) fn no_such_bucket() -> S3Error {
    S3Error::with_message(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist")
}

fn no_such_key() -> S3Error {
    S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}
