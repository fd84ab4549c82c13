//! [`bind`] and [`serve`]: the listener, who may call, and the sweep over what nobody uses.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Status};

use crate::engine::Engine;
use crate::error::ConnectError;
use crate::options::ServerOptions;
use crate::proto::spark_connect_service_server::SparkConnectServiceServer;
use crate::service::Service;
use crate::sessions::Sessions;

/// Between two looks for idle sessions and abandoned operations, at the most.
const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// Shorter timeouts are looked for more often, but not more often than so.
const SWEEP_EVERY_MIN: Duration = Duration::from_millis(20);

/// How soon it shows that a client is gone without a word.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// A server that listens and does not answer yet.
pub struct BoundServer {
    engine: Arc<dyn Engine>,
    options: ServerOptions,
    listener: TcpListener,
    address: SocketAddr,
}

/// Listens.
pub async fn bind(engine: Arc<dyn Engine>, options: ServerOptions) -> Result<BoundServer, ConnectError> {
    let asked = options.address;
    let failed = |source| ConnectError::Listen { address: asked, source };
    let listener = TcpListener::bind(asked).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(BoundServer { engine, options, listener, address })
}

/// Listens and answers until `shutdown` is done.
pub async fn serve(
    engine: Arc<dyn Engine>,
    options: ServerOptions,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ConnectError> {
    bind(engine, options).await?.serve(shutdown).await
}

impl BoundServer {
    /// With the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is done; then all that runs is cancelled and all sessions are closed.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ConnectError> {
        let sessions = Arc::new(Sessions::new(self.engine, self.options.clone()));
        let service = SparkConnectServiceServer::new(Service { sessions: Arc::clone(&sessions) })
            .max_decoding_message_size(self.options.message_bytes_max)
            .max_encoding_message_size(usize::MAX);
        let token = self.options.token.clone();
        let service = tonic::service::interceptor::InterceptedService::new(service, move |request| {
            authenticated(request, token.as_deref())
        });
        let mut server = Server::builder()
            .http2_keepalive_interval(Some(KEEPALIVE_EVERY))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT));
        if let Some(tls) = &self.options.tls {
            let identity = Identity::from_pem(&tls.certificate_pem, &tls.key_pem);
            server = server
                .tls_config(ServerTlsConfig::new().identity(identity))
                .map_err(|source| ConnectError::Tls { source })?;
        }
        let incoming = TcpListenerStream::new(self.listener).map(|connection| {
            connection.inspect(|connection| {
                // A connection without it is slower, and no more.
                let _ = connection.set_nodelay(true);
            })
        });
        let at_end = Arc::clone(&sessions);
        let stopped = async move {
            shutdown.await;
            at_end.close().await;
        };
        let shortest = self.options.session_timeout.min(self.options.abandoned_after);
        let every = (shortest / 4).clamp(SWEEP_EVERY_MIN, SWEEP_EVERY);
        let answering = server.add_service(service).serve_with_incoming_shutdown(incoming, stopped);
        tokio::select! {
            done = answering => done.map_err(|source| ConnectError::Serve { address: self.address, source }),
            () = sweep(&sessions, every) => Ok(()),
        }
    }
}

async fn sweep(sessions: &Sessions, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        sessions.sweep().await;
    }
}

fn authenticated(request: Request<()>, token: Option<&str>) -> Result<Request<()>, Status> {
    let Some(token) = token else { return Ok(request) };
    let given = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if same(given.as_bytes(), token.as_bytes()) {
        return Ok(request);
    }
    Err(Status::unauthenticated("Invalid token; give the server's in the connection string: sc://host:port/;token=…"))
}

/// In a time that says nothing of where they differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    let differences = left.iter().zip(right).fold(0, |differences, (left, right)| differences | (left ^ right));
    left.len() == right.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_to_be_the_same() {
        assert!(same(b"secret", b"secret"));
        for other in [&b""[..], b"secreT", b"secret2", b"secre"] {
            assert!(!same(other, b"secret"));
        }
    }
}
