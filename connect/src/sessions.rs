//! [`Sessions`]: which sessions there are, by user and id, and what the server keeps for each.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use firesteel_spec::{SparkError, SparkResult};
use parking_lot::Mutex;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tonic::Status;
use uuid::Uuid;

use crate::engine::{Engine, Session, SessionKey};
use crate::failure;
use crate::handle;
use crate::operation::{Operation, Outcome};
use crate::options::ServerOptions;
use crate::uploads::Uploads;

/// Closed sessions that are remembered, so that their clients learn why.
const CLOSED_MAX: usize = 1_000;
/// Errors of a session whose details may still be fetched.
const ERRORS_MAX: usize = 100;
/// Operations of a session at a time.
const OPERATIONS_MAX: usize = 1_000;
/// Operations that have ended, whose outcome is remembered.
const ENDED_MAX: usize = 100;

pub(crate) struct Sessions {
    engine: Arc<dyn Engine>,
    options: ServerOptions,
    open: Mutex<HashMap<SessionKey, Arc<OpenSession>>>,
    closed: Mutex<VecDeque<SessionKey>>,
}

/// A session as the server sees it.
pub(crate) struct OpenSession {
    pub key: SessionKey,
    /// Ours, so that a client sees that a session of its id is not the one that it knew.
    pub server_id: String,
    pub uploads: Arc<Uploads>,
    session: OnceCell<Arc<dyn Session>>,
    operations: Mutex<HashMap<String, Arc<Operation>>>,
    ended: Mutex<VecDeque<(String, Ended)>>,
    errors: Mutex<VecDeque<(String, SparkError)>>,
    used: Mutex<Instant>,
}

/// What became of an operation that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Succeeded,
    Failed,
    Cancelled,
    Abandoned,
}

impl Sessions {
    pub(crate) fn new(engine: Arc<dyn Engine>, options: ServerOptions) -> Self {
        Self { engine, options, open: Mutex::default(), closed: Mutex::default() }
    }

    /// The session of this key, opened if there is none. `observed` is the server's id that the client knows.
    pub(crate) async fn get_or_open(
        &self,
        key: &SessionKey,
        observed: Option<&str>,
    ) -> SparkResult<(Arc<OpenSession>, Arc<dyn Session>)> {
        handle::check_format(&key.session_id)?;
        let found = self.entry(key, observed)?;
        match found.session.get_or_try_init(|| self.engine.open(key)).await {
            Ok(session) => Ok((Arc::clone(&found), Arc::clone(session))),
            Err(error) => {
                self.open.lock().retain(|_, each| !Arc::ptr_eq(each, &found));
                Err(error)
            }
        }
    }

    fn entry(&self, key: &SessionKey, observed: Option<&str>) -> SparkResult<Arc<OpenSession>> {
        let mut open = self.open.lock();
        if let Some(found) = open.get(key) {
            found.observe(observed)?;
            return Ok(Arc::clone(found));
        }
        if self.closed.lock().contains(key) {
            return Err(handle::session_closed(&key.session_id));
        }
        if observed.is_some_and(|id| !id.is_empty()) {
            return Err(handle::session_changed(&key.session_id));
        }
        self.check_room(&open)?;
        let session = Arc::new(OpenSession::new(key.clone(), &self.options));
        open.insert(key.clone(), Arc::clone(&session));
        Ok(session)
    }

    fn check_room(&self, open: &HashMap<SessionKey, Arc<OpenSession>>) -> SparkResult<()> {
        if open.len() < self.options.sessions_max {
            return Ok(());
        }
        Err(SparkError::unsupported(format!("more than {} sessions at a time", self.options.sessions_max)))
    }

    /// The session of this key, if it is open.
    pub(crate) fn get(&self, key: &SessionKey, observed: Option<&str>) -> SparkResult<Arc<OpenSession>> {
        handle::check_format(&key.session_id)?;
        let found = self.open.lock().get(key).cloned();
        match found {
            Some(found) => {
                found.observe(observed)?;
                Ok(found)
            }
            None if self.closed.lock().contains(key) => Err(handle::session_closed(&key.session_id)),
            None => Err(handle::session_not_found(&key.session_id)),
        }
    }

    /// A copy of a session under a new key.
    pub(crate) async fn duplicate(
        &self,
        of: &OpenSession,
        session_id: Option<String>,
    ) -> SparkResult<Arc<OpenSession>> {
        let session_id = session_id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let refused = |class: &str, what: &str| {
            SparkError::new(
                format!("INVALID_CLONE_SESSION_REQUEST.{class}"),
                format!("Invalid session clone request. Target session ID {session_id} {what}"),
            )
            .with("targetSessionId", session_id.clone())
        };
        if handle::check_format(&session_id).is_err() {
            return Err(refused("TARGET_SESSION_ID_FORMAT", "for clone operation must be an UUID string."));
        }
        let key = SessionKey { user_id: of.key.user_id.clone(), session_id: session_id.clone() };
        if self.closed.lock().contains(&key) {
            return Err(refused("TARGET_SESSION_ID_ALREADY_CLOSED", "was closed before."));
        }
        let original = of.session.get().ok_or_else(|| handle::session_not_found(&of.key.session_id))?;
        let copy = Arc::new(OpenSession::new(key.clone(), &self.options));
        {
            let mut open = self.open.lock();
            if open.contains_key(&key) {
                return Err(refused("TARGET_SESSION_ID_ALREADY_EXISTS", "exists already."));
            }
            self.check_room(&open)?;
            open.insert(key.clone(), Arc::clone(&copy));
        }
        match copy.session.get_or_try_init(|| original.duplicate(&key)).await {
            Ok(_) => Ok(copy),
            Err(error) => {
                self.open.lock().remove(&key);
                Err(error)
            }
        }
    }

    /// Closes a session. Unless its client may come back, a later call of it is told so.
    pub(crate) async fn release(&self, key: &SessionKey, allow_reconnect: bool) -> Option<String> {
        let found = self.open.lock().remove(key);
        if !allow_reconnect {
            let mut closed = self.closed.lock();
            if !closed.contains(key) {
                closed.push_back(key.clone());
            }
            while closed.len() > CLOSED_MAX {
                closed.pop_front();
            }
        }
        let found = found?;
        found.close().await;
        Some(found.server_id.clone())
    }

    /// Closes what nobody uses: abandoned operations and idle sessions.
    pub(crate) async fn sweep(&self) {
        let now = Instant::now();
        let open: Vec<_> = self.open.lock().values().cloned().collect();
        for session in open {
            session.forget_abandoned(before(now, self.options.abandoned_after));
            if session.is_idle_since(before(now, self.options.session_timeout)) {
                tracing::info!(session_id = session.key.session_id, "session closed after its idle time");
                self.release(&session.key, false).await;
            }
        }
    }

    /// Closes all sessions.
    pub(crate) async fn close(&self) {
        let open: Vec<_> = self.open.lock().drain().map(|(_, session)| session).collect();
        for session in open {
            session.close().await;
        }
    }
}

/// The beginning of all time if the duration is longer than that.
fn before(now: Instant, duration: Duration) -> Option<Instant> {
    now.checked_sub(duration)
}

impl OpenSession {
    fn new(key: SessionKey, options: &ServerOptions) -> Self {
        Self {
            key,
            server_id: Uuid::new_v4().to_string(),
            uploads: Arc::new(Uploads::new(options.upload_bytes_max)),
            session: OnceCell::new(),
            operations: Mutex::default(),
            ended: Mutex::default(),
            errors: Mutex::default(),
            used: Mutex::new(Instant::now()),
        }
    }

    fn observe(&self, observed: Option<&str>) -> SparkResult<()> {
        *self.used.lock() = Instant::now();
        match observed.filter(|id| !id.is_empty()) {
            Some(id) if id != self.server_id => Err(handle::session_changed(&self.key.session_id)),
            _ => Ok(()),
        }
    }

    fn is_idle_since(&self, instant: Option<Instant>) -> bool {
        instant.is_some_and(|instant| *self.used.lock() <= instant) && self.operations.lock().is_empty()
    }

    async fn close(&self) {
        let operations: Vec<_> = self.operations.lock().drain().map(|(_, operation)| operation).collect();
        for operation in operations {
            operation.cancel();
        }
        if let Some(session) = self.session.get() {
            session.close().await;
        }
    }

    /// Keeps an error for the client to fetch, and answers what it gets at once.
    pub(crate) fn fail(&self, error: &SparkError) -> Status {
        let error_id = Uuid::new_v4().to_string();
        let mut errors = self.errors.lock();
        errors.push_back((error_id.clone(), error.clone()));
        while errors.len() > ERRORS_MAX {
            errors.pop_front();
        }
        failure::status(error, Some(&error_id))
    }

    pub(crate) fn take_error(&self, error_id: &str) -> Option<SparkError> {
        let mut errors = self.errors.lock();
        let index = errors.iter().position(|(id, _)| id == error_id)?;
        errors.remove(index).map(|(_, error)| error)
    }

    /// A new operation.
    pub(crate) fn start(&self, operation: Operation) -> SparkResult<Arc<Operation>> {
        handle::check_format(&operation.id)?;
        let mut operations = self.operations.lock();
        if operations.contains_key(&operation.id) {
            return Err(handle::operation_exists(&operation.id));
        }
        if self.ended(&operation.id) == Some(Ended::Abandoned) {
            return Err(handle::operation_abandoned(&operation.id));
        }
        if operations.len() >= OPERATIONS_MAX {
            return Err(SparkError::unsupported(format!(
                "more than {OPERATIONS_MAX} operations of a session at a time"
            )));
        }
        let operation = Arc::new(operation);
        operations.insert(operation.id.clone(), Arc::clone(&operation));
        Ok(operation)
    }

    pub(crate) fn operation(&self, id: &str) -> SparkResult<Arc<Operation>> {
        if let Some(operation) = self.operations.lock().get(id) {
            return Ok(Arc::clone(operation));
        }
        match self.ended(id) {
            Some(Ended::Abandoned) => Err(handle::operation_abandoned(id)),
            _ => Err(handle::operation_not_found(id)),
        }
    }

    pub(crate) fn operations(&self) -> Vec<Arc<Operation>> {
        self.operations.lock().values().cloned().collect()
    }

    /// What became of an operation that is gone, if that is still known.
    pub(crate) fn ended(&self, id: &str) -> Option<Ended> {
        self.ended.lock().iter().rev().find(|(each, _)| each == id).map(|(_, ended)| *ended)
    }

    pub(crate) fn ended_ids(&self) -> Vec<String> {
        self.ended.lock().iter().map(|(id, _)| id.clone()).collect()
    }

    /// Forgets an operation, and stops it if it runs.
    pub(crate) fn release_operation(&self, id: &str) {
        let Some(operation) = self.operations.lock().remove(id) else { return };
        operation.cancel();
        let ended = match operation.outcome() {
            Some(Outcome::Succeeded) => Ended::Succeeded,
            Some(Outcome::Failed(_)) => Ended::Failed,
            Some(Outcome::Cancelled) | None => Ended::Cancelled,
        };
        self.remember(id, ended);
    }

    fn forget_abandoned(&self, since: Option<Instant>) {
        let Some(since) = since else { return };
        for operation in self.operations() {
            if operation.is_left_since(since) {
                self.operations.lock().remove(&operation.id);
                operation.cancel();
                self.remember(&operation.id, Ended::Abandoned);
            }
        }
    }

    fn remember(&self, id: &str, ended: Ended) {
        let mut all = self.ended.lock();
        all.push_back((id.to_owned(), ended));
        while all.len() > ENDED_MAX {
            all.pop_front();
        }
    }
}
