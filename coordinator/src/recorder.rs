//! [`Recorder`]: writes a job's journal beside the job, one object at a time: what comes while one is under way goes
//! together into the next.

use std::collections::VecDeque;
use std::time::Duration;

use firesteel_protocol::TaskId;
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::journal::{Journal, JournalError, Peeked, Record};

/// How often a journal that is not written is looked at: a cancel, or a take-over, is noticed by then.
const PEEK_EVERY: Duration = Duration::from_secs(2);

/// What the journal says.
#[derive(Debug)]
pub(crate) enum Recorded {
    /// These acceptances are in it for good.
    Tasks(Vec<(TaskId, u32)>),
    CancelRequested,
}

pub(crate) struct Recorder {
    /// None for a job without one; and while it is written.
    journal: Option<Journal>,
    is_on: bool,
    pending: Vec<Record>,
    contacted: Instant,
    writing: Option<Writing>,
    news: VecDeque<Recorded>,
}

type Written = (Journal, Result<Peeked, JournalError>);

struct Writing {
    future: BoxFuture<'static, Written>,
    tasks: Vec<(TaskId, u32)>,
}

impl Recorder {
    /// Records nothing and says at once that it did, without a journal.
    pub fn new(journal: Option<Journal>) -> Self {
        let is_on = journal.is_some();
        let contacted = Instant::now();
        Self { journal, is_on, pending: Vec::new(), contacted, writing: None, news: VecDeque::new() }
    }

    pub fn record(&mut self, record: Record) {
        if self.is_on {
            self.pending.push(record);
        } else if let Record::Accepted { task, attempt, .. } = record {
            self.news.push_back(Recorded::Tasks(vec![(task, attempt)]));
        }
    }

    /// Waits for the next news. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Recorded, JournalError> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Ok(news);
            }
            if self.writing.is_some() {
                self.written().await?;
            } else if !self.is_on {
                std::future::pending::<()>().await;
            } else if self.pending.is_empty() {
                tokio::time::sleep_until(self.contacted + PEEK_EVERY).await;
                self.peek();
            } else {
                self.write();
            }
        }
    }

    /// Writes all that is pending, and this, and waits until it is there.
    pub async fn finish(&mut self, last: Record) -> Result<(), JournalError> {
        if !self.is_on {
            return Ok(());
        }
        self.pending.push(last);
        while self.writing.is_some() || !self.pending.is_empty() {
            if self.writing.is_none() {
                self.write();
            }
            self.written().await?;
        }
        Ok(())
    }

    fn write(&mut self) {
        let Some(mut journal) = self.journal.take() else { return };
        let records = std::mem::take(&mut self.pending);
        let tasks = records.iter().filter_map(|record| match record {
            Record::Accepted { task, attempt, .. } => Some((*task, *attempt)),
            _ => None,
        });
        let tasks = tasks.collect();
        let future = Box::pin(async move {
            let appended = journal.append(records).await;
            (journal, appended)
        });
        self.writing = Some(Writing { future, tasks });
    }

    fn peek(&mut self) {
        let Some(mut journal) = self.journal.take() else { return };
        let future = Box::pin(async move {
            let peeked = journal.peek().await;
            (journal, peeked)
        });
        self.writing = Some(Writing { future, tasks: Vec::new() });
    }

    async fn written(&mut self) -> Result<(), JournalError> {
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let (journal, peeked) = writing.future.as_mut().await;
        let tasks = self.writing.take().map(|writing| writing.tasks).unwrap_or_default();
        self.journal = Some(journal);
        self.contacted = Instant::now();
        let peeked = peeked?;
        if !tasks.is_empty() {
            self.news.push_back(Recorded::Tasks(tasks));
        }
        if peeked == Peeked::CancelRequested {
            self.news.push_back(Recorded::CancelRequested);
        }
        Ok(())
    }
}
