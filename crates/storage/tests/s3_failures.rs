//! How S3's failures are told apart, against a server that says what it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use firesteel_protocol::ErrorKind;
use firesteel_storage::{Storage, StorageError, StorageOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Answers the nth connection with the nth reply, and the last one from then on.
struct Server {
    endpoint: String,
    served: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(replies: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let served = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&served);
        let task = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a connection");
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    if socket.read_buf(&mut request).await.expect("a request") == 0 {
                        break;
                    }
                }
                let n = counter.fetch_add(1, Ordering::SeqCst);
                let reply = &replies[n.min(replies.len() - 1)];
                socket.write_all(reply.as_bytes()).await.expect("a reply");
                socket.shutdown().await.expect("an end");
            }
        });
        Self { endpoint, served, task }
    }

    fn storage(&self) -> Storage {
        storage(&self.endpoint)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn storage(endpoint: &str) -> Storage {
    Storage::new(StorageOptions {
        s3_endpoint: Some(endpoint.to_owned()),
        s3_region: Some("us-east-1".to_owned()),
        s3_access_key_id: Some("key".to_owned()),
        s3_secret_access_key: Some("secret".to_owned()),
        ..StorageOptions::default()
    })
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

async fn get_error(replies: Vec<String>) -> StorageError {
    let server = Server::start(replies).await;
    server.storage().get("s3://bucket/key").await.expect_err("a failure")
}

#[tokio::test]
async fn statuses_are_told_apart() {
    let error = get_error(vec![reply("404 Not Found", "", "<Code>NoSuchKey</Code>")]).await;
    assert!(matches!(error, StorageError::NotFound { .. }), "{error:?}");

    let error = get_error(vec![reply("403 Forbidden", "", "<Code>AccessDenied</Code>")]).await;
    assert!(matches!(error, StorageError::Denied { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::UserFix);

    let error = get_error(vec![reply("400 Bad Request", "", "<Code>ExpiredToken</Code>")]).await;
    assert!(matches!(error, StorageError::Store { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::UserFix);

    let elsewhere = reply("301 Moved Permanently", "x-amz-bucket-region: eu-central-1\r\n", "");
    let error = get_error(vec![elsewhere]).await;
    assert!(error.to_string().ends_with("set AWS_REGION=eu-central-1"), "{error}");
    assert_eq!(error.kind(), ErrorKind::UserFix);
}

#[tokio::test]
async fn busy_is_tried_again_a_few_times() {
    let server = Server::start(vec![reply("503 Slow Down", "", "<Code>SlowDown</Code>")]).await;
    let error = server.storage().get("s3://bucket/key").await.expect_err("always busy");
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(server.served.load(Ordering::SeqCst), 5);
    let refused = server.storage().put_if_absent("s3://bucket/key", Bytes::new()).await.expect_err("always busy");
    assert_eq!(refused.kind(), ErrorKind::Throttled);
    assert_eq!(server.served.load(Ordering::SeqCst), 10, "a conditional PUT is tried again too");
    for status in ["500 Internal Server Error", "503 Service Unavailable"] {
        let error = get_error(vec![reply(status, "", "<Code>InternalError</Code>")]).await;
        assert_eq!(error.kind(), ErrorKind::Retry, "{status}");
    }
}

#[tokio::test]
async fn a_stalled_request_is_tried_again() {
    let stalled = reply("400 Bad Request", "", "<Error><Code>RequestTimeout</Code></Error>");
    let server = Server::start(vec![stalled.clone(), reply("200 OK", "etag: \"1\"\r\n", "")]).await;
    server.storage().put("s3://bucket/key", Bytes::new()).await.expect("the second goes through");

    let error = get_error(vec![stalled]).await;
    assert_eq!(error.kind(), ErrorKind::Retry);
}

#[tokio::test]
async fn a_store_that_is_not_there_is_unreachable() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("its address").port()
    };
    let storage = storage(&format!("http://127.0.0.1:{port}"));
    let error = storage.get("s3://bucket/key").await.expect_err("nobody there");
    assert!(matches!(error, StorageError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Retry);
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_on() {
    const META: &str = "etag: \"1\"\r\nlast-modified: Wed, 01 Jan 2025 00:00:00 GMT\r\n";
    let broken = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 10\r\n{META}\r\n01234");
    let rest = reply("206 Partial Content", &format!("content-range: bytes 5-9/10\r\n{META}"), "56789");
    let server = Server::start(vec![broken, rest]).await;
    let content = server.storage().get("s3://bucket/key").await.expect("all of it");
    assert_eq!(content, Bytes::from_static(b"0123456789"));
}

#[tokio::test]
async fn a_conflict_of_conditional_writes_is_settled() {
    let conflict = reply("409 Conflict", "", "<Code>ConditionalRequestConflict</Code>");
    let exists = reply("412 Precondition Failed", "", "<Code>PreconditionFailed</Code>");
    let server = Server::start(vec![conflict.clone(), exists]).await;
    assert!(!server.storage().put_if_absent("s3://bucket/key", Bytes::new()).await.expect("settled"));
    assert_eq!(server.served.load(Ordering::SeqCst), 2);

    let server = Server::start(vec![conflict, reply("200 OK", "etag: \"1\"\r\n", "")]).await;
    assert!(server.storage().put_if_absent("s3://bucket/key", Bytes::new()).await.expect("settled"));
}

#[tokio::test]
async fn buckets_of_one_endpoint_have_the_same_client() {
    let reply = reply("200 OK", "etag: \"1\"\r\nlast-modified: Wed, 01 Jan 2025 00:00:00 GMT\r\n", "x");
    let server = Server::start(vec![reply]).await;
    let storage = server.storage();
    for bucket in ["a", "b"] {
        assert_eq!(storage.get(&format!("s3a://{bucket}/key")).await.expect("get"), Bytes::from_static(b"x"));
    }
    assert_eq!(storage.usage().requests.get, 2);
}

#[tokio::test]
async fn a_bucket_is_made_once() {
    let own = reply("409 Conflict", "", "<Code>BucketAlreadyOwnedByYou</Code>");
    let other = reply("409 Conflict", "", "<Code>BucketAlreadyExists</Code>");
    let server = Server::start(vec![reply("200 OK", "", ""), own, other]).await;
    let storage = server.storage();
    storage.create_bucket("s3://bucket").await.expect("made");
    storage.create_bucket("s3://bucket/key").await.expect("there already");
    let error = storage.create_bucket("s3://bucket").await.expect_err("someone else's");
    assert_eq!(error.kind(), ErrorKind::UserFix);
    storage.create_bucket("memory:///x").await.expect("nothing to make");
}
