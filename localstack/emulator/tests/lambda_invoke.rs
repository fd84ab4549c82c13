//! Invocations through the AWS SDK: what a function is given, what comes back, and what becomes of its sandbox.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, InvocationType, LogType};
use base64::Engine;
use firesteel_emulator::SandboxInfo;
use serde_json::{Value, json};
use support::{Aws, TestResult, bootstrap_folder, refused};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// An emulator with one function, `f`, of 128 MB. Its timeout is out of reach, however busy the machine is.
async fn start() -> Outcome<Aws> {
    let aws = Aws::start().await;
    create(&aws, "f").await?;
    Ok(aws)
}

async fn create(aws: &Aws, name: &str) -> Outcome<()> {
    let folder = bootstrap_folder(aws.root.path());
    support::create_function(aws, name, &folder).timeout(120).memory_size(128).send().await?;
    Ok(())
}

impl Aws {
    fn invocation(&self, event: &Value) -> InvokeFluentBuilder {
        self.lambda.invoke().function_name("f").payload(Blob::new(event.to_string()))
    }

    async fn invoke(&self, event: Value) -> Outcome<Value> {
        let output = self.invocation(&event).send().await?;
        match output.function_error() {
            None => payload(&output),
            Some(error) => Err(format!("{error}: {}", payload(&output)?).into()),
        }
    }

    /// The error that the function ends with: the header, and the payload's type and message.
    async fn fail(&self, event: Value) -> Outcome<(String, String, String)> {
        let output = self.invocation(&event).send().await?;
        let payload = payload(&output)?;
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        let header = output.function_error().unwrap_or("none").to_owned();
        // The request id differs from run to run.
        let message = text("errorMessage");
        let message = message.split_once(" Error: ").map_or(message.as_str(), |(_, message)| message).to_owned();
        Ok((header, text("errorType"), message))
    }

    async fn pid(&self) -> Outcome<u64> {
        self.invoke(json!({ "do": "pid" })).await?.as_u64().ok_or_else(|| "a pid".into())
    }

    /// Waits for a file that the function writes, and returns what is in it.
    async fn written(&self, path: &Path) -> Outcome<String> {
        let until = Instant::now() + Duration::from_secs(10);
        while !path.exists() {
            if Instant::now() > until {
                return Err(format!("{} was not written", path.display()).into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(std::fs::read_to_string(path)?)
    }
}

fn payload(output: &InvokeOutput) -> Outcome<Value> {
    Ok(serde_json::from_slice(output.payload().map(AsRef::as_ref).unwrap_or_default())?)
}

/// The letter that the kernel gives a process's state, or none once it is gone.
fn process_state(pid: u64) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

fn kill(pid: u64) -> TestResult {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status()?;
    if status.success() { Ok(()) } else { Err("kill failed".into()) }
}

#[tokio::test]
async fn an_event_goes_in_and_its_reply_comes_out() -> TestResult {
    let aws = start().await?;
    let event = json!({ "do": "echo", "text": "ü", "list": [1, 2.5, null] });
    let output = aws.invocation(&event).send().await?;
    assert_eq!(payload(&output)?, event);
    assert_eq!((output.status_code(), output.executed_version()), (200, Some("$LATEST")));
    let empty = aws.lambda.invoke().function_name("f").send().await?;
    assert_eq!(payload(&empty)?, json!({}));
    let by_arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    let by_arn = aws.lambda.invoke().function_name(by_arn).payload(Blob::new("[]")).send().await?;
    assert_eq!(payload(&by_arn)?, json!([]));
    Ok(())
}

#[tokio::test]
async fn the_environment_is_that_of_lambda() -> TestResult {
    let aws = Aws::start().await;
    let folder = bootstrap_folder(aws.root.path());
    let own = Environment::builder().variables("OWN", "value").build();
    support::create_function(&aws, "f", &folder).memory_size(200).environment(own).send().await?;
    for (name, expected) in [
        ("OWN", "value"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "200"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_REGION", "us-east-1"),
        ("_HANDLER", "bootstrap"),
        ("TZ", ":UTC"),
        ("AWS_ENDPOINT_URL_S3", aws.emulator.s3_endpoint()),
    ] {
        assert_eq!(aws.invoke(json!({ "do": "env", "name": name })).await?, expected, "{name}");
    }
    // Nothing of this process's own.
    assert_eq!(aws.invoke(json!({ "do": "env", "name": "CARGO" })).await?, Value::Null);
    let context = aws.invoke(json!({ "do": "context" })).await?;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    assert_eq!(context["lambda-runtime-invoked-function-arn"], arn);
    let deadline = context["lambda-runtime-deadline-ms"].as_str().unwrap_or_default().parse::<u128>()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    assert!(deadline > now && deadline <= now + 3000, "{deadline} is not within the timeout after {now}");
    Ok(())
}

#[tokio::test]
async fn a_warm_sandbox_is_used_again_and_frozen_between_calls() -> TestResult {
    let aws = start().await?;
    let first = aws.pid().await?;
    for _ in 0..20 {
        assert_eq!(aws.pid().await?, first);
        // The signal is sent before the reply; the kernel may take a moment to stop a thread that was on a CPU.
        let until = Instant::now() + Duration::from_secs(5);
        while process_state(first) != Some('T') {
            assert!(Instant::now() < until, "state {:?}", process_state(first));
            tokio::task::yield_now().await;
        }
    }
    let [SandboxInfo { pid, busy: false, invocations: 21, .. }] = aws.emulator.sandboxes()[..] else {
        return Err(format!("{:?}", aws.emulator.sandboxes()).into());
    };
    assert_eq!(u64::from(pid), first);
    Ok(())
}

#[tokio::test]
async fn two_at_once_have_a_sandbox_each() -> TestResult {
    let aws = start().await?;
    let (a, b) = (aws.root.path().join("a"), aws.root.path().join("b"));
    // Each is still at work when the other has begun.
    let touch = |path: &Path| aws.invoke(json!({ "do": "touch", "path": path, "ms": 2000 }));
    let (first, second, both_began) = tokio::join!(touch(&a), touch(&b), async {
        aws.written(&a).await?;
        aws.written(&b).await?;
        Outcome::Ok(aws.emulator.sandboxes().iter().filter(|sandbox| sandbox.busy).count())
    });
    assert_ne!(first?, second?);
    assert_eq!(both_began?, 2);
    Ok(())
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_killed() -> TestResult {
    let aws = start().await?;
    aws.lambda.update_function_configuration().function_name("f").timeout(1).send().await?;
    let before = aws.pid().await?;
    let began = Instant::now();
    let (header, kind, message) = aws.fail(json!({ "do": "sleep", "ms": 60_000 })).await?;
    assert_eq!((header.as_str(), kind.as_str()), ("Unhandled", "Sandbox.Timedout"));
    assert_eq!(message, "Task timed out after 1.00 seconds");
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(process_state(before), None);
    assert_ne!(aws.pid().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_function_that_outgrows_its_memory_is_killed() -> TestResult {
    let aws = start().await?;
    let fits = aws.invoke(json!({ "do": "allocate", "mb": 64, "ms": 60 })).await?;
    assert_eq!(fits, json!(64 << 20));
    let (header, kind, message) = aws.fail(json!({ "do": "allocate", "mb": 200, "ms": 60_000 })).await?;
    assert_eq!((header.as_str(), kind.as_str()), ("Unhandled", "Runtime.OutOfMemory"));
    assert_eq!(message, "Runtime exited with error: signal: killed");
    aws.pid().await?;
    Ok(())
}

#[tokio::test]
async fn a_function_that_dies_fails_its_event_only() -> TestResult {
    let aws = start().await?;
    for (event, expected) in [
        (json!({ "do": "exit", "code": 3 }), "Runtime exited with error: exit status 3"),
        (json!({ "do": "exit", "code": 0 }), "Runtime exited without providing a reason"),
        (json!({ "do": "abort" }), "Runtime exited with error: signal: aborted"),
    ] {
        let before = aws.pid().await?;
        let (header, kind, message) = aws.fail(event).await?;
        assert_eq!((header.as_str(), kind.as_str(), message.as_str()), ("Unhandled", "Runtime.ExitError", expected));
        assert_ne!(aws.pid().await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn a_sandbox_killed_from_outside_fails_its_event_only() -> TestResult {
    let aws = start().await?;
    let path = aws.root.path().join("began");
    let (failed, killed) = tokio::join!(aws.fail(json!({ "do": "touch", "path": &path, "ms": 60_000 })), async {
        let pid = aws.written(&path).await?.parse()?;
        let busy = aws.emulator.sandboxes();
        assert!(busy.iter().any(|sandbox| u64::from(sandbox.pid) == pid && sandbox.busy), "{busy:?}");
        kill(pid)
    });
    killed?;
    let (_, kind, message) = failed?;
    assert_eq!((kind.as_str(), message.as_str()), ("Runtime.ExitError", "Runtime exited with error: signal: killed"));
    let idle = aws.pid().await?;
    // Killed between two calls, it is no caller's concern.
    kill(idle)?;
    assert_ne!(aws.pid().await?, idle);
    Ok(())
}

#[tokio::test]
async fn an_error_that_the_function_reports_is_passed_on() -> TestResult {
    let aws = start().await?;
    let before = aws.pid().await?;
    let (header, kind, message) = aws.fail(json!({ "do": "error" })).await?;
    assert_eq!((header.as_str(), kind.as_str(), message.as_str()), ("Unhandled", "Test.Error", "as asked"));
    assert_eq!(aws.pid().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_start_that_fails_is_told() -> TestResult {
    let aws = Aws::start().await;
    let folder = bootstrap_folder(aws.root.path());
    for (variable, kind, message) in [
        ("INIT_EXIT", "Runtime.ExitError", "Runtime exited with error: exit status 7"),
        ("INIT_ERROR", "Test.Init", "no"),
    ] {
        let environment = Environment::builder().variables(variable, "1").build();
        support::create_function(&aws, "f", &folder).environment(environment).send().await?;
        let failed = aws.fail(json!({})).await?;
        assert_eq!(failed, ("Unhandled".into(), kind.into(), message.into()));
        aws.lambda.delete_function().function_name("f").send().await?;
    }
    Ok(())
}

#[tokio::test]
async fn payloads_have_limits() -> TestResult {
    let aws = start().await?;
    // A JSON string of so many bytes.
    let request = |bytes: usize| {
        let payload = Blob::new(format!("\"{}\"", "x".repeat(bytes - 2)));
        aws.lambda.invoke().function_name("f").payload(payload)
    };
    let largest = request(6_291_456).send().await?;
    assert_eq!(largest.payload().map(|payload| payload.as_ref().len()), Some(6_291_456));
    let refusal = refused(request(6_291_457).send().await);
    assert_eq!(refusal, ("RequestTooLargeException".into(), 413));
    let event = request(1_048_577).invocation_type(InvocationType::Event);
    assert_eq!(refused(event.send().await), ("RequestTooLargeException".into(), 413));
    let not_json = aws.lambda.invoke().function_name("f").payload(Blob::new("{"));
    assert_eq!(refused(not_json.send().await), ("InvalidRequestContentException".into(), 400));

    let before = aws.pid().await?;
    let reply = aws.invoke(json!({ "do": "respond", "bytes": 6_291_556 })).await?;
    assert_eq!(reply.as_str().map(str::len), Some(6_291_554));
    let (_, kind, _) = aws.fail(json!({ "do": "respond", "bytes": 6_291_557 })).await?;
    assert_eq!(kind, "Function.ResponseSizeTooLarge");
    assert_eq!(aws.pid().await?, before);
    Ok(())
}

#[tokio::test]
async fn the_tail_of_the_log_comes_with_the_reply() -> TestResult {
    let aws = start().await?;
    let mut tails = Vec::new();
    for line in ["first line", "second line"] {
        let output = aws.invocation(&json!({ "do": "print", "line": line })).log_type(LogType::Tail).send().await?;
        let tail = output.log_result().ok_or("a log")?;
        tails.push(String::from_utf8(base64::engine::general_purpose::STANDARD.decode(tail)?)?);
    }
    let [cold, warm] = &tails[..] else { return Err("two tails".into()) };
    for (tail, line) in [(cold, "first line"), (warm, "second line")] {
        let lines: Vec<&str> = tail.lines().collect();
        let [start, printed, end, report] = lines[..] else { return Err(tail.clone().into()) };
        assert!(start.starts_with("START RequestId: ") && start.ends_with(" Version: $LATEST"), "{start}");
        assert_eq!(printed, line);
        assert!(end.starts_with("END RequestId: "), "{end}");
        for field in ["\tDuration: ", "\tBilled Duration: ", "\tMemory Size: 128 MB\t", "\tMax Memory Used: "] {
            assert!(report.contains(field), "{report}");
        }
    }
    assert!(cold.contains("Init Duration: ") && !warm.contains("Init Duration: "), "{cold}{warm}");
    let silent = aws.invocation(&json!({})).send().await?;
    assert_eq!(silent.log_result(), None);
    Ok(())
}

#[tokio::test]
async fn events_run_without_their_caller() -> TestResult {
    let aws = start().await?;
    let path = aws.root.path().join("event");
    let event = json!({ "do": "touch", "path": &path });
    let accepted = aws.invocation(&event).invocation_type(InvocationType::Event).send().await?;
    assert_eq!((accepted.status_code(), accepted.payload().map_or(0, |payload| payload.as_ref().len())), (202, 0));
    aws.written(&path).await?;

    let dry = aws.invocation(&json!({ "do": "exit" })).invocation_type(InvocationType::DryRun).send().await?;
    assert_eq!(dry.status_code(), 204);
    Ok(())
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_stop_the_function() -> TestResult {
    let aws = start().await?;
    let began = aws.root.path().join("began");
    let event = json!({ "do": "touch", "path": &began, "ms": 1500 });
    let invocation = tokio::spawn(aws.invocation(&event).send());
    let pid: u64 = aws.written(&began).await?.parse()?;
    invocation.abort();
    assert!(invocation.await.is_err_and(|error| error.is_cancelled()));
    // The sandbox is still at work, so this call needs another one.
    assert_ne!(aws.pid().await?, pid);
    // Once its event has ended, it is idle and not gone.
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let sandboxes = aws.emulator.sandboxes();
        let first =
            sandboxes.iter().find(|sandbox| u64::from(sandbox.pid) == pid).ok_or("the first sandbox is gone")?;
        assert_eq!((sandboxes.len(), first.invocations), (2, 1));
        if !first.busy {
            return Ok(());
        }
        assert!(Instant::now() < until, "the first sandbox is still busy");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn work_after_the_reply_keeps_the_sandbox_but_not_the_caller() -> TestResult {
    let aws = start().await?;
    let began = Instant::now();
    let first = aws.invoke(json!({ "do": "linger", "ms": 20_000 })).await?;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let second = aws.invoke(json!({ "do": "pid" })).await?;
    assert_ne!(first, second);
    Ok(())
}

#[tokio::test]
async fn nothing_outlives_the_emulator() -> TestResult {
    let aws = start().await?;
    let idle = aws.pid().await?;
    let path = aws.root.path().join("busy");
    let event = json!({ "do": "touch", "path": &path, "ms": 60_000 });
    let busy = tokio::spawn(aws.invocation(&event).send());
    aws.written(&path).await?;
    let second = aws.root.path().join("second");
    let event = json!({ "do": "touch", "path": &second, "ms": 0 });
    aws.invocation(&event).send().await?;
    let pids: Vec<u64> = aws.emulator.sandboxes().iter().map(|sandbox| sandbox.pid.into()).collect();
    assert!(pids.len() == 2 && pids.contains(&idle), "{pids:?}");
    aws.emulator.shutdown().await;
    for pid in pids {
        assert_eq!(process_state(pid), None);
    }
    assert!(busy.await?.is_err());
    Ok(())
}

#[tokio::test]
async fn dropping_the_emulator_kills_its_sandboxes() -> TestResult {
    let aws = start().await?;
    let pid = aws.pid().await?;
    drop(aws.emulator);
    let until = Instant::now() + Duration::from_secs(5);
    while process_state(pid).is_some_and(|state| state != 'Z') {
        assert!(Instant::now() < until, "state {:?}", process_state(pid));
        tokio::task::yield_now().await;
    }
    Ok(())
}
