//! What a job's journal says: [`Entry`] by entry, and [`JobState`], their sum.

use std::collections::BTreeMap;

use firesteel_planner::TaskSlice;
use firesteel_protocol::{JobId, StageId, TaskError, TaskId, TaskMetrics, TaskOutput};
use firesteel_storage::{seal, unseal};
use serde::{Deserialize, Serialize};

use super::JournalError;
use crate::JobSummary;
use crate::job_spec::JobSpec;

/// The version that this build writes, and the only one that it reads.
const VERSION: u32 = 1;

/// One object of a journal. The objects are numbered without a gap, and each number is written once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub version: u32,
    pub job: JobId,
    pub sequence: u64,
    /// Counts the coordinators that the job has had; an entry of a lower epoch can't come after one of a higher.
    pub epoch: u64,
    /// Which coordinator wrote it.
    pub owner: String,
    /// Unix time in milliseconds.
    pub at_ms: u64,
    pub records: Vec<Record>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first of a journal.
    Began(Box<JobSpec>),
    /// Another coordinator goes on.
    TakenOver,
    Sliced {
        stage: StageId,
        slices: Vec<TaskSlice>,
    },
    Unneeded {
        stage: StageId,
    },
    Accepted {
        task: TaskId,
        attempt: u32,
        output: TaskOutput,
        metrics: TaskMetrics,
    },
    /// An accepted output could not be read.
    Lost {
        task: TaskId,
    },
    /// The output is about to be committed to its table under this number.
    Committing {
        sequence: u64,
    },
    Committed,
    /// Somebody wants the job to end; who runs it ends it.
    CancelRequested,
    Ended(JobEnd),
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    Succeeded(Box<JobSummary>),
    Failed(TaskError),
    Cancelled,
}

/// All that a journal's entries say together.
#[derive(Debug, Clone, Default)]
pub struct JobState {
    pub spec: Option<Box<JobSpec>>,
    pub epoch: u64,
    pub owner: String,
    /// Of the next entry.
    pub next_sequence: u64,
    pub began_ms: u64,
    /// Of the latest entry.
    pub written_ms: u64,
    pub stages: BTreeMap<StageId, RecordedStage>,
    /// The number of a commit that was begun.
    pub committing: Option<u64>,
    pub is_committed: bool,
    pub cancel_requested: bool,
    pub end: Option<JobEnd>,
}

#[derive(Debug, Clone, Default)]
pub struct RecordedStage {
    pub slices: Vec<TaskSlice>,
    pub is_unneeded: bool,
    pub accepted: BTreeMap<u32, Accepted>,
}

#[derive(Debug, Clone)]
pub struct Accepted {
    pub attempt: u32,
    pub output: TaskOutput,
    pub metrics: TaskMetrics,
}

impl Entry {
    pub fn new(job: JobId, sequence: u64, epoch: u64, owner: String, at_ms: u64, records: Vec<Record>) -> Self {
        Self { version: VERSION, job, sequence, epoch, owner, at_ms, records }
    }

    /// JSON behind its checksum.
    pub fn encode(&self) -> Result<Vec<u8>, JournalError> {
        serde_json::to_vec(self).map(|json| seal(&json)).map_err(JournalError::Encode)
    }

    pub fn decode(url: &str, bytes: &[u8]) -> Result<Self, JournalError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let corrupt = |reason: String| JournalError::Corrupt { url: url.to_owned(), reason };
        let Some(json) = unseal(bytes) else {
            return Err(corrupt("its checksum differs".to_owned()));
        };
        let parse = |error: serde_json::Error| corrupt(error.to_string());
        let Versioned { version } = serde_json::from_slice(json).map_err(parse)?;
        if version != VERSION {
            return Err(JournalError::Version { url: url.to_owned(), found: version });
        }
        serde_json::from_slice(json).map_err(parse)
    }
}

impl JobState {
    /// Adds the next entry.
    pub fn apply(&mut self, entry: Entry) {
        let Entry { sequence, epoch, owner, at_ms, records, .. } = entry;
        if sequence == 0 {
            self.began_ms = at_ms;
        }
        self.next_sequence = sequence + 1;
        self.written_ms = at_ms;
        let is_cancel = records.iter().any(|record| matches!(record, Record::CancelRequested));
        if !is_cancel {
            (self.epoch, self.owner) = (epoch, owner);
        }
        records.into_iter().for_each(|record| self.apply_record(record));
    }

    fn apply_record(&mut self, record: Record) {
        match record {
            Record::Began(spec) => self.spec = Some(spec),
            Record::TakenOver => {}
            Record::Sliced { stage, slices } => {
                self.stages.insert(stage, RecordedStage { slices, ..RecordedStage::default() });
            }
            Record::Unneeded { stage } => self.stages.entry(stage).or_default().is_unneeded = true,
            Record::Accepted { task, attempt, output, metrics } => {
                let accepted = &mut self.stages.entry(task.stage).or_default().accepted;
                accepted.insert(task.index, Accepted { attempt, output, metrics });
            }
            Record::Lost { task } => {
                self.stages.entry(task.stage).or_default().accepted.remove(&task.index);
            }
            Record::Committing { sequence } => self.committing = Some(sequence),
            Record::Committed => self.is_committed = true,
            Record::CancelRequested => self.cancel_requested = true,
            Record::Ended(end) => self.end = Some(end),
        }
    }

    /// Tasks whose outputs are accepted, and all that are known of.
    pub fn progress(&self) -> (usize, usize) {
        let accepted = self.stages.values().map(|stage| stage.accepted.len()).sum();
        (accepted, self.stages.values().map(|stage| stage.slices.len()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: u64, records: Vec<Record>) -> Entry {
        Entry::new(JobId("j".to_owned()), sequence, 1, "me".to_owned(), 10 + sequence, records)
    }

    fn accepted(index: u32, attempt: u32) -> Record {
        let task = TaskId { stage: StageId(0), index };
        Record::Accepted { task, attempt, output: TaskOutput::default(), metrics: TaskMetrics::default() }
    }

    #[test]
    fn entries_come_back_as_they_were_and_damage_is_found() {
        let entry = entry(3, vec![Record::TakenOver, accepted(7, 2), Record::Ended(JobEnd::Cancelled)]);
        let bytes = entry.encode().expect("bytes");
        assert_eq!(Entry::decode("u", &bytes).expect("the entry"), entry);
        assert!(Entry::decode("u", &bytes[..bytes.len() - 1]).is_err());
        let other = Entry { version: 9, ..entry };
        let error = Entry::decode("u", &other.encode().expect("bytes")).expect_err("another version");
        assert!(matches!(error, JournalError::Version { found: 9, .. }));
    }

    #[test]
    fn a_state_is_the_sum_of_its_entries() {
        let mut state = JobState::default();
        state.apply(entry(0, vec![accepted(0, 0), accepted(1, 0)]));
        state.apply(entry(1, vec![Record::Lost { task: TaskId { stage: StageId(0), index: 1 } }, accepted(2, 1)]));
        let cancel = Entry { epoch: 0, owner: "somebody".to_owned(), ..entry(2, vec![Record::CancelRequested]) };
        state.apply(cancel);
        let indexes: Vec<u32> = state.stages[&StageId(0)].accepted.keys().copied().collect();
        assert_eq!(indexes, [0, 2]);
        assert_eq!((state.next_sequence, state.epoch, state.owner.as_str()), (3, 1, "me"));
        assert!(state.cancel_requested && state.end.is_none());
    }
}
