//! Errors as Spark's clients read them: a gRPC status with a `google.rpc.ErrorInfo`, and the details that a client
//! fetches afterwards.

use std::collections::BTreeMap;

use firesteel_spec::{QueryContext, SparkError};
use prost::Message;
use serde_json::Value;
use tonic::{Code, Status};

use crate::exception::exception;
use crate::proto::FetchErrorDetailsResponse;
use crate::proto::fetch_error_details_response as details;

/// All of a status has to fit into HTTP headers of 8 KiB, in which most bytes take up to three.
const MESSAGE_BYTES_MAX: usize = 2_048;
const MESSAGE_ENCODED_BYTES_MAX: usize = 3_072;
const PARAMETERS_BYTES_MAX: usize = 1_024;

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// `google.rpc.ErrorInfo`
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: BTreeMap<String, String>,
}

/// `error_id` is that by which the details can be fetched.
pub(crate) fn status(error: &SparkError, error_id: Option<&str>) -> Status {
    let classes = exception(error);
    let mut metadata = BTreeMap::from([
        ("classes".to_owned(), Value::from(classes).to_string()),
        ("errorClass".to_owned(), error.class.clone()),
        ("sqlState".to_owned(), error.sqlstate().to_owned()),
    ]);
    let parameters = Value::from_iter(error.parameters.clone()).to_string();
    if parameters.len() <= PARAMETERS_BYTES_MAX {
        metadata.insert("messageParameters".to_owned(), parameters);
    }
    if let Some(error_id) = error_id {
        metadata.insert("errorId".to_owned(), error_id.to_owned());
    }
    let reason = classes.first().copied().unwrap_or_default().to_owned();
    let info = ErrorInfo { reason, domain: "org.apache.spark".to_owned(), metadata };
    let message = abbreviated(&error.to_string());
    let rich = RpcStatus {
        code: Code::Internal as i32,
        message: message.clone(),
        details: vec![prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
            value: info.encode_to_vec(),
        }],
    };
    Status::with_details(Code::Internal, message, rich.encode_to_vec().into())
}

fn abbreviated(message: &str) -> String {
    let mut encoded = 0;
    for (at, character) in message.char_indices() {
        let plain = matches!(character, ' '..='~') && character != '%';
        encoded += if plain { 1 } else { 3 * character.len_utf8() };
        if at >= MESSAGE_BYTES_MAX || encoded >= MESSAGE_ENCODED_BYTES_MAX {
            return format!("{}...", &message[..at]);
        }
    }
    message.to_owned()
}

pub(crate) fn fetched(error: &SparkError) -> FetchErrorDetailsResponse {
    let throwable = details::SparkThrowable {
        error_class: Some(error.class.clone()),
        message_parameters: error.parameters.clone(),
        query_contexts: error.context.iter().map(|context| query_context(context)).collect(),
        sql_state: Some(error.sqlstate().to_owned()),
        breaking_change_info: None,
    };
    FetchErrorDetailsResponse {
        root_error_idx: Some(0),
        errors: vec![details::Error {
            error_type_hierarchy: exception(error).iter().map(|&class| class.to_owned()).collect(),
            message: error.to_string(),
            stack_trace: Vec::new(),
            cause_idx: None,
            spark_throwable: Some(throwable),
        }],
        ..FetchErrorDetailsResponse::default()
    }
}

fn query_context(context: &QueryContext) -> details::QueryContext {
    let index = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    let heading = format!("== SQL (line {}, position {}) ==", context.line, context.column + 1);
    details::QueryContext {
        context_type: details::query_context::ContextType::Sql as i32,
        start_index: index(context.start),
        stop_index: index(context.stop),
        fragment: context.fragment.clone(),
        summary: format!("{heading}\n{}\n{}", context.fragment, "^".repeat(context.fragment.chars().count())),
        ..details::QueryContext::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_fits_into_headers() {
        let error = SparkError::new("INTERNAL_ERROR", "\u{1F980}\n".repeat(10_000)).with("big", "x".repeat(100_000));
        let status = status(&error, Some("id"));
        assert!(status.message().len() <= MESSAGE_BYTES_MAX);
        assert!(status.details().len() * 4 / 3 + MESSAGE_ENCODED_BYTES_MAX < 8_000, "{}", status.details().len());
    }
}
