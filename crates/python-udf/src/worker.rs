//! [`Worker`]: a Python process of ours, and the idle ones that wait for the next task.
//!
//! A worker ends when its pipes are closed: with this process, however that ends. One that is dropped in the middle of a
//! task is killed.

use std::collections::HashMap;
use std::io::{BufReader, BufWriter, Read};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, LazyLock};

use firesteel_spec::{SparkError, SparkResult};
use parking_lot::Mutex;

/// Runs tasks one after the other; Python reads it from its command line.
const LOOP: &str = include_str!("worker_loop.py");
/// Idle processes of one interpreter that are kept: starting one and loading pandas takes a second.
const IDLE_MAX: usize = 8;
/// What a pipe's buffer holds.
const BUFFER_BYTES: usize = 64 * 1024;
/// The longest complaint of a process that can't start.
const COMPLAINT_BYTES_MAX: usize = 64 * 1024;

static IDLE: LazyLock<Mutex<HashMap<String, Vec<Worker>>>> = LazyLock::new(Mutex::default);

/// The process of a worker, which may be killed from elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Process(Arc<Mutex<Child>>);

impl Process {
    pub fn kill(&self) {
        let mut child = self.0.lock();
        // It may have ended by itself.
        child.kill().ok();
        child.wait().ok();
    }

    pub fn is_running(&self) -> bool {
        matches!(self.0.lock().try_wait(), Ok(None))
    }

    /// How it ended, if it has; waits for nothing.
    pub fn end(&self) -> String {
        match self.0.lock().try_wait() {
            Ok(Some(status)) => status.to_string(),
            _ => "it closed its pipes".to_owned(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Worker {
    pub process: Process,
    pub input: BufWriter<ChildStdin>,
    pub output: BufReader<ChildStdout>,
    interpreter: String,
}

impl Worker {
    /// An idle worker, or a new one.
    pub fn take(interpreter: &str) -> SparkResult<Self> {
        loop {
            let idle = IDLE.lock().get_mut(interpreter).and_then(Vec::pop);
            match idle {
                Some(worker) if worker.process.is_running() => return Ok(worker),
                Some(_) => {}
                None => return Self::start(interpreter),
            }
        }
    }

    /// Keeps a worker for the next task. Its task has ended well.
    pub fn give_back(self) {
        let mut idle = IDLE.lock();
        let idle = idle.entry(self.interpreter.clone()).or_default();
        if idle.len() < IDLE_MAX {
            idle.push(self);
        }
    }

    fn start(interpreter: &str) -> SparkResult<Self> {
        let mut command = Command::new(interpreter);
        command.args(["-u", "-c", LOOP]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().map_err(|error| cannot_start(interpreter, &error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(SparkError::internal("a Python process without pipes"));
        };
        let mut worker = Self {
            process: Process(Arc::new(Mutex::new(child))),
            input: BufWriter::with_capacity(BUFFER_BYTES, input),
            output: BufReader::with_capacity(BUFFER_BYTES, output),
            interpreter: interpreter.to_owned(),
        };
        let complaint = worker
            .complaint()
            .map_err(|error| cannot_start(interpreter, &format!("{error} ({})", worker.process.end())))?;
        if complaint.is_empty() { Ok(worker) } else { Err(cannot_start(interpreter, &complaint)) }
    }

    /// Why Python can't run functions; empty if it can.
    fn complaint(&mut self) -> std::io::Result<String> {
        let mut length = [0; 4];
        self.output.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(0).min(COMPLAINT_BYTES_MAX);
        let mut text = vec![0; length];
        self.output.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.process.kill();
    }
}

fn cannot_start(interpreter: &str, why: &str) -> SparkError {
    let message = format!(
        "Python functions can't run: {interpreter}: {why}. Install Python with the packages pyspark (4.2), pyarrow and \
         pandas where Firesteel runs its tasks, and name it by the environment variable PYSPARK_PYTHON or the setting \
         firesteel.python"
    );
    SparkError::new("PYTHON_EXCEPTION", message).with("msg", why).with("traceback", "")
}
