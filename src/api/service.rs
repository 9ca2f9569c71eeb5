//! The service: from a request to a row of the table and back.

use super::App;
use super::answer::{Answered, refusal};
use super::auth::{Caller, Peer};
use super::call::{Call, Payload};
use super::once;
use super::rate::Standing;
use super::routes::{BodyKind, ROUTES, Route};
use crate::engine::usecases::{Outcome, Refusal};
use crate::wire::{ErrorType, header};
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{Extension, RawPathParams};
use axum::response::Response;
use axum::routing::any;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

/// Where recipients leave topics.
const LEAVING: &str = "/v1/herald/unsubscribe/";

/// What a bodiless request may carry all the same (the SDKs send `{}` with DELETE).
const STRAY_BODY: usize = 64 << 10;

/// A router for each method: what is a literal for one method may be a parameter
/// for another (`POST /messages/email`, `GET /messages/{messageId}`).
pub(crate) struct Tables(HashMap<Method, Router>);

/// What a request brings to its handler.
#[derive(Clone)]
struct Door {
    app: Arc<App>,
    peer: Arc<Peer>,
    id: Arc<str>,
    closing: CancellationToken,
}

impl Tables {
    pub(crate) fn new() -> Self {
        let mut routers: HashMap<Method, Router> = HashMap::new();
        for route in ROUTES {
            let Ok(method) = Method::from_bytes(route.method.as_bytes()) else { continue };
            let handler = any(
                async move |Extension(door): Extension<Door>,
                            params: Result<RawPathParams, RawPathParamsRejection>,
                            request: Request<Body>| {
                    let Ok(params) = params else { return not_text() };
                    let path =
                        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                    run(route, door, path, request).await
                },
            );
            let router = routers.remove(&method).unwrap_or_default();
            routers.insert(method, router.route(route.path, handler));
        }
        let routers = routers.into_iter().map(|(method, router)| (method, router.fallback(unknown)));
        Self(routers.collect())
    }
}

/// For a path with bytes that are no text.
fn not_text() -> Response {
    refusal(&Refusal::new(ErrorType::ArgumentInvalid, "The path is not valid UTF-8"))
}

async fn unknown() -> Response {
    refusal(&Refusal::new(
        ErrorType::RouteNotFound,
        "Route not found. Please ensure the endpoint is configured correctly and that the API route is valid for this SDK version.",
    ))
}

async fn run(
    route: &'static Route,
    door: Door,
    path: Vec<(String, String)>,
    request: Request<Body>,
) -> Response {
    let limit = door.app.settings.api_timeout;
    let work = AssertUnwindSafe(handle(route, door, path, request)).catch_unwind();
    let done = if route.streams { Ok(work.await) } else { tokio::time::timeout(limit, work).await };
    let done = match done {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => {
            tracing::error!(route = ?route, "a handler panicked");
            let text = "Something went wrong in Herald; its log says what";
            Err(Refusal::new(ErrorType::ServerError, text)).into()
        }
        Err(_) => {
            let text = format!(
                "The request took longer than {} s; look whether it has been done before trying again",
                limit.as_secs()
            );
            Err(Refusal::new(ErrorType::Timeout, text)).into()
        }
    };
    let mut response = done.answer.unwrap_or_else(|error| {
        if error.kind.status() >= 500 {
            tracing::warn!(route = ?route, error = %error, "refused");
        }
        refusal(&error)
    });
    if let Some(standing) = done.standing {
        say_standing(response.headers_mut(), standing, SystemTime::now());
    }
    response
}

/// What came of a request, and how its caller stands.
struct Done {
    answer: Answered,
    standing: Option<Standing>,
}

impl From<Answered> for Done {
    fn from(answer: Answered) -> Self {
        Self { answer, standing: None }
    }
}

/// The dialect's headers of a rate limit.
fn say_standing(headers: &mut HeaderMap, standing: Standing, now: SystemTime) {
    let reset = (now + standing.rested).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    headers.insert("x-ratelimit-limit", standing.limit.into());
    headers.insert("x-ratelimit-remaining", standing.remaining.into());
    headers.insert("x-ratelimit-reset", (reset.as_millis().div_ceil(1000) as u64).into());
    if let Some(wait) = standing.refused {
        headers.insert(RETRY_AFTER, super::answer::seconds(wait).into());
    }
}

async fn handle(
    route: &'static Route,
    door: Door,
    path: Vec<(String, String)>,
    request: Request<Body>,
) -> Done {
    let (parts, body) = request.into_parts();
    // The dialect's order: who, then what.
    let caller = match Caller::of(&door.app, &door.peer, &parts.headers, &door.id).await {
        Ok(caller) => caller,
        Err(error) => return Err(error).into(),
    };
    let standing = door.app.rates.as_ref().zip(caller.counted()).map(|(rates, who)| rates.count(who));
    if standing.is_some_and(|standing| standing.refused.is_some()) {
        let text = "Rate limit for the current endpoint has been exceeded. Please try again after some time.";
        return Done { answer: Err(Refusal::new(ErrorType::RateLimit, text)), standing };
    }
    Done { answer: admitted(route, door, caller, path, parts, body).await, standing }
}

/// Reads on for a while, so that a client that still writes hears the answer and not a reset.
pub(crate) async fn drain<S>(rest: &mut S, most: usize, within: Duration)
where
    S: Stream<Item = Result<Bytes, axum::Error>> + Unpin,
{
    let read = async {
        let mut seen = 0;
        while let Some(Ok(piece)) = rest.next().await {
            seen += piece.len();
            if seen > most {
                return;
            }
        }
    };
    // Who is still writing then is reset.
    let _ = tokio::time::timeout(within, read).await;
}

async fn admitted(
    route: &'static Route,
    door: Door,
    caller: Caller,
    path: Vec<(String, String)>,
    parts: Parts,
    body: Body,
) -> Answered {
    if let Err(refusal) = caller.admit(route.scope) {
        drain(&mut body.into_data_stream(), STRAY_BODY, Duration::from_secs(1)).await;
        return Err(refusal);
    }
    if door.app.settings.api_read_only && route.changes() {
        return Err(Refusal::new(
            ErrorType::ReadOnly,
            "This Herald is read-only: the setting api.read_only must be lifted to change anything",
        ));
    }
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    // Pipes may be slow; what comes over the network may not.
    let paces = caller.remote && !hyper::body::Body::is_end_stream(&body);
    let pace = paces.then_some(door.app.settings.api_body_timeout);
    let body = match route.body {
        BodyKind::Stream => Payload::Stream(Mutex::new(match pace {
            Some(pace) => paced(body, pace),
            None => body,
        })),
        BodyKind::Raw => {
            let limit = crate::providers::receipts::MOST;
            Payload::Whole(read(body, &parts.headers, limit, pace).await?)
        }
        BodyKind::None => {
            read(body, &parts.headers, STRAY_BODY, pace).await?;
            Payload::Whole(Bytes::new())
        }
        BodyKind::Json => {
            check_type(&parts.headers)?;
            let limit = usize::try_from(door.app.settings.body_limit.0).unwrap_or(usize::MAX);
            Payload::Whole(read(body, &parts.headers, limit, pace).await?)
        }
    };
    let mut headers = parts.headers;
    if !route.if_match {
        headers.remove(IF_MATCH);
    }
    let call = Call { app: door.app, caller, path, query, headers, body, closing: door.closing };
    if route.repeats() { once::run(route, call).await } else { (route.handler)(call).await }
}

/// A JSON body says so, or says nothing.
fn check_type(headers: &HeaderMap) -> Outcome<()> {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default().to_ascii_lowercase();
    if kind.is_empty() || kind.contains("json") {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorType::ArgumentInvalid,
        format!("The body must be JSON (content-type: application/json), not {kind}"),
    ))
}

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
#[error("nothing more of the body came for {} s", .0.as_secs())]
struct Stalled(Duration);

/// A body whose next piece must come in time.
fn paced(body: Body, pace: Duration) -> Body {
    Body::from_stream(unfold(Some(body), move |body| async move {
        let mut body = body?;
        match tokio::time::timeout(pace, body.frame()).await {
            Ok(Some(Ok(frame))) => Some((Ok(frame.into_data().unwrap_or_default()), Some(body))),
            Ok(Some(Err(error))) => Some((Err(axum::BoxError::from(error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(Stalled(pace).into()), None)),
        }
    }))
}

/// The whole body. With a pace, each piece of it must come in that time.
async fn read(mut body: Body, headers: &HeaderMap, limit: usize, pace: Option<Duration>) -> Outcome<Bytes> {
    let too_large = || {
        Refusal::new(ErrorType::BodyTooLarge, format!("The body is larger than the limit of {limit} bytes"))
    };
    let said = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    // Most bodies are one piece, which is not copied.
    let (mut whole, mut more) = (Bytes::new(), BytesMut::new());
    loop {
        let frame = match pace {
            Some(pace) => tokio::time::timeout(pace, body.frame()).await.map_err(|_| {
                Refusal::new(ErrorType::BodyTimeout, "The rest of the body did not come in time")
            })?,
            None => body.frame().await,
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| {
            Refusal::new(ErrorType::ArgumentInvalid, format!("The body cannot be read: {error}"))
        })?;
        let Ok(piece) = frame.into_data() else { continue };
        if whole.len() + more.len() + piece.len() > limit {
            return Err(too_large());
        }
        if whole.is_empty() && more.is_empty() {
            whole = piece;
        } else {
            more.extend_from_slice(&std::mem::take(&mut whole));
            more.extend_from_slice(&piece);
        }
    }
    Ok(if more.is_empty() { whole } else { more.freeze() })
}

/// The API behind one door, as a tower service.
#[derive(Clone)]
pub struct ApiService {
    app: Arc<App>,
    peer: Arc<Peer>,
    closing: CancellationToken,
}

impl ApiService {
    pub(crate) fn new(app: Arc<App>, peer: Peer, closing: CancellationToken) -> Self {
        Self { app, peer: Arc::new(peer), closing }
    }

    /// The caller's id of a request if it can be printed, else a new one.
    fn request_id(&self, headers: &HeaderMap) -> Arc<str> {
        let given = headers.get(header::REQUEST_ID).and_then(|value| value.to_str().ok());
        let good = |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        given.filter(good).map_or_else(|| self.app.engine.new_id().into(), Into::into)
    }

    async fn answer(self, mut request: Request<Body>) -> Response {
        let id = self.request_id(request.headers());
        // Shared, not copied: it is said only where that is asked for.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let begun = tokio::time::Instant::now();
        let table = if method == Method::HEAD { Method::GET } else { method.clone() };
        let door = Door {
            app: Arc::clone(&self.app),
            peer: Arc::clone(&self.peer),
            id: Arc::clone(&id),
            closing: self.closing.clone(),
        };
        request.extensions_mut().insert(door);
        let mut response = match self.app.router.0.get(&table) {
            Some(router) => match router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            None => unknown().await,
        };
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.insert(header::REQUEST_ID, value);
        }
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if matches!(response.status(), StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            // What is left of the body is not read.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.app.counted.answered(response.status().as_u16(), begun.elapsed());
        // The rest of such a path is its recipient's secret.
        let path = if uri.path().starts_with(LEAVING) { LEAVING } else { uri.path() };
        tracing::debug!(%method, path, status = response.status().as_u16(), request = %id, micros = begun.elapsed().as_micros() as u64, "answered");
        response
    }
}

impl<B> Service<Request<B>> for ApiService
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request.map(Body::new)).await) })
    }
}
