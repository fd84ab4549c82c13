//! Requests in, responses out, over real sockets and an engine that plans nothing.

mod artifacts;
mod errors;
mod execute;
mod fake;
mod harness;
mod reattach;
mod sessions;
mod settings;
mod support;
mod wire;
