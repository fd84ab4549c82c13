//! The bytes of wire version 1. A change that these files do not survive is a new version, with a folder of its own.

use firesteel_protocol::{
    Blob, ErrorKind, FilePartition, Inputs, JobId, LeafInput, OutputSpec, RequestCounts, Segment, SegmentEncoding,
    SegmentRun, StageId, TaskEnvelope, TaskError, TaskId, TaskMetrics, TaskOutcome, TaskOutput, TaskReport, WireError,
};
use serde_json::Value;

const TASK: TaskId = TaskId { stage: StageId(2), index: 7 };

fn envelope() -> TaskEnvelope {
    TaskEnvelope {
        version: 1,
        job: JobId("job-1".to_owned()),
        task: TASK,
        attempt: 1,
        plan: Blob::Stored { url: "s3://bucket/job-1/stage-2/plan".to_owned(), bytes: 70_000, crc64: u64::MAX },
        inputs: Inputs::Inline(vec![
            LeafInput::Files(vec![FilePartition { encoded: vec![0, 1, 2, 255], bytes: 123_456_789_012 }]),
            LeafInput::Shuffle {
                partitions: 2,
                encoding: SegmentEncoding::IpcZstd,
                runs: vec![SegmentRun {
                    url: "s3://bucket/job-1/stage-0/task-0/attempt-0.segments".to_owned(),
                    segments: vec![
                        Segment { partition: 0, offset: 0, bytes: 100, rows: 3, crc64: 1 << 63 },
                        Segment { partition: 1, offset: 100, bytes: 50, rows: 1, crc64: 0 },
                    ],
                }],
            },
            LeafInput::Literal,
        ]),
        output: OutputSpec::Shuffle { encoding: SegmentEncoding::Parquet },
        work_url: "s3://bucket/job-1".to_owned(),
        settings: [("datafusion.execution.target_partitions".to_owned(), "2".to_owned())].into(),
    }
}

fn envelope_of_one_task() -> TaskEnvelope {
    TaskEnvelope {
        version: 1,
        job: JobId("job-2".to_owned()),
        task: TaskId { stage: StageId(0), index: 0 },
        attempt: 0,
        plan: Blob::Inline(b"plan".to_vec()),
        inputs: Inputs::Stored(Blob::Inline(b"[]".to_vec())),
        output: OutputSpec::Result { inline_bytes_max: 1 << 20 },
        work_url: "file:///jobs/job-2".to_owned(),
        settings: [].into(),
    }
}

fn report_done() -> TaskReport {
    TaskReport {
        version: 1,
        job: JobId("job-1".to_owned()),
        task: TASK,
        attempt: 1,
        outcome: TaskOutcome::Done(TaskOutput {
            url: Some("s3://bucket/job-1/stage-2/task-7/attempt-1.segments".to_owned()),
            segments: vec![Segment { partition: 4, offset: 0, bytes: 10, rows: 2, crc64: 77 }],
            inline: None,
        }),
        metrics: TaskMetrics {
            rows_in: 5,
            rows_out: 2,
            bytes_in: 300,
            bytes_out: 10,
            requests: RequestCounts { get: 1, head: 2, put: 3, list: 4, delete: 5 },
            wall_ms: 12,
            cpu_ms: 9,
            memory_bytes_peak: 1000,
            spill_bytes: 0,
            init_ms: Some(38),
        },
    }
}

fn report_failed() -> TaskReport {
    TaskReport {
        version: 1,
        job: JobId("job-1".to_owned()),
        task: TASK,
        attempt: 0,
        outcome: TaskOutcome::Failed(TaskError {
            kind: ErrorKind::UserFix,
            class: Some("DIVIDE_BY_ZERO".to_owned()),
            parameters: Default::default(),
            message: "Divide by zero error".to_owned(),
            lost_object: Some("s3://bucket/job-1/stage-0/task-0/attempt-0.segments".to_owned()),
        }),
        metrics: TaskMetrics { wall_ms: 1, cpu_ms: 1, ..TaskMetrics::default() },
    }
}

/// Written by hand, so that both directions are compared with something that this code did not make.
fn check(written: &str, encoded: &[u8]) {
    let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
    assert_eq!(value(encoded), value(written.as_bytes()));
}

#[test]
fn envelopes() {
    for (written, envelope) in [
        (include_str!("wire/v1/envelope.json"), envelope()),
        (include_str!("wire/v1/envelope_of_one_task.json"), envelope_of_one_task()),
    ] {
        assert_eq!(TaskEnvelope::decode(written.as_bytes()).expect("an envelope"), envelope);
        check(written, &envelope.encode().expect("bytes"));
    }
}

#[test]
fn reports() {
    for (written, report) in [
        (include_str!("wire/v1/report_done.json"), report_done()),
        (include_str!("wire/v1/report_failed.json"), report_failed()),
    ] {
        assert_eq!(TaskReport::decode(written.as_bytes()).expect("a report"), report);
        check(written, &report.encode().expect("bytes"));
    }
}

#[test]
fn bytes_of_rows_come_back() {
    let mut report = report_done();
    let output = TaskOutput { url: None, segments: Vec::new(), inline: Some((0..=255).collect()) };
    report.outcome = TaskOutcome::Done(output);
    assert_eq!(TaskReport::decode(&report.encode().expect("bytes")).expect("a report"), report);
}

#[test]
fn another_version_says_what_to_do() {
    // The rest of a later version need not make sense to this one.
    let error = TaskEnvelope::decode(br#"{"version": 2, "task": "a name"}"#).expect_err("a version that is not ours");
    assert!(matches!(error, WireError::Version { found: 2, .. }));
    assert!(error.to_string().contains("deploy the same version"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Bug);
    for bytes in [b"".as_slice(), b"{}", b"[1]", br#"{"version": 1}"#, b"\xff"] {
        assert!(matches!(TaskReport::decode(bytes), Err(WireError::Malformed { .. })), "{bytes:?}");
    }
}
