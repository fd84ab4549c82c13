//! Whose session is whose, how sessions end, and who may call at all.

use std::sync::atomic::Ordering;
use std::time::Duration;

use firesteel_connect::proto::{self, KeyValue, config_request};
use tonic::{Code, Status};

use crate::harness::*;

async fn set(client: &mut TestClient, key: &str, value: &str) -> Result<String, Status> {
    let pairs = vec![KeyValue { key: key.to_owned(), value: Some(value.to_owned()) }];
    let operation = config_request::operation::OpType::Set(config_request::Set { pairs, silent: None });
    config(client, operation, None).await.map(|response| response.server_side_session_id)
}

async fn get(client: &mut TestClient, key: &str) -> Result<Option<String>, Status> {
    let keys = vec![key.to_owned()];
    let operation = config_request::operation::OpType::GetOption(config_request::GetOption { keys });
    config(client, operation, None).await.map(|response| response.pairs[0].value.clone())
}

async fn config(
    client: &mut TestClient,
    operation: config_request::operation::OpType,
    observed: Option<String>,
) -> Result<proto::ConfigResponse, Status> {
    let request = proto::ConfigRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        client_observed_server_side_session_id: observed,
        operation: Some(config_request::Operation { op_type: Some(operation) }),
        ..Default::default()
    };
    client.stub.config(request).await.map(tonic::Response::into_inner)
}

async fn release(client: &mut TestClient, allow_reconnect: bool) -> String {
    let request = proto::ReleaseSessionRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        allow_reconnect,
        ..Default::default()
    };
    client.stub.release_session(request).await.unwrap().into_inner().server_side_session_id
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_with_one_session_id_never_see_each_other() {
    let server = TestServer::start().await;
    let mut one = server.client().await;
    let mut other = TestClient { user: "other".to_owned(), ..one.clone() };
    let first = set(&mut one, "k", "1").await.unwrap();
    assert_eq!(get(&mut other, "k").await.unwrap(), None);
    let second = set(&mut other, "k", "2").await.unwrap();
    assert_ne!(first, second);
    assert_eq!(get(&mut one, "k").await.unwrap().as_deref(), Some("1"));

    // An operation of the one is not there for the other.
    let request = one.reattachable(root(&table("endless")));
    let id = request.operation_id.clone().unwrap();
    let mut stream = one.execute(request).await;
    stream.message().await.unwrap();
    let reattach = proto::ReattachExecuteRequest {
        session_id: other.session.clone(),
        user_context: other.user_context(),
        operation_id: id,
        ..Default::default()
    };
    let error = other.stub.reattach_execute(reattach).await.unwrap_err();
    assert_class(&error, "INVALID_HANDLE.OPERATION_NOT_FOUND");
    assert_eq!(server.engine.opened.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_first_calls_open_one_session() {
    let server = TestServer::start().await;
    let client = server.client().await;
    let calls = (0..8).map(|_| {
        let mut client = client.clone();
        async move { set(&mut client, "k", "1").await.unwrap() }
    });
    let ids = futures::future::join_all(calls).await;
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(server.engine.opened.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_learns_that_its_session_is_another_one() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let all = || config_request::operation::OpType::GetAll(config_request::GetAll { prefix: None });
    // A session that this server never had.
    let error = config(&mut client, all(), Some("before".to_owned())).await.unwrap_err();
    assert_class(&error, "INVALID_HANDLE.SESSION_CHANGED");
    let id = set(&mut client, "k", "1").await.unwrap();
    assert!(config(&mut client, all(), Some(id)).await.is_ok());
    let error = config(&mut client, all(), Some("before".to_owned())).await.unwrap_err();
    assert_class(&error, "INVALID_HANDLE.SESSION_CHANGED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_session_is_closed_and_what_runs_in_it_stops() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let request = client.reattachable(root(&table("endless")));
    let mut stream = client.execute(request).await;
    stream.message().await.unwrap();
    assert!(!release(&mut client, false).await.is_empty());
    let running = server.engine.running.clone();
    eventually(|| running.load(Ordering::SeqCst) == 0).await;
    assert_eq!(server.engine.closed.load(Ordering::SeqCst), 1);
    assert_class(&get(&mut client, "k").await.unwrap_err(), "INVALID_HANDLE.SESSION_CLOSED");
    assert!(release(&mut client, false).await.is_empty());

    let mut client = server.client().await;
    set(&mut client, "k", "1").await.unwrap();
    release(&mut client, true).await;
    assert_eq!(get(&mut client, "k").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_is_closed() {
    let server = TestServer::start_with(|options| options.session_timeout = Duration::from_millis(100)).await;
    let mut client = server.client().await;
    set(&mut client, "k", "1").await.unwrap();
    let closed = server.engine.closed.clone();
    eventually(|| closed.load(Ordering::SeqCst) == 1).await;
    assert_class(&get(&mut client, "k").await.unwrap_err(), "INVALID_HANDLE.SESSION_CLOSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_uuids_and_sessions_are_bounded() {
    let server = TestServer::start_with(|options| options.sessions_max = 1).await;
    let mut client = TestClient { session: "mine".to_owned(), ..server.client().await };
    assert_class(&get(&mut client, "k").await.unwrap_err(), "INVALID_HANDLE.FORMAT");
    assert!(get(&mut server.client().await, "k").await.is_ok());
    assert_class(&get(&mut server.client().await, "k").await.unwrap_err(), "UNSUPPORTED_FEATURE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_has_all_and_goes_its_own_way() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    set(&mut client, "k", "1").await.unwrap();
    let request = |new_session_id: Option<String>| proto::CloneSessionRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        new_session_id,
        ..Default::default()
    };
    let mut stub = client.stub.clone();
    let clone = stub.clone_session(request(None)).await.unwrap().into_inner();
    let mut copy = TestClient { session: clone.new_session_id.clone(), ..client.clone() };
    assert_eq!(get(&mut copy, "k").await.unwrap().as_deref(), Some("1"));
    set(&mut copy, "k", "2").await.unwrap();
    assert_eq!(get(&mut client.clone(), "k").await.unwrap().as_deref(), Some("1"));
    let error = stub.clone_session(request(Some(clone.new_session_id))).await.unwrap_err();
    assert_class(&error, "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS");
    let error = stub.clone_session(request(Some("x".to_owned()))).await.unwrap_err();
    assert_class(&error, "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_FORMAT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_token_answers_nobody_without() {
    let server = TestServer::start_with(|options| options.token = Some("secret".to_owned())).await;
    let client = server.client().await;
    let request = |token: Option<&str>| {
        let mut request = tonic::Request::new(client.request(root(&range(1))));
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        request
    };
    let mut stub = client.stub.clone();
    for wrong in [None, Some("secre"), Some("secret2"), Some("")] {
        assert_eq!(stub.execute_plan(request(wrong)).await.unwrap_err().code(), Code::Unauthenticated);
    }
    assert_eq!(server.engine.opened.load(Ordering::SeqCst), 0);
    assert!(stub.execute_plan(request(Some("secret"))).await.is_ok());
}
