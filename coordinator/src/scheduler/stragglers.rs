//! [`Pace`]: how long a stage's tasks take for their bytes, and so when one of them is late.

use std::time::Duration;

use super::policy::Speculation;

/// The times of a stage's accepted tasks.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Seconds for a task of mean weight.
    seconds: Vec<f64>,
    /// Of the first so many `seconds`.
    median: Option<(usize, f64)>,
}

/// What a task has to read, in proportion to the stage's mean. A call takes its time even for nothing, so that a task
/// counts as a quarter of the mean at least.
pub(super) fn weights(bytes: &[u64]) -> Vec<f32> {
    const WEIGHT_MIN: f64 = 0.25;
    let mean = bytes.iter().map(|bytes| *bytes as f64).sum::<f64>() / bytes.len().max(1) as f64;
    let weight = |bytes: &u64| if mean > 0.0 { (*bytes as f64 / mean).max(WEIGHT_MIN) as f32 } else { 1.0 };
    bytes.iter().map(weight).collect()
}

impl Pace {
    pub(super) fn add(&mut self, took: Duration, weight: f32) {
        self.seconds.push(took.as_secs_f64() / f64::from(weight));
    }

    /// When tasks of a stage of so many are late; none while too few are done.
    pub(super) fn known(&mut self, rule: &Speculation, tasks: usize) -> Option<Lateness> {
        if self.seconds.len() < 2 || (self.seconds.len() as f64) < rule.quantile * tasks as f64 {
            return None;
        }
        Some(Lateness { seconds: self.median()? * rule.multiplier, at_least: rule.runtime_min })
    }

    /// Found anew when a twentieth more is known.
    fn median(&mut self) -> Option<f64> {
        let known = self.seconds.len();
        match self.median {
            Some((of, median)) if known < of + of.div_ceil(20) => Some(median),
            _ => {
                let (_, median, _) = self.seconds.select_nth_unstable_by(known / 2, f64::total_cmp);
                let median = *median;
                self.median = Some((known, median));
                Some(median)
            }
        }
    }
}

/// How long is too long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lateness {
    /// For mean weight.
    seconds: f64,
    at_least: Duration,
}

impl Lateness {
    pub(super) fn late_after(&self, weight: f32) -> Duration {
        Duration::try_from_secs_f64(self.seconds * f64::from(weight)).unwrap_or(Duration::MAX / 4).max(self.at_least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_is_measured_by_the_stage_and_by_bytes() {
        let rule = Speculation { quantile: 0.5, multiplier: 2.0, runtime_min: Duration::ZERO, copies_max: 0.1 };
        let mut pace = Pace::default();
        let late = |pace: &mut Pace, weight, tasks| pace.known(&rule, tasks).map(|late| late.late_after(weight));
        pace.add(Duration::from_secs(4), 1.0);
        assert_eq!(late(&mut pace, 1.0, 10), None, "one of ten says nothing");
        (0..5).for_each(|_| pace.add(Duration::from_secs(4), 1.0));
        assert_eq!(late(&mut pace, 1.0, 10), Some(Duration::from_secs(8)));
        assert_eq!(late(&mut pace, 3.0, 10), Some(Duration::from_secs(24)), "three times the bytes");
        assert_eq!(late(&mut pace, 1.0, 100), None);
        let patient = Speculation { runtime_min: Duration::from_secs(60), ..rule };
        let late = pace.known(&patient, 10).map(|late| late.late_after(1.0));
        assert_eq!(late, Some(Duration::from_secs(60)));
    }

    #[test]
    fn weights_are_parts_of_the_mean() {
        assert_eq!(weights(&[0, 0]), [1.0, 1.0]);
        assert_eq!(weights(&[100, 300, 0]), [0.75, 2.25, 0.25]);
        assert!(weights(&[]).is_empty());
    }
}
