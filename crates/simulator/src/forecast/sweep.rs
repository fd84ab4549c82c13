//! [`sweep`]: one shape over memory sizes and numbers of tasks; [`choose`]: the one to take.

use serde::Serialize;

use super::run::{Forecast, forecast};
use super::shape::Shape;
use crate::model::AwsModel;

/// Runs whose median is told: a single one may have met a late request.
const RUNS: u64 = 5;

/// One way to run a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    pub memory_mb: u32,
    pub tasks: u32,
    pub levels: u32,
    pub forecast: Forecast,
    /// No other is both faster and cheaper.
    pub is_on_front: bool,
}

/// All ways, each the median of a few runs. `shape` makes the job of so many tasks and levels of exchange.
pub fn sweep(
    shape: impl Fn(u32, u32) -> Shape,
    model: &AwsModel,
    memory_mb: &[u32],
    tasks: &[u32],
    levels: &[u32],
    seed: u64,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for memory_mb in memory_mb {
        for tasks in tasks {
            for levels in levels {
                let shape = shape(*tasks, *levels);
                let mut runs: Vec<Forecast> =
                    (0..RUNS).map(|run| forecast(&shape, model, *memory_mb, seed.wrapping_add(run))).collect();
                runs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
                let forecast = runs.swap_remove(runs.len() / 2);
                let (memory_mb, tasks, levels) = (*memory_mb, *tasks, *levels);
                candidates.push(Candidate { memory_mb, tasks, levels, forecast, is_on_front: false });
            }
        }
    }
    let figures: Vec<(f64, f64)> =
        candidates.iter().map(|candidate| (candidate.forecast.seconds, candidate.forecast.usd)).collect();
    for (candidate, (seconds, usd)) in candidates.iter_mut().zip(&figures) {
        let is_beaten = figures.iter().any(|(s, u)| s <= seconds && u <= usd && (s < seconds || u < usd));
        candidate.is_on_front = !is_beaten;
    }
    candidates.sort_by(|one, other| one.forecast.seconds.total_cmp(&other.forecast.seconds));
    candidates
}

/// Of those on the front the one with the least product of seconds and dollars: where twice as fast costs twice as much.
pub fn choose(candidates: &[Candidate]) -> Option<&Candidate> {
    let product = |candidate: &Candidate| candidate.forecast.seconds * candidate.forecast.usd;
    let front = candidates.iter().filter(|candidate| candidate.is_on_front);
    front.min_by(|one, other| product(one).total_cmp(&product(other)))
}

#[cfg(test)]
mod tests {
    use super::super::shape::EngineRates;
    use super::*;

    fn scans() -> Vec<Candidate> {
        let shape = |tasks, _| Shape::scan(200e9, tasks, &EngineRates::default());
        sweep(shape, &AwsModel::default(), &[1769, 3538, 7076], &[50, 200, 800], &[1], 7)
    }

    #[test]
    fn the_front_has_the_fastest_and_the_cheapest_and_none_that_is_beaten() {
        let candidates = scans();
        assert_eq!(candidates.len(), 9);
        let front: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.is_on_front).collect();
        let cheapest = candidates.iter().map(|c| c.forecast.usd).fold(f64::MAX, f64::min);
        assert!(front.iter().any(|c| c.forecast.usd == cheapest) && candidates[0].is_on_front);
        // Along the front, what is slower is cheaper.
        assert!(front.windows(2).all(|pair| pair[0].forecast.usd > pair[1].forecast.usd), "{front:?}");
        assert!(choose(&candidates).is_some_and(|chosen| chosen.is_on_front));
    }

    #[test]
    fn the_same_seed_gives_the_same_figures() {
        assert_eq!(scans(), scans());
    }

    #[test]
    fn more_tasks_are_faster_until_their_requests_are_the_wait() {
        let seconds = |tasks: u32, levels: u32, buckets: u32| {
            let model = AwsModel { concurrency: 10_000, functions: 10, buckets, ..AwsModel::default() };
            forecast(&Shape::sort(1e12, tasks, levels, &EngineRates::default()), &model, 1769, 1).seconds
        };
        assert!(seconds(1000, 1, 16) < seconds(200, 1, 16));
        assert!(seconds(1000, 1, 1) > seconds(200, 1, 1), "a million GETs take three minutes of one bucket");
        // 4,000² ranges at 5,500 a second are 48 minutes; by way of 63 groups they are a minute and a half.
        assert!(seconds(4000, 2, 1) < seconds(4000, 1, 1) / 5.0);
    }
}
