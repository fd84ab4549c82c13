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
        match body.chunks.next().await {
            Some(Ok(chunk)) if chunk.is_empty() => {}
            Some(Ok(chunk)) => {
                body.rest.start += chunk.len() as u64;
                body.fruitless = 0;
                return Ok(Some((chunk, body)));
            }
            None if body.rest.is_empty() => return Ok(None),
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
        if hopeless || classify(&error) != ErrorKind::Retry {
            return Err(error);
        }
        tracing::debug!(location = %self.location, from = self.rest.start, %error, "body broke off, asking for its rest");
        let options = self.options.clone().with_range(Some(GetRange::Bounded(self.rest.clone())));
        let result = self.store.get_once(&self.location, options).await?;
        self.chunks = result.into_stream();
        Ok(())
    }
}
