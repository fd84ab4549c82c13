//! [`ProcessRuntime`]: the deployed function on one machine, as real `bootstrap` processes under the embedded emulator,
//! over S3 on loopback, with Lambda's limits (LOCAL-2).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{Architecture, Environment, FunctionCode, Runtime};
use firesteel_emulator::{ACCESS_KEY_ID, Emulator, EmulatorConfig, Faults, REGION, SECRET_ACCESS_KEY, SandboxInfo};
use firesteel_storage::{Storage, StorageOptions};

use crate::lambda::sdk_config;
use crate::{FunctionInvoker, InvokeError, LambdaInvoker, LambdaOptions};

const FUNCTION: &str = "firesteel";
const BUCKET_URL: &str = "s3://firesteel";
/// The emulator asks for one and doesn't look at it.
const ROLE: &str = "arn:aws:iam::000000000000:role/firesteel";
/// The bucket whose keys are folders of this machine, in LocalStack as in the emulator.
const HOT_RELOAD_BUCKET: &str = "hot-reload";

/// What to run and how much of it.
#[derive(Debug, Clone)]
pub struct ProcessOptions {
    /// A folder for the emulator's state, the code and the objects.
    pub root: PathBuf,
    pub bootstrap: PathBuf,
    /// Of one sandbox.
    pub memory_mb: u32,
    /// Of one invocation.
    pub timeout_s: u32,
    /// Invocations at a time.
    pub concurrency: usize,
    /// Variables for the function, besides those that lead it to the emulator.
    pub environment: Vec<(String, String)>,
    /// What fails, and how often.
    pub faults: Faults,
}

/// A running emulator with the function deployed. Dropping it kills the processes;
/// [`shutdown`](Self::shutdown) also waits until they are gone.
#[derive(Debug)]
pub struct ProcessRuntime {
    emulator: Emulator,
    invoker: Arc<LambdaInvoker>,
}

impl ProcessRuntime {
    /// Starts the emulator, makes its bucket and deploys the function.
    pub async fn start(options: ProcessOptions) -> Result<Self, InvokeError> {
        let code = place_bootstrap(&options.root, &options.bootstrap)?;
        let concurrency_max = options.concurrency.max(1);
        let mut config = EmulatorConfig::new(options.root.join("aws"));
        config.account_concurrency = concurrency_max;
        let emulator = Emulator::start(config).await.map_err(failed("the emulator"))?;
        let lambda = LambdaOptions {
            function_name: FUNCTION.to_owned(),
            endpoint_url: Some(emulator.lambda_endpoint().to_owned()),
            region: Some(REGION.to_owned()),
            credentials: Some((ACCESS_KEY_ID.to_owned(), SECRET_ACCESS_KEY.to_owned())),
            concurrency_max,
            timeout: Duration::from_secs(options.timeout_s.into()),
        };
        let client = Client::new(&sdk_config(&lambda).await);
        deploy(&client, &code, &options).await?;
        let invoker = Arc::new(LambdaInvoker::with_client(client, lambda, "process"));
        let runtime = Self { emulator, invoker };
        let storage = Storage::new(runtime.storage_options());
        storage.create_bucket(BUCKET_URL).await.map_err(failed("its bucket"))?;
        // From here on: a runtime that does not come up is no job's misfortune.
        runtime.set_faults(options.faults);
        Ok(runtime)
    }

    /// Runs attempts for as long as this runtime lives.
    pub fn invoker(&self) -> Arc<dyn FunctionInvoker> {
        Arc::clone(&self.invoker) as _
    }

    /// How to reach the S3 that the function sees.
    pub fn storage_options(&self) -> StorageOptions {
        let (id, secret) = self.credentials();
        StorageOptions {
            s3_endpoint: Some(self.emulator.s3_endpoint().to_owned()),
            s3_region: Some(REGION.to_owned()),
            s3_access_key_id: Some(id),
            s3_secret_access_key: Some(secret),
            ..StorageOptions::default()
        }
    }

    /// A place for jobs, without a slash at the end.
    pub fn work_url(&self) -> String {
        format!("{BUCKET_URL}/work")
    }

    /// Where Lambda's API is.
    pub fn lambda_endpoint(&self) -> &str {
        self.emulator.lambda_endpoint()
    }

    pub fn function_name(&self) -> &str {
        FUNCTION
    }

    /// Access key id and secret, of S3 and Lambda.
    pub fn credentials(&self) -> (String, String) {
        (ACCESS_KEY_ID.to_owned(), SECRET_ACCESS_KEY.to_owned())
    }

    /// The processes that live now, so that tests can kill one.
    pub fn sandboxes(&self) -> Vec<SandboxInfo> {
        self.emulator.sandboxes()
    }

    /// What fails from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.emulator.set_faults(faults);
    }

    /// How often each kind of fault was done.
    pub fn fault_counts(&self) -> BTreeMap<&'static str, u64> {
        self.emulator.fault_counts()
    }

    /// Kills the processes, waits until they are gone and stops the servers.
    pub async fn shutdown(self) {
        self.emulator.shutdown().await;
    }
}

/// Gives the binary a folder of its own: the emulator runs a function from a folder that holds `bootstrap`.
fn place_bootstrap(root: &Path, bootstrap: &Path) -> Result<PathBuf, InvokeError> {
    if !bootstrap.is_file() {
        return Err(InvokeError::NoBootstrap { path: bootstrap.to_owned() });
    }
    let place = || -> io::Result<PathBuf> {
        let folder = root.join("code");
        fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        let placed = folder.join("bootstrap");
        match fs::remove_file(&placed) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // A link fails across file systems.
        fs::hard_link(bootstrap, &placed).or_else(|_| fs::copy(bootstrap, &placed).map(|_| ()))?;
        Ok(folder)
    };
    place().map_err(failed("the folder of the function"))
}

async fn deploy(client: &Client, code: &Path, options: &ProcessOptions) -> Result<(), InvokeError> {
    let variables = options.environment.iter().cloned().collect();
    let create = client
        .create_function()
        .function_name(FUNCTION)
        .runtime(Runtime::Providedal2023)
        .architectures(architecture())
        .role(ROLE)
        .handler("bootstrap")
        .memory_size(to_i32(options.memory_mb))
        .timeout(to_i32(options.timeout_s))
        .environment(Environment::builder().set_variables(Some(variables)).build())
        .code(FunctionCode::builder().s3_bucket(HOT_RELOAD_BUCKET).s3_key(code.to_string_lossy()).build());
    let created = create.clone().send().await;
    // State that was used before has the function of then.
    let is_there = created
        .as_ref()
        .is_err_and(|error| error.as_service_error().is_some_and(|error| error.is_resource_conflict_exception()));
    if is_there {
        client.delete_function().function_name(FUNCTION).send().await.map_err(failed("its former function"))?;
        create.send().await.map_err(failed("its function"))?;
    } else {
        created.map_err(failed("its function"))?;
    }
    Ok(())
}

fn architecture() -> Architecture {
    if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X8664 }
}

fn to_i32(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn failed<E: std::error::Error + Send + Sync + 'static>(action: &'static str) -> impl Fn(E) -> InvokeError {
    move |source| InvokeError::LocalRuntime { action, source: Box::new(source) }
}
