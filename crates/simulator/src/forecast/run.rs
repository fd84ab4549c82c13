//! [`forecast`]: the loop of virtual time around the scheduler.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use firesteel_coordinator::{Command, Event, JobPolicy, Prices, Scheduler};
use firesteel_protocol::{ErrorKind, RequestCounts, StageId, TaskError, TaskId};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;

use super::shape::{Shape, StageShape};
use crate::model::AwsModel;

/// Requests that a function has under way at a time (`crates/storage`, `crates/shuffle`).
const REQUESTS_SIDE_BY_SIDE: f64 = 16.0;
/// Bytes that a sandbox gets for little again when it is used again (Skyrise §4.2): half of the first burst.
const REUSED_BURST: f64 = 0.5;

/// What a job would come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    pub seconds: f64,
    pub usd: f64,
    pub compute_usd: f64,
    pub requests_usd: f64,
    pub gb_seconds: f64,
    pub calls: u64,
    pub gets: u64,
    pub puts: u64,
    pub stages: Vec<StageForecast>,
}

/// Where a stage's time goes. Seconds of all its attempts together, but for `seconds`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StageForecast {
    pub name: String,
    pub tasks: u32,
    /// From its first call to its last reply.
    pub seconds: f64,
    pub starting_s: f64,
    pub reading_s: f64,
    pub computing_s: f64,
    pub writing_s: f64,
    /// That S3's limits of requests add.
    pub throttled_s: f64,
}

struct World<'a> {
    shape: &'a Shape,
    model: &'a AwsModel,
    memory_mb: u32,
    chance: StdRng,
    /// Sandboxes that wait for a call.
    idle: usize,
    running: usize,
    /// When the coordinator can send its next call.
    sent_until: Duration,
    ends: BinaryHeap<Reverse<(Duration, TaskId, u32)>>,
    began: Vec<Option<Duration>>,
    forecast: Forecast,
}

/// Runs a job in virtual time. The same seed goes the same way each time.
pub fn forecast(shape: &Shape, model: &AwsModel, memory_mb: u32, seed: u64) -> Forecast {
    let specs = shape.stages.iter().map(StageShape::spec).collect();
    let mut scheduler = Scheduler::new(specs, model.concurrency, JobPolicy::default());
    let named =
        |stage: &StageShape| StageForecast { name: stage.name.clone(), tasks: stage.tasks, ..Default::default() };
    let mut world = World {
        shape,
        model,
        memory_mb,
        chance: StdRng::seed_from_u64(seed),
        idle: 0,
        running: 0,
        sent_until: Duration::ZERO,
        ends: BinaryHeap::new(),
        began: vec![None; shape.stages.len()],
        forecast: Forecast {
            seconds: 0.0,
            usd: 0.0,
            compute_usd: 0.0,
            requests_usd: 0.0,
            gb_seconds: 0.0,
            calls: 0,
            gets: 0,
            puts: 0,
            stages: shape.stages.iter().map(named).collect(),
        },
    };
    let mut events = vec![Event::Start];
    let mut now = Duration::ZERO;
    loop {
        let mut next = Vec::new();
        for event in events.drain(..) {
            for command in scheduler.on(event, now) {
                match command {
                    Command::Complete | Command::Fail(_) => return world.end(now),
                    Command::Slice(stage) => next.push(world.slice(stage)),
                    Command::Launch { task, attempt } => next.extend(world.launch(task, attempt, now)),
                    Command::Accept { task, attempt } => next.push(Event::Recorded { task, attempt }),
                    Command::Abandon { .. } | Command::Forget { .. } | Command::StageComplete(_) => {}
                }
            }
        }
        events = next;
        if !events.is_empty() {
            continue;
        }
        let end = world.ends.peek().map(|Reverse((at, ..))| *at);
        let wake = scheduler.next_wake();
        match (end, wake) {
            (Some(at), wake) if wake.is_none_or(|wake| at <= wake) => {
                now = at;
                events.extend(world.ended());
            }
            (_, Some(wake)) => {
                now = wake;
                events.push(Event::Tick);
            }
            _ => return world.end(now),
        }
    }
}

impl World<'_> {
    fn slice(&self, stage: StageId) -> Event {
        let shape = &self.shape.stages[stage.0 as usize];
        Event::Sliced { stage, bytes: vec![shape.bytes_in as u64; shape.tasks as usize] }
    }

    /// Sends a call, or is refused: the ramp of sandboxes has not come so far.
    fn launch(&mut self, task: TaskId, attempt: u32, now: Duration) -> Option<Event> {
        if self.idle == 0 && self.running >= self.model.ramp(now) {
            let error = TaskError::new(ErrorKind::Throttled, "TooManyRequestsException");
            return Some(Event::Failed { task, attempt, error });
        }
        let is_cold = self.idle == 0;
        self.idle = self.idle.saturating_sub(1);
        self.running += 1;
        let sent = self.sent_until.max(now) + Duration::from_secs_f64(1.0 / self.model.calls_per_s);
        self.sent_until = sent;
        let took = self.take(task, is_cold);
        self.began[task.stage.0 as usize].get_or_insert(now);
        self.ends.push(Reverse((sent + Duration::from_secs_f64(took), task, attempt)));
        None
    }

    /// Seconds that an attempt takes, and what it costs.
    fn take(&mut self, task: TaskId, is_cold: bool) -> f64 {
        let (model, chance) = (self.model, &mut self.chance);
        let stage = &self.shape.stages[task.stage.0 as usize];
        let start = if is_cold { model.start_cold } else { model.start_warm }.draw(chance);
        let burst = AwsModel { burst_bytes: model.burst_bytes * if is_cold { 1.0 } else { REUSED_BURST }, ..*model };
        let reading =
            burst.transfer_s(stage.bytes_in) + model.requests_s(&model.get, stage.gets, REQUESTS_SIDE_BY_SIDE, chance);
        let computing = stage.core_seconds / model.vcpus(self.memory_mb);
        let writing = burst.transfer_s(stage.bytes_out)
            + model.requests_s(&model.put, stage.puts, REQUESTS_SIDE_BY_SIDE / 4.0, chance);
        // Reading, computing and writing overlap; the slowest of them is what a task takes. S3's limits hold for all
        // tasks that run together.
        let tasks = f64::from(stage.tasks.min(self.model.concurrency as u32));
        let throttled = model.throttle_s(stage.gets * tasks, stage.puts * tasks);
        let alone = reading.max(computing).max(writing);
        let took = start + alone.max(throttled);
        let forecast = &mut self.forecast.stages[task.stage.0 as usize];
        forecast.starting_s += start;
        forecast.reading_s += reading;
        forecast.computing_s += computing;
        forecast.writing_s += writing;
        forecast.throttled_s += (throttled - alone).max(0.0);
        self.forecast.calls += 1;
        self.forecast.gets += stage.gets as u64;
        self.forecast.puts += stage.puts as u64;
        self.forecast.gb_seconds += f64::from(self.memory_mb) / 1024.0 * took;
        took
    }

    fn ended(&mut self) -> Option<Event> {
        let Reverse((at, task, attempt)) = self.ends.pop()?;
        self.running -= 1;
        self.idle += 1;
        let stage = task.stage.0 as usize;
        let began = self.began[stage].unwrap_or_default();
        self.forecast.stages[stage].seconds = (at - began).as_secs_f64();
        Some(Event::Succeeded { task, attempt, rows: 1 })
    }

    fn end(mut self, now: Duration) -> Forecast {
        let prices = Prices::US_EAST_1_ARM64;
        let forecast = &mut self.forecast;
        forecast.seconds = now.as_secs_f64();
        forecast.compute_usd = prices.compute(forecast.gb_seconds, forecast.calls);
        let requests = RequestCounts { get: forecast.gets, put: forecast.puts, ..RequestCounts::default() };
        forecast.requests_usd = prices.requests(&requests);
        forecast.usd = forecast.compute_usd + forecast.requests_usd;
        self.forecast
    }
}
