//! A range of a file as a response body. Small ranges are one buffer; large ones are read ahead by one chunk while the
//! chunk before is being sent, so a GET holds two chunks of memory however large the object is.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{Body, StdError};
use tokio::task::JoinHandle;

const CHUNK_BYTES: u64 = 1 << 20;

/// Reads the first chunk at once; to be called off the async threads.
pub(super) fn file_body(file: File, range: Range<u64>) -> io::Result<StreamingBlob> {
    let first = read_chunk(&file, &range)?;
    if range.end - range.start == first.len() as u64 {
        return Ok(StreamingBlob::from(Body::from(first)));
    }
    let rest = range.start + first.len() as u64..range.end;
    Ok(StreamingBlob::new(FileStream { file: Arc::new(file), first: Some(first), rest, reading: None }))
}

fn read_chunk(file: &File, range: &Range<u64>) -> io::Result<Bytes> {
    let length = (range.end - range.start).min(CHUNK_BYTES);
    let mut chunk = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut chunk, range.start)?;
    Ok(chunk.into())
}

struct FileStream {
    file: Arc<File>,
    first: Option<Bytes>,
    /// What no chunk has been taken from yet.
    rest: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileStream {
    fn read_ahead(&mut self) {
        if !self.rest.is_empty() {
            let (file, range) = (Arc::clone(&self.file), self.rest.clone());
            self.reading = Some(tokio::task::spawn_blocking(move || read_chunk(&file, &range)));
        }
    }
}

impl Stream for FileStream {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            self.read_ahead();
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(reading) = self.reading.as_mut() else { return Poll::Ready(None) };
        let chunk = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        match chunk {
            Ok(Ok(chunk)) => {
                self.rest.start += chunk.len() as u64;
                self.read_ahead();
                Poll::Ready(Some(Ok(chunk)))
            }
            Ok(Err(error)) => Poll::Ready(Some(Err(error.into()))),
            Err(error) => Poll::Ready(Some(Err(error.into()))),
        }
    }
}

impl ByteStream for FileStream {
    fn remaining_length(&self) -> RemainingLength {
        let first = self.first.as_ref().map_or(0, Bytes::len);
        let rest = usize::try_from(self.rest.end - self.rest.start).unwrap_or(usize::MAX);
        RemainingLength::new_exact(first + rest)
    }
}
