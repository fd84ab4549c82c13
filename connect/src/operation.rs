//! [`Operation`]: a plan that runs, and its responses until the client has them.
//!
//! Responses are numbered from 1. One that was sent stays until the client releases it or too many came after it, so
//! that a client that lost its connection can go on from the last one that it has seen. Only one client reads at a
//! time: a new one takes over from the one before.

use std::collections::VecDeque;
use std::sync::Arc;

use firesteel_spec::{SparkError, SparkResult};
use futures::Stream;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::handle;
use crate::proto::ExecutePlanResponse;
use crate::proto::execute_plan_response::ResponseType;

/// What is made before the client asks for it; then the plan waits.
const UNSENT_BYTES_MAX: usize = 64 << 20;
/// What is kept of what was sent.
const SENT_BYTES_MAX: usize = 10 << 20;

#[derive(Debug)]
pub(crate) struct Operation {
    pub id: String,
    pub tags: Vec<String>,
    pub reattachable: bool,
    answer: Mutex<Answer>,
    /// Counts changes of `answer`.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Answer {
    kept: VecDeque<(ExecutePlanResponse, usize)>,
    /// The number of the first response that is kept; of the next one if none is.
    first: u64,
    /// How many were sent at least once.
    sent: u64,
    sent_bytes: usize,
    unsent_bytes: usize,
    outcome: Option<Outcome>,
    /// Which client reads: each that comes has the next number.
    reader: u64,
    /// When the last client left, if none reads.
    left: Option<Instant>,
    task: Option<AbortHandle>,
}

/// How an operation has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    Failed(SparkError),
    Cancelled,
}

impl Operation {
    pub(crate) fn new(id: String, tags: Vec<String>, reattachable: bool) -> Self {
        let answer = Answer { first: 1, left: Some(Instant::now()), ..Answer::default() };
        Self { id, tags, reattachable, answer: Mutex::new(answer), changes: watch::Sender::new(0) }
    }

    /// Adds a response, after waiting until the client has taken enough of those before.
    pub(crate) async fn push(&self, response: ExecutePlanResponse) {
        let mut changes = self.changes.subscribe();
        while self.answer.lock().unsent_bytes > UNSENT_BYTES_MAX {
            if changes.changed().await.is_err() {
                return;
            }
        }
        let bytes = response_bytes(&response);
        let mut answer = self.answer.lock();
        if answer.outcome.is_some() {
            return;
        }
        answer.unsent_bytes += bytes;
        let number = answer.first + answer.kept.len() as u64;
        let response_id = format!("{}:{number}", self.id);
        answer.kept.push_back((ExecutePlanResponse { response_id, operation_id: self.id.clone(), ..response }, bytes));
        drop(answer);
        self.changed();
    }

    /// Ends the operation, unless it has ended before.
    pub(crate) fn finish(&self, outcome: Outcome) -> bool {
        let mut answer = self.answer.lock();
        let first = answer.outcome.is_none();
        answer.outcome.get_or_insert(outcome);
        drop(answer);
        self.changed();
        first
    }

    /// Drops what runs. False if nothing ran any more.
    pub(crate) fn cancel(&self) -> bool {
        let running = self.finish(Outcome::Cancelled);
        if let Some(task) = self.answer.lock().task.take() {
            task.abort();
        }
        running
    }

    /// The task to abort on [`Self::cancel`].
    pub(crate) fn runs_as(&self, task: AbortHandle) {
        let mut answer = self.answer.lock();
        if answer.outcome == Some(Outcome::Cancelled) {
            task.abort();
        } else {
            answer.task = Some(task);
        }
    }

    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.answer.lock().outcome.clone()
    }

    /// Whether no client has been reading since `instant`.
    pub(crate) fn is_left_since(&self, instant: Instant) -> bool {
        self.answer.lock().left.is_some_and(|left| left <= instant)
    }

    /// Forgets responses up to this one.
    pub(crate) fn release_until(&self, response_id: &str) -> SparkResult<()> {
        let number = self.number_of(response_id)?;
        let mut answer = self.answer.lock();
        while answer.first <= number && answer.first <= answer.sent {
            answer.forget_first();
        }
        Ok(())
    }

    fn number_of(&self, response_id: &str) -> SparkResult<u64> {
        let number = response_id.strip_prefix(&self.id).and_then(|rest| rest.strip_prefix(':'));
        let number = number.and_then(|number| number.parse::<u64>().ok());
        let last = {
            let answer = self.answer.lock();
            answer.first + answer.kept.len() as u64 - 1
        };
        number.filter(|number| (1..=last).contains(number)).ok_or_else(|| {
            let what = format!("The cursor position id {response_id} is not found.");
            handle::cursor("POSITION_NOT_FOUND", what).with("responseId", response_id)
        })
    }

    /// Reads on after a response, or from the start. Whoever read before is cut off.
    pub(crate) fn read(self: &Arc<Self>, after: Option<&str>) -> SparkResult<Reading> {
        let position = match after {
            Some(response_id) => self.number_of(response_id)? + 1,
            None => 1,
        };
        let mut answer = self.answer.lock();
        if position < answer.first {
            let what = format!("The cursor position id {} is no longer available at index {position}.", self.id);
            return Err(handle::cursor("POSITION_NOT_AVAILABLE", what)
                .with("index", position.to_string())
                .with("responseId", after.unwrap_or_default()));
        }
        answer.reader += 1;
        answer.left = None;
        let reader = answer.reader;
        drop(answer);
        self.changed();
        Ok(Reading { changes: self.changes.subscribe(), operation: Arc::clone(self), reader, position })
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Answer {
    fn forget_first(&mut self) {
        if let Some((_, bytes)) = self.kept.pop_front() {
            self.first += 1;
            self.sent_bytes = self.sent_bytes.saturating_sub(bytes);
        }
    }

    /// The response with this number, which is sent by that.
    fn take(&mut self, number: u64, reattachable: bool) -> Option<ExecutePlanResponse> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let (response, bytes) = self.kept.get(index)?;
        let (response, bytes) = (response.clone(), *bytes);
        if number > self.sent {
            self.sent = number;
            self.unsent_bytes = self.unsent_bytes.saturating_sub(bytes);
            self.sent_bytes += bytes;
        }
        let kept_bytes_max = if reattachable { SENT_BYTES_MAX } else { 0 };
        while self.sent_bytes > kept_bytes_max && self.first <= self.sent {
            self.forget_first();
        }
        Some(response)
    }
}

enum Step {
    Response(Box<ExecutePlanResponse>),
    Failed(SparkError),
    End,
    Wait,
}

/// A client that reads an operation's answer.
#[derive(Debug)]
pub(crate) struct Reading {
    operation: Arc<Operation>,
    changes: watch::Receiver<u64>,
    reader: u64,
    position: u64,
}

impl Reading {
    /// The next response; `None` at the end.
    async fn next(&mut self) -> Option<SparkResult<ExecutePlanResponse>> {
        loop {
            self.changes.mark_unchanged();
            match self.try_next() {
                Step::Response(response) => {
                    self.operation.changed();
                    return Some(Ok(*response));
                }
                Step::Failed(error) => return Some(Err(error)),
                Step::End => return None,
                Step::Wait => {}
            }
            if self.changes.changed().await.is_err() {
                return None;
            }
        }
    }

    fn try_next(&mut self) -> Step {
        let mut answer = self.operation.answer.lock();
        if answer.reader != self.reader {
            let what = "The cursor has been disconnected by the server.";
            return Step::Failed(handle::cursor("DISCONNECTED", what));
        }
        if let Some(response) = answer.take(self.position, self.operation.reattachable) {
            self.position += 1;
            return Step::Response(Box::new(response));
        }
        match &answer.outcome {
            Some(Outcome::Succeeded) => Step::End,
            Some(Outcome::Failed(error)) => Step::Failed(error.clone()),
            Some(Outcome::Cancelled) => Step::Failed(handle::canceled()),
            None => Step::Wait,
        }
    }

    /// All responses, and an error at the end if there is one.
    pub(crate) fn responses(self) -> impl Stream<Item = SparkResult<ExecutePlanResponse>> + Send {
        futures::stream::unfold(Some(self), |reading| async move {
            let mut reading = reading?;
            match reading.next().await? {
                Ok(response) => Some((Ok(response), Some(reading))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut answer = self.operation.answer.lock();
        if answer.reader != self.reader {
            return;
        }
        answer.left = Some(Instant::now());
        drop(answer);
        if !self.operation.reattachable {
            self.operation.cancel();
        }
    }
}

fn response_bytes(response: &ExecutePlanResponse) -> usize {
    /// Of what carries the rows.
    const ENVELOPE_BYTES: usize = 256;
    ENVELOPE_BYTES
        + match &response.response_type {
            Some(ResponseType::ArrowBatch(batch)) => batch.data.len(),
            Some(ResponseType::SqlCommandResult(result)) => result.relation.len(),
            _ => 0,
        }
}
