//! [`Scenario`]: a job and a bad day, drawn from a seed.

use std::sync::Arc;
use std::time::Duration;

use firesteel_coordinator::{JobPolicy, Speculation};
use firesteel_protocol::StageId;

use super::chance::{Chance, Rates};
use super::work::SimStage;

#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub stages: Arc<Vec<SimStage>>,
    pub rates: Rates,
    pub has_table: bool,
    /// The job's rows take the place of those that are there.
    pub overwrites: bool,
    pub concurrency: usize,
    pub policy: JobPolicy,
    /// After how long each coordinator but the last is gone.
    pub deaths: Vec<Death>,
    /// A cancel is asked for at this time.
    pub cancel_after: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Death {
    pub after: Duration,
    /// It goes on, and another is there too.
    pub is_only_thought: bool,
}

impl Scenario {
    pub fn draw(chance: &Chance) -> Self {
        let stage_count = chance.between(1, 6) as usize;
        let mut stages = Vec::new();
        for id in 0..stage_count {
            stages.push(stage(chance, id, stage_count));
        }
        let rates = Rates::draw(chance);
        let has_table = chance.happens(0.6);
        let deaths = (0..chance.between(0, 4)).map(|_| Death {
            after: Duration::from_millis(chance.between(1, 4000)),
            is_only_thought: chance.happens(0.4),
        });
        let deaths = deaths.collect();
        let cancel_after = chance.happens(0.05).then(|| Duration::from_millis(chance.between(1, 3000)));
        let speculation = Speculation { runtime_min: Duration::from_millis(300), ..Speculation::default() };
        let policy = JobPolicy {
            attempt_timeout: Some(Duration::from_secs(chance.between(20, 120))),
            speculation: chance.happens(0.8).then_some(speculation),
            ..JobPolicy::default()
        };
        Self {
            stages: Arc::new(stages),
            rates,
            has_table,
            overwrites: chance.happens(0.5),
            concurrency: chance.between(1, 40) as usize,
            policy,
            deaths,
            cancel_after,
        }
    }
}

/// Reads one or two stages before it, and always the one just before, so that nothing is for nobody.
fn stage(chance: &Chance, id: usize, of: usize) -> SimStage {
    let mut inputs = Vec::new();
    if id > 0 {
        inputs.push(StageId(id as u32 - 1));
        let other = chance.between(0, id as u64) as u32;
        if chance.happens(0.4) && !inputs.contains(&StageId(other)) {
            inputs.push(StageId(other));
        }
    }
    inputs.sort_unstable();
    let is_last = id + 1 == of;
    SimStage {
        inputs,
        tasks: chance.between(1, if is_last { 8 } else { 24 }) as u32,
        compute_ms: chance.between(1, 500),
        rows_enough: (!is_last && chance.happens(0.05)).then(|| chance.between(1, 100)),
    }
}
