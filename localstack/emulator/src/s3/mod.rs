//! S3: `s3s` speaks the protocol and checks signatures, this module keeps the objects.
//!
//! ```text
//! operations ── listing            which keys are on a page
//!   │    │  └── condition          may this read or write take place
//!   │    └───── spool, copy        bytes in ──┐
//!   │           file_body          bytes out  │
//!   │           multipart ────────────────────┤
//!   └────────── store ── object_file, key_name┘
//! ```
//!
//! `faulty` stands before all of it.

mod condition;
mod copy;
mod faulty;
mod file_body;
mod key_name;
mod listing;
mod multipart;
mod object_file;
mod operations;
mod spool;
mod store;

use std::sync::Arc;

use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s::{S3Error, S3Result};

use self::faulty::FaultyS3;
pub(crate) use self::store::Store;
use crate::faults::FaultRuns;
use crate::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

/// The service of a store, for the one access key.
pub(crate) fn service(store: Arc<Store>, faults: Arc<FaultRuns>) -> FaultyS3 {
    let mut builder = S3ServiceBuilder::new(operations::Operations { store });
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
    FaultyS3 { service: builder.build(), faults }
}

/// Runs file work on a thread that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> S3Result<T> + Send + 'static) -> S3Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(S3Error::internal_error)?
}
