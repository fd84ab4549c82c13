//! [`ConnectError`]: why a server does not start or stops. What a client does wrong is a `SparkError` and not here.

use std::net::SocketAddr;

use firesteel_protocol::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("listen on {address}: is the port taken, or does it need more rights? choose another with --port")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("use the TLS certificate and key: both have to be PEM, and to belong together")]
    Tls {
        #[source]
        source: tonic::transport::Error,
    },
    #[error("answer on {address}")]
    Serve {
        address: SocketAddr,
        #[source]
        source: tonic::transport::Error,
    },
}

impl ConnectError {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Listen { .. } | Self::Tls { .. } => ErrorKind::UserFix,
            Self::Serve { .. } => ErrorKind::Retry,
        }
    }
}
