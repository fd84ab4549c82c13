//! [`JobPolicy`]: the numbers by which the scheduler decides.

use std::time::Duration;

use firesteel_protocol::{ErrorKind, TaskId};

/// When a failed attempt is made again, when a slow one gets a second, and when the job is given up.
#[derive(Debug, Clone, Copy)]
pub struct JobPolicy {
    /// Attempts at one task, the first one counted, where an error may pass by itself.
    pub attempts_max: u32,
    /// Attempts where a limit was met: on other sandboxes, since the first may have had leftovers.
    pub capacity_attempts_max: u32,
    /// Attempts where data were not what they claim to be: once more, since the bytes may have changed on their way.
    pub data_attempts_max: u32,
    /// Failed attempts of the whole job: this many, and as many again as `retries_per_task` of its tasks. A job whose
    /// every task fails a few times is not worth its money.
    pub retries_min: u64,
    pub retries_per_task: f64,
    /// Wait before the second attempt; it doubles with each further one. The half of it depends on the task, so that
    /// tasks that failed together don't come back together.
    pub backoff: Duration,
    pub backoff_max: Duration,
    /// How long the platform or the store may throttle everything before the job is given up.
    pub throttle_patience: Duration,
    /// An attempt that has not answered by then is taken for lost. None waits for the invoker's own limit.
    pub attempt_timeout: Option<Duration>,
    /// The job ends by then, done or not.
    pub deadline: Option<Duration>,
    pub speculation: Option<Speculation>,
}

/// When a task that runs gets a second attempt beside the first: Spark's `spark.speculation.*`, with the bytes of a task
/// taken into account.
#[derive(Debug, Clone, Copy)]
pub struct Speculation {
    /// The part of a stage's tasks that have to be done, so that there is a time to compare with.
    pub quantile: f64,
    /// Late is what takes this many times the median time of the stage, for its bytes.
    pub multiplier: f64,
    /// A second attempt is a call, and a start: nothing shorter than this is worth it.
    pub runtime_min: Duration,
    /// Second attempts that run at once, as a part of the stage's tasks; one is always allowed.
    pub copies_max: f64,
}

impl Default for Speculation {
    fn default() -> Self {
        Self { quantile: 0.75, multiplier: 2.0, runtime_min: Duration::from_secs(1), copies_max: 0.1 }
    }
}

impl Default for JobPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 4,
            capacity_attempts_max: 3,
            data_attempts_max: 2,
            retries_min: 64,
            retries_per_task: 1.0,
            backoff: Duration::from_millis(50),
            backoff_max: Duration::from_secs(5),
            throttle_patience: Duration::from_secs(300),
            attempt_timeout: None,
            deadline: None,
            speculation: Some(Speculation::default()),
        }
    }
}

impl JobPolicy {
    /// Attempts at one task that fail in this way.
    pub(super) fn attempts_max(&self, kind: ErrorKind) -> u32 {
        match kind {
            ErrorKind::Retry | ErrorKind::Throttled => self.attempts_max,
            ErrorKind::Capacity => self.capacity_attempts_max,
            ErrorKind::Data => self.data_attempts_max,
            ErrorKind::UserFix | ErrorKind::Bug => 1,
        }
    }

    /// The wait before a task's next attempt after so many that were in vain.
    pub(super) fn wait(&self, task: TaskId, in_vain: u32) -> Duration {
        let doublings = in_vain.saturating_sub(1).min(16);
        let full = self.backoff.saturating_mul(1 << doublings).min(self.backoff_max);
        full / 2 + (full / 2).mul_f64(spread(task, in_vain))
    }

    /// Failed attempts that a job of so many tasks may have.
    pub(super) fn retries_max(&self, tasks: u64) -> u64 {
        self.retries_min.saturating_add((tasks as f64 * self.retries_per_task) as u64)
    }
}

/// A number from 0 to 1 that is the same for the same task and count: SplitMix64's mixing of the three.
fn spread(task: TaskId, count: u32) -> f64 {
    let mut bits = (u64::from(task.stage.0) << 40) ^ (u64::from(task.index) << 8) ^ u64::from(count);
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) as f64 / u64::MAX as f64
}
