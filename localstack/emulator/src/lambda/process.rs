//! Child processes: how they are started, signalled and measured. The only unsafe code of the emulator.
//!
//! All children are started by one thread that lives as long as the emulator. The kernel kills a child when the thread
//! that started it ends (`PR_SET_PDEATHSIG`), so even an emulator that was killed leaves no sandbox behind. Threads of
//! the async runtime would not do: they may end while their children are still wanted.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// What AWS allows a function. A process that leaks descriptors fails here as it would there.
const OPEN_FILES_MAX: libc::rlim_t = 1024;

/// A `fork` elsewhere in this process may still hold the file of a freshly unpacked program open for writing; the
/// kernel then refuses to run it for a moment.
const BUSY_RETRIES: u32 = 100;
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// A program to run in a process group of its own.
#[derive(Debug)]
pub(super) struct Launch {
    pub program: PathBuf,
    pub working_dir: PathBuf,
    pub env: Vec<(String, String)>,
    /// For stdout and stderr; opened for appending.
    pub log: File,
}

type Request = (Launch, oneshot::Sender<io::Result<Child>>);

/// The thread that starts children.
#[derive(Debug)]
pub(super) struct Spawner {
    requests: mpsc::Sender<Request>,
}

impl Spawner {
    /// To be called within a Tokio runtime: it will watch over the children.
    pub(super) fn start() -> io::Result<Self> {
        let (requests, received) = mpsc::channel::<Request>();
        let runtime = Handle::current();
        std::thread::Builder::new().name("sandbox-spawner".into()).spawn(move || {
            let _context = runtime.enter();
            for (launch, reply) in received {
                // If nobody waits any more, the child is dropped and thereby killed.
                let _ = reply.send(spawn(&launch));
            }
        })?;
        Ok(Self { requests })
    }

    pub(super) async fn spawn(&self, launch: Launch) -> io::Result<Child> {
        let gone = || io::Error::other("the spawning thread has ended");
        let (reply, child) = oneshot::channel();
        self.requests.send((launch, reply)).map_err(|_| gone())?;
        child.await.map_err(|_| gone())?
    }
}

fn spawn(launch: &Launch) -> io::Result<Child> {
    let mut retries = 0;
    loop {
        match command(launch)?.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && retries < BUSY_RETRIES => {
                retries += 1;
                std::thread::sleep(BUSY_PAUSE);
            }
            outcome => return outcome,
        }
    }
}

fn command(launch: &Launch) -> io::Result<Command> {
    let mut command = Command::new(&launch.program);
    command
        .current_dir(&launch.working_dir)
        .env_clear()
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(launch.log.try_clone()?)
        .stderr(launch.log.try_clone()?)
        .process_group(0)
        .kill_on_drop(true);
    let limit = libc::rlimit { rlim_cur: OPEN_FILES_MAX, rlim_max: OPEN_FILES_MAX };
    #[expect(unsafe_code, reason = "both calls are safe between fork and exec: they neither allocate nor lock")]
    unsafe {
        command.pre_exec(move || {
            #[cfg(target_os = "linux")]
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
    Ok(command)
}

/// What is done to a sandbox's process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Freeze,
    Thaw,
    Kill,
}

/// Signals the group that a child leads. A group that has ended is no error.
pub(super) fn signal_group(pid: u32, signal: Signal) {
    let signal = match signal {
        Signal::Freeze => libc::SIGSTOP,
        Signal::Thaw => libc::SIGCONT,
        Signal::Kill => libc::SIGKILL,
    };
    // 0 and 1 would mean this process's own group and every process.
    if let Ok(group @ 2..) = libc::pid_t::try_from(pid) {
        #[expect(unsafe_code, reason = "killpg takes plain numbers and touches no memory")]
        unsafe {
            libc::killpg(group, signal);
        }
    }
}

/// The bytes of memory that a process holds now; 0 once it has ended.
pub(super) fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status_kib(&status, "VmRSS:") * 1024
}

/// The most memory that a process ever held, in bytes; 0 once it has ended.
pub(super) fn peak_resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status_kib(&status, "VmHWM:") * 1024
}

fn status_kib(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Whether a process can still run. One that was killed while it was frozen may not have got round to dying yet, and
/// must not be taken for one that will answer.
pub(super) fn is_alive(pid: u32) -> bool {
    // `pid (name) state parent group session tty foreground flags …`; the name may hold anything, so look behind its
    // last bracket.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    match fields.next() {
        // Stopped: a kill would have ended that before it returned.
        Some("T" | "t") => true,
        None | Some("Z" | "X" | "x") => false,
        Some(_) => {
            let flags = fields.nth(5).and_then(|flags| flags.parse::<u64>().ok()).unwrap_or(0);
            flags & EXITING == 0 && !is_killed(pid)
        }
    }
}

/// The kernel's `PF_EXITING`.
const EXITING: u64 = 0x4;

/// Whether a SIGKILL waits to be acted on.
fn is_killed(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let pending = |field: &str| {
        let signals = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        u64::from_str_radix(signals.trim(), 16).unwrap_or(0)
    };
    (pending("SigPnd:") | pending("ShdPnd:")) & (1 << (libc::SIGKILL - 1)) != 0
}
