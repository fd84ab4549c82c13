//! HTTP/1.1 on a loopback port: one task that accepts, one task for each connection. Everything that a server started
//! ends when its handle is dropped.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tracing::debug;

use crate::error::EmulatorError;

/// Connections that one server keeps; further clients wait to be accepted.
const CONNECTIONS_MAX: usize = 4096;

/// How long to wait after a failed `accept` (the process is out of file descriptors) before the next one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Stops a server and its connections when dropped.
#[derive(Debug)]
pub(crate) struct ServerHandle {
    accepting: AbortHandle,
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Binds a loopback port; 0 takes any that is free.
pub(crate) async fn bind(port: u16) -> Result<(TcpListener, SocketAddr), EmulatorError> {
    let listen = |source| EmulatorError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    Ok((listener, address))
}

/// Serves `service` on every connection to `listener`.
pub(crate) fn serve<S, B>(listener: TcpListener, service: S) -> ServerHandle
where
    S: Service<http::Request<Incoming>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let task = tokio::spawn(async move {
        // The set owns the connections: they end with this task.
        let mut connections = JoinSet::new();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, service.clone()));
                }
                Err(error) => {
                    debug!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
            while connections.len() >= CONNECTIONS_MAX {
                connections.join_next().await;
            }
        }
    });
    ServerHandle { accepting: task.abort_handle() }
}

/// What a service fails with that hangs up on its client.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(crate) struct Unanswered;

/// A request body that was read under a bound.
pub(crate) enum Collected {
    Whole(Bytes),
    TooLong,
}

/// Reads a body of at most `bytes_max` into memory. A longer one is read to its end, up to a second bound, and thrown
/// away: a client that is still sending would not see the reply.
pub(crate) async fn collect(mut body: Incoming, bytes_max: usize) -> Result<Collected, hyper::Error> {
    let drain_max = bytes_max.saturating_mul(8);
    let (mut collected, mut total) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        total = total.saturating_add(data.len());
        if total <= bytes_max {
            collected.extend_from_slice(&data);
        } else {
            collected = BytesMut::new();
            if total > drain_max {
                break;
            }
        }
    }
    Ok(if total > bytes_max { Collected::TooLong } else { Collected::Whole(collected.freeze()) })
}

async fn serve_connection<S, B>(stream: TcpStream, service: S)
where
    S: Service<http::Request<Incoming>, Response = http::Response<B>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Without it, Nagle's algorithm and delayed acknowledgements hold small replies back for 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY was not set");
    }
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        debug!(%error, "connection ended early");
    }
}

/// The text that a percent-encoded one stands for; leaves what is no valid encoding as it is.
pub(crate) fn percent_decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let escaped = match behind {
            [high, low, ..] if byte == b'%' => hex::decode([*high, *low]).ok(),
            _ => None,
        };
        match escaped.as_deref() {
            Some([escaped]) => {
                decoded.push(*escaped);
                rest = &behind[2..];
            }
            _ => {
                decoded.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_decoding() {
        assert_eq!(percent_decode("%24LATEST"), "$LATEST");
        assert_eq!(percent_decode("arn%3Aaws%3alambda"), "arn:aws:lambda");
        assert_eq!(percent_decode("100%"), "100%");
        assert_eq!(percent_decode("%zz"), "%zz");
    }
}
