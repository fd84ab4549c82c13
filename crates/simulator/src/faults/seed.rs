//! [`run_seed`]: one simulated job from its first coordinator to its end, and what has to hold then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use firesteel_coordinator::journal::{self, Entry, JobEnd, JobState, Record};
use firesteel_coordinator::{
    JobControl, JobError, JobOptions, JobOutcome, JobSpec, JournalMode, StoredSchema, TableOutput, resume_work,
    run_work, take_over,
};
use firesteel_formats::{Replaces, TableFolder, WrittenFile, written_files, written_schema};
use firesteel_planner::StoredGraph;
use firesteel_protocol::{JobId, TaskId};
use firesteel_storage::{Storage, StorageOptions};
use object_store::ObjectStore;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::chance::Chance;
use super::invoker::{CallLog, SimInvoker};
use super::scenario::Scenario;
use super::store::FaultyStore;
use super::work::SimWork;

const WORK_URL: &str = "memory:///work/job-1";
const TABLE_URL: &str = "memory:///table";
/// What the table has before the job.
const OLD_FILES: [(&str, u64); 2] = [("old-1.txt", 1_000), ("old-2.txt", 2_000)];
/// Coordinators in all, before the simulation gives up: then the job does not end by itself.
const COORDINATORS_MAX: usize = 40;
/// Of virtual time, for one coordinator.
const PATIENCE: Duration = Duration::from_secs(4 * 3600);

/// What a seed came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub seed: u64,
    pub has_succeeded: bool,
    /// Why it has not.
    pub failure: Option<String>,
    pub tasks: u64,
    pub calls: usize,
    pub coordinators: usize,
    /// Of virtual time.
    pub took: Duration,
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("seed {seed}: {what}; replay it with `firesteel simulate --seed {seed}`")]
pub struct Violation {
    pub seed: u64,
    pub what: String,
}

/// Simulates the job of a seed. The same seed goes the same way each time.
///
/// # Errors
/// The first invariant that did not hold.
pub fn run_seed(seed: u64) -> Result<Report, Violation> {
    let violated = |what: String| Violation { seed, what };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| violated(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let simulation = Simulation::new(seed);
        simulation.prepare_table().await.map_err(&violated)?;
        simulation.run().await.map_err(violated)
    })
}

struct Simulation {
    seed: u64,
    chance: Chance,
    scenario: Scenario,
    store: FaultyStore,
    storage: Storage,
    work: Arc<SimWork>,
    log: CallLog,
    /// Which coordinator has which epoch, of those that took over.
    epochs: Arc<Mutex<BTreeMap<u64, usize>>>,
}

type Driving = JoinHandle<Result<JobOutcome, JobError>>;

impl Simulation {
    fn new(seed: u64) -> Self {
        let chance = Chance::new(seed);
        let scenario = Scenario::draw(&chance);
        let store = FaultyStore::new(chance.clone(), scenario.rates);
        let layered = store.clone();
        let layer = move |_: Arc<dyn ObjectStore>| Arc::new(layered.clone()) as Arc<dyn ObjectStore>;
        let storage = Storage::layered(StorageOptions::default(), Arc::new(layer));
        let work = SimWork {
            stages: Arc::clone(&scenario.stages),
            job: "job-1".to_owned(),
            work_url: WORK_URL.to_owned(),
            staging_url: scenario.has_table.then(|| format!("{TABLE_URL}/_temporary/job-1")),
        };
        Self {
            seed,
            chance,
            scenario,
            store,
            storage,
            work: Arc::new(work),
            log: CallLog::default(),
            epochs: Arc::default(),
        }
    }

    async fn prepare_table(&self) -> Result<(), String> {
        for (name, number) in OLD_FILES {
            let mut put = Err("never tried".to_owned());
            while put.is_err() {
                let url = format!("{TABLE_URL}/{name}");
                put = self.storage.put(&url, number.to_string().into()).await.map_err(|error| error.to_string());
            }
        }
        Ok(())
    }

    async fn run(&self) -> Result<Report, String> {
        let began = Instant::now();
        let reader = tokio::spawn(watch_table(self.storage.clone(), self.seen_numbers()));
        let canceller = self.scenario.cancel_after.map(|after| {
            let storage = self.storage.clone();
            tokio::spawn(async move {
                sleep(after).await;
                // Before the journal begins there is no job to cancel.
                let _ = journal::cancel(&storage, WORK_URL, "a user").await;
            })
        });
        let mut zombies: Vec<Driving> = Vec::new();
        let mut deaths = self.scenario.deaths.iter();
        let mut coordinators = 0;
        let outcome = loop {
            if coordinators == COORDINATORS_MAX {
                return Err(format!("{coordinators} coordinators did not bring it to an end"));
            }
            let mut driving = self.coordinator(coordinators).await;
            coordinators += 1;
            let death = deaths.next();
            let patience = death.map_or(PATIENCE, |death| death.after);
            match (tokio::time::timeout(patience, &mut driving).await, death) {
                (Ok(ended), _) => {
                    let ended = ended.map_err(|error| format!("the coordinator panicked: {error}"))?;
                    if let Some(outcome) = self.ended(ended).await? {
                        break outcome;
                    }
                }
                (Err(_), Some(death)) if death.is_only_thought => zombies.push(driving),
                (Err(_), Some(_)) => driving.abort(),
                (Err(_), None) => return Err(format!("it hangs: no end after {} s", PATIENCE.as_secs())),
            }
        };
        let took = began.elapsed();
        // Whatever still runs has its time to do harm.
        sleep(Duration::from_secs(120)).await;
        for zombie in &zombies {
            zombie.abort();
        }
        if let Some(canceller) = canceller {
            canceller.abort();
        }
        self.store.calm_down();
        reader.abort();
        if let Ok(Err(half)) = reader.await {
            return Err(half);
        }
        self.check(outcome, coordinators, took).await
    }

    /// Starts the next coordinator: the first of all, or one that takes over.
    async fn coordinator(&self, number: usize) -> Driving {
        let (storage, work) = (self.storage.clone(), Arc::clone(&self.work));
        let invoker = Arc::new(SimInvoker {
            coordinator: number,
            storage: storage.clone(),
            chance: self.chance.clone(),
            rates: self.scenario.rates,
            log: self.log.clone(),
            concurrency_max: self.scenario.concurrency,
            under_way: AtomicUsize::new(0),
            under_way_most: AtomicUsize::new(0),
        });
        let limit = self.scenario.concurrency;
        let (options, spec) = self.options();
        let epochs = Arc::clone(&self.epochs);
        tokio::spawn(async move {
            let control = options.control.clone();
            let watched = Arc::clone(&invoker);
            let driven = match take_over(WORK_URL, &storage, control).await {
                Ok(taken) => {
                    epochs.lock().insert(taken.epoch(), number);
                    resume_work(taken, work, invoker, storage, |_| ()).await
                }
                Err(JobError::Journal(journal::JournalError::NoJob { .. })) => {
                    run_work(work, written_schema(), invoker, storage, options, Some(spec), |_| ()).await
                }
                Err(error) => Err(error),
            };
            let most = watched.under_way_most.load(Ordering::Relaxed);
            assert!(most <= limit, "{most} calls were under way, and {limit} may be");
            driven
        })
    }

    fn options(&self) -> (JobOptions, JobSpec) {
        let job = JobId("job-1".to_owned());
        let output = self.work.staging_url.clone().map(|staging_url| TableOutput {
            table_url: TABLE_URL.to_owned(),
            staging_url,
            replaces: if self.scenario.overwrites { Replaces::All } else { Replaces::Nothing },
            empty: None,
        });
        let options = JobOptions {
            journal: JournalMode::Always,
            output: output.clone(),
            control: JobControl { policy: self.scenario.policy, ..JobControl::default() },
            ..JobOptions::new(job.clone(), WORK_URL, 1769)
        };
        let schema: SchemaRef = written_schema();
        let spec = JobSpec {
            job,
            label: "simulated".to_owned(),
            graph: StoredGraph::default(),
            // A schema of four columns is encoded.
            schema: StoredSchema::of(&schema).unwrap_or_default(),
            function_memory_mb: 1769,
            answer_inline_bytes_max: 0,
            output,
        };
        (options, spec)
    }

    /// The job's end, if this was it: a coordinator may also have lost the job, or the store.
    async fn ended(&self, driven: Result<JobOutcome, JobError>) -> Result<Option<Ending>, String> {
        match driven {
            Ok(outcome) => {
                let batches = outcome.answer.collect().await.map_err(|error| error.to_string())?;
                let files = batches.iter().map(written_files).collect::<Result<Vec<_>, _>>();
                let files = files.map_err(|error| error.to_string())?;
                Ok(Some(Ending::Succeeded(files.concat())))
            }
            Err(JobError::Ended { .. }) => Ok(Some(Ending::Before)),
            Err(JobError::Task { .. } | JobError::Stopped(_)) => {
                // Its journal may not have heard of it.
                Ok(self.state().await?.1.end.map(|_| Ending::Before))
            }
            Err(JobError::Stalled | JobError::Slice { .. } | JobError::Envelope(_) | JobError::Decode(_)) => {
                Err(format!("a defect: {:?}", driven.err()))
            }
            Err(_) => Ok(None),
        }
    }

    async fn state(&self) -> Result<(Vec<Entry>, JobState), String> {
        for _ in 0..20 {
            let entries = match journal::read(&self.storage, WORK_URL).await {
                Ok(entries) => entries,
                Err(journal::JournalError::NoJob { .. }) => Vec::new(),
                Err(_) => continue,
            };
            let mut state = JobState::default();
            entries.iter().cloned().for_each(|entry| state.apply(entry));
            return Ok((entries, state));
        }
        Err("the journal can't be read".to_owned())
    }

    /// Numbers that a reader of the table may see: those of before, and those of after.
    fn seen_numbers(&self) -> Option<[u64; 2]> {
        let old: u64 = OLD_FILES.iter().map(|(_, number)| *number).sum();
        let new = self.work.expected()?;
        let new = if self.scenario.overwrites { new } else { old.wrapping_add(new) };
        self.scenario.has_table.then_some([old, new])
    }

    async fn check(&self, ending: Ending, coordinators: usize, took: Duration) -> Result<Report, String> {
        let (entries, state) = self.state().await?;
        check_epochs(&entries)?;
        check_reruns(&entries, &self.log, &self.epochs.lock())?;
        let Some(end) = &state.end else { return Err("it has ended, and its journal says nothing of it".to_owned()) };
        let has_succeeded = matches!(end, JobEnd::Succeeded(_));
        if let (Ending::Succeeded(files), Some(expected), false) =
            (&ending, self.work.expected(), self.scenario.has_table)
        {
            let numbers = files.iter().map(|file| file.url.parse::<u64>().unwrap_or(0));
            let found = numbers.fold(0_u64, u64::wrapping_add);
            if found != expected {
                return Err(format!("the answer adds up to {found}, not {expected}"));
            }
        }
        self.check_table(has_succeeded, state.is_committed).await?;
        let calls = self.log.calls().len();
        let (tasks, policy) = (self.work.tasks(), &self.scenario.policy);
        let calls_max =
            coordinators as u64 * (3 * tasks + policy.retries_min + 2 * tasks * u64::from(policy.attempts_max));
        if calls as u64 > calls_max {
            return Err(format!("{calls} calls for {tasks} tasks by {coordinators} coordinators"));
        }
        let failure = match end {
            JobEnd::Succeeded(_) => None,
            JobEnd::Failed(error) => Some(error.message.clone()),
            JobEnd::Cancelled => Some("cancelled".to_owned()),
        };
        Ok(Report { seed: self.seed, has_succeeded, failure, tasks, calls, coordinators, took })
    }

    /// All of the job's rows are in the table, once, or none.
    async fn check_table(&self, has_succeeded: bool, is_committed: bool) -> Result<(), String> {
        let Some([old, new]) = self.seen_numbers() else { return Ok(()) };
        let table = TableFolder::new(self.storage.clone(), TABLE_URL);
        let found = number_of(&table, &self.storage).await?.unwrap_or_default();
        let expected = if has_succeeded || is_committed { new } else { old };
        // A job may fail, or be cancelled, between its commit and the journal's word of it.
        let is_committed_unheard = !has_succeeded && found == new;
        if found != expected && !is_committed_unheard {
            return Err(format!("the table adds up to {found}, not {expected} (before {old}, after {new})"));
        }
        let left = self.storage.list(&format!("{TABLE_URL}/_temporary")).await.map_err(|error| error.to_string())?;
        let settled = table.settled().await.map_err(|error| error.to_string())?;
        if has_succeeded && settled.files.iter().any(|file| file.name != file.at) {
            return Err(format!("files of a committed job are not in their places, {} are staged", left.len()));
        }
        Ok(())
    }
}

enum Ending {
    Succeeded(Vec<WrittenFile>),
    /// An earlier coordinator had brought it to its end.
    Before,
}

/// Looks at the table all the time: at any time it is as before the job, or as after it (JOB-4).
async fn watch_table(storage: Storage, may_be: Option<[u64; 2]>) -> Result<(), String> {
    let Some(may_be) = may_be else { return Ok(()) };
    let table = TableFolder::new(storage.clone(), TABLE_URL);
    loop {
        sleep(Duration::from_millis(137)).await;
        match number_of(&table, &storage).await {
            Ok(Some(number)) if !may_be.contains(&number) => {
                return Err(format!("a reader saw a half table: {number}, not one of {may_be:?}"));
            }
            // A file was moved between the list and the read, or the store has failed: a reader would try again.
            Ok(_) | Err(_) => {}
        }
    }
}

/// What the files that are visible add up to; none if one of them can't be read.
async fn number_of(table: &TableFolder, storage: &Storage) -> Result<Option<u64>, String> {
    let visible = table.visible().await.map_err(|error| error.to_string())?;
    let mut sum = 0_u64;
    for file in visible.files {
        let Ok(content) = storage.get(&format!("{TABLE_URL}/{}", file.at)).await else { return Ok(None) };
        // A changed byte shows as a number that is none, mostly; such a read proves nothing.
        let number = std::str::from_utf8(&content).ok().and_then(|text| text.parse::<u64>().ok());
        let Some(number) = number else { return Ok(None) };
        sum = sum.wrapping_add(number);
    }
    Ok(Some(sum))
}

/// Fencing: once a coordinator has taken over, nothing of an earlier one comes after it.
fn check_epochs(entries: &[Entry]) -> Result<(), String> {
    let mut epoch = 0;
    for entry in entries {
        let is_cancel = entry.records.iter().any(|record| matches!(record, Record::CancelRequested));
        if entry.epoch < epoch && !is_cancel {
            return Err(format!("entry {} is of epoch {}, after one of {epoch}", entry.sequence, entry.epoch));
        }
        epoch = epoch.max(entry.epoch);
    }
    let ends = entries.iter().flat_map(|entry| &entry.records).filter(|record| matches!(record, Record::Ended(_)));
    match ends.count() {
        0 | 1 => Ok(()),
        ends => Err(format!("it has ended {ends} times")),
    }
}

/// What a journal had when a coordinator took over, that coordinator does not run again, unless it was lost (JOB-2).
fn check_reruns(entries: &[Entry], log: &CallLog, epochs: &BTreeMap<u64, usize>) -> Result<(), String> {
    let calls = log.calls();
    let mut state = JobState::default();
    for (place, entry) in entries.iter().enumerate() {
        if entry.records.contains(&Record::TakenOver)
            && let Some(coordinator) = epochs.get(&entry.epoch)
        {
            let lost: Vec<TaskId> = entries[place..].iter().flat_map(|entry| &entry.records).filter_map(lost).collect();
            let again = calls.iter().find(|call| {
                let known = state.stages.get(&call.task.stage);
                let had = known.is_some_and(|stage| stage.accepted.contains_key(&call.task.index));
                call.coordinator == *coordinator && had && !lost.contains(&call.task)
            });
            if let Some(call) = again {
                return Err(format!("task {} ran again, though the journal had it", call.task));
            }
        }
        state.apply(entry.clone());
    }
    Ok(())
}

fn lost(record: &Record) -> Option<TaskId> {
    match record {
        Record::Lost { task } => Some(*task),
        _ => None,
    }
}
