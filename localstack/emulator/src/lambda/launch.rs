//! What a function's process is given: its program, folder and environment.
//! Rules: "Defined runtime environment variables" of the Lambda developer guide.

use std::net::SocketAddr;
use std::path::Path;

use super::Lambda;
use super::function::{Function, LATEST, log_group};
use super::process::Launch;
use super::sandbox_log::SandboxLog;
use crate::error::EmulatorError;
use crate::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY};

pub(super) fn prepare(
    lambda: &Lambda,
    function: &Function,
    runtime_api: SocketAddr,
    tmp: &Path,
    log: &SandboxLog,
) -> Result<Launch, EmulatorError> {
    let program = function.code.dir.join("bootstrap");
    let log_file = log.for_process().map_err(|source| EmulatorError::Spawn { path: program.clone(), source })?;
    let mut env: Vec<(String, String)> = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", LATEST.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", log_group(&function.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log.stream_name.clone()),
        ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", function.runtime)),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
        ("LAMBDA_TASK_ROOT", function.code.dir.display().to_string()),
        ("_HANDLER", function.handler.clone()),
        ("TZ", ":UTC".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("HOME", tmp.display().to_string()),
        ("TMPDIR", tmp.display().to_string()),
        // Not AWS's: they lead the function's clients to the emulator. `AWS_ALLOW_HTTP` is object_store's.
        ("AWS_ENDPOINT_URL_S3", lambda.s3_endpoint.clone()),
        ("AWS_ENDPOINT_URL_LAMBDA", lambda.lambda_endpoint.clone()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    // The function's own come last and win.
    env.extend(function.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(Launch { program, working_dir: function.code.dir.clone(), env, log: log_file })
}
