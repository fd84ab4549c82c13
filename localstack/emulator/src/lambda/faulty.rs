//! An event in a sandbox that is made to fail: the crashes and the lack of memory. What needs no sandbox is done in
//! `invoke`, and the early answer of a timeout in `invocation`.

use tokio::time::{Duration, Instant};

use super::failure::Failure;
use super::process::peak_resident_bytes;
use super::runtime_api::Event;
use super::sandbox::{After, Ran, Sandbox};
use crate::faults::{Drawn, LambdaFault};

/// Runs an event as [`Sandbox::run`] does, with its fault.
pub(super) async fn run(
    sandbox: &mut Sandbox,
    fault: Option<&Drawn<LambdaFault>>,
    event: Event,
    deadline: Instant,
    timeout: Duration,
) -> Ran {
    match fault {
        Some(fault) if fault.kind == LambdaFault::CrashBefore => {
            let memory_peak_bytes = peak_resident_bytes(sandbox.status.pid);
            fault.done();
            let status = sandbox.kill().await;
            Ran { reply: Err(Failure::exited(status)), after: After::Dead, memory_peak_bytes }
        }
        Some(fault) if fault.kind == LambdaFault::CrashAfter => {
            let ran = sandbox.run(event, deadline, timeout).await;
            if ran.after == After::Dead {
                return ran; // it came to a bad end by itself
            }
            fault.done();
            let status = sandbox.kill().await;
            Ran { reply: Err(Failure::exited(status)), after: After::Dead, ..ran }
        }
        Some(fault) if fault.kind == LambdaFault::OutOfMemory => {
            // Every process has more, so the next look at its memory ends it.
            sandbox.memory_bytes_max = 0;
            let ran = sandbox.run(event, deadline, timeout).await;
            fault.done();
            if ran.after != After::Dead {
                sandbox.kill().await;
            }
            Ran { reply: Err(Failure::out_of_memory()), after: After::Dead, ..ran }
        }
        _ => sandbox.run(event, deadline, timeout).await,
    }
}
