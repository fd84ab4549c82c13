//! `firesteel serve`: the Spark Connect server.

use std::net::SocketAddr;
use std::sync::Arc;

use firesteel_connect::{ServerOptions, TlsIdentity, bind};
use firesteel_session::FiresteelEngine;

use crate::args::ServeArgs;
use crate::error::CliError;
use crate::runtime::Runtime;
use crate::session;

pub async fn serve(args: ServeArgs) -> Result<(), CliError> {
    if !args.host.is_loopback() && args.token.is_none() {
        return Err(CliError::Usage(format!(
            "--host {} lets others in: give a --token that they have to bring",
            args.host
        )));
    }
    let planner_options = session::options(&args.settings)?;
    let mut options = ServerOptions::new(SocketAddr::new(args.host, args.port));
    options.token.clone_from(&args.token);
    if let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) {
        let read = |path: &std::path::PathBuf| {
            std::fs::read(path).map_err(|source| CliError::File { path: path.clone(), source })
        };
        options.tls = Some(TlsIdentity { certificate_pem: read(certificate)?, key_pem: read(key)? });
    }
    let runtime = Runtime::start(&args.runtime, &planner_options).await?;
    let engine = Arc::new(FiresteelEngine::new(runtime.cluster(), planner_options, &args.warehouse));
    let bound = bind(engine, options).await?;
    println!("Spark Connect on sc://{} (Ctrl-C ends it)", bound.address());
    let served = bound
        .serve(async {
            if let Err(error) = tokio::signal::ctrl_c().await {
                tracing::error!(%error, "no ear for Ctrl-C");
            }
        })
        .await;
    runtime.shutdown().await;
    Ok(served?)
}
