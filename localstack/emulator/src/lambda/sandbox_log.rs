//! The log of one sandbox: a file that the process and the emulator both append to, as CloudWatch's log stream would
//! have it. Lines are short and go to the page cache, so they are written where they arise.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use time::OffsetDateTime;
use time::macros::format_description;
use tracing::debug;
use uuid::Uuid;

use crate::error::EmulatorError;

/// `X-Amz-Log-Result` carries the last 4 KB.
const TAIL_BYTES_MAX: u64 = 4096;

#[derive(Debug)]
pub(super) struct SandboxLog {
    file: File,
    /// `2026/01/31/[$LATEST]…`
    pub stream_name: String,
}

impl SandboxLog {
    pub(super) fn create(logs_dir: &Path, function: &str) -> Result<Self, EmulatorError> {
        let id = Uuid::new_v4().simple().to_string();
        let now = OffsetDateTime::now_utc();
        let day = now.format(format_description!("[year]/[month]/[day]")).unwrap_or_default();
        let time = now.format(format_description!("[year][month][day]T[hour][minute][second]")).unwrap_or_default();
        let folder = logs_dir.join(function);
        fs::create_dir_all(&folder).map_err(EmulatorError::state(&folder))?;
        let path = folder.join(format!("{time}-{id}.log"));
        let opened = File::options().create(true).append(true).read(true).open(&path);
        let file = opened.map_err(EmulatorError::state(path))?;
        Ok(Self { file, stream_name: format!("{day}/[$LATEST]{id}") })
    }

    /// A handle for the process.
    pub(super) fn for_process(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub(super) fn line(&self, line: &str) {
        // A full disk must not fail an invocation.
        if let Err(error) = (&self.file).write_all(format!("{line}\n").as_bytes()) {
            debug!(%error, "log line lost");
        }
    }

    /// Where the next line will begin.
    pub(super) fn position(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// The end of what was written from `from` on.
    pub(super) fn tail(&self, from: u64) -> Vec<u8> {
        let end = self.position();
        let start = from.max(end.saturating_sub(TAIL_BYTES_MAX));
        let mut tail = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or(0)];
        if let Err(error) = self.file.read_exact_at(&mut tail, start) {
            debug!(%error, "log tail lost");
            tail.clear();
        }
        tail
    }
}
