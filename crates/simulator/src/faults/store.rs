//! [`FaultyStore`]: a store in memory that takes its time and fails.
//!
//! A request that changes something runs on when its caller is gone, as one does that is on its way to S3.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use super::chance::{Chance, Rates};

const LATENCY: Duration = Duration::from_millis(30);

#[derive(Debug, Clone)]
pub(super) struct FaultyStore {
    inner: Arc<InMemory>,
    chance: Chance,
    rates: Rates,
    /// Set at the end, when what is left is looked at.
    is_calm: Arc<AtomicBool>,
}

impl FaultyStore {
    pub fn new(chance: Chance, rates: Rates) -> Self {
        Self { inner: Arc::new(InMemory::new()), chance, rates, is_calm: Arc::default() }
    }

    pub fn calm_down(&self) {
        self.is_calm.store(true, Ordering::Relaxed);
    }

    fn happens(&self, rate: f64) -> bool {
        !self.is_calm.load(Ordering::Relaxed) && self.chance.happens(rate)
    }

    /// The way there, and whether the request fails before anything is done.
    async fn arrive(&self) -> Result<()> {
        if self.is_calm.load(Ordering::Relaxed) {
            return Ok(());
        }
        tokio::time::sleep(self.chance.latency(LATENCY)).await;
        if self.happens(self.rates.store_error) { Err(failed("500 InternalError")) } else { Ok(()) }
    }

    /// Does something that changes objects, whether or not anybody still waits.
    async fn change<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let store = self.clone();
        let done = tokio::spawn(async move {
            store.arrive().await?;
            let done = change.await?;
            if store.happens(store.rates.store_lost_reply) {
                return Err(failed("500 after it was done"));
            }
            Ok(done)
        });
        done.await.map_err(|error| failed(&error.to_string()))?
    }
}

/// As object_store tells of a server's error that is left after its retries.
fn failed(what: &str) -> Error {
    Error::Generic { store: "S3", source: what.to_owned().into() }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated store")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let (inner, location) = (Arc::clone(&self.inner), location.clone());
        self.change(async move { inner.put_opts(&location, payload, options).await }).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.arrive().await?;
        let mut result = self.inner.get_opts(location, options).await?;
        if result.meta.size > 0
            && self.happens(self.rates.store_corrupted)
            && let GetResultPayload::Stream(body) = result.payload
        {
            let at = self.chance.between(0, result.meta.size) as usize;
            let flipped = body.map(move |chunk| chunk.map(|chunk| flip(&chunk, at)));
            result.payload = GetResultPayload::Stream(flipped.boxed());
        }
        Ok(result)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.arrive().await?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = locations.then(move |location| {
            let store = store.clone();
            async move {
                let location = location?;
                let inner = Arc::clone(&store.inner);
                let gone = location.clone();
                store.change(async move { inner.delete(&gone).await }).await?;
                Ok(location)
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let prefix = prefix.cloned();
        let listed = async move {
            match store.arrive().await {
                Ok(()) => store.inner.list(prefix.as_ref()),
                Err(error) => futures::stream::iter([Err(error)]).boxed(),
            }
        };
        futures::stream::once(listed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.arrive().await?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (inner, from, to) = (Arc::clone(&self.inner), from.clone(), to.clone());
        self.change(async move { inner.copy_opts(&from, &to, options).await }).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let (inner, from, to) = (Arc::clone(&self.inner), from.clone(), to.clone());
        self.change(async move { inner.rename_opts(&from, &to, options).await }).await
    }
}

fn flip(chunk: &Bytes, at: usize) -> Bytes {
    let mut changed = BytesMut::from(&chunk[..]);
    if let Some(byte) = changed.get_mut(at) {
        *byte ^= 0x10;
    }
    changed.freeze()
}
