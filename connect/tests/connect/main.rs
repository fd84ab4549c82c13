//! Requests in, responses out, over real sockets and an engine that plans nothing.

#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod execute;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod reattach;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod support;
#[cfg(test)]
mod wire;
