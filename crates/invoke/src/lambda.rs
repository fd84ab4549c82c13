//! [`LambdaInvoker`]: AWS Lambda's synchronous Invoke, against AWS or any endpoint that speaks its API.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Credentials;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use bytes::Bytes;
use firesteel_protocol::INVOKE_PAYLOAD_BYTES_MAX;

use crate::lambda_error::{function_error, sdk_error};
use crate::{Direction, FunctionInvoker, InvokeError};

/// Longer than S3's, since a thousand connections may be opened at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How much later than the function its caller gives up, so that the function's own word comes first.
const GRACE: Duration = Duration::from_secs(15);
/// Lambda's longest run (AWS "Lambda quotas").
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(900);
/// What a new AWS account may run at once (AWS "Lambda quotas").
const CONCURRENCY_DEFAULT: usize = 1000;

/// Which function, where, and as whom.
#[derive(Clone)]
pub struct LambdaOptions {
    /// A name, `name:alias` or an ARN.
    pub function_name: String,
    /// Another Lambda than AWS's. `AWS_ENDPOINT_URL_LAMBDA` and `AWS_ENDPOINT_URL` hold where there is none.
    pub endpoint_url: Option<String>,
    /// AWS's own order of places where there is none: `AWS_REGION`, the profile, the machine.
    pub region: Option<String>,
    /// Access key id and secret; AWS's own order of places where there are none.
    pub credentials: Option<(String, String)>,
    pub concurrency_max: usize,
    /// The function's timeout.
    pub timeout: Duration,
}

impl Default for LambdaOptions {
    /// The function `firesteel` in the environment's account.
    fn default() -> Self {
        Self {
            function_name: "firesteel".to_owned(),
            endpoint_url: None,
            region: None,
            credentials: None,
            concurrency_max: CONCURRENCY_DEFAULT,
            timeout: TIMEOUT_DEFAULT,
        }
    }
}

impl std::fmt::Debug for LambdaOptions {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LambdaOptions")
            .field("function_name", &self.function_name)
            .field("endpoint_url", &self.endpoint_url)
            .field("region", &self.region)
            .field("concurrency_max", &self.concurrency_max)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Calls one function. Nothing is called before the first attempt.
#[derive(Debug, Clone)]
pub struct LambdaInvoker {
    client: Client,
    function: String,
    /// For messages.
    endpoint: String,
    concurrency_max: usize,
    name: &'static str,
}

impl LambdaInvoker {
    /// Reads the environment for what the options leave open.
    pub async fn connect(options: LambdaOptions) -> Self {
        let client = Client::new(&sdk_config(&options).await);
        Self::with_client(client, options, "lambda")
    }

    pub(crate) fn with_client(client: Client, options: LambdaOptions, name: &'static str) -> Self {
        let endpoint = options.endpoint_url.unwrap_or_else(|| {
            let region = client.config().region().map_or("?", Region::as_ref);
            format!("Lambda in region {region}")
        });
        let concurrency_max = options.concurrency_max.max(1);
        Self { client, function: options.function_name, endpoint, concurrency_max, name }
    }
}

/// A client that tries once and waits as long as a function may run.
pub(crate) async fn sdk_config(options: &LambdaOptions) -> aws_config::SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_timeout(options.timeout.saturating_add(GRACE))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        // A function that computes sends nothing, for minutes.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = &options.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some((id, secret)) = &options.credentials {
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "LambdaOptions"));
    }
    loader.load().await
}

#[async_trait]
impl FunctionInvoker for LambdaInvoker {
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        if payload.len() > INVOKE_PAYLOAD_BYTES_MAX {
            let function = self.function.clone();
            return Err(InvokeError::PayloadTooLarge { function, direction: Direction::Request });
        }
        let reply = self
            .client
            .invoke()
            .function_name(&self.function)
            .invocation_type(InvocationType::RequestResponse)
            .payload(Blob::new(payload))
            .send()
            .await
            .map_err(|error| sdk_error(&self.function, &self.endpoint, error))?;
        let is_failed = reply.function_error.is_some();
        let content = reply.payload.map(Blob::into_inner).unwrap_or_default();
        if is_failed { Err(function_error(&self.function, &content)) } else { Ok(content.into()) }
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn concurrency_max(&self) -> usize {
        self.concurrency_max
    }
}
