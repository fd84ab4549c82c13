//! [`StorageOptions`]: where S3 is and who asks.

use std::fmt;

/// How to reach S3. The default asks AWS as the machine's role, and reads no environment variable.
#[derive(Clone, Default)]
pub struct StorageOptions {
    /// Another S3 than AWS's, such as `http://127.0.0.1:4566`.
    pub s3_endpoint: Option<String>,
    pub s3_region: Option<String>,
    pub s3_access_key_id: Option<String>,
    pub s3_secret_access_key: Option<String>,
    /// Of temporary credentials.
    pub s3_session_token: Option<String>,
    /// Permits `http://` endpoints other than the one in `s3_endpoint`, which is permission by itself.
    pub s3_allow_http: bool,
    /// Whether what is not set here comes from `AWS_…` variables, as object_store reads them: web identity and
    /// container credentials among them.
    pub s3_environment: bool,
}

impl StorageOptions {
    /// Everything from the environment: `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, `AWS_REGION`, and credentials in
    /// any form that object_store knows, so that a function's role works as it is.
    pub fn from_env() -> Self {
        Self {
            s3_endpoint: variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL")),
            s3_region: variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")),
            s3_allow_http: variable("AWS_ALLOW_HTTP").is_some_and(|allowed| allowed.eq_ignore_ascii_case("true")),
            s3_environment: true,
            ..Self::default()
        }
    }
}

impl fmt::Debug for StorageOptions {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageOptions")
            .field("s3_endpoint", &self.s3_endpoint)
            .field("s3_region", &self.s3_region)
            .field("s3_access_key_id", &self.s3_access_key_id)
            .field("s3_environment", &self.s3_environment)
            .finish_non_exhaustive()
    }
}

/// An empty variable counts as none, as in AWS's own tools.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
