//! [`Storage`]: every store that a process talks to, by URL.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::Path as LocalPath;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use parking_lot::Mutex;
use url::Url;

use crate::address::{Base, parse};
use crate::error::{ShortRange, Shortfall};
use crate::meter::{Meter, MeteredStore};
use crate::s3::S3;
use crate::writer::{self, ObjectWriter};
use crate::{Location, StorageError, StorageOptions, StorageUsage};

/// Tries of a conditional PUT that races with another (AWS "Conditional writes": 409 is to be tried again).
const CONFLICTS_MAX: u32 = 5;
const CONFLICT_PAUSE: Duration = Duration::from_millis(50);

/// Stores by URL, made when they are first asked for. A clone shares everything; [`metered`](Self::metered) shares the
/// stores and starts counting anew.
#[derive(Clone)]
pub struct Storage {
    registry: Arc<Registry>,
    meter: Arc<Meter>,
}

struct Registry {
    options: StorageOptions,
    s3: S3,
    stores: Mutex<HashMap<Base, Arc<dyn ObjectStore>>>,
    layer: Option<Layer>,
}

/// What a store is seen through.
pub type Layer = Arc<dyn Fn(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> + Send + Sync>;

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    pub url: String,
    pub bytes: u64,
    pub last_modified: SystemTime,
}

impl Storage {
    /// Talks to nobody yet.
    pub fn new(options: StorageOptions) -> Self {
        let registry = Registry { options, s3: S3::default(), stores: Mutex::default(), layer: None };
        Self { registry: Arc::new(registry), meter: Arc::default() }
    }

    /// As [`Self::new`], with something between this and each store: a simulation's latency and faults.
    pub fn layered(options: StorageOptions, layer: Layer) -> Self {
        let registry = Registry { options, s3: S3::default(), stores: Mutex::default(), layer: Some(layer) };
        Self { registry: Arc::new(registry), meter: Arc::default() }
    }

    /// The store for a URL, and the key in it.
    pub fn resolve(&self, url: &str) -> Result<Location, StorageError> {
        let (parsed, path) = parse(url)?;
        let base = Base::of(&parsed)?;
        Ok(Location { store: self.store_at(&base, &parsed)?, path, base })
    }

    /// The store for a URL's scheme and bucket, whatever its path.
    pub fn store(&self, base: &Url) -> Result<Arc<dyn ObjectStore>, StorageError> {
        self.store_at(&Base::of(base)?, base)
    }

    /// The same stores and connections with counters of their own: one for each task.
    pub fn metered(&self) -> Self {
        Self { registry: Arc::clone(&self.registry), meter: Arc::default() }
    }

    /// What went over the wire through this storage and its clones since it was made.
    pub fn usage(&self) -> StorageUsage {
        self.meter.usage()
    }

    /// A whole object.
    pub async fn get(&self, url: &str) -> Result<Bytes, StorageError> {
        let Location { store, path, .. } = self.resolve(url)?;
        let read = async {
            let result = store.get(&path).await?;
            let range = result.range.clone();
            let content = result.bytes().await?;
            if content.len() as u64 == range.end - range.start {
                return Ok(content);
            }
            let found = Shortfall::BodyBytes(content.len() as u64);
            Err(Error::Generic { store: "body", source: Box::new(ShortRange { range, found }) })
        };
        read.await.map_err(|source| StorageError::new("read", url, source))
    }

    /// All of a byte range, or [`StorageError::Truncated`]. A long range comes in parallel requests, an
    /// empty one in none.
    pub async fn get_range(&self, url: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        let Location { store, path, .. } = self.resolve(url)?;
        let mut contents = store
            .get_ranges(&path, std::slice::from_ref(&range))
            .await
            .map_err(|source| StorageError::new("read", url, source))?;
        Ok(contents.pop().unwrap_or_default())
    }

    /// Writes an object, in place of one that may be there.
    pub async fn put(&self, url: &str, bytes: Bytes) -> Result<(), StorageError> {
        writer::put(self.resolve(url)?, url, bytes).await
    }

    /// Writes an object unless there is one, and says whether it did. Of several callers at most one is told yes. A
    /// caller may be told no by its own write, when the reply was lost and object_store asked again: who needs to know
    /// compares what is there.
    pub async fn put_if_absent(&self, url: &str, bytes: Bytes) -> Result<bool, StorageError> {
        let Location { store, path, base } = self.resolve(url)?;
        let mut conflicts = 0;
        loop {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            match store.put_opts(&path, bytes.clone().into(), options).await {
                Ok(_) => return Ok(true),
                // S3 says 409 while another write of the key is under way, which settles nothing yet; object_store
                // tells it from 412 only by the cause.
                Err(Error::AlreadyExists { source, .. })
                    if matches!(base, Base::S3 { .. }) && !source.is::<Error>() && conflicts < CONFLICTS_MAX =>
                {
                    conflicts += 1;
                    tokio::time::sleep(CONFLICT_PAUSE * conflicts).await;
                }
                Err(Error::AlreadyExists { .. }) => return Ok(false),
                Err(source) => return Err(StorageError::new("write", url, source)),
            }
        }
    }

    /// Writes an object piece by piece.
    pub async fn writer(&self, url: &str) -> Result<ObjectWriter, StorageError> {
        Ok(ObjectWriter::new(self.resolve(url)?, url.to_owned()))
    }

    /// The objects below a prefix, which ends at a slash whether it is written or not: `s3://b/a` lists `a/x` and
    /// neither `a` nor `ab`. A prefix with no objects is empty, not an error. Ordered by URL.
    pub async fn list(&self, url_prefix: &str) -> Result<Vec<ObjectInfo>, StorageError> {
        let location = self.resolve(url_prefix)?;
        let mut listed: Vec<_> = location
            .store
            .list(Some(&location.path))
            .map_ok(|meta| ObjectInfo {
                url: location.url_of(&meta.location),
                bytes: meta.size,
                last_modified: meta.last_modified.into(),
            })
            .try_collect()
            .await
            .map_err(|source| StorageError::new("list", url_prefix, source))?;
        listed.sort_unstable_by(|a, b| a.url.cmp(&b.url));
        Ok(listed)
    }

    /// The names of the folders directly below a prefix, without what is in them. Ordered.
    pub async fn list_folders(&self, url_prefix: &str) -> Result<Vec<String>, StorageError> {
        let Location { store, path, .. } = self.resolve(url_prefix)?;
        let listed = store.list_with_delimiter(Some(&path)).await;
        let listed = listed.map_err(|source| StorageError::new("list", url_prefix, source))?;
        let names = listed.common_prefixes.iter().filter_map(|folder| folder.filename().map(str::to_owned));
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The URL of a key below another: `key` as it is in the store, without escapes.
    pub fn url_below(&self, base_url: &str, key: &str) -> Result<String, StorageError> {
        let location = self.resolve(base_url)?;
        let path = Path::parse(format!("{}/{key}", location.path))
            .map_err(|source| StorageError::InvalidKey { url: format!("{base_url}/{key}"), source })?;
        Ok(location.url_of(&path))
    }

    /// Moves an object within its store, over what is there: on object storage a copy and a deletion.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let (source, target) = (self.resolve(from)?, self.resolve(to)?);
        let moved = source.store.rename(&source.path, &target.path).await;
        moved.map_err(|error| StorageError::new("rename", from, error))
    }

    /// Deletes one object; one that is not there is deleted already.
    pub async fn delete(&self, url: &str) -> Result<(), StorageError> {
        let Location { store, path, .. } = self.resolve(url)?;
        match store.delete(&path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(StorageError::new("delete", url, source)),
        }
    }

    /// Deletes the objects below a prefix, as [`list`](Self::list) finds them, and says how many. On a local file
    /// system the folders that this empties go with them.
    pub async fn delete_prefix(&self, url_prefix: &str) -> Result<u64, StorageError> {
        let Location { store, path, base } = self.resolve(url_prefix)?;
        if path.is_root() {
            let reason = "deleting a whole bucket is not what a prefix is for";
            return Err(StorageError::InvalidUrl { url: url_prefix.to_owned(), reason });
        }
        let found = store.list(Some(&path)).map_ok(|meta| meta.location).boxed();
        let deleted = store
            .delete_stream(found)
            .map(|deleted| match deleted {
                // Someone else was faster.
                Err(Error::NotFound { .. }) => Ok(0),
                deleted => deleted.map(|_| 1),
            })
            .try_fold(0, |deleted, n| async move { Ok(deleted + n) })
            .await
            .map_err(|source| StorageError::new("delete", url_prefix, source))?;
        if base == Base::File
            && let Ok(folder) = base.url_of(&path).parse::<Url>().map_err(drop).and_then(|url| url.to_file_path())
        {
            // What goes wrong leaves a folder behind and nothing else.
            let _ = tokio::task::spawn_blocking(move || remove_empty_folders(&folder)).await;
        }
        Ok(deleted)
    }

    /// Makes the bucket of an `s3://` URL, if it isn't there. Other stores need none.
    pub async fn create_bucket(&self, url: &str) -> Result<(), StorageError> {
        let (parsed, _) = parse(url)?;
        let Base::S3 { bucket } = Base::of(&parsed)? else { return Ok(()) };
        self.meter.sent_request();
        let Registry { s3, options, .. } = &*self.registry;
        s3.create_bucket(&bucket, options).await.map_err(|source| StorageError::new("create", url, source))
    }

    fn store_at(&self, base: &Base, url: &Url) -> Result<Arc<dyn ObjectStore>, StorageError> {
        let mut stores = self.registry.stores.lock();
        let store = match stores.get(base) {
            Some(store) => Arc::clone(store),
            None => {
                let store = self
                    .registry
                    .make(base)
                    .map_err(|source| StorageError::Configure { url: url.to_string(), source: Box::new(source) })?;
                let store = match &self.registry.layer {
                    Some(layer) => layer(store),
                    None => store,
                };
                stores.insert(base.clone(), Arc::clone(&store));
                store
            }
        };
        Ok(Arc::new(MeteredStore::new(store, Arc::clone(&self.meter))))
    }
}

/// From the leaves up; a folder that holds a file stays.
fn remove_empty_folders(folder: &LocalPath) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let _ = remove_empty_folders(&entry.path());
        }
    }
    std::fs::remove_dir(folder)
}

impl Registry {
    fn make(&self, base: &Base) -> object_store::Result<Arc<dyn ObjectStore>> {
        Ok(match base {
            Base::S3 { bucket } => self.s3.bucket(bucket, &self.options)?,
            Base::File => Arc::new(LocalFileSystem::new()),
            Base::Memory { .. } => Arc::new(InMemory::new()),
        })
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("options", &self.registry.options).finish_non_exhaustive()
    }
}
