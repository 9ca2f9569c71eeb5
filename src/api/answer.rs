//! Answers: JSON, nothing, streams, errors.

use crate::engine::usecases::Refusal;
use crate::wire::{DIALECT_VERSION, ErrorBody, ErrorType};
use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// What a handler gives.
pub(crate) type Answered = Result<Response, Refusal>;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");

/// Most answers are no longer than this, in bytes.
const ROOM: usize = 1024;

fn json(status: StatusCode, body: &impl Serialize) -> Answered {
    let mut bytes = Vec::with_capacity(ROOM);
    serde_json::to_writer(&mut bytes, body).map_err(|error| {
        Refusal::new(ErrorType::ServerError, format!("The answer cannot be written: {error}"))
    })?;
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(response)
}

/// 200 with a body.
pub(crate) fn ok(body: &impl Serialize) -> Answered {
    json(StatusCode::OK, body)
}

/// 201 with a body.
pub(crate) fn created(body: &impl Serialize) -> Answered {
    json(StatusCode::CREATED, body)
}

/// 202 with a body: it goes on by itself.
pub(crate) fn accepted(body: &impl Serialize) -> Answered {
    json(StatusCode::ACCEPTED, body)
}

/// 204 without a body. It names a content type all the same, because the Python
/// SDK looks for one in every answer; not JSON, which the others would parse.
pub(crate) fn nothing() -> Response {
    let mut response = text("");
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A text, as it stands.
pub(crate) fn text(body: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    response
}

/// A stream of a type.
pub(crate) fn stream(kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 429: the caller has made too many requests, and may come again after that.
pub(crate) fn too_many(text: &str, wait: std::time::Duration) -> Response {
    let mut response = refusal(&Refusal::new(ErrorType::RateLimit, text));
    response.headers_mut().insert(RETRY_AFTER, seconds(wait).into());
    response
}

/// A wait in whole seconds, as `Retry-After` says it.
pub(crate) fn seconds(wait: std::time::Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1) as u64
}

/// An error in the dialect's shape.
pub(crate) fn refusal(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = ErrorBody {
        message: refusal.message.clone(),
        code: status.as_u16(),
        kind: refusal.kind.as_str().to_owned(),
        version: DIALECT_VERSION.to_owned(),
        stale: refusal.stale.clone(),
    };
    let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_default()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    headers.insert(EXPIRES, HeaderValue::from_static("0"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}
