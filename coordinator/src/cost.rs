//! What a job costs on AWS: pure arithmetic over prices and counts.

use firesteel_protocol::RequestCounts;

/// Prices in US dollars.
#[derive(Debug, Clone, Copy)]
pub struct Prices {
    pub gb_second: f64,
    pub invocation: f64,
    pub get: f64,
    pub put: f64,
}

impl Prices {
    /// AWS Lambda on arm64 and S3 Standard in us-east-1 (the pages "AWS Lambda pricing" and "Amazon S3 pricing").
    pub const US_EAST_1_ARM64: Self = Self { gb_second: 1.333_34e-5, invocation: 0.20e-6, get: 0.40e-6, put: 5.0e-6 };

    /// Dollars for function time.
    pub fn compute(&self, gb_seconds: f64, invocations: u64) -> f64 {
        gb_seconds * self.gb_second + invocations as f64 * self.invocation
    }

    /// Dollars for requests: GET and HEAD at one price; PUT, parts, COPY and LIST at another; DELETE is free.
    pub fn requests(&self, requests: &RequestCounts) -> f64 {
        (requests.get + requests.head) as f64 * self.get + (requests.put + requests.list) as f64 * self.put
    }
}

/// GB-seconds of one call: duration is billed by the millisecond, the start of a sandbox with it.
pub(crate) fn gb_seconds(memory_mb: u32, billed_ms: u64) -> f64 {
    f64::from(memory_mb) / 1024.0 * billed_ms as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_of_a_known_job() {
        // 201 functions of 7,076 MB for 5 s with 1,401 GETs, as in Skyrise's Q6: about 9.3 cents at today's prices.
        let gb_seconds = 201.0 * gb_seconds(7076, 5000);
        assert!((gb_seconds - 6944.7).abs() < 0.1, "{gb_seconds}");
        let prices = Prices::US_EAST_1_ARM64;
        let dollars =
            prices.compute(gb_seconds, 201) + prices.requests(&RequestCounts { get: 1401, ..Default::default() });
        assert!((dollars - 0.0932).abs() < 1e-4, "{dollars}");
    }
}
