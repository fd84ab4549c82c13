//! A server on a free port, and a client of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use firesteel_connect::proto::execute_plan_request::{RequestOption, request_option};
use firesteel_connect::proto::execute_plan_response::ResponseType;
use firesteel_connect::proto::expression::{ExprType, Literal, UnresolvedAttribute, UnresolvedFunction, literal};
use firesteel_connect::proto::relation::RelType;
use firesteel_connect::proto::spark_connect_service_client::SparkConnectServiceClient;
use firesteel_connect::proto::{self, ExecutePlanResponse, UserContext, plan};
use firesteel_connect::{ServerOptions, bind};
use prost::Message;
use tokio::sync::oneshot;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::fake::FakeEngine;

pub struct TestServer {
    pub engine: Arc<FakeEngine>,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let engine = Arc::new(FakeEngine::default());
        let mut options = ServerOptions::new("127.0.0.1:0".parse().unwrap());
        change(&mut options);
        let server = bind(engine.clone(), options).await.unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(server.serve(async {
            let _ = stopped.await;
        }));
        Self { engine, address, stop: Some(stop) }
    }

    /// A client of its own session.
    pub async fn client(&self) -> TestClient {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        let channel = endpoint.connect().await.unwrap();
        TestClient {
            stub: SparkConnectServiceClient::new(channel).max_decoding_message_size(usize::MAX),
            user: "user".to_owned(),
            session: uuid::Uuid::new_v4().to_string(),
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

#[derive(Clone)]
pub struct TestClient {
    pub stub: SparkConnectServiceClient<Channel>,
    pub user: String,
    pub session: String,
}

impl TestClient {
    pub fn user_context(&self) -> Option<UserContext> {
        Some(UserContext { user_id: self.user.clone(), ..UserContext::default() })
    }

    pub fn request(&self, plan: proto::Plan) -> proto::ExecutePlanRequest {
        proto::ExecutePlanRequest {
            session_id: self.session.clone(),
            user_context: self.user_context(),
            plan: Some(plan),
            ..proto::ExecutePlanRequest::default()
        }
    }

    pub fn reattachable(&self, plan: proto::Plan) -> proto::ExecutePlanRequest {
        let option = request_option::RequestOption::ReattachOptions(proto::ReattachOptions { reattachable: true });
        proto::ExecutePlanRequest {
            operation_id: Some(uuid::Uuid::new_v4().to_string()),
            request_options: vec![RequestOption { request_option: Some(option) }],
            ..self.request(plan)
        }
    }

    pub async fn execute(&mut self, request: proto::ExecutePlanRequest) -> Streaming<ExecutePlanResponse> {
        self.stub.execute_plan(request).await.unwrap().into_inner()
    }

    /// All responses to a plan, up to an error.
    pub async fn run(&mut self, plan: proto::Plan) -> (Vec<ExecutePlanResponse>, Option<Status>) {
        let request = self.request(plan);
        match self.stub.execute_plan(request).await {
            Ok(responses) => all(responses.into_inner()).await,
            Err(status) => (Vec::new(), Some(status)),
        }
    }

    pub async fn analyze(
        &mut self,
        analyze: proto::analyze_plan_request::Analyze,
    ) -> Result<proto::analyze_plan_response::Result, Status> {
        let request = proto::AnalyzePlanRequest {
            session_id: self.session.clone(),
            user_context: self.user_context(),
            analyze: Some(analyze),
            ..proto::AnalyzePlanRequest::default()
        };
        Ok(self.stub.analyze_plan(request).await?.into_inner().result.unwrap())
    }

    pub async fn schema(&mut self, plan: proto::Plan) -> Result<proto::analyze_plan_response::Result, Status> {
        let schema = proto::analyze_plan_request::Schema { plan: Some(plan) };
        self.analyze(proto::analyze_plan_request::Analyze::Schema(schema)).await
    }
}

pub async fn all(mut stream: Streaming<ExecutePlanResponse>) -> (Vec<ExecutePlanResponse>, Option<Status>) {
    let mut responses = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(response)) => responses.push(response),
            Ok(None) => return (responses, None),
            Err(status) => return (responses, Some(status)),
        }
    }
}

pub fn relation(rel_type: RelType) -> proto::Relation {
    proto::Relation { common: None, rel_type: Some(rel_type) }
}

pub fn root(relation: &proto::Relation) -> proto::Plan {
    proto::Plan { op_type: Some(plan::OpType::Root(relation.encode_to_vec().into())) }
}

pub fn root_bytes(bytes: impl Into<Bytes>) -> proto::Plan {
    proto::Plan { op_type: Some(plan::OpType::Root(bytes.into())) }
}

pub fn command(command_type: proto::command::CommandType) -> proto::Plan {
    let command = proto::Command { command_type: Some(command_type) };
    proto::Plan { op_type: Some(plan::OpType::Command(command.encode_to_vec().into())) }
}

pub fn range(end: i64) -> proto::Relation {
    relation(RelType::Range(proto::Range { start: Some(0), end, step: 1, num_partitions: None }))
}

/// A table of the fake engine.
pub fn table(name: &str) -> proto::Relation {
    let named = proto::read::NamedTable { unparsed_identifier: name.to_owned(), ..Default::default() };
    let read_type = Some(proto::read::ReadType::NamedTable(named));
    relation(RelType::Read(proto::Read { read_type, is_streaming: false }))
}

pub fn expression(expr_type: ExprType) -> proto::Expression {
    proto::Expression { common: None, expr_type: Some(expr_type) }
}

pub fn column(name: &str) -> proto::Expression {
    let unparsed_identifier = name.to_owned();
    expression(ExprType::UnresolvedAttribute(UnresolvedAttribute { unparsed_identifier, ..Default::default() }))
}

pub fn integer(value: i32) -> proto::Expression {
    let literal_type = Some(literal::LiteralType::Integer(value));
    expression(ExprType::Literal(Literal { literal_type, data_type: None }))
}

pub fn call(name: &str, arguments: Vec<proto::Expression>) -> proto::Expression {
    let function_name = name.to_owned();
    expression(ExprType::UnresolvedFunction(UnresolvedFunction { function_name, arguments, ..Default::default() }))
}

pub fn rows(responses: &[ExecutePlanResponse]) -> i64 {
    responses
        .iter()
        .filter_map(|response| match &response.response_type {
            Some(ResponseType::ArrowBatch(batch)) if batch.chunk_index.unwrap_or(0) == 0 => Some(batch.row_count),
            _ => None,
        })
        .sum()
}

pub fn is_complete(response: &ExecutePlanResponse) -> bool {
    matches!(response.response_type, Some(ResponseType::ResultComplete(_)))
}

/// The error class within a status.
#[track_caller]
pub fn assert_class(status: &Status, class: &str) {
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    assert!(status.message().starts_with(&format!("[{class}]")), "{class} is not of {}", status.message());
}

/// Waits for what the server does by itself.
pub async fn eventually(mut done: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !done() {
            ticks.tick().await;
        }
    });
    waited.await.expect("it did not happen");
}
