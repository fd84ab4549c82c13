//! `AddArtifacts`, and the plans that read what was uploaded.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use firesteel_connect::proto::add_artifacts_request::{
    ArtifactChunk, Batch, BeginChunkedArtifact, Payload, SingleChunkArtifact,
};
use firesteel_connect::proto::relation::RelType;
use firesteel_connect::proto::{self, AddArtifactsResponse};
use firesteel_spec::{Plan, RelationKind};
use prost::Message;
use tonic::Status;

use crate::harness::*;

async fn upload(client: &mut TestClient, payloads: Vec<Payload>) -> Result<AddArtifactsResponse, Status> {
    let messages: Vec<_> = payloads
        .into_iter()
        .map(|payload| proto::AddArtifactsRequest {
            session_id: client.session.clone(),
            user_context: client.user_context(),
            payload: Some(payload),
            ..Default::default()
        })
        .collect();
    client.stub.add_artifacts(futures::stream::iter(messages)).await.map(tonic::Response::into_inner)
}

async fn exists(client: &mut TestClient, name: &str) -> bool {
    let request = proto::ArtifactStatusesRequest {
        session_id: client.session.clone(),
        user_context: client.user_context(),
        names: vec![name.to_owned()],
        ..Default::default()
    };
    client.stub.artifact_status(request).await.unwrap().into_inner().statuses[name].exists
}

fn chunk(data: &[u8]) -> ArtifactChunk {
    ArtifactChunk { data: data.to_vec().into(), crc: i64::from(crc32fast::hash(data)) }
}

fn single(name: &str, data: ArtifactChunk) -> Payload {
    Payload::Batch(Batch { artifacts: vec![SingleChunkArtifact { name: name.to_owned(), data: Some(data) }] })
}

fn ids(values: std::ops::Range<i64>) -> Vec<u8> {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    let batch = RecordBatch::try_from_iter([("id", column)]).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_uploaded_are_read() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let local = proto::LocalRelation { data: Some(ids(0..3).into()), schema: None }.encode_to_vec();
    assert!(!exists(&mut client, "cache/aa").await);
    let answer = upload(&mut client, vec![single("cache/aa", chunk(&local))]).await.unwrap();
    assert!(answer.artifacts[0].is_crc_successful);
    assert!(exists(&mut client, "cache/aa").await);
    let cached = relation(RelType::CachedLocalRelation(proto::CachedLocalRelation { hash: "aa".to_owned() }));
    assert!(client.run(root(&cached)).await.1.is_none());
    let seen = server.engine.seen.lock().clone();
    let Plan::Query(found) = &seen[0] else { panic!() };
    assert_eq!(found.kind, RelationKind::Local { ipc: Some(ids(0..3)), schema: None });

    // Not those of another session.
    let mut other = server.client().await;
    assert!(!exists(&mut other, "cache/aa").await);
    let error = other.run(root(&cached)).await.1.unwrap();
    assert_class(&error, "CONNECT_INVALID_PLAN.NOT_FOUND_CACHED_LOCAL_RELATION");
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_rows_are_one_stream() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let schema = br#"{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}"#;
    for (name, data) in [("aa", ids(0..3)), ("bb", ids(3..5)), ("cc", schema.to_vec())] {
        upload(&mut client, vec![single(&format!("cache/{name}"), chunk(&data))]).await.unwrap();
    }
    let cached = relation(RelType::ChunkedCachedLocalRelation(proto::ChunkedCachedLocalRelation {
        data_hashes: vec!["aa".to_owned(), "bb".to_owned()],
        schema_hash: Some("cc".to_owned()),
    }));
    assert!(client.run(root(&cached)).await.1.is_none());
    let seen = server.engine.seen.lock().clone();
    let Plan::Query(found) = &seen[0] else { panic!() };
    let RelationKind::Local { ipc: Some(ipc), schema: Some(_) } = &found.kind else { panic!("{found:?}") };
    let reader = StreamReader::try_new(std::io::Cursor::new(ipc), None).unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).collect::<Vec<_>>(), [3, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_comes_in_chunks() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let begin = |num_chunks| {
        Payload::BeginChunk(BeginChunkedArtifact {
            name: "cache/aa".to_owned(),
            total_bytes: 9,
            num_chunks,
            initial_chunk: Some(chunk(b"abc")),
        })
    };
    let next = |data: &[u8]| Payload::Chunk(chunk(data));
    let error = upload(&mut client, vec![begin(3), next(b"def")]).await.unwrap_err();
    assert_class(&error, "CONNECT_INVALID_PLAN");
    assert!(!exists(&mut client, "cache/aa").await);
    let answer = upload(&mut client, vec![begin(3), next(b"def"), next(b"ghi")]).await.unwrap();
    assert_eq!(answer.artifacts.len(), 1);
    assert!(exists(&mut client, "cache/aa").await);
    let error = upload(&mut client, vec![next(b"def")]).await.unwrap_err();
    assert_class(&error, "CONNECT_INVALID_PLAN");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_damaged_is_not_kept() {
    let server = TestServer::start().await;
    let mut client = server.client().await;
    let damaged = ArtifactChunk { crc: 1, ..chunk(b"abc") };
    let answer = upload(&mut client, vec![single("cache/aa", damaged)]).await.unwrap();
    assert!(!answer.artifacts[0].is_crc_successful);
    assert!(!exists(&mut client, "cache/aa").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_bounded_and_stay_in_their_folder() {
    let server = TestServer::start_with(|options| options.upload_bytes_max = 10).await;
    let mut client = server.client().await;
    upload(&mut client, vec![single("cache/aa", chunk(&[1; 8]))]).await.unwrap();
    let error = upload(&mut client, vec![single("cache/bb", chunk(&[1; 3]))]).await.unwrap_err();
    assert_class(&error, "CONNECT_INVALID_PLAN.LOCAL_RELATION_SIZE_LIMIT_EXCEEDED");
    for (name, class) in [
        ("cache/../../x", "INVALID_ARTIFACT_PATH"),
        ("cache/", "INVALID_ARTIFACT_PATH"),
        ("jars/a.jar", "UNSUPPORTED_FEATURE"),
        ("pyfiles/a.py", "UNSUPPORTED_FEATURE"),
    ] {
        assert_class(&upload(&mut client, vec![single(name, chunk(b"a"))]).await.unwrap_err(), class);
    }
}
