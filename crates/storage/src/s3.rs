//! The client for S3: built for many parallel ranged reads, with few and short retries, since a task that waits is
//! billed and the scheduler can run it again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::aws::{
    AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, AwsCredential, AwsCredentialProvider, S3ConditionalPut,
};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, CredentialProvider, Error, ObjectStore, Result, RetryConfig,
};
use parking_lot::Mutex;

use crate::StorageOptions;
use crate::error::{FinalStatus, NoCredentials};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a request with its body; a longer body goes on in another request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// S3 closes idle connections after some 20 s; a request on one that is closed costs a retry.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
const IDLE_CONNECTIONS_MAX: usize = 64;
const RETRIES_MAX: usize = 4;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
/// Where there is none of these, object_store asks the machine for its role.
const CREDENTIAL_KEYS: [AmazonS3ConfigKey; 4] = [
    AmazonS3ConfigKey::AccessKeyId,
    AmazonS3ConfigKey::WebIdentityTokenFile,
    AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    AmazonS3ConfigKey::ContainerCredentialsFullUri,
];
/// object_store's, and the one region that CreateBucket is not told.
const REGION_DEFAULT: &str = "us-east-1";
/// Come with status 400 and pass (AWS "Error responses").
const TRANSIENT_CODES: [&str; 2] = ["RequestTimeout", "IncompleteBody"];
/// Of an error's body, in a message.
const ERROR_BODY_BYTES_MAX: usize = 2048;

/// Makes clients of buckets, which share their connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct S3 {
    client: Arc<Mutex<Option<HttpClient>>>,
}

impl S3 {
    pub fn bucket(&self, bucket: &str, options: &StorageOptions) -> Result<Arc<dyn ObjectStore>> {
        Ok(Arc::new(self.build(bucket, options)?))
    }

    fn build(&self, bucket: &str, options: &StorageOptions) -> Result<AmazonS3> {
        let builder = self.builder(bucket, options);
        let store = builder.clone().build()?;
        let has_credentials = CREDENTIAL_KEYS.iter().any(|key| builder.get_config_value(key).is_some());
        if has_credentials {
            return Ok(store);
        }
        builder.with_credentials(Arc::new(MachineRole(Arc::clone(store.credentials())))).build()
    }

    /// Makes a bucket, which object_store can't. One that is the caller's already is as good.
    pub async fn create_bucket(&self, bucket: &str, options: &StorageOptions) -> Result<()> {
        let builder = self.builder(bucket, options);
        let config = |key: &AmazonS3ConfigKey| builder.get_config_value(key);
        let region = config(&AmazonS3ConfigKey::Region).unwrap_or_else(|| REGION_DEFAULT.to_owned());
        let endpoint = config(&AmazonS3ConfigKey::S3Endpoint)
            .or_else(|| config(&AmazonS3ConfigKey::Endpoint))
            .unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let url = format!("{}/{bucket}", endpoint.trim_end_matches('/'));
        let credential = self.build(bucket, options)?.credentials().get_credential().await?;

        let mut request = HttpRequest::new(location_constraint(&region).into());
        *request.uri_mut() = url.parse().map_err(generic)?;
        *request.method_mut() = "PUT".parse().map_err(generic)?;
        AwsAuthorizer::new(&credential, "s3", &region).authorize(&mut request, None);
        let client = self.connector(options).connect(&client_options(options))?;
        let response = client.execute(request).await.map_err(generic)?;
        let status = response.status().as_u16();
        if response.status().is_success() {
            return Ok(());
        }
        let body = text(response).await.map_err(generic)?;
        if status == 409 && code(&body) == Some("BucketAlreadyOwnedByYou") {
            return Ok(());
        }
        let source = FinalStatus { status, is_transient: status >= 500, region: None, body };
        match status {
            403 => Err(Error::PermissionDenied { path: bucket.to_owned(), source: source.into() }),
            _ => Err(generic(source)),
        }
    }

    fn builder(&self, bucket: &str, options: &StorageOptions) -> AmazonS3Builder {
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
        builder
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(retry())
            .with_client_options(client_options(options))
            .with_http_connector(self.connector(options))
    }

    fn connector(&self, options: &StorageOptions) -> SharedConnector {
        SharedConnector { options: client_options(options), shared: Arc::clone(&self.client) }
    }
}

/// What CreateBucket has to say outside of us-east-1, and must not say there.
fn location_constraint(region: &str) -> Bytes {
    if region == REGION_DEFAULT {
        return Bytes::new();
    }
    Bytes::from(format!(
        "<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    ))
}

fn generic(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "S3", source: source.into() }
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

/// One HTTP client for all buckets: reading the root certificates takes longer than a request. What asks this machine
/// for credentials comes with options of its own, and gets a client of its own.
#[derive(Debug)]
struct SharedConnector {
    options: ClientOptions,
    shared: Arc<Mutex<Option<HttpClient>>>,
}

impl HttpConnector for SharedConnector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let is_other = |key| options.get_config_value(&key) != self.options.get_config_value(&key);
        if is_other(ClientConfigKey::Timeout) || is_other(ClientConfigKey::AllowHttp) {
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

/// Marks the failures of the machine's role, which would pass for S3's.
#[derive(Debug)]
struct MachineRole(AwsCredentialProvider);

#[async_trait]
impl CredentialProvider for MachineRole {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        self.0.get_credential().await.map_err(|source| generic(NoCredentials { source }))
    }
}

/// Gives a type to statuses that say more than object_store passes on, since object_store tells them only by text.
#[derive(Debug)]
struct StatusKeeper(HttpClient);

#[async_trait]
impl HttpService for StatusKeeper {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.execute(request).await?;
        let status = response.status().as_u16();
        if matches!(status, 429 | 503) {
            return busy(status, response).await;
        }
        // Not the client's to follow, a malformed request or an expired token, and a range past the end.
        if !matches!(status, 301 | 307 | 400 | 416) {
            return Ok(response);
        }
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let region = header("x-amz-bucket-region");
        let body = text(response).await?;
        let is_elsewhere = matches!(status, 301 | 307) || code(&body) == Some("AuthorizationHeaderMalformed");
        let region = region.filter(|_| is_elsewhere);
        let is_transient = code(&body).is_some_and(|code| TRANSIENT_CODES.contains(&code));
        // An interrupted request is one that object_store tries again.
        let kind = if is_transient { HttpErrorKind::Interrupted } else { HttpErrorKind::Unknown };
        Err(HttpError::new(kind, FinalStatus { status, is_transient, region, body }))
    }
}

/// `SlowDown` as an error that object_store tries again for every method, as it does with the status, and passes on in the
/// end; any other 503 as it came.
async fn busy(status: u16, response: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (parts, body) = response.into_parts();
    let bytes = body.bytes().await?;
    let body = String::from_utf8_lossy(&bytes[..bytes.len().min(ERROR_BODY_BYTES_MAX)]).into_owned();
    if status == 503 && code(&body) != Some("SlowDown") {
        return Ok(HttpResponse::from_parts(parts, bytes.into()));
    }
    let status = FinalStatus { status, is_transient: true, region: None, body };
    Err(HttpError::new(HttpErrorKind::Request, status))
}

/// S3's name for an error, as its XML gives it.
fn code(body: &str) -> Option<&str> {
    Some(body.split_once("<Code>")?.1.split_once("</Code>")?.0)
}

async fn text(response: HttpResponse) -> Result<String, HttpError> {
    let body = response.into_body().bytes().await?;
    Ok(String::from_utf8_lossy(&body[..body.len().min(ERROR_BODY_BYTES_MAX)]).into_owned())
}

#[cfg(test)]
mod tests {
    use firesteel_protocol::ErrorKind;

    use super::*;
    use crate::StorageError;

    #[derive(Debug)]
    struct Nobody;

    #[async_trait]
    impl CredentialProvider for Nobody {
        type Credential = AwsCredential;

        async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
            Err(generic("no role"))
        }
    }

    #[tokio::test]
    async fn no_role_says_how_to_give_credentials() {
        let error = MachineRole(Arc::new(Nobody)).get_credential().await.expect_err("nobody");
        assert_eq!(crate::classify(&error), ErrorKind::UserFix);
        let error = StorageError::new("read", "s3://bucket/key", error);
        assert!(matches!(error, StorageError::NoCredentials { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::UserFix);
    }
}
