//! Deploying: making, changing, describing and deleting functions and their reservations.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Lambda;
use super::api_error::ApiError;
use super::function::{Code, Function, Settings};
use super::package::{self, CodeSource};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateFunction {
    function_name: String,
    #[serde(default)]
    code: CodeSource,
    #[serde(default)]
    package_type: Option<String>,
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(flatten)]
    settings: Settings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateCode {
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    dry_run: bool,
    #[serde(flatten)]
    code: CodeSource,
}

pub(super) async fn create(lambda: &Arc<Lambda>, request: CreateFunction) -> Result<Arc<Function>, ApiError> {
    if request.package_type.is_some_and(|kind| kind != "Zip") {
        return Err(ApiError::not_emulated("PackageType Image"));
    }
    if lambda.functions.get(&request.function_name).is_ok() {
        return Err(ApiError::conflict(format!("Function already exist: {}", request.function_name)));
    }
    // Everything that is easily refused is refused before the package is unpacked.
    let no_code = Code { dir: Default::default(), sha256: String::new(), size: 0, is_hot: false };
    let mut function = Function::new(&request.function_name, no_code)?.with_settings(request.settings)?;
    if function.runtime.is_empty() {
        return Err(ApiError::invalid_parameter(
            "Runtime is mandatory for functions created with deployment packages.",
        ));
    }
    function.architectures = request.architectures.unwrap_or(function.architectures);
    function.tags = request.tags;
    function.code = install(lambda, request.code).await?;
    lambda.functions.create(function)
}

pub(super) async fn update_code(
    lambda: &Arc<Lambda>,
    name: &str,
    request: UpdateCode,
) -> Result<Arc<Function>, ApiError> {
    let current = lambda.functions.get(name)?;
    let code = install(lambda, request.code).await?;
    if request.dry_run {
        return Ok(Arc::new(Function::clone(&current).with_code(code)));
    }
    update(lambda, name, |function| {
        let mut function = function.with_code(code);
        function.architectures = request.architectures.unwrap_or(function.architectures);
        Ok(function)
    })
}

/// Changes a function and ends its idle sandboxes; those that are busy end with their event.
pub(super) fn update(
    lambda: &Lambda,
    name: &str,
    change: impl FnOnce(Function) -> Result<Function, ApiError>,
) -> Result<Arc<Function>, ApiError> {
    let function = lambda.functions.update(name, change)?;
    lambda.pool.drop_function(name);
    Ok(function)
}

pub(super) fn delete(lambda: &Lambda, name: &str) -> Result<(), ApiError> {
    lambda.functions.delete(name)?;
    // Lifting a reservation cannot fail.
    let _ = lambda.concurrency.lock().reserve(name, None);
    lambda.pool.drop_function(name);
    Ok(())
}

/// Sets or lifts a function's reserved concurrency.
pub(super) fn reserve(lambda: &Lambda, name: &str, reserved: Option<usize>) -> Result<(), ApiError> {
    lambda.functions.update(name, |function| {
        lambda.concurrency.lock().reserve(name, reserved).map_err(|unreserved_min| {
            ApiError::invalid_parameter(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution \
                 below its minimum value of [{unreserved_min}]."
            ))
        })?;
        Ok(Function { reserved_concurrency: reserved, ..function })
    })?;
    Ok(())
}

/// GetFunction's reply.
pub(super) fn describe(lambda: &Lambda, name: &str) -> Result<Value, ApiError> {
    let function = lambda.functions.get(name)?;
    let location = format!("file://{}", function.code.dir.display());
    let mut reply = json!({
        "Configuration": function.configuration(),
        "Code": { "RepositoryType": "S3", "Location": location },
    });
    if !function.tags.is_empty() {
        reply["Tags"] = json!(function.tags);
    }
    if let Some(reserved) = function.reserved_concurrency {
        reply["Concurrency"] = json!({ "ReservedConcurrentExecutions": reserved });
    }
    Ok(reply)
}

/// GetAccountSettings' reply.
pub(super) fn account_settings(lambda: &Lambda) -> Value {
    let functions = lambda.functions.all();
    let concurrency = lambda.concurrency.lock();
    json!({
        "AccountLimit": {
            "ConcurrentExecutions": concurrency.account(),
            "UnreservedConcurrentExecutions": concurrency.unreserved(),
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "TotalCodeSize": 80_530_636_800_u64,
        },
        "AccountUsage": {
            "FunctionCount": functions.len(),
            "TotalCodeSize": functions.iter().map(|function| function.code.size).sum::<u64>(),
        },
    })
}

async fn install(lambda: &Arc<Lambda>, source: CodeSource) -> Result<Code, ApiError> {
    let lambda = Arc::clone(lambda);
    let install = move || package::install(source, &lambda.store, &lambda.folders.code);
    tokio::task::spawn_blocking(install).await.map_err(|error| ApiError::service(error.to_string()))?
}
