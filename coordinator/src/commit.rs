//! Commits a job's files to its table, once, whoever drives the job and however often (JOB-4).

use firesteel_formats::{CommitError, PartitionedSink, TableCommit, TableFolder, WrittenFile, written_files};
use firesteel_storage::Storage;
use futures::TryStreamExt;

use crate::job_spec::TableOutput;
use crate::journal::Record;
use crate::patience::{passes, patiently_if};
use crate::recorder::Recorder;
use crate::{Answer, JobError};

/// Commits that other writers were faster with, before this one is given up.
const CONFLICTS_MAX: u32 = 100;

/// The files that the tasks of the last stage name, or one without rows where there are none.
pub(crate) async fn files_of(
    answer: Answer,
    output: &TableOutput,
    storage: &Storage,
) -> Result<Vec<WrittenFile>, JobError> {
    let mut files = Vec::new();
    let mut batches = answer.stream();
    while let Some(batch) = batches.try_next().await? {
        files.extend(written_files(&batch).map_err(JobError::Files)?);
    }
    if files.is_empty()
        && let Some(empty) = &output.empty
    {
        let schema = empty.schema.schema().map_err(JobError::Answer)?;
        let mut sink = PartitionedSink::new(storage.clone(), empty.sink.clone());
        sink.write_empty(schema).await.map_err(JobError::Files)?;
        files = sink.finish().await.map_err(JobError::Files)?;
    }
    Ok(files)
}

/// Makes the files visible. `begun` is the number of a commit that an earlier coordinator was about to make.
pub(crate) async fn commit(
    job: &str,
    output: &TableOutput,
    files: &[WrittenFile],
    storage: &Storage,
    begun: Option<u64>,
    recorder: &mut Recorder,
) -> Result<(), JobError> {
    let table = TableFolder::new(storage.clone(), &output.table_url);
    let committed = match begun {
        Some(sequence) => find_own(&table, sequence, job).await?,
        None => None,
    };
    let (sequence, commit) = match committed {
        Some(own) => own,
        None => put(&table, job, output, files, recorder).await?,
    };
    asked(|| table.publish(sequence, &commit)).await?;
    recorder.finish(Record::Committed).await.map_err(JobError::Journal)?;
    table.clean(&output.staging_url).await;
    Ok(())
}

async fn find_own(table: &TableFolder, sequence: u64, job: &str) -> Result<Option<(u64, TableCommit)>, JobError> {
    let found = asked(|| table.find(sequence)).await?;
    Ok(found.filter(|commit| commit.job == job).map(|commit| (sequence, commit)))
}

/// The journal knows the number before it is taken: whoever resumes the job looks there whether it was.
async fn put(
    table: &TableFolder,
    job: &str,
    output: &TableOutput,
    files: &[WrittenFile],
    recorder: &mut Recorder,
) -> Result<(u64, TableCommit), JobError> {
    for _ in 0..CONFLICTS_MAX {
        let visible = asked(|| table.settled()).await?;
        let sequence = visible.next_sequence;
        let commit = table.commit_of(job, files, &output.replaces, &visible).map_err(JobError::Commit)?;
        recorder.finish(Record::Committing { sequence }).await.map_err(JobError::Journal)?;
        if asked(|| table.put(sequence, &commit)).await? {
            return Ok((sequence, commit));
        }
        // A coordinator that was fenced off may have come this far before.
        if let Some(own) = find_own(table, sequence, job).await? {
            return Ok(own);
        }
    }
    Err(JobError::Contended { table_url: output.table_url.clone() })
}

async fn asked<T, F>(request: impl FnMut() -> F) -> Result<T, JobError>
where
    F: Future<Output = Result<T, CommitError>>,
{
    let may_pass = |error: &CommitError| match error {
        CommitError::Store { source, .. } => passes(source),
        // The bytes may have changed on their way.
        CommitError::Corrupt { .. } => true,
    };
    patiently_if(may_pass, request).await.map_err(JobError::Commit)
}
