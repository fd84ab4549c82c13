//! What clients upload before the plans that use it (`AddArtifacts`): rows for local relations, in temporary files.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use bytes::Bytes;
use firesteel_spec::{SparkError, SparkResult};
use parking_lot::Mutex;
use tempfile::{NamedTempFile, TempDir};

use crate::convert::UploadedRelations;
use crate::proto::add_artifacts_request::{ArtifactChunk, Payload};
use crate::proto::add_artifacts_response::ArtifactSummary;

/// Names of rows begin so, and go on with a hash.
const CACHE: &str = "cache/";

/// What one session has uploaded. All of it blocks.
#[derive(Debug)]
pub(crate) struct Uploads {
    bytes_max: u64,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    /// Made when something comes.
    folder: Option<TempDir>,
    /// By hashes.
    complete: HashMap<String, PathBuf>,
    bytes: u64,
}

impl Uploads {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, files: Mutex::new(Files::default()) }
    }

    /// Whether an artifact of this name is here.
    pub(crate) fn exists(&self, name: &str) -> bool {
        name.strip_prefix(CACHE).is_some_and(|hash| self.files.lock().complete.contains_key(hash))
    }

    fn begin(&self, name: &str) -> SparkResult<Part> {
        let hash = name.strip_prefix(CACHE).ok_or_else(|| {
            let what = format!("the artifact {name} cannot be used: Firesteel takes rows ({CACHE}…) alone");
            SparkError::new("UNSUPPORTED_FEATURE", what).with("feature", name)
        })?;
        if hash.is_empty() || hash.len() > 128 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(SparkError::new(
                "INVALID_ARTIFACT_PATH",
                format!("Artifact with name {name} is invalid. The name must be a relative path and cannot reference parent/sibling/nephew directories."),
            )
            .with("name", name));
        }
        let mut files = self.files.lock();
        let folder = match &files.folder {
            Some(folder) => folder.path().to_owned(),
            None => files.folder.insert(TempDir::new().map_err(|error| io("make a folder", &error))?).path().to_owned(),
        };
        let file = NamedTempFile::new_in(folder).map_err(|error| io("make a file", &error))?;
        Ok(Part { name: name.to_owned(), hash: hash.to_owned(), file, bytes: 0, intact: true })
    }

    fn append(&self, part: &mut Part, chunk: &ArtifactChunk) -> SparkResult<()> {
        part.intact &= i64::from(crc32fast::hash(&chunk.data)) == chunk.crc;
        if !part.intact {
            return Ok(());
        }
        let bytes = chunk.data.len() as u64;
        let mut files = self.files.lock();
        if files.bytes + bytes > self.bytes_max {
            return Err(SparkError::new(
                "CONNECT_INVALID_PLAN.LOCAL_RELATION_SIZE_LIMIT_EXCEEDED",
                format!(
                    "The Spark Connect plan is invalid. A session may upload {} bytes of rows; close it, or read the \
                     rows from files",
                    self.bytes_max
                ),
            )
            .with("limit", self.bytes_max.to_string())
            .with("actualSize", (files.bytes + bytes).to_string()));
        }
        files.bytes += bytes;
        drop(files);
        part.bytes += bytes;
        part.file.write_all(&chunk.data).map_err(|error| io("write a file", &error))
    }

    /// Takes what was written, or gives its space back.
    fn complete(&self, part: Part) -> SparkResult<ArtifactSummary> {
        let mut files = self.files.lock();
        let summary = ArtifactSummary { name: part.name, is_crc_successful: part.intact };
        if !part.intact || files.complete.contains_key(&part.hash) {
            files.bytes = files.bytes.saturating_sub(part.bytes);
            return Ok(summary);
        }
        let (_, path) = part.file.keep().map_err(|error| io("keep a file", &error.error))?;
        files.complete.insert(part.hash, path);
        Ok(summary)
    }
}

impl UploadedRelations for Uploads {
    fn uploaded(&self, hash: &str) -> SparkResult<Option<Bytes>> {
        let path = self.files.lock().complete.get(hash).cloned();
        path.map(|path| fs::read(path).map(Bytes::from).map_err(|error| io("read a file", &error))).transpose()
    }
}

fn io(what: &str, error: &std::io::Error) -> SparkError {
    SparkError::new("INTERNAL_ERROR", format!("the server cannot {what} for an uploaded artifact: {error}"))
}

/// An artifact of which not all has come.
#[derive(Debug)]
struct Part {
    name: String,
    hash: String,
    file: NamedTempFile,
    bytes: u64,
    intact: bool,
}

/// One call of `AddArtifacts`: batches of whole artifacts, and artifacts in chunks.
#[derive(Debug, Default)]
pub(crate) struct Receiving {
    open: Option<(Part, i64)>,
    summaries: Vec<ArtifactSummary>,
}

impl Receiving {
    pub(crate) fn receive(&mut self, uploads: &Uploads, payload: Payload) -> SparkResult<()> {
        match payload {
            Payload::Chunk(chunk) => {
                let Some((part, left)) = &mut self.open else { return Err(wrong("a chunk belongs to no artifact")) };
                uploads.append(part, &chunk)?;
                *left -= 1;
            }
            _ if self.open.is_some() => return Err(wrong("an artifact is cut short")),
            Payload::BeginChunk(begin) => {
                let chunk = begin.initial_chunk.ok_or_else(|| wrong("an artifact has no first chunk"))?;
                let mut part = uploads.begin(&begin.name)?;
                uploads.append(&mut part, &chunk)?;
                self.open = Some((part, begin.num_chunks.saturating_sub(1)));
            }
            Payload::Batch(batch) => {
                for artifact in batch.artifacts {
                    let mut part = uploads.begin(&artifact.name)?;
                    uploads.append(&mut part, &artifact.data.ok_or_else(|| wrong("an artifact has no data"))?)?;
                    self.summaries.push(uploads.complete(part)?);
                }
            }
        }
        if let Some((part, _)) = self.open.take_if(|(_, left)| *left <= 0) {
            self.summaries.push(uploads.complete(part)?);
        }
        Ok(())
    }

    /// What came, after the last message. What has not come whole is dropped.
    pub(crate) fn finish(self) -> SparkResult<Vec<ArtifactSummary>> {
        if self.open.is_some() { Err(wrong("an artifact is cut short")) } else { Ok(self.summaries) }
    }
}

fn wrong(what: &str) -> SparkError {
    SparkError::invalid_plan(format!("an upload is wrong: {what}"))
}
