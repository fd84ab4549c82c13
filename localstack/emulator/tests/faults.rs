//! What a client sees of each fault, and that what is promised of the store and of the function holds beside it.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::{Value, json};
use support::{Aws, TestResult, bootstrap_folder, refused};

const CONTENT: &[u8] = b"ten bytes.";

async fn start(faults: &str) -> Aws {
    let aws = Aws::start().await;
    aws.s3.create_bucket().bucket("bucket").send().await.expect("a bucket");
    put(&aws, "stage-0/x").await.expect("an object");
    let folder = bootstrap_folder(aws.root.path());
    let create = support::create_function(&aws, "f", &folder).timeout(60).memory_size(256);
    create.send().await.expect("a function");
    aws.emulator.set_faults(faults.parse().expect("faults"));
    aws
}

async fn put(aws: &Aws, key: &str) -> Result<(), aws_sdk_s3::Error> {
    aws.s3.put_object().bucket("bucket").key(key).body(ByteStream::from_static(CONTENT)).send().await?;
    Ok(())
}

async fn get(aws: &Aws, key: &str) -> Result<Vec<u8>, String> {
    let got = aws.s3.get_object().bucket("bucket").key(key).send().await.map_err(|error| format!("{error:?}"))?;
    got.body.collect().await.map(|body| body.to_vec()).map_err(|error| format!("{error:?}"))
}

/// The function's answer, or the type of the error in its place.
async fn invoke(aws: &Aws, event: &Value) -> Result<Value, String> {
    let sent = aws.lambda.invoke().function_name("f").payload(Blob::new(event.to_string())).send().await;
    let output = sent.map_err(|error| format!("{error:?}"))?;
    let payload = output.payload().map(|payload| payload.as_ref().to_vec()).unwrap_or_default();
    let payload: Value = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
    match output.function_error() {
        None => Ok(payload),
        Some(_) => Err(payload["errorType"].as_str().unwrap_or_default().to_owned()),
    }
}

fn append(path: &Path) -> Value {
    json!({ "do": "append", "path": path.to_string_lossy() })
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// Waits for what happens apart from any call.
async fn until(what: impl Fn() -> bool) -> bool {
    for _ in 0..500 {
        if what() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

fn file(aws: &Aws) -> PathBuf {
    aws.root.path().join("ran")
}

#[tokio::test]
async fn s3_refuses() {
    for (fault, code, status) in [("error_500", "InternalError", 500), ("error_503", "SlowDown", 503)] {
        let aws = start(&format!("s3.{fault}=1")).await;
        let sent = aws.s3.put_object().bucket("bucket").key("new").body(ByteStream::from_static(CONTENT)).send().await;
        assert_eq!(refused(sent), (code.to_owned(), status));
        assert_eq!(refused(aws.s3.list_objects_v2().bucket("bucket").send().await), (code.to_owned(), status));
        assert_eq!(aws.emulator.fault_counts(), BTreeMap::from([(&*format!("s3.{fault}").leak(), 2)]));
        aws.emulator.set_faults("".parse().expect("none"));
        assert!(get(&aws, "new").await.is_err(), "a refused write wrote");
    }
}

#[tokio::test]
async fn s3_bodies_break_off_change_and_come_late() {
    let aws = start("s3.truncated=1").await;
    assert!(get(&aws, "stage-0/x").await.is_err());
    aws.emulator.set_faults("s3.corrupted=1".parse().expect("faults"));
    let changed = get(&aws, "stage-0/x").await.expect_err("AWS's client compares checksums");
    assert!(changed.contains("ChecksumMismatch"), "{changed}");
    put(&aws, "elsewhere").await.expect("a write has no such fault");
    assert_eq!(get(&aws, "elsewhere").await.expect("a body"), CONTENT, "only some keys change");
    aws.emulator.set_faults("s3.slow=1,s3.slow_ms=300".parse().expect("faults"));
    let began = tokio::time::Instant::now();
    assert_eq!(get(&aws, "stage-0/x").await.expect("a body"), CONTENT);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn s3_does_not_answer_or_does_and_says_no() {
    let aws = start("s3.timeout=1,s3.timeout_ms=50").await;
    assert!(get(&aws, "stage-0/x").await.is_err());
    aws.emulator.set_faults("s3.lost_reply=1".parse().expect("faults"));
    assert!(put(&aws, "new").await.is_err());
    aws.emulator.set_faults("".parse().expect("none"));
    assert_eq!(get(&aws, "new").await.expect("it was written"), CONTENT);
}

#[tokio::test]
async fn lambda_refuses_and_the_function_does_not_run() {
    for (fault, code, status) in
        [("throttled", "TooManyRequestsException", 429), ("error_500", "ServiceException", 500)]
    {
        let aws = start(&format!("lambda.{fault}=1")).await;
        let path = file(&aws);
        let sent = aws.lambda.invoke().function_name("f").payload(Blob::new(append(&path).to_string())).send().await;
        assert_eq!(refused(sent), (code.to_owned(), status));
        assert_eq!(lines(&path), 0);
    }
}

#[tokio::test]
async fn functions_die_before_and_after_their_work() {
    for (fault, error, ran) in [("crash_before", "Runtime.ExitError", 0), ("crash_after", "Runtime.ExitError", 1)] {
        let aws = start(&format!("lambda.{fault}=1")).await;
        let path = file(&aws);
        assert_eq!(invoke(&aws, &append(&path)).await, Err(error.to_owned()));
        assert_eq!(lines(&path), ran, "{fault}");
        assert!(until(|| aws.emulator.sandboxes().is_empty()).await, "{fault}: the sandbox lives on");
    }
    let aws = start("lambda.out_of_memory=1").await;
    let error = invoke(&aws, &json!({ "do": "sleep", "ms": 5000 })).await;
    assert_eq!(error, Err("Runtime.OutOfMemory".to_owned()));
}

#[tokio::test]
async fn a_function_that_timed_out_goes_on_as_a_zombie() -> TestResult {
    let aws = start("lambda.timeout=1").await;
    let (path, after) = (file(&aws), aws.root.path().join("heard"));
    let mut event = append(&path);
    event["after"] = json!(after.to_string_lossy());
    assert_eq!(invoke(&aws, &event).await, Err("Sandbox.Timedout".to_owned()));
    assert_eq!(lines(&path), 0);
    std::fs::write(&after, "")?;
    assert!(until(|| lines(&path) == 1).await, "it never ran");
    Ok(())
}

#[tokio::test]
async fn a_reply_is_lost_and_an_event_comes_twice() {
    let aws = start("lambda.lost_reply=1").await;
    let path = file(&aws);
    assert!(invoke(&aws, &append(&path)).await.is_err());
    assert_eq!(lines(&path), 1);
    aws.emulator.set_faults("lambda.duplicated=1".parse().expect("faults"));
    assert!(invoke(&aws, &append(&path)).await.is_ok());
    assert!(until(|| lines(&path) == 3).await, "{} runs", lines(&path));
    let pids = std::fs::read_to_string(&path).expect("the file");
    let pids: Vec<&str> = pids.lines().skip(1).collect();
    assert_ne!(pids[0], pids[1], "both ran in one sandbox");
    assert_eq!(aws.emulator.fault_counts(), BTreeMap::from([("lambda.duplicated", 1)]));
}

#[tokio::test]
async fn the_same_seed_fails_in_the_same_places() {
    let aws = start("").await;
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        aws.emulator.set_faults(format!("seed={seed},s3.error_500=0.3").parse().expect("faults"));
        let mut run = Vec::new();
        for _ in 0..40 {
            run.push(get(&aws, "stage-0/x").await.is_ok());
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].contains(&true) && runs[0].contains(&false));
}
