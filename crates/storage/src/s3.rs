//! The client for S3: built for many parallel ranged reads, with few and short retries, since a task that waits is
//! billed and the scheduler can run it again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, Result, RetryConfig};
use parking_lot::Mutex;

use crate::StorageOptions;
use crate::error::FinalStatus;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a request with its body; a longer body goes on in another request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// S3 closes idle connections after some 20 s; a request on one that is closed costs a retry.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
const IDLE_CONNECTIONS_MAX: usize = 64;
const RETRIES_MAX: usize = 4;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
/// Of an error's body, in a message.
const ERROR_BODY_BYTES_MAX: usize = 2048;

/// Makes clients of buckets, which share their connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct S3 {
    client: Arc<Mutex<Option<HttpClient>>>,
}

impl S3 {
    pub fn bucket(&self, bucket: &str, options: &StorageOptions) -> Result<Arc<dyn ObjectStore>> {
        let mut builder = if options.s3_environment { AmazonS3Builder::from_env() } else { AmazonS3Builder::new() };
        if let Some(endpoint) = &options.s3_endpoint {
            builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
        }
        if let Some(region) = &options.s3_region {
            builder = builder.with_region(region);
        }
        if let (Some(id), Some(secret)) = (&options.s3_access_key_id, &options.s3_secret_access_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        if let Some(token) = &options.s3_session_token {
            builder = builder.with_token(token);
        }
        let store = builder
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(retry())
            .with_client_options(client_options(options))
            .with_http_connector(SharedConnector { shared: Arc::clone(&self.client) })
            .build()?;
        Ok(Arc::new(store))
    }
}

fn retry() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(50), max_backoff: Duration::from_secs(5), base: 2.0 };
    RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT }
}

fn client_options(options: &StorageOptions) -> ClientOptions {
    let http_endpoint = options.s3_endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    ClientOptions::new()
        .with_allow_http(options.s3_allow_http || http_endpoint)
        .with_http1_only()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout(REQUEST_TIMEOUT)
        .with_pool_idle_timeout(IDLE_TIMEOUT)
        .with_pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
}

/// One HTTP client for all buckets: reading the root certificates takes longer than a request. Clients with another
/// timeout, which ask for credentials, are made anew.
#[derive(Debug)]
struct SharedConnector {
    shared: Arc<Mutex<Option<HttpClient>>>,
}

impl HttpConnector for SharedConnector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let ours = ClientOptions::new().with_timeout(REQUEST_TIMEOUT);
        let timeout = |options: &ClientOptions| options.get_config_value(&ClientConfigKey::Timeout);
        if timeout(options) != timeout(&ours) {
            return ReqwestConnector::default().connect(options);
        }
        let mut shared = self.shared.lock();
        if let Some(client) = &*shared {
            return Ok(client.clone());
        }
        let client = HttpClient::new(StatusKeeper(ReqwestConnector::default().connect(options)?));
        Ok(shared.insert(client).clone())
    }
}

/// Gives statuses that no retry mends a type, since object_store tells them only by text.
#[derive(Debug)]
struct StatusKeeper(HttpClient);

#[async_trait]
impl HttpService for StatusKeeper {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.execute(request).await?;
        let status = response.status().as_u16();
        // Not the client's to follow, a malformed request or an expired token, and a range past the end.
        if !matches!(status, 301 | 307 | 400 | 416) {
            return Ok(response);
        }
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let region = header("x-amz-bucket-region").filter(|_| status != 416);
        let body = response.into_body().bytes().await?;
        let body = String::from_utf8_lossy(&body[..body.len().min(ERROR_BODY_BYTES_MAX)]).into_owned();
        Err(HttpError::new(HttpErrorKind::Unknown, FinalStatus { status, region, body }))
    }
}
