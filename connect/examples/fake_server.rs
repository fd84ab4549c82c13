//! A server over the tests' engine, for trying it with a real client.

#[path = "../tests/connect/fake.rs"]
mod fake;

use std::sync::Arc;

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:15002".to_owned()).parse().unwrap();
    let options = firesteel_connect::ServerOptions::new(address);
    let server = firesteel_connect::bind(Arc::new(fake::FakeEngine::default()), options).await.unwrap();
    server.serve(async { tokio::signal::ctrl_c().await.unwrap() }).await.unwrap();
}
