//! The HTTP server: hyper's HTTP/1.1 or HTTP/2, whichever the client begins with, and nothing
//! between it and the requests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};

use self::answer::Answer;
pub(super) use self::idempotency::{Answers, Earlier};
use super::Faults;
use super::connection::{Connection, Cut};
use super::faults::{Effect, ServerFaults, Stage};
use super::headers;
use super::push::{Desk, PushService, PushState};
use super::receipts::{self, ReceiptOrder};
use super::record::{Kind, Record};
use super::services::{self, Asked, Gateway, House, Reply, Service};

mod answer;
mod control;
mod idempotency;
mod send;

/// The largest body of a request to send, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// The largest body of a control request: a set of a few million references.
const MAX_CONTROL_BODY: usize = 256 * 1024 * 1024;
/// How much of an answer leaves before it is cut: part of the status line and headers.
const CUT_AFTER: usize = 24;

/// What every connection of the server shares.
pub(super) struct HttpServer {
    pub(super) token: String,
    /// Both servers' faults: the control API sets them.
    pub(super) all_faults: Faults,
    pub(super) faults: Arc<ServerFaults>,
    pub(super) record: Arc<Record>,
    pub(super) answers: Answers,
    pub(super) push: Arc<PushState>,
    /// How the gateway of no service is described.
    pub(super) gateway: Arc<Mutex<Gateway>>,
    /// Whether it takes requests to send, and not control requests alone.
    pub(super) sends: bool,
    /// Where requests to send go, such as `http://127.0.0.1:8025`; empty: nowhere.
    pub(super) origin: String,
}

impl HttpServer {
    fn gateway(&self) -> Gateway {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox gives no answer")]
struct NoAnswer;

/// Serves one connection to its end.
pub(super) async fn serve(server: Arc<HttpServer>, connection: Connection, at_connect: Option<Effect>) {
    let cut = connection.cut();
    match at_connect {
        None | Some(Effect::Reply { .. }) => {}
        // There is no answer yet to lose or cut.
        Some(Effect::LoseAnswer) => return,
        Some(Effect::Reset | Effect::CutAnswer) => {
            cut.reset();
            return;
        }
    }
    let service = service_fn(|request| {
        let server = Arc::clone(&server);
        let cut = Arc::clone(&cut);
        let refusal = at_connect.clone();
        async move { respond(&server, &cut, refusal, request).await }
    });
    // A client that breaks off is its own affair.
    if connection.begins_with_http2().await {
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(1000)
            .serve_connection(TokioIo::new(connection), service)
            .await;
        return;
    }
    let _ = hyper::server::conn::http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

async fn respond(
    server: &HttpServer,
    cut: &Cut,
    refusal: Option<Effect>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let path = request.uri().path();
    if let Some(service) = PushService::of(path).filter(|_| server.sends) {
        return push(server, cut, refusal, service, request).await;
    }
    let kind = match path {
        "/send/sms" if server.sends => Some(Kind::Sms),
        "/send/push" if server.sends => Some(Kind::Push),
        _ => None,
    };
    let service = services::find(path).filter(|_| server.sends);
    let sends =
        kind.is_some() || service.is_some_and(|(service, path)| service.sends(request.method(), path));
    if kind.is_none() && service.is_none() {
        return Ok(other(server, request).await.into_response());
    }
    let refusal = refusal.or_else(|| if sends { server.faults.at(Stage::Request) } else { None });
    if refusal == Some(Effect::Reset) {
        // The head has been read, and the first of the body: the middle of the request.
        let _ = request.into_body().frame().await;
        cut.reset();
        return Err(NoAnswer);
    }
    let response = match (kind, service) {
        (Some(kind), _) => send(server, kind, refusal.as_ref(), request).await.into_response(),
        (None, Some((service, _))) => {
            serve_as(server, service, refusal.as_ref(), request).await.into_response()
        }
        (None, None) => return Err(NoAnswer),
    };
    if let Some(latency) = server.faults.latency() {
        tokio::time::sleep(latency).await;
    }
    match refusal {
        Some(Effect::LoseAnswer) => return Err(NoAnswer),
        Some(Effect::CutAnswer) => cut.after(CUT_AFTER),
        _ => {}
    }
    Ok(response)
}

/// A request to one of the services: what is wrong with the house, then what the service says.
async fn serve_as(
    server: &HttpServer,
    service: &'static dyn Service,
    fault: Option<&Effect>,
    request: Request<Incoming>,
) -> Reply {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, services::MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return service.refuse(413, None, "The body is too large, or broke off."),
    };
    if server.faults.suspended() {
        return service.refuse(403, None, "This account is suspended.");
    }
    if let Some(Effect::Reply { code, text, retry_after, reason }) = fault {
        let text = text.as_deref().unwrap_or("The request failed.");
        let reply = service.refuse(*code, reason.as_deref(), text);
        return match retry_after {
            Some(seconds) => reply.after(Duration::from_secs(u64::from(*seconds))),
            None => reply,
        };
    }
    let gateway = server.gateway();
    let house = House {
        gateway: &gateway,
        token: &server.token,
        faults: &server.faults,
        record: &server.record,
        answers: &server.answers,
    };
    let path = head.uri.path();
    let path = path.get(1 + service.kind().len()..).unwrap_or_default();
    let asked = Asked { method: &head.method, uri: &head.uri, path, headers: &head.headers, body: &body };
    service.answer(&house, &asked)
}

/// A request to a push service.
async fn push(
    server: &HttpServer,
    cut: &Cut,
    refusal: Option<Effect>,
    service: PushService,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    if service.wants_http2() && request.version() != Version::HTTP_2 {
        // A server that speaks HTTP/2 alone finds no preface and hangs up.
        return Err(NoAnswer);
    }
    // Whoever asks for a token is not sending yet.
    let sends = service != PushService::Grant;
    let refusal = refusal.or_else(|| if sends { server.faults.at(Stage::Request) } else { None });
    if refusal == Some(Effect::Reset) {
        let _ = request.into_body().frame().await;
        cut.reset();
        return Err(NoAnswer);
    }
    let (head, body) = request.into_parts();
    let Ok(body) = read(body, PushService::MOST).await else { return Err(NoAnswer) };
    let desk = Desk { state: &server.push, faults: &server.faults, record: &server.record };
    let reply = service.answer(&desk, refusal.as_ref(), &head, &body);
    if let Some(latency) = server.faults.latency() {
        tokio::time::sleep(latency).await;
    }
    match refusal {
        Some(Effect::LoseAnswer) => return Err(NoAnswer),
        Some(Effect::CutAnswer) => cut.after(CUT_AFTER),
        _ => {}
    }
    Ok(reply.into_response())
}

/// A request to send: the checks in the order of the contract, then the sending.
async fn send(server: &HttpServer, kind: Kind, fault: Option<&Effect>, request: Request<Incoming>) -> Answer {
    if request.method() != Method::POST {
        return Answer::not_allowed("POST");
    }
    if !authorized(request.headers(), &server.token) {
        return Answer::unauthorized();
    }
    if server.faults.suspended() {
        return Answer::error(StatusCode::FORBIDDEN, "suspended", "This account is suspended.");
    }
    if let Some(Effect::Reply { code, text, retry_after, .. }) = fault {
        return Answer::fault(*code, text.as_deref(), *retry_after);
    }
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        return Answer::malformed("The content type must be application/json.");
    }
    let body = match read(body, MAX_BODY).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let key = match idempotency_key(&head.headers) {
        Ok(key) => key,
        Err(answer) => return answer,
    };
    let batch = match send::Batch::parse(kind, &body) {
        Ok(batch) => batch,
        Err(message) => return Answer::malformed(&message),
    };
    if let Err(wait) = server.faults.admit(batch.len() as u32) {
        return Answer::rate_limited(wait);
    }
    let Some(key) = key else {
        return Answer::ok(batch.send(server));
    };
    // One lock over the look and the sending: two requests at once with one key count once.
    match server.answers.once(kind, key, &body, || Some(batch.send(server))) {
        Earlier::Same(answer) | Earlier::New(answer) => Answer::ok(answer),
        Earlier::OtherBody | Earlier::Nothing => Answer::error(
            StatusCode::CONFLICT,
            "idempotency_mismatch",
            "This idempotency key was used with another body.",
        ),
    }
}

/// What is not a request to send.
async fn other(server: &HttpServer, request: Request<Incoming>) -> Answer {
    let Some(path) =
        request.uri().path().strip_prefix("/control").filter(|rest| rest.is_empty() || rest.starts_with('/'))
    else {
        return Answer::error(StatusCode::NOT_FOUND, "not_found", "No such path.");
    };
    if !authorized(request.headers(), &server.token) {
        return Answer::unauthorized();
    }
    let path = path.to_owned();
    let (head, body) = request.into_parts();
    let body = match read(body, MAX_CONTROL_BODY).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let query = head.uri.query().unwrap_or_default();
    if path == "/receipts" {
        return receipt(&head.method, &body).await;
    }
    control::answer(server, &head.method, &path, query, &body)
}

/// Sends a receipt that is asked for.
async fn receipt(method: &Method, body: &[u8]) -> Answer {
    match *method {
        Method::GET => {
            Answer::json(&serde_json::json!({ "sendgridPublicKey": receipts::sendgrid_public_key() }))
        }
        Method::POST => match serde_json::from_slice::<ReceiptOrder>(body) {
            Ok(order) => match order.send().await {
                Ok(status) => Answer::json(&serde_json::json!({ "status": status })),
                Err(fault) => Answer::malformed(&fault.to_string()),
            },
            Err(error) => Answer::malformed(&format!("The order is malformed: {error}")),
        },
        _ => Answer::not_allowed("GET, POST"),
    }
}

async fn read(body: Incoming, limit: usize) -> Result<Bytes, Answer> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large."))
        }
        Err(_) => Err(Answer::malformed("The body broke off.")),
    }
}

fn authorized(given: &HeaderMap, token: &str) -> bool {
    headers::credentials(given, "Bearer") == Some(token)
}

fn is_json(given: &HeaderMap) -> bool {
    headers::essence(given) == "application/json"
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&[u8]>, Answer> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match key.as_bytes() {
        key if (1..=255).contains(&key.len()) => Ok(Some(key)),
        _ => Err(Answer::malformed("An idempotency key has 1 to 255 characters.")),
    }
}

impl Answer {
    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(methods) = self.allow {
            headers.insert(http::header::ALLOW, http::HeaderValue::from_static(methods));
        }
        response
    }
}
