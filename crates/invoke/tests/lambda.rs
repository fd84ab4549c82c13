//! How the Lambda backend reads what comes over the wire, against a server that says what it is told to.

use std::time::Duration;

use bytes::Bytes;
use firesteel_invoke::{FunctionInvoker, InvokeError, LambdaInvoker, LambdaOptions};
use firesteel_protocol::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

async fn invoker(endpoint: String) -> LambdaInvoker {
    LambdaInvoker::connect(LambdaOptions {
        function_name: "f".to_owned(),
        endpoint_url: Some(endpoint),
        region: Some("us-east-1".to_owned()),
        credentials: Some(("key".to_owned(), "secret".to_owned())),
        timeout: Duration::from_secs(5),
        ..LambdaOptions::default()
    })
    .await
}

/// One attempt against a server with this one answer, which it gives once.
async fn answered(status: &str, headers: &str, body: &str) -> Result<Bytes, InvokeError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
    let reply = if status.is_empty() {
        String::new()
    } else {
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        )
    };
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        // No second attempt finds the port open.
        drop(listener);
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n{}") {
            if socket.read_buf(&mut request).await.expect("a request") == 0 {
                break;
            }
        }
        socket.write_all(reply.as_bytes()).await.expect("a reply");
        socket.shutdown().await.expect("an end");
    });
    invoker(endpoint).await.invoke(Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn a_reply_is_passed_on() {
    assert_eq!(answered("200 OK", "", "{\"a\": 1}").await.expect("a reply"), Bytes::from_static(b"{\"a\": 1}"));
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let code = |code: &str| format!("x-amzn-errortype: {code}\r\n");
    let error = answered(
        "429 Too Many Requests",
        &code("TooManyRequestsException"),
        r#"{"Reason":"ConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}"#,
    )
    .await
    .expect_err("a throttle");
    assert_eq!(error.to_string(), "invoke f: throttled (ConcurrentInvocationLimitExceeded)");
    assert!(matches!(error, InvokeError::Throttled { .. }));

    let error = answered("404 Not Found", &code("ResourceNotFoundException"), r#"{"Message":"no f"}"#).await;
    let error = error.expect_err("no function");
    assert!(matches!(&error, InvokeError::NotFound { message, .. } if message == "no f"), "{error:?}");

    let error = answered("403 Forbidden", &code("AccessDeniedException"), "{}").await.expect_err("denied");
    assert_eq!(error.kind(), ErrorKind::UserFix);

    let error = answered("500 Internal Server Error", &code("ServiceException"), "{}").await.expect_err("trouble");
    assert!(matches!(error, InvokeError::Unavailable { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Retry);
}

#[tokio::test]
async fn a_function_error_is_read_from_its_payload() {
    let body = r#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#;
    let error = answered("200 OK", "x-amz-function-error: Unhandled\r\n", body).await.expect_err("an exit");
    assert_eq!(error.to_string(), "invoke f: the function crashed (exit status 1)");
}

#[tokio::test]
async fn a_lost_connection_is_a_crash() {
    let error = answered("", "", "").await.expect_err("nothing came");
    assert!(matches!(error, InvokeError::Crashed { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
    drop(listener);
    let error = invoker(endpoint.clone()).await.invoke(Bytes::from_static(b"{}")).await.expect_err("nobody");
    assert!(matches!(error, InvokeError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("invoke f: {endpoint} can't be reached"));
    assert_eq!(error.kind(), ErrorKind::Retry);
}
