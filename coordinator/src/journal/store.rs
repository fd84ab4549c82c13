//! [`Journal`]: a coordinator's hold on a job, and what others read of it.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use firesteel_protocol::JobId;
use firesteel_storage::{Storage, StorageError};

use super::{Entry, JobState, JournalError, Record};
use crate::patience::patiently;

/// The right to write a job's next entry, until somebody else has it.
#[derive(Debug)]
pub struct Journal {
    storage: Storage,
    job_url: String,
    job: JobId,
    owner: String,
    epoch: u64,
    next_sequence: u64,
}

/// What a look at the journal found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peeked {
    Nothing,
    CancelRequested,
}

impl Journal {
    /// The journal of a new job. Writes nothing yet: the first entry has to begin with [`Record::Began`].
    pub fn new(storage: Storage, job_url: &str, job: JobId, owner: String) -> Self {
        Self { storage, job_url: job_url.to_owned(), job, owner, epoch: 1, next_sequence: 0 }
    }

    /// Takes a job from whoever has it (JOB-2); the former coordinator is fenced off from here on.
    pub async fn take_over(storage: Storage, job_url: &str, owner: String) -> Result<(Self, JobState), JournalError> {
        loop {
            let mut state = state(&storage, job_url).await?;
            let Some(spec) = &state.spec else { return Err(JournalError::NoJob { url: job_url.to_owned() }) };
            let mut journal = Self {
                storage: storage.clone(),
                job_url: job_url.to_owned(),
                job: spec.job.clone(),
                owner: owner.clone(),
                epoch: state.epoch + 1,
                next_sequence: state.next_sequence,
            };
            let entry = journal.entry(vec![Record::TakenOver]);
            match journal.write(&entry).await {
                Ok(None) => {
                    state.apply(entry);
                    return Ok((journal, state));
                }
                // Somebody wrote meanwhile: look again.
                Ok(Some(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Adds an entry and returns once it is there for good. Says whether the job's end was asked for meanwhile.
    ///
    /// # Errors
    /// [`JournalError::Fenced`] if another coordinator has the job.
    pub async fn append(&mut self, records: Vec<Record>) -> Result<Peeked, JournalError> {
        let mut peeked = Peeked::Nothing;
        loop {
            let entry = self.entry(records.clone());
            match self.write(&entry).await? {
                None => return Ok(peeked),
                Some(other) => peeked = self.heed(other)?,
            }
        }
    }

    /// Looks whether somebody else has written.
    pub async fn peek(&mut self) -> Result<Peeked, JournalError> {
        let mut peeked = Peeked::Nothing;
        while let Some(other) = entry_at(&self.storage, &self.job_url, self.next_sequence).await? {
            peeked = self.heed(other)?;
        }
        Ok(peeked)
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What an entry in the place of one's own next one means.
    fn heed(&mut self, other: Entry) -> Result<Peeked, JournalError> {
        let is_cancel = other.records.iter().any(|record| matches!(record, Record::CancelRequested));
        if other.epoch > self.epoch || !is_cancel {
            return Err(JournalError::Fenced { owner: other.owner, epoch: other.epoch });
        }
        self.next_sequence += 1;
        Ok(Peeked::CancelRequested)
    }

    fn entry(&self, records: Vec<Record>) -> Entry {
        Entry::new(self.job.clone(), self.next_sequence, self.epoch, self.owner.clone(), now_ms(), records)
    }

    /// The entry that is there in place of this one, if it is another's.
    async fn write(&mut self, entry: &Entry) -> Result<Option<Entry>, JournalError> {
        let bytes = Bytes::from(entry.encode()?);
        let url = entry_url(&self.job_url, entry.sequence);
        let is_written = asked(|| self.storage.put_if_absent(&url, bytes.clone())).await?;
        if !is_written {
            // The reply to one's own write may have been lost, and the second try was refused.
            match entry_at(&self.storage, &self.job_url, entry.sequence).await? {
                Some(found) if found == *entry => {}
                Some(other) => return Ok(Some(other)),
                None => return Err(JournalError::NoJob { url: self.job_url.clone() }),
            }
        }
        self.next_sequence += 1;
        Ok(None)
    }
}

/// All entries of a job's journal.
pub async fn read(storage: &Storage, job_url: &str) -> Result<Vec<Entry>, JournalError> {
    let mut entries = Vec::new();
    while let Some(entry) = entry_at(storage, job_url, entries.len() as u64).await? {
        entries.push(entry);
    }
    if entries.is_empty() {
        return Err(JournalError::NoJob { url: job_url.to_owned() });
    }
    Ok(entries)
}

/// What a job's journal says of it.
pub async fn state(storage: &Storage, job_url: &str) -> Result<JobState, JournalError> {
    let mut state = JobState::default();
    read(storage, job_url).await?.into_iter().for_each(|entry| state.apply(entry));
    Ok(state)
}

/// Asks whoever runs the job to end it (JOB-5).
pub async fn cancel(storage: &Storage, job_url: &str, by: &str) -> Result<(), JournalError> {
    loop {
        let state = state(storage, job_url).await?;
        let Some(spec) = &state.spec else { return Err(JournalError::NoJob { url: job_url.to_owned() }) };
        if state.end.is_some() || state.cancel_requested {
            return Ok(());
        }
        let mut journal = Journal {
            storage: storage.clone(),
            job_url: job_url.to_owned(),
            job: spec.job.clone(),
            owner: by.to_owned(),
            epoch: state.epoch,
            next_sequence: state.next_sequence,
        };
        let entry = journal.entry(vec![Record::CancelRequested]);
        if journal.write(&entry).await?.is_none() {
            return Ok(());
        }
    }
}

/// Deletes a job's folder, its journal last: a folder that is half deleted is still found.
pub async fn remove(storage: &Storage, job_url: &str) -> Result<u64, JournalError> {
    Ok(trim(storage, job_url).await? + asked(|| storage.delete_prefix(job_url)).await?)
}

/// Deletes what a job's tasks have written, and leaves its journal.
pub async fn trim(storage: &Storage, job_url: &str) -> Result<u64, JournalError> {
    let mut deleted = 0;
    for object in asked(|| storage.list(job_url)).await? {
        if !object.url.starts_with(&format!("{job_url}/journal/")) {
            asked(|| storage.delete(&object.url)).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

fn entry_url(job_url: &str, sequence: u64) -> String {
    format!("{job_url}/journal/{sequence:08}")
}

async fn entry_at(storage: &Storage, job_url: &str, sequence: u64) -> Result<Option<Entry>, JournalError> {
    let url = entry_url(job_url, sequence);
    let mut tries = 0;
    loop {
        let bytes = match asked(|| storage.get(&url)).await {
            Ok(bytes) => bytes,
            Err(JournalError::Store(error)) if matches!(*error, StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        tries += 1;
        match Entry::decode(&url, &bytes) {
            // The bytes may have changed on their way.
            Err(JournalError::Corrupt { .. }) if tries < 3 => {}
            decoded => return decoded.map(Some),
        }
    }
}

async fn asked<T, F>(request: impl FnMut() -> F) -> Result<T, JournalError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    patiently(request).await.map_err(|error| JournalError::Store(Box::new(error)))
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use firesteel_protocol::{StageId, TaskId};
    use firesteel_storage::StorageOptions;

    use super::*;
    use crate::job_spec::JobSpec;

    fn lost(index: u32) -> Vec<Record> {
        vec![Record::Lost { task: TaskId { stage: StageId(0), index } }]
    }

    async fn journal(storage: &Storage) -> Journal {
        let job = JobId("job-1".to_owned());
        let mut journal = Journal::new(storage.clone(), "memory:///work/job-1", job.clone(), "first".to_owned());
        let began = Record::Began(Box::new(JobSpec::for_tests(job)));
        assert_eq!(journal.append(vec![began]).await.expect("an entry"), Peeked::Nothing);
        journal
    }

    #[tokio::test]
    async fn of_two_coordinators_the_former_is_fenced_off() {
        let storage = Storage::new(StorageOptions::default());
        let mut first = journal(&storage).await;
        first.append(lost(0)).await.expect("an entry");
        let url = "memory:///work/job-1";
        let (mut second, state) = Journal::take_over(storage.clone(), url, "second".to_owned()).await.expect("the job");
        assert_eq!((state.epoch, state.owner.as_str(), second.epoch()), (2, "second", 2));
        let fenced = first.append(lost(1)).await.expect_err("it is not its own any more");
        assert!(matches!(&fenced, JournalError::Fenced { owner, epoch: 2 } if owner == "second"), "{fenced}");
        assert!(first.peek().await.is_err());
        second.append(lost(2)).await.expect("the new one's");
        let entries = read(&storage, url).await.expect("entries");
        let owners: Vec<&str> = entries.iter().map(|entry| entry.owner.as_str()).collect();
        assert_eq!(owners, ["first", "first", "second", "second"]);
    }

    #[tokio::test]
    async fn of_many_who_take_over_at_once_each_has_an_epoch_of_its_own() {
        let storage = Storage::new(StorageOptions::default());
        journal(&storage).await;
        let takers =
            (0..8).map(|n| {
                let storage = storage.clone();
                async move {
                    Journal::take_over(storage, "memory:///work/job-1", format!("taker {n}")).await.map(|(j, _)| j)
                }
            });
        let mut epochs = Vec::new();
        let mut can_write = 0;
        for taken in futures::future::join_all(takers).await {
            let mut taken = taken.expect("an epoch");
            epochs.push(taken.epoch());
            can_write += u32::from(taken.append(lost(0)).await.is_ok());
        }
        epochs.sort_unstable();
        assert_eq!(epochs, [2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(can_write, 1, "the last one has the job");
    }

    #[tokio::test]
    async fn a_cancel_is_heard_by_who_runs_the_job() {
        let storage = Storage::new(StorageOptions::default());
        let mut journal = journal(&storage).await;
        let url = "memory:///work/job-1";
        cancel(&storage, url, "a user").await.expect("it is asked for");
        cancel(&storage, url, "a user").await.expect("once is enough");
        assert_eq!(journal.append(lost(0)).await.expect("still its own"), Peeked::CancelRequested);
        assert_eq!(journal.peek().await.expect("nothing more"), Peeked::Nothing);
        let state = state(&storage, url).await.expect("a state");
        assert!(state.cancel_requested);
        assert_eq!((state.epoch, state.owner.as_str(), state.next_sequence), (1, "first", 3));
        assert!(remove(&storage, url).await.expect("it goes") >= 3);
        let gone = read(&storage, url).await.expect_err("no job");
        assert!(matches!(gone, JournalError::NoJob { .. }));
    }
}
