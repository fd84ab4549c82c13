//! A long body goes on after an interruption: one that is read slower than a request may take, or whose connection
//! broke. A request that brings nothing is not followed by a third.

use std::ops::Range;

use bytes::Bytes;
use firesteel_protocol::ErrorKind;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, GetResult, GetResultPayload, Result};

use crate::error::{ShortRange, Shortfall, classify};
use crate::meter::MeteredStore;

/// Requests in a row that may end without a byte.
const FRUITLESS_MAX: u32 = 2;

struct Body {
    store: MeteredStore,
    location: Path,
    options: GetOptions,
    /// What is still to come.
    rest: Range<u64>,
    whole: Range<u64>,
    chunks: BoxStream<'static, Result<Bytes>>,
    fruitless: u32,
}

/// The same answer, with a body that asks for its rest when it breaks off. It also fails when it ends early, so that
/// no reader takes half an object for all of it (SHUFFLE-7).
pub(crate) fn resuming(store: MeteredStore, location: Path, options: GetOptions, result: GetResult) -> GetResult {
    let GetResult { payload, meta, range, attributes } = result;
    let payload = match payload {
        GetResultPayload::Stream(chunks) => {
            // The rest has to be of the same object.
            let options = options.with_if_match(meta.e_tag.clone());
            let (rest, whole) = (range.clone(), range.clone());
            let body = Body { store, location, options, rest, whole, chunks, fruitless: 0 };
            GetResultPayload::Stream(stream::try_unfold(body, next).boxed())
        }
        file => file,
    };
    GetResult { payload, meta, range, attributes }
}

async fn next(mut body: Body) -> Result<Option<(Bytes, Body)>> {
    loop {
        if body.rest.is_empty() {
            // To its very end, so that the connection can serve another request; what it says there no longer matters.
            let _ = body.chunks.next().await;
            return Ok(None);
        }
        match body.chunks.next().await {
            Some(Ok(chunk)) if chunk.is_empty() => {}
            Some(Ok(chunk)) => {
                body.rest.start += chunk.len() as u64;
                body.fruitless = 0;
                return Ok(Some((chunk, body)));
            }
            None => return Err(short(&body)),
            Some(Err(error)) => body.resume(error).await?,
        }
    }
}

fn short(body: &Body) -> Error {
    let found = Shortfall::BodyBytes(body.rest.start - body.whole.start);
    Error::Generic { store: "body", source: Box::new(ShortRange { range: body.whole.clone(), found }) }
}

impl Body {
    async fn resume(&mut self, error: Error) -> Result<()> {
        self.fruitless += 1;
        let hopeless = self.fruitless > FRUITLESS_MAX || self.options.if_match.is_none();
        if hopeless || !matches!(classify(&error), ErrorKind::Retry | ErrorKind::Throttled) {
            return Err(error);
        }
        tracing::debug!(location = %self.location, from = self.rest.start, %error, "body broke off, asking for its rest");
        let options = self.options.clone().with_range(Some(GetRange::Bounded(self.rest.clone())));
        let result = self.store.get_once(&self.location, options).await?;
        self.chunks = result.into_stream();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use object_store::memory::InMemory;
    use object_store::{
        CopyOptions, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions,
        PutOptions, PutPayload, PutResult,
    };

    use super::*;
    use crate::meter::Meter;

    /// Every body breaks off after so many bytes.
    #[derive(Debug)]
    struct Flaky {
        inner: InMemory,
        body_bytes: usize,
        /// Replaces the object before this request.
        replaced_at: usize,
        requests: AtomicUsize,
    }

    impl fmt::Display for Flaky {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Flaky")
        }
    }

    #[async_trait]
    impl ObjectStore for Flaky {
        async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
            if self.requests.fetch_add(1, Ordering::SeqCst) == self.replaced_at {
                self.inner.put(location, PutPayload::from_static(b"abcdefghij")).await?;
            }
            let mut result = self.inner.get_opts(location, options).await?;
            let GetResultPayload::Stream(body) = result.payload else {
                return Err(Error::NotSupported { source: "".into() });
            };
            let body_bytes = self.body_bytes;
            let broken = Error::Generic { store: "S3", source: "broken".into() };
            let body = body.map(move |chunk| chunk.map(|chunk| chunk.slice(..chunk.len().min(body_bytes))));
            result.payload = GetResultPayload::Stream(body.chain(stream::iter([Err(broken)])).boxed());
            Ok(result)
        }

        async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
            self.inner.put_opts(location, payload, options).await
        }

        async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
            Err(Error::NotSupported { source: "multipart".into() })
        }

        fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
            self.inner.delete_stream(locations)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.inner.list(prefix)
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.inner.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
            self.inner.copy_opts(from, to, options).await
        }
    }

    /// Reads ten bytes through bodies that bring `body_bytes`, and counts requests and bytes.
    async fn read(body_bytes: usize, replaced_at: usize) -> (Result<Bytes>, u64, u64) {
        let inner = InMemory::new();
        let path = Path::from("x");
        inner.put(&path, PutPayload::from_static(b"0123456789")).await.expect("put");
        let flaky = Flaky { inner, body_bytes, replaced_at, requests: AtomicUsize::new(0) };
        let meter = Arc::new(Meter::default());
        let store = MeteredStore::new(Arc::new(flaky), Arc::clone(&meter));
        let content = match store.get(&path).await {
            Ok(result) => result.bytes().await,
            Err(error) => Err(error),
        };
        let usage = meter.usage();
        (content, usage.requests.get, usage.bytes_in)
    }

    #[tokio::test]
    async fn a_body_goes_on_for_as_long_as_it_gets_further() {
        for (body_bytes, requests) in [(10, 1), (4, 3), (1, 10)] {
            let (content, gets, bytes_in) = read(body_bytes, usize::MAX).await;
            assert_eq!(content.expect("all of it"), Bytes::from_static(b"0123456789"));
            assert_eq!((gets, bytes_in), (requests, 10));
        }
    }

    #[tokio::test]
    async fn requests_that_bring_nothing_end() {
        let (content, gets, _) = read(0, usize::MAX).await;
        assert!(content.is_err());
        assert_eq!(gets, 1 + u64::from(FRUITLESS_MAX));
    }

    #[tokio::test]
    async fn halves_of_two_objects_are_not_put_together() {
        let (content, gets, _) = read(4, 1).await;
        assert!(matches!(content, Err(Error::Precondition { .. })), "{content:?}");
        assert_eq!(gets, 2);
    }
}
