//! Reattachable operations: going on after a lost connection, releases and interrupts.

use std::sync::atomic::Ordering;
use std::time::Duration;

use firesteel_connect::proto::get_status_request::OperationStatusRequest;
use firesteel_connect::proto::get_status_response::operation_status::OperationState;
use firesteel_connect::proto::interrupt_request::{Interrupt, InterruptType};
use firesteel_connect::proto::release_execute_request::{Release, ReleaseAll, ReleaseUntil};
use firesteel_connect::proto::{self, ExecutePlanResponse};
use tonic::{Status, Streaming};

use crate::harness::*;

async fn reattach(
    client: &mut TestClient,
    operation_id: &str,
    after: Option<&str>,
) -> Result<Streaming<ExecutePlanResponse>, Status> {
    let request = proto::ReattachExecuteRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        operation_id: operation_id.to_owned(),
        last_response_id: after.map(str::to_owned),
        ..Default::default()
    };
    client.stub.reattach_execute(request).await.map(tonic::Response::into_inner)
}

async fn release(client: &mut TestClient, operation_id: &str, what: Release) -> Result<Option<String>, Status> {
    let request = proto::ReleaseExecuteRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        operation_id: operation_id.to_owned(),
        release: Some(what),
        ..Default::default()
    };
    client.stub.release_execute(request).await.map(|response| response.into_inner().operation_id)
}

async fn interrupt(client: &mut TestClient, kind: InterruptType, what: Option<Interrupt>) -> Vec<String> {
    let request = proto::InterruptRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        interrupt_type: kind as i32,
        interrupt: what,
        ..Default::default()
    };
    client.stub.interrupt(request).await.unwrap().into_inner().interrupted_ids
}

async fn state(client: &mut TestClient, operation_id: &str) -> OperationState {
    let request = proto::GetStatusRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        operation_status: Some(OperationStatusRequest {
            operation_ids: vec![operation_id.to_owned()],
            extensions: vec![],
        }),
        ..Default::default()
    };
    client.stub.get_status(request).await.unwrap().into_inner().operation_statuses[0].state()
}

fn until(response: &ExecutePlanResponse) -> Release {
    Release::ReleaseUntil(ReleaseUntil { response_id: response.response_id.clone() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_goes_on_after_the_last_response_that_it_has() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let request = client.reattachable(root(&table("many")));
    let id = request.operation_id.clone().unwrap();
    let mut stream = client.execute(request).await;
    let mut seen = Vec::new();
    for _ in 0..10 {
        seen.push(stream.message().await.unwrap().unwrap());
    }
    drop(stream);
    let last = seen.last().unwrap().response_id.clone();
    let (rest, error) = all(reattach(&mut client, &id, Some(&last)).await.unwrap()).await;
    assert!(error.is_none());
    seen.extend(rest);
    assert_eq!(rows(&seen), 100);
    assert!(is_complete(seen.last().unwrap()));
    // From the start, as often as one likes, until something is released.
    let (again, _) = all(reattach(&mut client, &id, None).await.unwrap()).await;
    assert_eq!(again, seen);

    assert_eq!(release(&mut client, &id, until(&seen[4])).await.unwrap(), Some(id.clone()));
    let gone = reattach(&mut client, &id, None).await.unwrap_err();
    assert_class(&gone, "INVALID_CURSOR.POSITION_NOT_AVAILABLE");
    let unknown = reattach(&mut client, &id, Some("nonsense")).await.unwrap_err();
    assert_class(&unknown, "INVALID_CURSOR.POSITION_NOT_FOUND");
    let (rest, _) = all(reattach(&mut client, &id, Some(&seen[4].response_id)).await.unwrap()).await;
    assert_eq!(rest, seen[5..]);

    assert_eq!(state(&mut client, &id).await, OperationState::Succeeded);
    release(&mut client, &id, Release::ReleaseAll(ReleaseAll {})).await.unwrap();
    let released = reattach(&mut client, &id, None).await.unwrap_err();
    assert_class(&released, "INVALID_HANDLE.OPERATION_NOT_FOUND");
    assert_eq!(release(&mut client, &id, Release::ReleaseAll(ReleaseAll {})).await.unwrap(), None);
    assert_eq!(state(&mut client, &id).await, OperationState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_reader_takes_over() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let request = client.reattachable(root(&table("endless")));
    let id = request.operation_id.clone().unwrap();
    let mut first = client.execute(request.clone()).await;
    let response = first.message().await.unwrap().unwrap();
    let mut second = reattach(&mut client, &id, Some(&response.response_id)).await.unwrap();
    assert!(second.message().await.unwrap().is_some());
    let (_, cut_off) = all(first).await;
    assert_class(&cut_off.unwrap(), "INVALID_CURSOR.DISCONNECTED");
    let twice = client.stub.execute_plan(request).await.unwrap_err();
    assert_class(&twice, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_asked_for_so_can_be_reattached() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let id = uuid::Uuid::new_v4().to_string();
    let mut request = client.request(root(&table("endless")));
    request.operation_id = Some(id.clone());
    let mut stream = client.execute(request).await;
    stream.message().await.unwrap();
    let error = reattach(&mut client, &id, None).await.unwrap_err();
    assert_class(&error, "INVALID_CURSOR.NOT_REATTACHABLE");
    let mut request = client.request(root(&range(1)));
    request.operation_id = Some("1".to_owned());
    let error = client.stub.execute_plan(request).await.unwrap_err();
    assert_class(&error, "INVALID_HANDLE.FORMAT");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_operation_is_cancelled() {
    let server = TestServer::start_with(|options| options.abandoned_after = Duration::from_millis(100)).await;
    let mut client = server.client().await;
    let request = client.reattachable(root(&table("endless")));
    let id = request.operation_id.clone().unwrap();
    let mut stream = client.execute(request.clone()).await;
    stream.message().await.unwrap();
    drop(stream);
    let running = server.engine.running.clone();
    eventually(|| running.load(Ordering::SeqCst) == 0).await;
    let error = reattach(&mut client, &id, None).await.unwrap_err();
    assert_class(&error, "INVALID_HANDLE.OPERATION_ABANDONED");
    let error = client.stub.execute_plan(request).await.unwrap_err();
    assert_class(&error, "INVALID_HANDLE.OPERATION_ABANDONED");
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupts_drop_what_runs() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let running = server.engine.running.clone();
    let start = |tag: &str| {
        let mut request = client.reattachable(root(&table("endless")));
        request.tags = vec![tag.to_owned()];
        request
    };
    let (a, b, c) = (start("a"), start("b"), start("c"));
    let ids = [&a, &b, &c].map(|request| request.operation_id.clone().unwrap());
    let mut streams = Vec::new();
    for request in [a, b, c] {
        let mut stream = client.execute(request).await;
        stream.message().await.unwrap();
        streams.push(stream);
    }
    let tag = Some(Interrupt::OperationTag("a".to_owned()));
    assert_eq!(interrupt(&mut client, InterruptType::Tag, tag).await, [ids[0].clone()]);
    let (_, error) = all(streams.remove(0)).await;
    assert_class(&error.unwrap(), "OPERATION_CANCELED");
    eventually(|| running.load(Ordering::SeqCst) == 2).await;
    let by_id = Some(Interrupt::OperationId(ids[1].clone()));
    assert_eq!(interrupt(&mut client, InterruptType::OperationId, by_id).await, [ids[1].clone()]);
    // Another session's are left alone.
    let mut other = server.client().await;
    assert!(interrupt(&mut other, InterruptType::All, None).await.is_empty());
    assert_eq!(state(&mut client, &ids[2]).await, OperationState::Running);
    assert_eq!(interrupt(&mut client, InterruptType::All, None).await, [ids[2].clone()]);
    eventually(|| running.load(Ordering::SeqCst) == 0).await;
    assert_eq!(state(&mut client, &ids[2]).await, OperationState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn release_of_all_stops_what_runs() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let request = client.reattachable(root(&table("endless")));
    let id = request.operation_id.clone().unwrap();
    let mut stream = client.execute(request).await;
    stream.message().await.unwrap();
    release(&mut client, &id, Release::ReleaseAll(ReleaseAll {})).await.unwrap();
    let running = server.engine.running.clone();
    eventually(|| running.load(Ordering::SeqCst) == 0).await;
}
