//! `Idempotency-Key`: a create that is repeated answers what it answered before.

use super::App;
use super::answer::Answered;
use super::call::{Call, Payload};
use super::routes::{ROUTES, Route};
use crate::domain::once::{Done, Once};
use crate::domain::validate::Invalid;
use crate::engine::usecases::{Outcome, Refusal};
use crate::wire::{ErrorType, header};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use ring::digest::{Context, SHA256};
use std::sync::{Arc, PoisonError};

/// The longest key, in bytes.
const LONGEST: usize = 255;

/// The largest answer that is kept, in bytes.
const LARGEST: usize = 128 << 10;

/// Under these paths, answers are kept; elsewhere a repeated call shows what is there by then.
const KEPT: &[&str] =
    &["/v1/messaging/messages", "/v1/herald/messages", "/v1/messaging/topics", "/v1/storage/buckets"];

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// What the caller named this call, if it did.
fn name(call: &Call) -> Outcome<Option<&str>> {
    let Some(value) = call.headers.get(header::IDEMPOTENCY_KEY) else { return Ok(None) };
    let name = value.to_str().ok().filter(|name| (1..=LONGEST).contains(&name.len()));
    let rule = "Value must be 1 to 255 printable characters";
    Ok(Some(name.ok_or_else(|| Invalid::value("Idempotency-Key", rule))?))
}

/// A call while it is being done.
struct InFlight {
    app: Arc<App>,
    key: [u8; 32],
}

impl InFlight {
    fn enter(app: &Arc<App>, key: [u8; 32]) -> Outcome<Self> {
        let entered = app.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        if entered { Ok(Self { app: Arc::clone(app), key }) } else { Err(in_flight()) }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.app.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

fn in_flight() -> Refusal {
    Refusal::new(
        ErrorType::IdempotencyInFlight,
        "A call with this Idempotency-Key is being done: ask again in a moment",
    )
}

/// Does a create once: the first time as it is, then by what was done.
pub(crate) async fn run(route: &'static Route, mut call: Call) -> Answered {
    let Some(name) = name(&call)? else { return (route.handler)(call).await };
    let who = call.actor().key.as_deref().unwrap_or(&call.actor().name);
    let door = if call.actor().key.is_some() { "key" } else { &call.actor().from };
    let body = match &call.body {
        Payload::Whole(bytes) => bytes.clone(),
        Payload::Stream(_) => Bytes::new(),
    };
    // Where it is asked is in the values of its path.
    let place = call.path.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("/");
    let once = Once {
        key: hash(&[door.as_bytes(), who.as_bytes(), name.as_bytes()]),
        call: hash(&[route.operation.as_bytes(), place.as_bytes(), &body]),
    };
    let app = Arc::clone(&call.app);
    let _in_flight = InFlight::enter(&app, once.key)?;
    let store = app.engine.store();
    if let Some(done) = store.done(once.key).await?.filter(|done| done.holds(app.engine.now())) {
        if done.call != once.call {
            return Err(Refusal::new(
                ErrorType::IdempotencyMismatch,
                "This Idempotency-Key was used for another call: use a new one for each call",
            ));
        }
        return again(route, call, done).await;
    }
    call.caller.actor.once = Some(once);
    let people = route.path.ends_with("/subscribers");
    let kept = !people && KEPT.iter().any(|place| route.path.starts_with(place));
    let (parts, body) = (route.handler)(call).await?.into_parts();
    let body = body.collect().await.map_err(|error| {
        Refusal::new(ErrorType::ServerError, format!("The answer cannot be kept: {error}"))
    })?;
    let body = body.to_bytes();
    // What names a person is erased with the person, and a provider may show credentials.
    if body.len() <= LARGEST && kept {
        // Without it a repeated call answers what is there by then, so its loss is bearable.
        if let Err(error) = store.answer_done(once.key, body.to_vec()).await {
            tracing::debug!(%error, "the answer of a repeatable call was not kept");
        }
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// The answer to a call that was done before.
async fn again(route: &'static Route, call: Call, done: Done) -> Answered {
    let mut response = match done.answer {
        Some(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            let json = HeaderValue::from_static("application/json; charset=UTF-8");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        None => shown(route, call, &done.resource).await?,
    };
    *response.status_mut() = StatusCode::from_u16(route.status).unwrap_or(StatusCode::CREATED);
    response.headers_mut().insert(header::REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// What a call made, as it is now.
async fn shown(route: &'static Route, mut call: Call, resource: &str) -> Answered {
    let (kind, id) = resource.rsplit_once('/').unwrap_or_default();
    let place = match kind {
        "message" => "/v1/messaging/messages",
        "provider" => "/v1/messaging/providers",
        _ => route.path,
    };
    let beside = |path: &str| -> Option<String> {
        let rest = path.strip_prefix(place)?.strip_prefix("/{")?.strip_suffix('}')?;
        (!rest.contains('/')).then(|| rest.to_owned())
    };
    let mut found = ROUTES.iter().filter(|row| row.method == "GET");
    let found = found.find_map(|row| Some((row, beside(row.path)?)));
    let Some((row, param)) = found else {
        return Err(Refusal::new(ErrorType::NotFound, format!("It was done before, and made {resource}")));
    };
    // Before a parameter of the same name, which is where it was asked.
    call.path.insert(0, (param, id.to_owned()));
    call.query.clear();
    (row.handler)(call).await
}
