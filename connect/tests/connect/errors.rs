//! Errors, as Spark's clients read them.

use std::collections::BTreeMap;

use firesteel_connect::proto;
use prost::Message;
use tonic::Status;

use crate::harness::*;

/// `google.rpc.Status` and `google.rpc.ErrorInfo`, as any client decodes them.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: BTreeMap<String, String>,
}

fn info(status: &Status) -> ErrorInfo {
    let rich = RpcStatus::decode(status.details()).unwrap();
    assert_eq!((rich.code, rich.message.as_str()), (status.code() as i32, status.message()));
    assert_eq!(rich.details[0].type_url, "type.googleapis.com/google.rpc.ErrorInfo");
    ErrorInfo::decode(rich.details[0].value.as_slice()).unwrap()
}

async fn fetch(client: &mut TestClient, error_id: &str) -> proto::FetchErrorDetailsResponse {
    let request = proto::FetchErrorDetailsRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        error_id: error_id.to_owned(),
        ..Default::default()
    };
    client.stub.fetch_error_details(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_tells_its_class_and_its_details_can_be_fetched() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let (responses, error) = client.run(root(&table("broken"))).await;
    assert_eq!(rows(&responses), 1);
    let info = info(&error.unwrap());
    assert_eq!(
        (info.domain.as_str(), info.reason.as_str()),
        ("org.apache.spark", "org.apache.spark.SparkArithmeticException")
    );
    assert_eq!(info.metadata["errorClass"], "DIVIDE_BY_ZERO");
    assert_eq!(info.metadata["sqlState"], "22012");
    assert!(info.metadata["classes"].contains("\"java.lang.ArithmeticException\""));
    assert_eq!(info.metadata["messageParameters"], r#"{"config":"\"spark.sql.ansi.enabled\""}"#);

    let details = fetch(&mut client, &info.metadata["errorId"]).await;
    let error = &details.errors[usize::try_from(details.root_error_idx.unwrap()).unwrap()];
    let throwable = error.spark_throwable.as_ref().unwrap();
    assert_eq!(throwable.error_class.as_deref(), Some("DIVIDE_BY_ZERO"));
    assert_eq!(error.error_type_hierarchy[0], "org.apache.spark.SparkArithmeticException");
    // An error is fetched once, and only in its own session.
    assert_eq!(fetch(&mut client, &info.metadata["errorId"]).await.root_error_idx, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_panics_fails_its_plan_alone() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let error = client.run(root(&table("panic"))).await.1.unwrap();
    assert_class(&error, "INTERNAL_ERROR");
    assert_eq!(rows(&client.run(root(&range(3))).await.0), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_is_refused_by_name() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let refused = proto::ApplyInPandasWithState::default();
    let plan = root(&relation(proto::relation::RelType::ApplyInPandasWithState(Box::new(refused))));
    let error = client.run(plan).await.1.unwrap();
    assert_class(&error, "UNSUPPORTED_FEATURE");
    assert!(error.message().contains("apply_in_pandas_with_state"), "{}", error.message());
    let any = prost_types::Any { type_url: "type.googleapis.com/x.Y".to_owned(), value: vec![] };
    let error = client.run(root(&relation(proto::relation::RelType::Extension(any)))).await.1.unwrap();
    assert_class(&error, "CONNECT_INVALID_PLAN.NO_HANDLER_FOR_EXTENSION");
    assert!(info(&error).metadata["messageParameters"].contains("x.Y"));
}
