//! [`AwsModel`]: Lambda and S3 as numbers: latencies, bandwidths, limits and prices.
//!
//! The figures are those of AWS's quota and price pages and of Skyrise (arXiv 2501.07771, §4), Starling (SIGMOD 2020, §5)
//! for hedged requests. What is of this engine, rows or bytes per second of a core, is measured and given from outside.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

const MIB: f64 = 1024.0 * 1024.0;
/// A vCPU for each of these (AWS "Configure Lambda function memory").
const MEMORY_MB_PER_VCPU: f64 = 1769.0;

#[derive(Debug, Clone, Copy)]
pub struct AwsModel {
    /// Calls at once; an account's default is 1,000.
    pub concurrency: usize,
    /// Identical functions, each of which ramps up by itself.
    pub functions: u32,
    /// Buckets that keys are spread over.
    pub buckets: u32,
    /// Median and deviation (of the logarithm) of what a call takes before the function runs.
    pub start_cold: Lognormal,
    pub start_warm: Lognormal,
    /// A GET's and a PUT's first byte.
    pub get: Lognormal,
    pub put: Lognormal,
    /// Of requests that hedging does not save, how many come late, and how late.
    pub late_rate: f64,
    pub late_s: f64,
    /// Bytes at the first rate, then the second, in each direction.
    pub burst_bytes: f64,
    pub burst_bytes_per_s: f64,
    pub steady_bytes_per_s: f64,
    pub vcpus_max: f64,
    /// Calls that one coordinator sends in a second.
    pub calls_per_s: f64,
}

#[derive(Debug, Clone, Copy)]
pub struct Lognormal {
    pub median_s: f64,
    pub sigma: f64,
}

impl Default for AwsModel {
    fn default() -> Self {
        Self {
            concurrency: 1000,
            functions: 1,
            buckets: 1,
            // Rust's init is ~20 ms, a cold start < 100 ms to > 1 s.
            start_cold: Lognormal { median_s: 0.20, sigma: 0.5 },
            start_warm: Lognormal { median_s: 0.015, sigma: 0.4 },
            // Median 27 and 40 ms; a GET's 95th percentile is 75 ms.
            get: Lognormal { median_s: 0.027, sigma: 0.62 },
            put: Lognormal { median_s: 0.040, sigma: 0.62 },
            late_rate: 0.003,
            late_s: 0.25,
            burst_bytes: 300.0 * MIB,
            burst_bytes_per_s: 1.2 * 1024.0 * MIB,
            steady_bytes_per_s: 75.0 * MIB,
            vcpus_max: 5.8,
            // One client with kept-alive connections: about a millisecond each.
            calls_per_s: 1000.0,
        }
    }
}

impl Lognormal {
    pub fn draw(&self, chance: &mut StdRng) -> f64 {
        // Box and Muller's transform of two uniform draws.
        let (one, two): (f64, f64) = (chance.random::<f64>().max(f64::MIN_POSITIVE), chance.random());
        let normal = (-2.0 * one.ln()).sqrt() * (2.0 * std::f64::consts::PI * two).cos();
        self.median_s * (self.sigma * normal).exp()
    }
}

impl AwsModel {
    pub fn vcpus(&self, memory_mb: u32) -> f64 {
        (f64::from(memory_mb) / MEMORY_MB_PER_VCPU).min(self.vcpus_max)
    }

    /// Seconds that so many bytes take one way.
    pub fn transfer_s(&self, bytes: f64) -> f64 {
        let burst = bytes.min(self.burst_bytes);
        burst / self.burst_bytes_per_s + (bytes - burst) / self.steady_bytes_per_s
    }

    /// Sandboxes that may run this long after the first call: 1,000 of each function, and 1,000 more every ten seconds.
    pub fn ramp(&self, since: Duration) -> usize {
        let ramp = 1000.0 * f64::from(self.functions) * (1.0 + since.as_secs_f64() / 10.0);
        self.concurrency.min(ramp as usize)
    }

    /// Seconds that S3 needs for so many requests, whoever sends them.
    pub fn throttle_s(&self, gets: f64, puts: f64) -> f64 {
        let buckets = f64::from(self.buckets);
        (gets / (5500.0 * buckets)).max(puts / (3500.0 * buckets))
    }

    /// Seconds that one function's requests of a kind add: they go side by side, so that the latest counts.
    pub fn requests_s(&self, latency: &Lognormal, requests: f64, side_by_side: f64, chance: &mut StdRng) -> f64 {
        if requests < 1.0 {
            return 0.0;
        }
        let rounds = (requests / side_by_side).ceil();
        let late = chance.random::<f64>() < 1.0 - (1.0 - self.late_rate).powf(requests);
        let mean = latency.median_s * (latency.sigma * latency.sigma / 2.0).exp();
        latency.draw(chance) + (rounds - 1.0) * mean + if late { self.late_s } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_figures_of_the_sources_come_out() {
        let model = AwsModel::default();
        // 300 MiB at 1.2 GiB/s, and a further 75 MiB in a second.
        assert!((model.transfer_s(300.0 * MIB) - 0.244).abs() < 0.001);
        assert!((model.transfer_s(375.0 * MIB) - 1.244).abs() < 0.001);
        assert_eq!(model.vcpus(1769), 1.0);
        assert_eq!(model.vcpus(10_240), 10_240.0 / 1769.0_f64);
        assert!((model.throttle_s(55_000.0, 0.0) - 10.0).abs() < 1e-9);
        let ten = AwsModel { concurrency: 10_000, functions: 4, ..model };
        assert_eq!((ten.ramp(Duration::ZERO), ten.ramp(Duration::from_secs(10))), (4000, 8000));
    }

    #[test]
    fn latencies_have_the_median_and_the_tail_that_was_seen() {
        let mut chance = StdRng::seed_from_u64(1);
        let mut draws: Vec<f64> = (0..20_000).map(|_| AwsModel::default().get.draw(&mut chance)).collect();
        draws.sort_by(f64::total_cmp);
        assert!((draws[10_000] - 0.027).abs() < 0.001, "{}", draws[10_000]);
        assert!((draws[19_000] - 0.075).abs() < 0.004, "{}", draws[19_000]);
    }
}
