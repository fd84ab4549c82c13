//! The Lambda API over HTTP: paths and bodies to operations, and results to replies. Signatures are accepted as they
//! are: whoever reaches the loopback port may deploy.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::Service;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Lambda;
use super::api_error::ApiError;
use super::deployment::{self, CreateFunction, UpdateCode};
use super::function::{Settings, latest_of};
use super::invoke::{self, InvokeRequest};
use crate::http_server::{Collected, Unanswered, collect, percent_decode};

/// What AWS takes of a request that carries a package.
const DEPLOY_BYTES_MAX: usize = 70_167_211;
/// Any other request that describes something.
const DESCRIPTION_BYTES_MAX: usize = 1 << 20;
const LIST_ITEMS_MAX: usize = 50;

pub(super) type Reply = Response<Full<Bytes>>;

/// The service of one emulator.
#[derive(Clone)]
pub(crate) struct LambdaService(Arc<Lambda>);

pub(crate) fn service(lambda: Arc<Lambda>) -> LambdaService {
    LambdaService(lambda)
}

impl Service<Request<Incoming>> for LambdaService {
    type Response = Reply;
    type Error = Unanswered;
    type Future = futures::future::BoxFuture<'static, Result<Reply, Unanswered>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let lambda = Arc::clone(&self.0);
        Box::pin(async move {
            let mut reply = match answer(&lambda, request).await {
                Ok(reply) => reply,
                Err(Refusal::Api(error)) => error.reply(),
                Err(Refusal::Silence(unanswered)) => return Err(unanswered),
            };
            if !reply.headers().contains_key("x-amzn-requestid")
                && let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string())
            {
                reply.headers_mut().insert("x-amzn-requestid", id);
            }
            Ok(reply)
        })
    }
}

/// What a caller gets instead of a reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Silence(#[from] Unanswered),
}

async fn answer(lambda: &Arc<Lambda>, request: Request<Incoming>) -> Result<Reply, Refusal> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let name = |named: &str| latest_of(&percent_decode(named), query(&parts, "Qualifier").as_deref());
    match (&parts.method, segments.as_slice()) {
        (&Method::POST, ["2015-03-31", "functions", named, "invocations"]) => {
            let name = name(named)?;
            invoke::invoke(lambda, InvokeRequest::new(name, &parts)?, body).await
        }
        (&Method::POST, ["2015-03-31", "functions"]) => {
            let request: CreateFunction = read_json(body, DEPLOY_BYTES_MAX).await?;
            let function = deployment::create(lambda, request).await?;
            Ok(json_reply(StatusCode::CREATED, &function.configuration()))
        }
        (&Method::GET, ["2015-03-31", "functions"]) => Ok(list_functions(lambda, &parts)?),
        (&Method::GET, ["2015-03-31", "functions", named]) => {
            Ok(json_reply(StatusCode::OK, &deployment::describe(lambda, &name(named)?)?))
        }
        (&Method::DELETE, ["2015-03-31", "functions", named]) => {
            deployment::delete(lambda, &name(named)?)?;
            Ok(empty_reply(StatusCode::NO_CONTENT))
        }
        (&Method::GET, ["2015-03-31", "functions", named, "configuration"]) => {
            Ok(json_reply(StatusCode::OK, &lambda.functions.get(&name(named)?)?.configuration()))
        }
        (&Method::PUT, ["2015-03-31", "functions", named, "configuration"]) => {
            let settings: Settings = read_json(body, DESCRIPTION_BYTES_MAX).await?;
            let function = deployment::update(lambda, &name(named)?, |function| function.with_settings(settings))?;
            Ok(json_reply(StatusCode::OK, &function.configuration()))
        }
        (&Method::PUT, ["2015-03-31", "functions", named, "code"]) => {
            let name = name(named)?;
            let request: UpdateCode = read_json(body, DEPLOY_BYTES_MAX).await?;
            let function = deployment::update_code(lambda, &name, request).await?;
            Ok(json_reply(StatusCode::OK, &function.configuration()))
        }
        (&Method::PUT, ["2017-10-31", "functions", named, "concurrency"]) => {
            let request: PutConcurrency = read_json(body, DESCRIPTION_BYTES_MAX).await?;
            let reserved = Some(request.reserved_concurrent_executions);
            deployment::reserve(lambda, &name(named)?, reserved)?;
            Ok(json_reply(StatusCode::OK, &json!({ "ReservedConcurrentExecutions": reserved })))
        }
        (&Method::DELETE, ["2017-10-31", "functions", named, "concurrency"]) => {
            deployment::reserve(lambda, &name(named)?, None)?;
            Ok(empty_reply(StatusCode::NO_CONTENT))
        }
        (&Method::GET, ["2019-09-30", "functions", named, "concurrency"]) => {
            let reserved = lambda.functions.get(&name(named)?)?.reserved_concurrency;
            let body = reserved.map_or(json!({}), |reserved| json!({ "ReservedConcurrentExecutions": reserved }));
            Ok(json_reply(StatusCode::OK, &body))
        }
        (&Method::GET, ["2016-08-19", "account-settings"]) => {
            Ok(json_reply(StatusCode::OK, &deployment::account_settings(lambda)))
        }
        (method, _) => Err(ApiError::no_such_route(method, &path).into()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutConcurrency {
    reserved_concurrent_executions: usize,
}

fn list_functions(lambda: &Lambda, parts: &Parts) -> Result<Reply, ApiError> {
    let marker = query(parts, "Marker").unwrap_or_default();
    let items_max = match query(parts, "MaxItems") {
        None => LIST_ITEMS_MAX,
        Some(given) => match given.parse::<usize>() {
            Ok(given @ 1..=10_000) => given.min(LIST_ITEMS_MAX),
            _ => return Err(ApiError::invalid_parameter("MaxItems must be between 1 and 10000")),
        },
    };
    let functions = lambda.functions.all();
    let mut behind = functions.iter().filter(|function| function.name > marker);
    let page: Vec<_> = behind.by_ref().take(items_max).collect();
    let next = page.last().filter(|_| behind.next().is_some()).map(|function| function.name.clone());
    let page: Vec<Value> = page.iter().map(|function| function.configuration()).collect();
    Ok(json_reply(StatusCode::OK, &json!({ "Functions": page, "NextMarker": next })))
}

async fn read_json<T: DeserializeOwned>(body: Incoming, bytes_max: usize) -> Result<T, ApiError> {
    let body = match collect(body, bytes_max).await {
        Ok(Collected::Whole(body)) => body,
        Ok(Collected::TooLong) => return Err(ApiError::request_too_large(bytes_max)),
        Err(error) => return Err(ApiError::invalid_content(error.to_string())),
    };
    serde_json::from_slice(&body)
        .map_err(|error| ApiError::invalid_content(format!("Could not parse request body into json: {error}")))
}

pub(super) fn json_reply(status: StatusCode, body: &Value) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body.to_string())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

pub(super) fn empty_reply(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}

pub(super) fn query(parts: &Parts, name: &str) -> Option<String> {
    let pairs = parts.uri.query()?.split('&');
    let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1;
    Some(percent_decode(value))
}
