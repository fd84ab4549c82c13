//! [`Chance`]: all that is random in a simulation, from one seed; and how often what goes wrong.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A clone draws from the same sequence. Within one thread and virtual time, the order of draws is the same each time.
#[derive(Debug, Clone)]
pub(super) struct Chance(Arc<Mutex<StdRng>>);

/// Of each fault, how often it comes: a part of all requests, or of all calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// The store answers 500 and does nothing.
    pub store_error: f64,
    /// The store does what it was asked, and the reply is lost.
    pub store_lost_reply: f64,
    /// A byte of what is read changes on its way.
    pub store_corrupted: f64,
    /// An object is gone, or damaged for good.
    pub object_lost: f64,
    pub throttled: f64,
    pub crash_before: f64,
    pub crash_within: f64,
    pub crash_after: f64,
    pub out_of_memory: f64,
    /// The caller is told of a timeout, and the function goes on.
    pub timeout: f64,
    pub lost_reply: f64,
    pub duplicated: f64,
    /// A task takes ten to a hundred times as long.
    pub straggler: f64,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    pub fn happens(&self, rate: f64) -> bool {
        rate > 0.0 && self.0.lock().random::<f64>() < rate
    }

    /// From `low` to below `high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        self.0.lock().random_range(low..high.max(low + 1))
    }

    /// Around the median, with a long tail upwards: the exponential of what is normal, nearly, by three dice.
    pub fn latency(&self, median: Duration) -> Duration {
        let dice: f64 = (0..3).map(|_| self.0.lock().random::<f64>()).sum();
        median.mul_f64(((dice - 1.5) * 1.2).exp())
    }
}

impl Rates {
    /// No fault at all on some days, all at once on others.
    pub(super) fn draw(chance: &Chance) -> Self {
        let severity = chance.between(0, 5) as f64 / 4.0;
        let rate = |most: f64| most * severity * chance.between(0, 1000) as f64 / 1000.0;
        Self {
            store_error: rate(0.10),
            store_lost_reply: rate(0.05),
            store_corrupted: rate(0.05),
            object_lost: rate(0.02),
            throttled: rate(0.20),
            crash_before: rate(0.05),
            crash_within: rate(0.05),
            crash_after: rate(0.05),
            out_of_memory: rate(0.01),
            timeout: rate(0.03),
            lost_reply: rate(0.03),
            duplicated: rate(0.05),
            straggler: rate(0.05),
        }
    }
}
