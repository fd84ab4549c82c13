//! [`MeteredStore`]: counts what is asked of a store, and moves large reads and interrupted ones along.
//!
//! Requests are counted as S3 bills them, whatever the store is, so that a run on local files foretells its price.
//! object_store's own retries are not seen here; S3 doesn't bill its 5xx answers.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use firesteel_protocol::RequestCounts;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

use crate::{ranges, resume};

/// Keys in one answer of S3's ListObjectsV2.
const LIST_PAGE_KEYS: u64 = 1000;

/// What went over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageUsage {
    /// A list is counted by pages of a thousand keys, a delete by objects.
    pub requests: RequestCounts,
    /// Bodies that came, counted as they are read; a range of a local file is counted when it is opened.
    pub bytes_in: u64,
    /// Bodies that were sent.
    pub bytes_out: u64,
}

/// Running totals; each is exact, all of them together are not a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    get: AtomicU64,
    head: AtomicU64,
    put: AtomicU64,
    list: AtomicU64,
    delete: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl Meter {
    pub fn usage(&self) -> StorageUsage {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StorageUsage {
            requests: RequestCounts {
                get: read(&self.get),
                head: read(&self.head),
                put: read(&self.put),
                list: read(&self.list),
                delete: read(&self.delete),
            },
            bytes_in: read(&self.bytes_in),
            bytes_out: read(&self.bytes_out),
        }
    }

    pub fn received(&self, bytes: u64) {
        add(&self.bytes_in, bytes);
    }

    /// A PUT, or what is billed as one.
    pub fn sent_request(&self) {
        add(&self.put, 1);
    }

    fn sent(&self, payload: &PutPayload) {
        self.sent_request();
        add(&self.bytes_out, payload.content_length() as u64);
    }
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// A store seen through a [`Meter`].
#[derive(Debug, Clone)]
pub(crate) struct MeteredStore {
    inner: Arc<dyn ObjectStore>,
    meter: Arc<Meter>,
}

impl MeteredStore {
    pub fn new(inner: Arc<dyn ObjectStore>, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }

    /// One request, whose body is counted as it is read.
    pub async fn get_once(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let head = options.head;
        add(if head { &self.meter.head } else { &self.meter.get }, 1);
        let mut result = self.inner.get_opts(location, options).await?;
        match result.payload {
            _ if head => {}
            GetResultPayload::File(..) => self.meter.received(result.range.end - result.range.start),
            GetResultPayload::Stream(body) => {
                let meter = Arc::clone(&self.meter);
                let counted = body.inspect(move |chunk| {
                    if let Ok(chunk) = chunk {
                        meter.received(chunk.len() as u64);
                    }
                });
                result.payload = GetResultPayload::Stream(counted.boxed());
            }
        }
        Ok(result)
    }

    /// Adds a page to the count for each thousand keys.
    fn count_pages(&self, keys: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        let meter = Arc::clone(&self.meter);
        add(&meter.list, 1);
        let mut listed = 0;
        keys.inspect(move |key| {
            if key.is_ok() {
                if listed > 0 && listed % LIST_PAGE_KEYS == 0 {
                    add(&meter.list, 1);
                }
                listed += 1;
            }
        })
        .boxed()
    }
}

impl fmt::Display for MeteredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for MeteredStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.meter.sent(&payload);
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.meter.sent_request();
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(MeteredUpload { inner, meter: Arc::clone(&self.meter) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let head = options.head;
        let result = self.get_once(location, options.clone()).await?;
        Ok(if head { result } else { resume::resuming(self.clone(), location.clone(), options, result) })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        ranges::fetch(self, location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let meter = Arc::clone(&self.meter);
        let counted = locations.inspect(move |location| {
            if location.is_ok() {
                add(&meter.delete, 1);
            }
        });
        self.inner.delete_stream(counted.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count_pages(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.count_pages(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        add(&self.meter.list, 1);
        let listed = self.inner.list_with_delimiter(prefix).await?;
        let keys = (listed.objects.len() + listed.common_prefixes.len()) as u64;
        add(&self.meter.list, keys.div_ceil(LIST_PAGE_KEYS).saturating_sub(1));
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.meter.sent_request();
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.meter.sent_request();
        add(&self.meter.delete, 1);
        self.inner.rename_opts(from, to, options).await
    }
}

/// An upload whose every part, and its completion, is a PUT.
#[derive(Debug)]
struct MeteredUpload {
    inner: Box<dyn MultipartUpload>,
    meter: Arc<Meter>,
}

#[async_trait]
impl MultipartUpload for MeteredUpload {
    fn put_part(&mut self, payload: PutPayload) -> UploadPart {
        self.meter.sent(&payload);
        self.inner.put_part(payload)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.meter.sent_request();
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        add(&self.meter.delete, 1);
        self.inner.abort().await
    }
}
