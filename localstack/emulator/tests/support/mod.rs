//! An emulator with a state folder of its own, and the AWS clients that talk to it.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::config::Credentials;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use firesteel_emulator::{ACCESS_KEY_ID, Emulator, EmulatorConfig, REGION, SECRET_ACCESS_KEY};
use tempfile::TempDir;

pub struct Aws {
    pub emulator: Emulator,
    pub s3: aws_sdk_s3::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub root: TempDir,
}

impl Aws {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(configure: impl FnOnce(&mut EmulatorConfig)) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let mut config = EmulatorConfig::new(root.path().join("state"));
        configure(&mut config);
        let emulator = Emulator::start(config).await.expect("the emulator starts");
        let s3 = s3_client(&emulator, SECRET_ACCESS_KEY).await;
        let lambda = lambda_client(&emulator).await;
        Self { emulator, s3, lambda, root }
    }
}

pub async fn s3_client(emulator: &Emulator, secret: &str) -> aws_sdk_s3::Client {
    let config = sdk_config(emulator.s3_endpoint(), secret).await;
    let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

async fn lambda_client(emulator: &Emulator) -> aws_sdk_lambda::Client {
    aws_sdk_lambda::Client::new(&sdk_config(emulator.lambda_endpoint(), SECRET_ACCESS_KEY).await)
}

async fn sdk_config(endpoint: &str, secret: &str) -> aws_config::SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, secret, None, None, "test"))
        // A retry would hide a failure, and make a throttled call wait.
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await
}

/// The program that the tests deploy.
pub fn bootstrap() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_echo-bootstrap"))
}

/// A folder with that program as its `bootstrap`.
pub fn bootstrap_folder(parent: &Path) -> PathBuf {
    let folder = parent.join("function");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::copy(bootstrap(), folder.join("bootstrap")).expect("a copy");
    folder
}

/// The code and the HTTP status of a refused request.
pub fn refused<T: std::fmt::Debug, E>(result: Result<T, SdkError<E>>) -> (String, u16)
where
    E: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = result.expect_err("a refusal");
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    (error.code().unwrap_or_default().to_owned(), status)
}

pub type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A zip with `bootstrap` in it.
pub fn bootstrap_zip(mode: u32) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(mode);
    zip.start_file("bootstrap", options).expect("a zip entry");
    zip.write_all(&std::fs::read(bootstrap()).expect("the program")).expect("a zip entry");
    zip.finish().expect("a zip").into_inner()
}

/// CreateFunction with a folder as its code, still to be changed or sent.
pub fn create_function(
    aws: &Aws,
    name: &str,
    folder: &Path,
) -> aws_sdk_lambda::operation::create_function::builders::CreateFunctionFluentBuilder {
    use aws_sdk_lambda::types::{FunctionCode, Runtime};
    let code = FunctionCode::builder().s3_bucket("hot-reload").s3_key(folder.to_string_lossy()).build();
    let create = aws.lambda.create_function().function_name(name).code(code).handler("bootstrap");
    create.runtime(Runtime::Providedal2023).role("arn:aws:iam::000000000000:role/lambda")
}
