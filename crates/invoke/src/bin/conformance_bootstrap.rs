//! The conformance suite's function, as a `bootstrap` for the backends that run real ones.

use firesteel_invoke::conformance;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let payload = event.payload.get().to_owned().into_bytes();
        let reply = conformance::obey(payload.into(), || std::process::exit(3)).await;
        let reply = reply.map_err(|error| Diagnostic { error_type: error.error_type, error_message: error.message })?;
        RawValue::from_string(String::from_utf8_lossy(&reply).into_owned())
            .map_err(|error| Diagnostic { error_type: "conformance".to_owned(), error_message: error.to_string() })
    }))
    .await
}
