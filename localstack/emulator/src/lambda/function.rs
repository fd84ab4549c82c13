//! A function's configuration: what requests may set, what AWS refuses, and how it is shown.
//! Limits: "Lambda quotas" of the developer guide and the API reference of CreateFunction.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use super::api_error::ApiError;
use crate::REGION;

pub(super) const ACCOUNT_ID: &str = "000000000000";
pub(super) const LATEST: &str = "$LATEST";

const NAME_CHARS_MAX: usize = 64;
const ENVIRONMENT_BYTES_MAX: usize = 4096;

/// Variables that Lambda sets itself; a function may not.
const RESERVED_VARIABLES: [&str; 17] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
];

/// One function as it stands now; `$LATEST` is the only version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Function {
    pub name: String,
    pub runtime: String,
    pub role: String,
    pub handler: String,
    pub description: String,
    pub timeout_s: u32,
    pub memory_mb: u32,
    pub ephemeral_storage_mb: u32,
    pub environment: BTreeMap<String, String>,
    pub architectures: Vec<String>,
    pub tags: BTreeMap<String, String>,
    pub code: Code,
    pub last_modified: String,
    /// Changes with every update; sandboxes of an older revision are not used again.
    pub revision_id: String,
    pub reserved_concurrency: Option<usize>,
}

/// Where a function's program is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Code {
    /// The folder with `bootstrap`.
    pub dir: PathBuf,
    /// Base64.
    pub sha256: String,
    /// Bytes of the package; 0 for a folder.
    pub size: u64,
    /// A folder of the developer's: it may change under the function.
    pub is_hot: bool,
}

/// What CreateFunction and UpdateFunctionConfiguration can both set.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Settings {
    runtime: Option<String>,
    role: Option<String>,
    handler: Option<String>,
    description: Option<String>,
    timeout: Option<i64>,
    memory_size: Option<i64>,
    ephemeral_storage: Option<EphemeralStorage>,
    environment: Option<Environment>,
    revision_id: Option<String>,
    layers: Vec<String>,
    file_system_configs: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct EphemeralStorage {
    size: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Environment {
    variables: BTreeMap<String, String>,
}

impl Function {
    /// A function with AWS's defaults.
    pub(super) fn new(name: &str, code: Code) -> Result<Self, ApiError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_name) {
            return Err(ApiError::invalid_parameter(format!(
                "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: [a-zA-Z0-9-_]{{1,{NAME_CHARS_MAX}}}"
            )));
        }
        Ok(Self {
            name: name.to_owned(),
            runtime: String::new(),
            role: format!("arn:aws:iam::{ACCOUNT_ID}:role/lambda"),
            handler: "bootstrap".to_owned(),
            description: String::new(),
            timeout_s: 3,
            memory_mb: 128,
            ephemeral_storage_mb: 512,
            environment: BTreeMap::new(),
            architectures: vec![host_architecture().to_owned()],
            tags: BTreeMap::new(),
            code,
            last_modified: now(),
            revision_id: Uuid::new_v4().to_string(),
            reserved_concurrency: None,
        })
    }

    /// This function with some settings changed; refuses what AWS refuses and what this emulator cannot do.
    pub(super) fn with_settings(mut self, settings: Settings) -> Result<Self, ApiError> {
        if settings.revision_id.is_some_and(|revision| revision != self.revision_id) {
            return Err(ApiError::conflict("The RevisionId provided does not match the latest RevisionId"));
        }
        if !settings.layers.is_empty() {
            return Err(ApiError::not_emulated("Layers"));
        }
        if !settings.file_system_configs.is_empty() {
            return Err(ApiError::not_emulated("FileSystemConfigs"));
        }
        if let Some(runtime) = settings.runtime {
            if !matches!(runtime.as_str(), "provided" | "provided.al2" | "provided.al2023") {
                return Err(ApiError::not_emulated(&format!("Runtime {runtime} (only provided.* is)")));
            }
            self.runtime = runtime;
        }
        if let Some(environment) = settings.environment {
            check_environment(&environment.variables)?;
            self.environment = environment.variables;
        }
        self.timeout_s = within("timeout", settings.timeout, self.timeout_s, 1, 900)?;
        self.memory_mb = within("memorySize", settings.memory_size, self.memory_mb, 128, 10_240)?;
        let storage = settings.ephemeral_storage.map(|storage| storage.size);
        self.ephemeral_storage_mb = within("ephemeralStorage.size", storage, self.ephemeral_storage_mb, 512, 10_240)?;
        self.role = settings.role.unwrap_or(self.role);
        self.handler = settings.handler.unwrap_or(self.handler);
        self.description = settings.description.unwrap_or(self.description);
        Ok(self.touched())
    }

    pub(super) fn with_code(mut self, code: Code) -> Self {
        self.code = code;
        self.touched()
    }

    fn touched(mut self) -> Self {
        self.last_modified = now();
        self.revision_id = Uuid::new_v4().to_string();
        self
    }

    pub(super) fn arn(&self) -> String {
        arn(&self.name)
    }

    /// The FunctionConfiguration of the API reference.
    pub(super) fn configuration(&self) -> Value {
        json!({
            "FunctionName": self.name,
            "FunctionArn": self.arn(),
            "Runtime": self.runtime,
            "Role": self.role,
            "Handler": self.handler,
            "CodeSize": self.code.size,
            "CodeSha256": self.code.sha256,
            "Description": self.description,
            "Timeout": self.timeout_s,
            "MemorySize": self.memory_mb,
            "EphemeralStorage": { "Size": self.ephemeral_storage_mb },
            "Environment": { "Variables": self.environment },
            "Architectures": self.architectures,
            "LastModified": self.last_modified,
            "RevisionId": self.revision_id,
            "Version": LATEST,
            "PackageType": "Zip",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "TracingConfig": { "Mode": "PassThrough" },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "LoggingConfig": { "LogFormat": "Text", "LogGroup": log_group(&self.name) },
        })
    }
}

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}")
}

pub(super) fn log_group(name: &str) -> String {
    format!("/aws/lambda/{name}")
}

/// The name in what a path calls a function (name, partial ARN or ARN, with or without a qualifier), if it is `$LATEST`
/// of some function.
pub(super) fn latest_of(named: &str, qualifier: Option<&str>) -> Result<String, ApiError> {
    let rest = match named.split_once("function:") {
        Some((_, rest)) => rest,
        None if named.starts_with("arn:") => return Err(ApiError::not_found(named)),
        None => named,
    };
    let (name, own_qualifier) = rest.split_once(':').map_or((rest, None), |(name, own)| (name, Some(own)));
    match own_qualifier.or(qualifier) {
        None | Some(LATEST) => Ok(name.to_owned()),
        Some(other) => Err(ApiError::not_found(&format!("{}:{other}", arn(name)))),
    }
}

fn within(name: &str, value: Option<i64>, current: u32, min: u32, max: u32) -> Result<u32, ApiError> {
    let Some(value) = value else { return Ok(current) };
    let inside = u32::try_from(value).ok().filter(|value| (min..=max).contains(value));
    inside.ok_or_else(|| {
        let (bound, limit) = if value < i64::from(min) { ("greater", min) } else { ("less", max) };
        ApiError::invalid_parameter(format!(
            "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have \
             value {bound} than or equal to {limit}"
        ))
    })
}

fn check_environment(variables: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED_VARIABLES.contains(name)).collect();
    if !reserved.is_empty() {
        let reserved = reserved.join(", ");
        return Err(ApiError::invalid_parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used in \
             this request: {reserved}"
        )));
    }
    let is_name = |name: &str| {
        name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if let Some(name) = variables.keys().find(|name| !is_name(name)) {
        return Err(ApiError::invalid_parameter(format!("'{name}' is not a name for an environment variable")));
    }
    let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > ENVIRONMENT_BYTES_MAX {
        return Err(ApiError::invalid_parameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the {ENVIRONMENT_BYTES_MAX} bytes limit"
        )));
    }
    Ok(())
}

fn host_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

fn now() -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].000+0000");
    OffsetDateTime::now_utc().format(&format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: Value) -> Settings {
        serde_json::from_value(json).expect("settings")
    }

    fn function() -> Function {
        let code = Code { dir: PathBuf::new(), sha256: String::new(), size: 0, is_hot: true };
        Function::new("f", code).expect("a valid name")
    }

    #[test]
    fn settings_within_the_limits_are_taken() {
        let before = function();
        let after = before.clone().with_settings(settings(json!({ "Timeout": 900, "MemorySize": 10_240 })));
        let after = after.expect("valid settings");
        assert_eq!((after.timeout_s, after.memory_mb, after.ephemeral_storage_mb), (900, 10_240, 512));
        assert_ne!(after.revision_id, before.revision_id);
    }

    #[test]
    fn settings_outside_the_limits_are_refused() {
        for bad in [
            json!({ "Timeout": 0 }),
            json!({ "Timeout": 901 }),
            json!({ "MemorySize": 127 }),
            json!({ "MemorySize": 10_241 }),
            json!({ "EphemeralStorage": { "Size": 511 } }),
            json!({ "Runtime": "python3.13" }),
            json!({ "Layers": ["arn:aws:lambda:us-east-1:1:layer:l:1"] }),
            json!({ "Environment": { "Variables": { "AWS_REGION": "eu-west-1" } } }),
            json!({ "Environment": { "Variables": { "BIG": "x".repeat(4096) } } }),
        ] {
            assert!(function().with_settings(settings(bad.clone())).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_and_arns() {
        for named in ["f", "function:f", "000000000000:function:f", &arn("f"), "f:$LATEST"] {
            assert_eq!(latest_of(named, None).ok().as_deref(), Some("f"), "{named}");
        }
        assert_eq!(latest_of("f", Some(LATEST)).ok().as_deref(), Some("f"));
        assert!(latest_of("f", Some("7")).is_err());
        assert!(latest_of("f:alias", None).is_err());
    }
}
