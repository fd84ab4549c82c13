//! [`ObjectWriter`]: an object written piece by piece, that appears whole or not at all.

use std::mem;

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::task::JoinSet;

use crate::{Location, StorageError};

/// An object up to this size is one PUT; a larger one goes in parts of this size, which stores demand to be equal.
pub(crate) const PART_BYTES: usize = 16 * 1024 * 1024;
/// Parts under way at a time; with the one that fills up, a writer holds at most 80 MiB.
const PARTS_UNDER_WAY_MAX: usize = 4;
/// S3's limit (AWS "Amazon S3 multipart upload limits").
const PARTS_MAX: u64 = 10_000;

/// Buffers and uploads. The object exists once [`finish`](Self::finish) has returned; a writer that is dropped leaves
/// none, but on S3 its parts stay until the bucket's rule for incomplete uploads removes them.
#[derive(Debug)]
pub struct ObjectWriter {
    location: Location,
    url: String,
    buffer: Vec<Bytes>,
    buffered_bytes: usize,
    written_bytes: u64,
    upload: Upload,
}

#[derive(Debug)]
enum Upload {
    /// All of it is in the buffer.
    None,
    Parts {
        upload: Box<dyn MultipartUpload>,
        /// Ends with the writer: a part does not outlive it.
        under_way: JoinSet<object_store::Result<()>>,
    },
    Failed,
}

impl ObjectWriter {
    pub(crate) fn new(location: Location, url: String) -> Self {
        Self { location, url, buffer: Vec::new(), buffered_bytes: 0, written_bytes: 0, upload: Upload::None }
    }

    /// Takes the next bytes. Waits while four parts are under way. After an error the upload is gone.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), StorageError> {
        while !bytes.is_empty() {
            // A part goes out only when more follows it, so that an object of exactly one part is a single PUT.
            if self.buffered_bytes == PART_BYTES {
                self.upload_part().await?;
            }
            let taken = bytes.split_to(bytes.len().min(PART_BYTES - self.buffered_bytes));
            self.buffered_bytes += taken.len();
            self.written_bytes += taken.len() as u64;
            self.buffer.push(taken);
        }
        Ok(())
    }

    /// Bytes taken so far.
    pub fn bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Writes what is left and makes the object appear.
    pub async fn finish(mut self) -> Result<(), StorageError> {
        match self.upload {
            Upload::None => {
                let payload = self.take_buffer();
                let put = self.location.store.put(&self.location.path, payload).await;
                put.map_err(|source| self.failed(source))?;
                Ok(())
            }
            Upload::Parts { .. } => {
                self.upload_part().await?;
                let completed = self.complete().await;
                self.or_abort(completed).await
            }
            Upload::Failed => Err(StorageError::WriterFailed { url: self.url }),
        }
    }

    /// Leaves no object and no parts.
    pub async fn abort(mut self) -> Result<(), StorageError> {
        if let Upload::Parts { mut upload, mut under_way } = mem::replace(&mut self.upload, Upload::Failed) {
            under_way.shutdown().await;
            upload.abort().await.map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    async fn upload_part(&mut self) -> Result<(), StorageError> {
        let started = self.start_part().await;
        self.or_abort(started).await
    }

    async fn start_part(&mut self) -> Result<(), StorageError> {
        if self.written_bytes > PARTS_MAX * PART_BYTES as u64 {
            return Err(StorageError::TooLarge { url: self.url.clone(), bytes: self.written_bytes });
        }
        if matches!(self.upload, Upload::None) {
            let Location { store, path, .. } = &self.location;
            let upload = store.put_multipart(path).await.map_err(|source| self.failed(source))?;
            self.upload = Upload::Parts { upload, under_way: JoinSet::new() };
        }
        let payload = self.take_buffer();
        let Upload::Parts { upload, under_way } = &mut self.upload else {
            return Err(StorageError::WriterFailed { url: self.url.clone() });
        };
        while under_way.len() >= PARTS_UNDER_WAY_MAX {
            join_part(under_way).await.map_err(|source| StorageError::new("write", &self.url, source))?;
        }
        under_way.spawn(upload.put_part(payload));
        Ok(())
    }

    async fn complete(&mut self) -> Result<(), StorageError> {
        let Upload::Parts { upload, under_way } = &mut self.upload else {
            return Err(StorageError::WriterFailed { url: self.url.clone() });
        };
        let failed = |source| StorageError::new("write", &self.url, source);
        while !under_way.is_empty() {
            join_part(under_way).await.map_err(failed)?;
        }
        upload.complete().await.map_err(failed)?;
        Ok(())
    }

    /// Cleans up behind an error. If that fails too, the first error is the one to tell.
    async fn or_abort(&mut self, result: Result<(), StorageError>) -> Result<(), StorageError> {
        if result.is_err()
            && let Upload::Parts { mut upload, mut under_way } = mem::replace(&mut self.upload, Upload::Failed)
        {
            under_way.shutdown().await;
            if let Err(error) = upload.abort().await {
                tracing::debug!(url = %self.url, %error, "parts of a failed upload stay behind");
            }
        }
        result
    }

    fn take_buffer(&mut self) -> PutPayload {
        self.buffered_bytes = 0;
        PutPayload::from_iter(mem::take(&mut self.buffer))
    }

    fn failed(&self, source: object_store::Error) -> StorageError {
        StorageError::new("write", &self.url, source)
    }
}

async fn join_part(under_way: &mut JoinSet<object_store::Result<()>>) -> object_store::Result<()> {
    match under_way.join_next().await {
        Some(joined) => joined?,
        None => Ok(()),
    }
}

/// Writes an object that is already in memory, by the same rule.
pub(crate) async fn put(location: Location, url: &str, bytes: Bytes) -> Result<(), StorageError> {
    let mut writer = ObjectWriter::new(location, url.to_owned());
    writer.write(bytes).await?;
    writer.finish().await
}
