//! [`ServerOptions`]: where the server listens, whom it lets in, and its bounds.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Clone)]
pub struct ServerOptions {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// If there is one, each call has to bring it as a bearer token.
    pub token: Option<String>,
    /// If there is one, clients have to use TLS.
    pub tls: Option<TlsIdentity>,
    /// A session that nothing was asked of for so long is closed.
    pub session_timeout: Duration,
    /// A reattachable operation that no client listens to for so long is cancelled and forgotten.
    pub abandoned_after: Duration,
    /// Sessions at a time, of all users.
    pub sessions_max: usize,
    /// Of one message from a client.
    pub message_bytes_max: usize,
    /// What one session may upload (`cache/` artifacts), in temporary files.
    pub upload_bytes_max: u64,
}

#[derive(Clone)]
pub struct TlsIdentity {
    pub certificate_pem: Vec<u8>,
    pub key_pem: Vec<u8>,
}

impl ServerOptions {
    /// Spark's defaults.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            token: None,
            tls: None,
            session_timeout: Duration::from_secs(60 * 60),
            abandoned_after: Duration::from_secs(5 * 60),
            sessions_max: 1_000,
            message_bytes_max: 128 << 20,
            upload_bytes_max: 4 << 30,
        }
    }
}

impl fmt::Debug for ServerOptions {
    /// Without its secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServerOptions")
            .field("address", &self.address)
            .field("token", &self.token.is_some())
            .field("tls", &self.tls.is_some())
            .field("session_timeout", &self.session_timeout)
            .field("abandoned_after", &self.abandoned_after)
            .field("sessions_max", &self.sessions_max)
            .field("message_bytes_max", &self.message_bytes_max)
            .field("upload_bytes_max", &self.upload_bytes_max)
            .finish()
    }
}
