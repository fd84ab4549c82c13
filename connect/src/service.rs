//! The calls of the gRPC service: each finds its session, is answered by another module, and answers errors as Spark
//! does.

use std::pin::Pin;
use std::sync::Arc;

use firesteel_spec::{SparkError, SparkResult};
use futures::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::analyze::Analysis;
use crate::engine::{Session, SessionKey};
use crate::execute::{Run, chunk_bytes};
use crate::operation::{Operation, Outcome, Reading};
use crate::proto::execute_plan_request::request_option::RequestOption;
use crate::proto::get_status_response::OperationStatus;
use crate::proto::get_status_response::operation_status::OperationState;
use crate::proto::interrupt_request::{Interrupt, InterruptType};
use crate::proto::release_execute_request::Release;
use crate::proto::spark_connect_service_server::SparkConnectService;
use crate::proto::{self, UserContext};
use crate::sessions::{Ended, OpenSession, Sessions};
use crate::uploads::Receiving;
use crate::{failure, handle, plan, settings};

pub(crate) struct Service {
    pub sessions: Arc<Sessions>,
}

type Answer<T> = Result<Response<T>, Status>;

fn key(user: Option<UserContext>, session_id: String) -> SessionKey {
    SessionKey { user_id: user.unwrap_or_default().user_id, session_id }
}

/// For errors that no session can keep.
fn refused(error: SparkError) -> Status {
    failure::status(&error, None)
}

impl Service {
    async fn open(
        &self,
        user: Option<UserContext>,
        session_id: String,
        observed: Option<String>,
    ) -> Result<(Arc<OpenSession>, Arc<dyn Session>), Status> {
        self.sessions.get_or_open(&key(user, session_id), observed.as_deref()).await.map_err(refused)
    }

    fn find(
        &self,
        user: Option<UserContext>,
        session_id: String,
        observed: Option<String>,
    ) -> Result<Arc<OpenSession>, Status> {
        self.sessions.get(&key(user, session_id), observed.as_deref()).map_err(refused)
    }
}

/// The rest of an operation's answer. An operation that no client can come back to goes with its client.
fn responses(
    open: Arc<OpenSession>,
    reading: Reading,
    operation: &Operation,
) -> <Service as SparkConnectService>::ExecutePlanStream {
    let release =
        (!operation.reattachable).then(|| ReleaseOnDrop { open: Arc::clone(&open), id: operation.id.clone() });
    Box::pin(reading.responses().map(move |response| {
        let _released_with_the_stream = &release;
        response.map_err(|error| open.fail(&error))
    }))
}

struct ReleaseOnDrop {
    open: Arc<OpenSession>,
    id: String,
}

impl Drop for ReleaseOnDrop {
    fn drop(&mut self) {
        self.open.release_operation(&self.id);
    }
}

#[tonic::async_trait]
impl SparkConnectService for Service {
    type ExecutePlanStream = Pin<Box<dyn Stream<Item = Result<proto::ExecutePlanResponse, Status>> + Send>>;
    type ReattachExecuteStream = Self::ExecutePlanStream;

    async fn execute_plan(&self, request: Request<proto::ExecutePlanRequest>) -> Answer<Self::ExecutePlanStream> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let (open, session) = self.open(request.user_context, request.session_id, observed).await?;
        let mut reattachable = false;
        let mut chunks = None;
        for option in request.request_options.into_iter().filter_map(|option| option.request_option) {
            match option {
                RequestOption::ReattachOptions(options) => reattachable = options.reattachable,
                RequestOption::ResultChunkingOptions(options) => chunks = chunk_bytes(&options),
                RequestOption::Extension(_) => {}
            }
        }
        let id = request.operation_id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let operation =
            open.start(Operation::new(id, request.tags, reattachable)).map_err(|error| open.fail(&error))?;
        let reading = operation.read(None).map_err(|error| open.fail(&error))?;
        let answer = responses(Arc::clone(&open), reading, &operation);
        Run { open, session, operation, chunk_bytes: chunks }.spawn(request.plan);
        Ok(Response::new(answer))
    }

    async fn reattach_execute(
        &self,
        request: Request<proto::ReattachExecuteRequest>,
    ) -> Answer<Self::ReattachExecuteStream> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let open = self.find(request.user_context, request.session_id, observed)?;
        let attached = || -> SparkResult<_> {
            let operation = open.operation(&request.operation_id)?;
            if !operation.reattachable {
                return Err(handle::cursor("NOT_REATTACHABLE", "The cursor is not reattachable."));
            }
            let after = request.last_response_id.as_deref().filter(|id| !id.is_empty());
            Ok((operation.read(after)?, operation))
        };
        let (reading, operation) = attached().map_err(|error| open.fail(&error))?;
        Ok(Response::new(responses(open, reading, &operation)))
    }

    async fn release_execute(
        &self,
        request: Request<proto::ReleaseExecuteRequest>,
    ) -> Answer<proto::ReleaseExecuteResponse> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let open = self.find(request.user_context, request.session_id, observed)?;
        let mut answer = proto::ReleaseExecuteResponse {
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
            operation_id: None,
        };
        // What is gone is released already.
        let Ok(operation) = open.operation(&request.operation_id) else { return Ok(Response::new(answer)) };
        match request.release {
            Some(Release::ReleaseUntil(until)) => {
                operation.release_until(&until.response_id).map_err(|error| open.fail(&error))?;
            }
            Some(Release::ReleaseAll(_)) => open.release_operation(&operation.id),
            None => return Err(open.fail(&SparkError::invalid_plan("a release says not what to release"))),
        }
        answer.operation_id = Some(operation.id.clone());
        Ok(Response::new(answer))
    }

    async fn analyze_plan(&self, request: Request<proto::AnalyzePlanRequest>) -> Answer<proto::AnalyzePlanResponse> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let (open, session) = self.open(request.user_context, request.session_id, observed).await?;
        let analysis = Analysis { session, uploads: Arc::clone(&open.uploads) };
        let result = analysis.answer(request.analyze).await.map_err(|error| open.fail(&error))?;
        Ok(Response::new(proto::AnalyzePlanResponse {
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
            result: Some(result),
        }))
    }

    async fn config(&self, request: Request<proto::ConfigRequest>) -> Answer<proto::ConfigResponse> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let (open, session) = self.open(request.user_context, request.session_id, observed).await?;
        let operation = request.operation.and_then(|operation| operation.op_type);
        let answer = settings::answer(session.config(), operation);
        let (pairs, warnings) = answer.map_err(|error| open.fail(&error))?;
        Ok(Response::new(proto::ConfigResponse {
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
            pairs,
            warnings,
        }))
    }

    async fn add_artifacts(
        &self,
        request: Request<Streaming<proto::AddArtifactsRequest>>,
    ) -> Answer<proto::AddArtifactsResponse> {
        let mut messages = request.into_inner();
        let mut opened: Option<Arc<OpenSession>> = None;
        let mut receiving = Receiving::default();
        while let Some(message) = messages.message().await? {
            let open = match &opened {
                Some(open) => Arc::clone(open),
                None => {
                    let observed = message.client_observed_server_side_session_id;
                    let (open, _) = self.open(message.user_context, message.session_id, observed).await?;
                    Arc::clone(opened.insert(open))
                }
            };
            let Some(payload) = message.payload else { continue };
            let uploads = Arc::clone(&open.uploads);
            let received = plan::blocking(move || {
                receiving.receive(&uploads, payload)?;
                Ok(receiving)
            });
            receiving = received.await.map_err(|error| open.fail(&error))?;
        }
        let open = opened.ok_or_else(|| refused(SparkError::invalid_plan("nothing is uploaded")))?;
        let artifacts = receiving.finish().map_err(|error| open.fail(&error))?;
        Ok(Response::new(proto::AddArtifactsResponse {
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
            artifacts,
        }))
    }

    async fn artifact_status(
        &self,
        request: Request<proto::ArtifactStatusesRequest>,
    ) -> Answer<proto::ArtifactStatusesResponse> {
        use proto::artifact_statuses_response::ArtifactStatus;
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let (open, _) = self.open(request.user_context, request.session_id, observed).await?;
        let statuses = request.names.into_iter().map(|name| {
            let exists = open.uploads.exists(&name);
            (name, ArtifactStatus { exists })
        });
        Ok(Response::new(proto::ArtifactStatusesResponse {
            statuses: statuses.collect(),
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
        }))
    }

    async fn interrupt(&self, request: Request<proto::InterruptRequest>) -> Answer<proto::InterruptResponse> {
        let request = request.into_inner();
        let kind = request.interrupt_type();
        let observed = request.client_observed_server_side_session_id;
        let (open, _) = self.open(request.user_context, request.session_id, observed).await?;
        let mut operations = open.operations();
        match (kind, request.interrupt) {
            (InterruptType::All, _) => {}
            (InterruptType::Tag, Some(Interrupt::OperationTag(tag))) => {
                operations.retain(|operation| operation.tags.contains(&tag));
            }
            (InterruptType::OperationId, Some(Interrupt::OperationId(id))) => {
                operations.retain(|operation| operation.id == id);
            }
            _ => {
                let error = SparkError::new(
                    "UNSUPPORTED_FEATURE.INTERRUPT_TYPE",
                    format!("The feature is not supported: Unsupported interrupt type: {kind:?}."),
                );
                return Err(open.fail(&error.with("interruptType", format!("{kind:?}"))));
            }
        }
        operations.retain(|operation| operation.cancel());
        Ok(Response::new(proto::InterruptResponse {
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
            interrupted_ids: operations.iter().map(|operation| operation.id.clone()).collect(),
        }))
    }

    async fn release_session(
        &self,
        request: Request<proto::ReleaseSessionRequest>,
    ) -> Answer<proto::ReleaseSessionResponse> {
        let request = request.into_inner();
        let key = key(request.user_context, request.session_id);
        handle::check_format(&key.session_id).map_err(refused)?;
        let server_id = self.sessions.release(&key, request.allow_reconnect).await;
        Ok(Response::new(proto::ReleaseSessionResponse {
            session_id: key.session_id,
            server_side_session_id: server_id.unwrap_or_default(),
        }))
    }

    async fn fetch_error_details(
        &self,
        request: Request<proto::FetchErrorDetailsRequest>,
    ) -> Answer<proto::FetchErrorDetailsResponse> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let open = self.find(request.user_context, request.session_id, observed)?;
        let details = open.take_error(&request.error_id).map(|error| failure::fetched(&error));
        Ok(Response::new(proto::FetchErrorDetailsResponse {
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
            ..details.unwrap_or_default()
        }))
    }

    async fn clone_session(&self, request: Request<proto::CloneSessionRequest>) -> Answer<proto::CloneSessionResponse> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let open = self.find(request.user_context, request.session_id, observed)?;
        let copy = self.sessions.duplicate(&open, request.new_session_id).await.map_err(|error| open.fail(&error))?;
        Ok(Response::new(proto::CloneSessionResponse {
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
            new_session_id: copy.key.session_id.clone(),
            new_server_side_session_id: copy.server_id.clone(),
        }))
    }

    async fn get_status(&self, request: Request<proto::GetStatusRequest>) -> Answer<proto::GetStatusResponse> {
        let request = request.into_inner();
        let observed = request.client_observed_server_side_session_id;
        let open = self.find(request.user_context, request.session_id, observed)?;
        let statuses = request.operation_status.map(|asked| {
            let mut ids = asked.operation_ids;
            if ids.is_empty() {
                ids = open.operations().iter().map(|operation| operation.id.clone()).collect();
                ids.extend(open.ended_ids());
            }
            ids.into_iter().map(|id| operation_status(&open, id)).collect()
        });
        Ok(Response::new(proto::GetStatusResponse {
            session_id: open.key.session_id.clone(),
            server_side_session_id: open.server_id.clone(),
            operation_statuses: statuses.unwrap_or_default(),
            extensions: Vec::new(),
        }))
    }
}

fn operation_status(open: &OpenSession, operation_id: String) -> OperationStatus {
    let state = match open.operation(&operation_id).map(|operation| operation.outcome()) {
        Ok(None) => OperationState::Running,
        Ok(Some(Outcome::Succeeded)) => OperationState::Succeeded,
        Ok(Some(Outcome::Failed(_))) => OperationState::Failed,
        Ok(Some(Outcome::Cancelled)) => OperationState::Cancelled,
        Err(_) => match open.ended(&operation_id) {
            Some(Ended::Succeeded) => OperationState::Succeeded,
            Some(Ended::Failed) => OperationState::Failed,
            Some(Ended::Cancelled | Ended::Abandoned) => OperationState::Cancelled,
            None => OperationState::Unknown,
        },
    };
    OperationStatus { operation_id, state: state as i32, extensions: Vec::new() }
}
