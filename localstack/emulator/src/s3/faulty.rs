//! S3 as it is on a bad day: stands before the S3 service and makes a request fail where its draw says so. Owns what a
//! client sees of each fault; never looks into the store.

use std::mem;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{Stream, TryStreamExt, stream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::Service;
use s3s::service::S3Service;
use s3s::{Body, HttpError, HttpResponse, StdError};
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use crate::faults::{Drawn, FaultRuns, S3Fault};
use crate::http_server::{Unanswered, percent_decode};

/// The S3 service with its faults.
#[derive(Clone)]
pub(crate) struct FaultyS3 {
    pub(super) service: S3Service,
    pub(super) faults: Arc<FaultRuns>,
}

impl Service<Request<Incoming>> for FaultyS3 {
    type Response = HttpResponse;
    type Error = HttpError;
    type Future = BoxFuture<'static, Result<HttpResponse, HttpError>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        match self.draw(request.method(), request.uri()) {
            None => Service::call(&self.service, request),
            Some(drawn) => Box::pin(fail(self.service.clone(), request, drawn)),
        }
    }
}

impl FaultyS3 {
    fn draw(&self, method: &Method, uri: &Uri) -> Option<Drawn<S3Fault>> {
        let asked = Asked::of(method, uri)?;
        let drawn = self.faults.draw_s3()?;
        asked.can_have(drawn.kind, &drawn.s3().corrupt_keys).then_some(drawn)
    }
}

/// What a request is about, as far as faults care.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    /// A bucket's keys or uploads.
    List,
    /// GetObject of this `/KEY`.
    Get(String),
    /// Anything else that changes nothing about an object.
    Look,
    /// Changes objects or uploads.
    Change,
}

impl Asked {
    /// `None` for buckets themselves.
    fn of(method: &Method, uri: &Uri) -> Option<Self> {
        let path = uri.path().strip_prefix('/').unwrap_or_default();
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let has_query = |name: &str| {
            let mut names = uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next());
            names.any(|given| given == Some(name))
        };
        match (bucket, key, method) {
            ("", ..) => None,
            (_, "", &Method::GET) if !has_query("location") => Some(Self::List),
            (_, "", &Method::POST) if has_query("delete") => Some(Self::Change),
            (_, "", _) => None,
            (_, key, &Method::GET) if !has_query("uploadId") => Some(Self::Get(format!("/{}", percent_decode(key)))),
            (_, _, &Method::GET | &Method::HEAD) => Some(Self::Look),
            _ => Some(Self::Change),
        }
    }

    fn can_have(&self, fault: S3Fault, corrupt_keys: &str) -> bool {
        match fault {
            S3Fault::Error500 | S3Fault::Error503 => true,
            S3Fault::Timeout | S3Fault::Slow => *self != Self::List,
            S3Fault::Truncated => matches!(self, Self::Get(_)),
            S3Fault::Corrupted => matches!(self, Self::Get(key) if key.contains(corrupt_keys)),
            S3Fault::LostReply => *self == Self::Change,
        }
    }
}

async fn fail(
    service: S3Service,
    request: Request<Incoming>,
    drawn: Drawn<S3Fault>,
) -> Result<HttpResponse, HttpError> {
    match drawn.kind {
        S3Fault::Error500 => {
            drain(request).await;
            drawn.done();
            Ok(internal_error())
        }
        S3Fault::Error503 => {
            drain(request).await;
            drawn.done();
            Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate."))
        }
        S3Fault::Timeout => {
            drain(request).await;
            drawn.done();
            sleep(Duration::from_millis(drawn.s3().timeout_ms)).await;
            Err(HttpError::new(Box::new(Unanswered)))
        }
        S3Fault::LostReply => {
            Service::call(&service, request).await?;
            drawn.done();
            Ok(internal_error())
        }
        S3Fault::Slow => {
            let reply = Service::call(&service, request).await?;
            drawn.done();
            Ok(slow(reply, Duration::from_millis(drawn.s3().slow_ms)).await)
        }
        S3Fault::Truncated | S3Fault::Corrupted => {
            let reply = Service::call(&service, request).await?;
            let body_bytes = body_bytes(&reply);
            if !reply.status().is_success() || body_bytes == 0 {
                return Ok(reply);
            }
            drawn.done();
            let at = drawn.chance % body_bytes;
            Ok(with_body(reply, body_bytes, |body| match drawn.kind {
                S3Fault::Truncated => stream_body(halted(body, at, Halt::Break)),
                _ => stream_body(flipped(body, at, 1 << (drawn.chance >> 61))),
            }))
        }
    }
}

/// Reads what the client sends: one that is still sending would not see the reply. A body that breaks off leaves nobody
/// to reply to.
async fn drain(request: Request<Incoming>) {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
}

fn internal_error() -> HttpResponse {
    let message = "We encountered an internal error. Please try again.";
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
}

fn refusal(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    let id = Uuid::new_v4().simple().to_string();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>{id}</RequestId></Error>"
    );
    let mut reply = HttpResponse::new(Body::from(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        reply.headers_mut().insert("x-amz-request-id", id);
    }
    reply
}

/// Half of the pause before the reply and half within its body; all of it before a reply without one.
async fn slow(reply: HttpResponse, pause: Duration) -> HttpResponse {
    let body_bytes = body_bytes(&reply);
    if body_bytes == 0 {
        sleep(pause).await;
        return reply;
    }
    sleep(pause / 2).await;
    with_body(reply, body_bytes, |body| stream_body(halted(body, body_bytes / 2, Halt::Pause(pause / 2))))
}

/// The length of a reply's body, 0 if that has none or does not know. A reply to HEAD has a length in its headers only.
fn body_bytes(reply: &HttpResponse) -> u64 {
    hyper::body::Body::size_hint(reply.body()).exact().unwrap_or(0)
}

/// The reply with another body that still promises the length of the first one.
fn with_body(reply: HttpResponse, body_bytes: u64, change: impl FnOnce(Body) -> Body) -> HttpResponse {
    let mut reply = reply.map(change);
    reply.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| body_bytes.into());
    reply
}

fn stream_body(pieces: impl Stream<Item = Result<Bytes, StdError>> + Send + 'static) -> Body {
    Body::http_body_unsync(StreamBody::new(pieces.map_ok(Frame::data)))
}

/// What happens after some bytes of a body.
enum Halt {
    Break,
    Pause(Duration),
}

struct Halted {
    body: Body,
    /// Taken from the body, but behind the halt.
    rest: Bytes,
    bytes_until_halt: u64,
    halt: Option<Halt>,
}

fn halted(body: Body, at: u64, halt: Halt) -> impl Stream<Item = Result<Bytes, StdError>> + Send + 'static {
    let halted = Halted { body, rest: Bytes::new(), bytes_until_halt: at, halt: Some(halt) };
    stream::try_unfold(halted, Halted::next)
}

impl Halted {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StdError> {
        if self.bytes_until_halt == 0 {
            match self.halt.take() {
                Some(Halt::Break) => {
                    // The server sends what it has when the body is not ready, and drops it when the body fails.
                    tokio::task::yield_now().await;
                    return Err(Unanswered.into());
                }
                Some(Halt::Pause(pause)) => sleep(pause).await,
                None => {}
            }
        }
        let piece = if self.rest.is_empty() { self.body.try_next().await? } else { Some(mem::take(&mut self.rest)) };
        let Some(mut piece) = piece else { return Ok(None) };
        if self.halt.is_some() {
            let before = usize::try_from(self.bytes_until_halt).unwrap_or(usize::MAX).min(piece.len());
            self.rest = piece.split_off(before);
            self.bytes_until_halt -= before as u64;
        }
        Ok(Some((piece, self)))
    }
}

/// The body with the bits of `mask` turned in its byte `at`.
fn flipped(body: Body, at: u64, mask: u8) -> impl Stream<Item = Result<Bytes, StdError>> + Send + 'static {
    let mut bytes_until_flip = Some(at);
    body.map_ok(move |piece| match bytes_until_flip {
        Some(before) if before < piece.len() as u64 => {
            bytes_until_flip = None;
            let mut changed = BytesMut::from(piece);
            if let Some(byte) = usize::try_from(before).ok().and_then(|before| changed.get_mut(before)) {
                *byte ^= mask;
            }
            changed.freeze()
        }
        Some(before) => {
            bytes_until_flip = Some(before - piece.len() as u64);
            piece
        }
        None => piece,
    })
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn body() -> Body {
        let pieces = ["abc", "def", "gh"].map(|piece| Ok::<_, StdError>(Bytes::from(piece)));
        stream_body(stream::iter(pieces))
    }

    #[test]
    fn requests_are_told_apart() {
        let asked = |method: Method, uri: &'static str| Asked::of(&method, &Uri::from_static(uri));
        assert_eq!(asked(Method::GET, "/"), None);
        for method in [Method::PUT, Method::HEAD, Method::DELETE] {
            assert_eq!(asked(method, "/bucket"), None);
        }
        assert_eq!(asked(Method::GET, "/bucket?location"), None);
        assert_eq!(asked(Method::GET, "/bucket"), Some(Asked::List));
        assert_eq!(asked(Method::GET, "/bucket/?list-type=2&prefix=a"), Some(Asked::List));
        assert_eq!(asked(Method::POST, "/bucket/?delete"), Some(Asked::Change));
        assert_eq!(asked(Method::GET, "/bucket/a%2Db/c?x-id=GetObject"), Some(Asked::Get("/a-b/c".to_owned())));
        assert_eq!(asked(Method::GET, "/bucket/a?uploadId=1"), Some(Asked::Look));
        assert_eq!(asked(Method::HEAD, "/bucket/a"), Some(Asked::Look));
        for method in [Method::PUT, Method::POST, Method::DELETE] {
            assert_eq!(asked(method, "/bucket/a"), Some(Asked::Change));
        }
    }

    #[tokio::test]
    async fn a_body_breaks_where_it_should() {
        for at in 0..8 {
            let mut pieces = Box::pin(halted(body(), at, Halt::Break));
            let mut got = Vec::new();
            let end = loop {
                match pieces.try_next().await {
                    Ok(Some(piece)) => got.extend_from_slice(&piece),
                    end => break end,
                }
            };
            assert_eq!(got, b"abcdefgh"[..at as usize]);
            assert!(end.is_err(), "{at}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_pauses_once_and_is_whole() -> Result<(), StdError> {
        for at in 0..8 {
            let began = Instant::now();
            let pieces: Vec<Bytes> = halted(body(), at, Halt::Pause(Duration::from_secs(9))).try_collect().await?;
            assert_eq!(pieces.concat(), b"abcdefgh");
            assert_eq!(began.elapsed().as_secs(), 9);
        }
        Ok(())
    }

    #[tokio::test]
    async fn one_byte_is_flipped() -> Result<(), StdError> {
        for at in 0..8 {
            let pieces: Vec<Bytes> = flipped(body(), at, 0x20).try_collect().await?;
            let mut expected = *b"abcdefgh";
            expected[at as usize].make_ascii_uppercase();
            assert_eq!(pieces.concat(), expected);
        }
        Ok(())
    }
}
