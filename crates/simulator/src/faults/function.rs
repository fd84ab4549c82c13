//! What a simulated function does: reads what its envelope names, adds up, writes one object, reports.

use bytes::Bytes;
use firesteel_formats::{WrittenFile, written_batch, written_schema};
use firesteel_protocol::{
    ErrorKind, JobId, Segment, TaskError, TaskMetrics, TaskOutcome, TaskOutput, TaskReport, WIRE_VERSION,
};
use firesteel_shuffle::ipc_encode;
use firesteel_storage::{Storage, StorageError, crc64};
use std::time::Duration;

use super::chance::Chance;
use super::work::{ROWS, SimEnvelope, SimInput, own_number, share};

/// GETs of an input whose bytes differ, before it counts as lost.
const TRIES_MAX: u32 = 3;
/// Tries of a request that the store refuses.
const CLIENT_TRIES_MAX: u32 = 4;

/// Runs one attempt.
pub(super) async fn run(envelope: SimEnvelope, storage: Storage, chance: Chance, slowdown: u32) -> Bytes {
    tokio::time::sleep(Duration::from_millis(envelope.compute_ms * u64::from(slowdown))).await;
    let outcome = match task(&envelope, &storage, &chance).await {
        Ok(output) => TaskOutcome::Done(output),
        Err(error) => TaskOutcome::Failed(error),
    };
    let report = TaskReport {
        version: WIRE_VERSION,
        job: JobId(envelope.job.clone()),
        task: envelope.task,
        attempt: envelope.attempt,
        outcome,
        metrics: TaskMetrics { rows_out: ROWS, wall_ms: envelope.compute_ms, ..TaskMetrics::default() },
    };
    // A report of plain numbers and texts is JSON.
    report.encode().map(Bytes::from).unwrap_or_default()
}

async fn task(envelope: &SimEnvelope, storage: &Storage, chance: &Chance) -> Result<TaskOutput, TaskError> {
    let mut number = own_number(envelope.task);
    for input in &envelope.inputs {
        number = number.wrapping_add(share(read(input, storage).await?, envelope.task));
    }
    let content = Bytes::from(number.to_string());
    // As a function's: each delivery of an attempt has a key of its own.
    let nonce = format!("{:08x}", chance.between(0, 1 << 32));
    let url = match &envelope.staging_url {
        Some(staging) => format!("{staging}/{nonce}.txt"),
        None => format!("{}/stage-{}/task-{}-{nonce}", envelope.work_url, envelope.task.stage, envelope.task.index),
    };
    write(storage, &url, content.clone()).await?;
    if !envelope.is_answer {
        return Ok(object(url, &content));
    }
    let files = match &envelope.staging_url {
        Some(_) => {
            vec![WrittenFile { url, folder: String::new(), rows: ROWS, bytes: content.len() as u64 }]
        }
        // Without a table the answer is the number itself, in the place of a file's name.
        None => vec![WrittenFile { url: number.to_string(), folder: String::new(), rows: ROWS, bytes: 0 }],
    };
    inline(&files)
}

async fn read(input: &SimInput, storage: &Storage) -> Result<u64, TaskError> {
    let lost =
        |text: String| TaskError { lost_object: Some(input.url.clone()), ..TaskError::new(ErrorKind::Retry, text) };
    let (mut tries, mut differences) = (0, 0);
    while differences < TRIES_MAX {
        let content = match storage.get(&input.url).await {
            Ok(content) => content,
            Err(error @ StorageError::NotFound { .. }) => return Err(lost(error.to_string())),
            // As a function's storage client does.
            Err(error) if tries < CLIENT_TRIES_MAX && error.kind() == ErrorKind::Retry => {
                tries += 1;
                continue;
            }
            Err(error) => return Err(TaskError::new(error.kind(), error.to_string())),
        };
        differences += 1;
        if crc64(&content) == input.crc64 {
            let number = std::str::from_utf8(&content).ok().and_then(|text| text.parse().ok());
            return number.ok_or_else(|| TaskError::new(ErrorKind::Bug, "a simulated object holds no number"));
        }
    }
    Err(lost(format!("{}: its checksum differs", input.url)))
}

/// With a few tries, as a function's storage client has them.
async fn write(storage: &Storage, url: &str, content: Bytes) -> Result<(), TaskError> {
    let mut tries = 0;
    loop {
        match storage.put(url, content.clone()).await {
            Ok(()) => return Ok(()),
            Err(error) if tries == CLIENT_TRIES_MAX => return Err(TaskError::new(error.kind(), error.to_string())),
            Err(_) => tries += 1,
        }
    }
}

fn object(url: String, content: &Bytes) -> TaskOutput {
    let segment = Segment { partition: 0, offset: 0, bytes: content.len() as u64, rows: ROWS, crc64: crc64(content) };
    TaskOutput { url: Some(url), segments: vec![segment], inline: None }
}

fn inline(files: &[WrittenFile]) -> Result<TaskOutput, TaskError> {
    let bug = |text: String| TaskError::new(ErrorKind::Bug, text);
    let batch = written_batch(files).map_err(|error| bug(error.to_string()))?;
    let bytes = ipc_encode(&written_schema(), &[batch]).map_err(|error| bug(error.to_string()))?;
    let segment = Segment { partition: 0, offset: 0, bytes: bytes.len() as u64, rows: 1, crc64: crc64(&bytes) };
    Ok(TaskOutput { url: None, segments: vec![segment], inline: Some(bytes.to_vec()) })
}
