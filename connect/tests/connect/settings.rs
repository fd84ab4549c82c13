//! `Config`.

use firesteel_connect::proto::config_request::operation::OpType;
use firesteel_connect::proto::{self, KeyValue, config_request};
use tonic::Status;

use crate::harness::*;

async fn config(client: &mut TestClient, operation: OpType) -> Result<proto::ConfigResponse, Status> {
    let request = proto::ConfigRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        operation: Some(config_request::Operation { op_type: Some(operation) }),
        ..Default::default()
    };
    client.stub.config(request).await.map(tonic::Response::into_inner)
}

fn pair(key: &str, value: Option<&str>) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value.map(str::to_owned) }
}

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_set_got_and_unset() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let set = |pairs, silent| OpType::Set(config_request::Set { pairs, silent });
    let pairs = vec![pair("a.b", Some("1")), pair("spark.old", Some("2"))];
    assert_eq!(config(&mut client, set(pairs, None)).await.unwrap().warnings, ["it is old"]);

    let get = OpType::Get(config_request::Get { keys: keys(&["a.b"]) });
    assert_eq!(config(&mut client, get).await.unwrap().pairs, [pair("a.b", Some("1"))]);
    let get = OpType::Get(config_request::Get { keys: keys(&["nope"]) });
    assert_class(&config(&mut client, get).await.unwrap_err(), "SQL_CONF_NOT_FOUND");
    let get = OpType::GetOption(config_request::GetOption { keys: keys(&["a.b", "nope"]) });
    assert_eq!(config(&mut client, get).await.unwrap().pairs, [pair("a.b", Some("1")), pair("nope", None)]);
    let pairs = vec![pair("a.b", Some("x")), pair("nope", Some("y")), pair("no", None)];
    let get = OpType::GetWithDefault(config_request::GetWithDefault { pairs });
    let expected = [pair("a.b", Some("1")), pair("nope", Some("y")), pair("no", None)];
    assert_eq!(config(&mut client, get).await.unwrap().pairs, expected);
    let all = OpType::GetAll(config_request::GetAll { prefix: Some("a.".to_owned()) });
    assert_eq!(config(&mut client, all).await.unwrap().pairs, [pair("b", Some("1"))]);

    let unset = OpType::Unset(config_request::Unset { keys: keys(&["a.b"]) });
    config(&mut client, unset).await.unwrap();
    let get = OpType::GetOption(config_request::GetOption { keys: keys(&["a.b"]) });
    assert_eq!(config(&mut client, get).await.unwrap().pairs, [pair("a.b", None)]);

    let is = OpType::IsModifiable(config_request::IsModifiable { keys: keys(&["a", "spark.fixed"]) });
    let expected = [pair("a", Some("true")), pair("spark.fixed", Some("false"))];
    assert_eq!(config(&mut client, is).await.unwrap().pairs, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_set_is_an_error_or_a_warning() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let set = |silent| OpType::Set(config_request::Set { pairs: vec![pair("spark.fixed", Some("1"))], silent });
    assert_class(&config(&mut client, set(None)).await.unwrap_err(), "CANNOT_MODIFY_CONFIG");
    assert_eq!(config(&mut client, set(Some(true))).await.unwrap().warnings.len(), 1);
    let get = OpType::Get(config_request::Get { keys: keys(&["spark.sql.session.localRelationCacheThreshold"]) });
    assert_eq!(config(&mut client, get).await.unwrap().pairs[0].value.as_deref(), Some("1048576"));
}
