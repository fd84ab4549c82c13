//! Which requests fail, and how: the kinds of fault, their rates, and the draw that decides. The effects are elsewhere
//! (`s3/faulty.rs`, `lambda/faulty.rs`, `lambda/invoke.rs`), and so is the text form (`faults/text.rs`).
//!
//! The n-th request to a service has its fault from a hash of the seed, the service and n alone, so the same seed gives
//! the same sequence. Which of several concurrent requests is the n-th is their race, not the seed's.

mod text;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// How often S3 and Lambda fail, and by which chance. The default is never.
///
/// The kinds of one service exclude each other: a request has one fault or none, so their rates add up to at most 1.
/// A kind that is drawn for a request which cannot have it (a truncated PUT) does nothing.
///
/// As a text, for flags and logs: `seed=7,s3.error_500=0.02,lambda=0.05`. `s3=`, `lambda=` and `all=` spread a rate
/// evenly over the kinds of a service, and what comes later wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Chooses the sequence.
    pub seed: u64,
    /// Of requests for objects. Listings have `error_500` and `error_503` only, other requests for buckets nothing.
    pub s3: S3Faults,
    /// Of synchronous invocations.
    pub lambda: LambdaFaults,
}

/// The rates of S3's faults, each from 0.0 to 1.0, and what they need to know.
#[derive(Debug, Clone, PartialEq)]
pub struct S3Faults {
    /// Refused with 500 `InternalError`; nothing was done.
    pub error_500: f64,
    /// Refused with 503 `SlowDown`; nothing was done.
    pub error_503: f64,
    /// The connection is held for `timeout_ms` and then closed without an answer; nothing was done.
    pub timeout: f64,
    /// The answer and its body come late by about `slow_ms` altogether.
    pub slow: f64,
    /// GetObject: the connection is closed before all of the promised bytes were sent.
    pub truncated: f64,
    /// GetObject of a key with `corrupt_keys` in it: one bit of the body is wrong.
    pub corrupted: f64,
    /// PUT, POST, DELETE: done, and then answered with 500 `InternalError`.
    pub lost_reply: f64,
    /// For `timeout`.
    pub timeout_ms: u64,
    /// For `slow`.
    pub slow_ms: u64,
    /// For `corrupted`: what `/KEY` has to contain. Empty stands for all keys.
    pub corrupt_keys: String,
}

/// The rates of Lambda's faults, each from 0.0 to 1.0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LambdaFaults {
    /// Refused with 429 `TooManyRequestsException`; the function did not run.
    pub throttled: f64,
    /// Refused with 500 `ServiceException`; the function did not run.
    pub error_500: f64,
    /// The sandbox is killed before it has the event: `Runtime.ExitError`.
    pub crash_before: f64,
    /// The function runs to its end, then its sandbox is killed and its reply lost: `Runtime.ExitError`.
    pub crash_after: f64,
    /// The caller hears `Sandbox.Timedout` at once, and the function runs to its end all the same. Until then it
    /// counts as running.
    pub timeout: f64,
    /// The sandbox is killed 20 ms into the event, or at the event's end if that is earlier: `Runtime.OutOfMemory`.
    pub out_of_memory: f64,
    /// The event also goes to a second sandbox, whose answer nobody gets. Not done where the limits of concurrency
    /// leave no room for it.
    pub duplicated: f64,
    /// The function runs to its end, and the connection is closed without an answer.
    pub lost_reply: f64,
}

impl Default for S3Faults {
    fn default() -> Self {
        Self {
            error_500: 0.0,
            error_503: 0.0,
            timeout: 0.0,
            slow: 0.0,
            truncated: 0.0,
            corrupted: 0.0,
            lost_reply: 0.0,
            timeout_ms: 5000,
            slow_ms: 1000,
            corrupt_keys: "/stage-".to_owned(),
        }
    }
}

/// One kind of fault of one service.
pub(crate) trait Kind: Copy {
    /// `service.kind`
    fn name(self) -> &'static str;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum S3Fault {
    Error500,
    Error503,
    Timeout,
    Slow,
    Truncated,
    Corrupted,
    LostReply,
}

impl S3Fault {
    const ALL: [Self; 7] =
        [Self::Error500, Self::Error503, Self::Timeout, Self::Slow, Self::Truncated, Self::Corrupted, Self::LostReply];
}

impl Kind for S3Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Error500 => "s3.error_500",
            Self::Error503 => "s3.error_503",
            Self::Timeout => "s3.timeout",
            Self::Slow => "s3.slow",
            Self::Truncated => "s3.truncated",
            Self::Corrupted => "s3.corrupted",
            Self::LostReply => "s3.lost_reply",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LambdaFault {
    Throttled,
    Error500,
    CrashBefore,
    CrashAfter,
    Timeout,
    OutOfMemory,
    Duplicated,
    LostReply,
}

impl LambdaFault {
    const ALL: [Self; 8] = [
        Self::Throttled,
        Self::Error500,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Timeout,
        Self::OutOfMemory,
        Self::Duplicated,
        Self::LostReply,
    ];
}

impl Kind for LambdaFault {
    fn name(self) -> &'static str {
        match self {
            Self::Throttled => "lambda.throttled",
            Self::Error500 => "lambda.error_500",
            Self::CrashBefore => "lambda.crash_before",
            Self::CrashAfter => "lambda.crash_after",
            Self::Timeout => "lambda.timeout",
            Self::OutOfMemory => "lambda.out_of_memory",
            Self::Duplicated => "lambda.duplicated",
            Self::LostReply => "lambda.lost_reply",
        }
    }
}

impl S3Faults {
    fn rate(&self, fault: S3Fault) -> f64 {
        match fault {
            S3Fault::Error500 => self.error_500,
            S3Fault::Error503 => self.error_503,
            S3Fault::Timeout => self.timeout,
            S3Fault::Slow => self.slow,
            S3Fault::Truncated => self.truncated,
            S3Fault::Corrupted => self.corrupted,
            S3Fault::LostReply => self.lost_reply,
        }
    }
}

impl LambdaFaults {
    fn rate(&self, fault: LambdaFault) -> f64 {
        match fault {
            LambdaFault::Throttled => self.throttled,
            LambdaFault::Error500 => self.error_500,
            LambdaFault::CrashBefore => self.crash_before,
            LambdaFault::CrashAfter => self.crash_after,
            LambdaFault::Timeout => self.timeout,
            LambdaFault::OutOfMemory => self.out_of_memory,
            LambdaFault::Duplicated => self.duplicated,
            LambdaFault::LostReply => self.lost_reply,
        }
    }
}

/// Separates the two sequences of one seed.
#[derive(Debug, Clone, Copy)]
enum Service {
    S3 = 1,
    Lambda = 2,
}

/// A bijection that spreads its input over all 64 bits: the step and the finish of SplitMix64 (Steele, Lea and Flood,
/// "Fast splittable pseudorandom number generators", 2014).
fn mix(input: u64) -> u64 {
    let mut mixed = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn chance(seed: u64, service: Service, n: u64) -> u64 {
    mix(mix(mix(seed) ^ service as u64) ^ n)
}

/// The kind, if any, in whose share of 0..1 a chance falls.
fn pick<K: Copy>(rates: impl IntoIterator<Item = (K, f64)>, chance: u64) -> Option<K> {
    // The 53 bits that a float can hold: at least 0 and below 1, so a rate of 1 always hits and one of 0 never.
    let point = (chance >> 11) as f64 / (1_u64 << 53) as f64;
    let mut share_ends = 0.0;
    rates.into_iter().find_map(|(kind, rate)| {
        share_ends += rate;
        (point < share_ends).then_some(kind)
    })
}

/// One sequence of draws, and what was done of it.
#[derive(Debug, Default)]
struct Run {
    faults: Faults,
    s3_drawn: AtomicU64,
    lambda_drawn: AtomicU64,
    done: Mutex<BTreeMap<&'static str, u64>>,
}

/// The faults of an emulator as they stand now.
#[derive(Debug, Default)]
pub(crate) struct FaultRuns {
    current: Mutex<Arc<Run>>,
}

/// A fault that a request is to have.
#[derive(Debug)]
pub(crate) struct Drawn<K> {
    pub kind: K,
    /// For what else is up to chance: where to cut, which bit to turn.
    pub chance: u64,
    /// A request that is under way when the faults change still counts where it was drawn.
    run: Arc<Run>,
}

impl<K: Kind> Drawn<K> {
    /// Counts it, once it has taken place.
    pub(crate) fn done(&self) {
        *self.run.done.lock().entry(self.kind.name()).or_default() += 1;
    }

    pub(crate) fn s3(&self) -> &S3Faults {
        &self.run.faults.s3
    }
}

impl FaultRuns {
    pub(crate) fn new(faults: Faults) -> Self {
        let runs = Self::default();
        runs.restart(faults);
        runs
    }

    /// From here on other faults, or the same from the first draw on.
    pub(crate) fn restart(&self, faults: Faults) {
        *self.current.lock() = Arc::new(Run { faults, ..Run::default() });
    }

    pub(crate) fn done(&self) -> BTreeMap<&'static str, u64> {
        self.run().done.lock().clone()
    }

    /// For the next request to S3.
    pub(crate) fn draw_s3(&self) -> Option<Drawn<S3Fault>> {
        let run = self.run();
        let n = run.s3_drawn.fetch_add(1, Ordering::Relaxed);
        let chance = chance(run.faults.seed, Service::S3, n);
        let kind = pick(S3Fault::ALL.map(|kind| (kind, run.faults.s3.rate(kind))), chance)?;
        Some(Drawn { kind, chance: mix(chance), run })
    }

    /// For the next synchronous invocation.
    pub(crate) fn draw_lambda(&self) -> Option<Drawn<LambdaFault>> {
        let run = self.run();
        let n = run.lambda_drawn.fetch_add(1, Ordering::Relaxed);
        let chance = chance(run.faults.seed, Service::Lambda, n);
        let kind = pick(LambdaFault::ALL.map(|kind| (kind, run.faults.lambda.rate(kind))), chance)?;
        Some(Drawn { kind, chance: mix(chance), run })
    }

    fn run(&self) -> Arc<Run> {
        Arc::clone(&self.current.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 20_000;

    fn s3_draws(runs: &FaultRuns) -> Vec<Option<S3Fault>> {
        (0..DRAWS).map(|_| runs.draw_s3().map(|drawn| drawn.kind)).collect()
    }

    fn faults(text: &str) -> Faults {
        text.parse().expect("valid faults")
    }

    #[test]
    fn a_seed_is_a_sequence() {
        let runs = FaultRuns::new(faults("seed=7,all=0.3"));
        let first = s3_draws(&runs);
        assert_ne!(s3_draws(&runs), first);
        runs.restart(faults("seed=7,all=0.3"));
        // The other service's draws do not move this one's.
        assert!((0..100).any(|_| runs.draw_lambda().is_some()));
        assert_eq!(s3_draws(&runs), first);
        runs.restart(faults("seed=8,all=0.3"));
        assert_ne!(s3_draws(&runs), first);
    }

    #[test]
    fn rates_are_kept() {
        let drawn = s3_draws(&FaultRuns::new(faults("seed=1,s3.error_500=0.02,s3.truncated=0.3")));
        // Six standard deviations around what is expected.
        for (kind, rate) in [(S3Fault::Error500, 0.02), (S3Fault::Truncated, 0.3), (S3Fault::Slow, 0.0)] {
            let (count, draws) = (drawn.iter().filter(|drawn| **drawn == Some(kind)).count() as f64, DRAWS as f64);
            let slack = 6.0 * (draws * rate * (1.0 - rate)).sqrt();
            assert!((count - draws * rate).abs() <= slack, "{kind:?}: {count}");
        }
        assert!(s3_draws(&FaultRuns::default()).iter().all(Option::is_none));
        let all = s3_draws(&FaultRuns::new(faults("s3.slow=1")));
        assert!(all.iter().all(|drawn| *drawn == Some(S3Fault::Slow)));
    }

    #[test]
    fn shares_lie_side_by_side() {
        let rates = [('a', 0.25), ('b', 0.0), ('c', 0.5)];
        let at = |point: f64| pick(rates, (point * 2_f64.powi(64)) as u64);
        assert_eq!(
            [at(0.0), at(0.249), at(0.25), at(0.749), at(0.75)],
            [Some('a'), Some('a'), Some('c'), Some('c'), None]
        );
    }

    #[test]
    fn the_mixing_is_that_of_splitmix() {
        // The first outputs of the generator that starts at 0, from its authors' reference.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn what_was_done_counts_for_its_own_run() {
        let runs = FaultRuns::new(faults("lambda.throttled=1"));
        let (early, late) = (runs.draw_lambda().expect("a fault"), runs.draw_lambda().expect("a fault"));
        early.done();
        assert_eq!(runs.done(), BTreeMap::from([("lambda.throttled", 1)]));
        runs.restart(Faults::default());
        late.done();
        assert_eq!(runs.done(), BTreeMap::new());
    }
}
