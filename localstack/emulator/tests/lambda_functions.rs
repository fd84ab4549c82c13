//! Deploying functions through the AWS SDK, and the limits on how many run at once.

mod support;

use std::time::Duration;

use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, EphemeralStorage, FunctionCode, Runtime, ThrottleReason};
use serde_json::{Value, json};
use support::{Aws, TestResult, bootstrap_folder, bootstrap_zip, create_function, refused};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

async fn invoke(aws: &Aws, function: &str, event: &Value) -> Outcome<Value> {
    let output = aws.lambda.invoke().function_name(function).payload(Blob::new(event.to_string())).send().await?;
    Ok(serde_json::from_slice(output.payload().map(AsRef::as_ref).unwrap_or_default())?)
}

#[tokio::test]
async fn functions_come_from_zips_buckets_and_folders() -> TestResult {
    let aws = Aws::start().await;
    let zip = bootstrap_zip(0o755);
    aws.s3.create_bucket().bucket("packages").send().await?;
    aws.s3.put_object().bucket("packages").key("f.zip").body(zip.clone().into()).send().await?;
    let folder = bootstrap_folder(aws.root.path());
    let code = FunctionCode::builder;
    for (name, code) in [
        ("zip", code().zip_file(Blob::new(zip))),
        ("bucket", code().s3_bucket("packages").s3_key("f.zip")),
        ("folder", code().s3_bucket("hot-reload").s3_key(folder.to_string_lossy())),
    ] {
        let create = create_function(&aws, name, &folder).code(code.build());
        create.send().await?;
        assert_eq!(invoke(&aws, name, &json!({ "a": name })).await?, json!({ "a": name }));
    }
    let missing = FunctionCode::builder().s3_bucket("packages").s3_key("none").build();
    let refusal = refused(create_function(&aws, "none", &folder).code(missing).send().await);
    assert_eq!(refusal, ("InvalidParameterValueException".into(), 400));
    let no_zip = FunctionCode::builder().zip_file(Blob::new("no zip")).build();
    let refusal = refused(create_function(&aws, "none", &folder).code(no_zip).send().await);
    assert_eq!(refusal, ("InvalidParameterValueException".into(), 400));
    Ok(())
}

#[tokio::test]
async fn a_program_that_cannot_run_is_an_invalid_entrypoint() -> TestResult {
    let aws = Aws::start().await;
    let folder = bootstrap_folder(aws.root.path());
    let zip = FunctionCode::builder().zip_file(Blob::new(bootstrap_zip(0o644))).build();
    create_function(&aws, "unmarked", &folder).code(zip).send().await?;
    assert_eq!(invoke(&aws, "unmarked", &json!({})).await?["errorType"], "Runtime.InvalidEntrypoint");
    create_function(&aws, "empty", &folder).send().await?;
    std::fs::remove_file(folder.join("bootstrap"))?;
    assert_eq!(invoke(&aws, "empty", &json!({})).await?["errorType"], "Runtime.InvalidEntrypoint");
    Ok(())
}

#[tokio::test]
async fn a_function_is_described_changed_and_deleted() -> TestResult {
    let aws = Aws::start().await;
    let folder = bootstrap_folder(aws.root.path());
    let created = create_function(&aws, "f", &folder).timeout(7).memory_size(256).description("d").send().await?;
    assert_eq!((created.timeout(), created.memory_size(), created.description()), (Some(7), Some(256), Some("d")));
    assert_eq!(created.function_arn(), Some("arn:aws:lambda:us-east-1:000000000000:function:f"));
    assert_eq!(created.state().map(|state| state.as_str()), Some("Active"));
    let again = create_function(&aws, "f", &folder).send().await;
    assert_eq!(refused(again), ("ResourceConflictException".into(), 409));

    let pid = invoke(&aws, "f", &json!({ "do": "pid" })).await?;
    let environment = Environment::builder().variables("OWN", "1").build();
    let update = aws.lambda.update_function_configuration().function_name("f").timeout(9).environment(environment);
    update.send().await?;
    let got = aws.lambda.get_function_configuration().function_name("f").send().await?;
    assert_eq!((got.timeout(), got.memory_size()), (Some(9), Some(256)));
    assert_ne!(got.revision_id(), created.revision_id());
    // A sandbox of the old configuration is not used again.
    assert_eq!(invoke(&aws, "f", &json!({ "do": "env", "name": "OWN" })).await?, "1");
    assert_ne!(invoke(&aws, "f", &json!({ "do": "pid" })).await?, pid);

    let zip = bootstrap_zip(0o755);
    let updated = aws.lambda.update_function_code().function_name("f").zip_file(Blob::new(zip.clone())).send().await?;
    assert_eq!(updated.code_size(), i64::try_from(zip.len())?);
    assert_ne!(updated.code_sha256(), created.code_sha256());
    assert_eq!(invoke(&aws, "f", &json!({ "do": "env", "name": "OWN" })).await?, "1");

    create_function(&aws, "g", &folder).send().await?;
    let listed = aws.lambda.list_functions().send().await?;
    let names: Vec<_> = listed.functions().iter().filter_map(|function| function.function_name()).collect();
    assert_eq!(names, ["f", "g"]);
    let got = aws.lambda.get_function().function_name("g").send().await?;
    assert_eq!(got.configuration().and_then(|configuration| configuration.timeout()), Some(3));

    aws.lambda.delete_function().function_name("f").send().await?;
    let gone = ("ResourceNotFoundException".to_owned(), 404);
    assert_eq!(refused(aws.lambda.get_function().function_name("f").send().await), gone);
    assert_eq!(refused(aws.lambda.delete_function().function_name("f").send().await), gone);
    assert_eq!(refused(aws.lambda.invoke().function_name("f").send().await), gone);
    assert_eq!(refused(aws.lambda.invoke().function_name("g").qualifier("7").send().await), gone);
    Ok(())
}

#[tokio::test]
async fn settings_outside_the_limits_are_refused() -> TestResult {
    let aws = Aws::start().await;
    let folder = bootstrap_folder(aws.root.path());
    let create = || create_function(&aws, "f", &folder);
    let storage = |mb| EphemeralStorage::builder().size(mb).build();
    for bad in [
        create().memory_size(127),
        create().memory_size(10_241),
        create().timeout(0),
        create().timeout(901),
        create().ephemeral_storage(storage(511)?),
        create().ephemeral_storage(storage(10_241)?),
        create().runtime(Runtime::Python313),
        create().layers("arn:aws:lambda:us-east-1:000000000000:layer:l:1"),
        create().function_name("no spaces"),
        create().environment(Environment::builder().variables("AWS_REGION", "eu-west-1").build()),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(refused(bad.send().await), ("InvalidParameterValueException".into(), 400), "{shown}");
    }
    create().memory_size(10_240).timeout(900).ephemeral_storage(storage(10_240)?).send().await?;
    Ok(())
}

/// Starts a call that is in its function when this returns.
async fn occupy(aws: &Aws, function: &str) -> Outcome<tokio::task::JoinHandle<()>> {
    let path = aws.root.path().join(format!("occupied-{function}-{}", aws.emulator.sandboxes().len()));
    let event = json!({ "do": "touch", "path": &path, "ms": 2500 });
    let call = aws.lambda.invoke().function_name(function).payload(Blob::new(event.to_string())).send();
    let call = tokio::spawn(async move {
        call.await.expect("the occupying call succeeds");
    });
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(call)
}

/// The reason and the Retry-After of a throttled call.
async fn throttled(aws: &Aws, function: &str) -> Outcome<(ThrottleReason, Option<String>)> {
    let error = aws.lambda.invoke().function_name(function).send().await.err().ok_or("the call was not throttled")?;
    assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(429));
    match error.into_service_error() {
        InvokeError::TooManyRequestsException(throttled) => {
            let reason = throttled.reason().cloned().ok_or("a reason")?;
            Ok((reason, throttled.retry_after_seconds().map(str::to_owned)))
        }
        other => Err(other.into()),
    }
}

#[tokio::test]
async fn reserved_concurrency_bounds_a_function() -> TestResult {
    let aws = Aws::start().await;
    let folder = bootstrap_folder(aws.root.path());
    create_function(&aws, "f", &folder).timeout(60).send().await?;
    create_function(&aws, "other", &folder).send().await?;
    let reserve = |n| aws.lambda.put_function_concurrency().function_name("f").reserved_concurrent_executions(n).send();
    assert_eq!(refused(reserve(901).await), ("InvalidParameterValueException".into(), 400));
    reserve(1).await?;
    let got = aws.lambda.get_function_concurrency().function_name("f").send().await?;
    assert_eq!(got.reserved_concurrent_executions(), Some(1));

    let occupying = occupy(&aws, "f").await?;
    let (reason, retry_after) = throttled(&aws, "f").await?;
    assert_eq!(reason, ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded);
    assert_eq!(retry_after.as_deref(), Some("1"));
    invoke(&aws, "other", &json!({})).await?;
    occupying.await?;
    // One after the other they fit, with no pause between.
    for _ in 0..20 {
        invoke(&aws, "f", &json!({})).await?;
    }
    reserve(0).await?;
    throttled(&aws, "f").await?;
    aws.lambda.delete_function_concurrency().function_name("f").send().await?;
    invoke(&aws, "f", &json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn the_accounts_concurrency_bounds_all_functions() -> TestResult {
    let aws = Aws::start_with(|config| config.account_concurrency = 2).await;
    let folder = bootstrap_folder(aws.root.path());
    create_function(&aws, "f", &folder).timeout(60).send().await?;
    create_function(&aws, "g", &folder).timeout(60).send().await?;
    let occupying = [occupy(&aws, "f").await?, occupy(&aws, "g").await?];
    let (reason, _) = throttled(&aws, "f").await?;
    assert_eq!(reason, ThrottleReason::ConcurrentInvocationLimitExceeded);
    for call in occupying {
        call.await?;
    }
    invoke(&aws, "f", &json!({})).await?;
    let settings = aws.lambda.get_account_settings().send().await?;
    assert_eq!(settings.account_limit().map(|limit| limit.concurrent_executions()), Some(2));
    Ok(())
}

#[tokio::test]
async fn a_program_that_changes_in_its_folder_is_started_anew() -> TestResult {
    let aws = Aws::start().await;
    let folder = bootstrap_folder(aws.root.path());
    create_function(&aws, "f", &folder).send().await?;
    let before = invoke(&aws, "f", &json!({ "do": "pid" })).await?;
    // Replaced as a build would: another file of the same name.
    let new = folder.join("new");
    std::fs::copy(support::bootstrap(), &new)?;
    std::fs::rename(new, folder.join("bootstrap"))?;
    assert_ne!(invoke(&aws, "f", &json!({ "do": "pid" })).await?, before);
    Ok(())
}
