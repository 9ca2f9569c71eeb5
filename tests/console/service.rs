//! The world behind a tower service, as the router of this process is.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use herald::client::{Body, Client, InProcess, body_from};
use herald::domain::channel::Channel;
use herald::domain::ids::Revision;
use herald::domain::suppression::SuppressionCause;
use herald::domain::time::Timestamp;
use herald::wire::delivery::DeliveryRequest;
use herald::wire::event::Changes;
use herald::wire::message::{Data, SmsData, State};
use herald::wire::suppression::{SuppressionParameters, UndoSuppressions};
use herald::wire::transfer::ImportProgress;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::world::{World, at, message};

/// The API, and what was asked of it.
#[derive(Clone)]
pub struct Api(Arc<Mutex<Inner>>);

struct Inner {
    world: World,
    calls: Vec<(Method, String, Value)>,
    listeners: Vec<mpsc::UnboundedSender<String>>,
    changes: Changes,
    down: bool,
    /// Whether somebody else has changed every message meanwhile.
    stale: bool,
    /// Whether the bucket of attachments has been made.
    bucket: bool,
}

impl Api {
    pub fn new(world: World) -> Self {
        let changes = Changes { log: world.log.len() as u64, ..Changes::default() };
        Self(Arc::new(Mutex::new(Inner {
            world,
            calls: Vec::new(),
            listeners: Vec::new(),
            changes,
            down: false,
            bucket: false,
            stale: false,
        })))
    }

    pub fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        Client::new(InProcess::new(service)).operator("op")
    }

    /// Changes the world and says so.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        let mut inner = self.0.lock().unwrap();
        change(&mut inner.world);
        let log = inner.world.log.last().map_or(0, |row| row.seq + 1);
        let c = &mut inner.changes;
        (c.commits, c.messages, c.people, c.topics) =
            (c.commits + 1, c.messages + 1, c.people + 1, c.topics + 1);
        (c.providers, c.engine, c.log) = (c.providers + 1, c.engine + 1, log);
        let event = said("changed", &inner.changes);
        inner.listeners.retain(|listener| listener.send(event.clone()).is_ok());
    }

    /// The same, and no event tells of it.
    pub fn quietly(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.0.lock().unwrap().world);
    }

    /// Nobody answers any more; or somebody does again.
    pub fn down(&self, down: bool) {
        let mut inner = self.0.lock().unwrap();
        inner.down = down;
        inner.listeners.clear();
    }

    /// Somebody else has changed every message meanwhile; or not.
    pub fn stale(&self, stale: bool) {
        self.0.lock().unwrap().stale = stale;
    }

    /// How often a path was asked for with a method.
    pub fn count(&self, method: &Method, path: &str) -> usize {
        let inner = self.0.lock().unwrap();
        inner.calls.iter().filter(|(m, p, _)| m == method && p.starts_with(path)).count()
    }

    /// All that was asked.
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls.len()
    }

    /// The bodies that were sent to a path.
    pub fn bodies(&self, method: &Method, path: &str) -> Vec<Value> {
        let inner = self.0.lock().unwrap();
        let same = |(m, p, _): &&(Method, String, Value)| m == method && p.starts_with(path);
        inner.calls.iter().filter(same).map(|(_, _, body)| body.clone()).collect()
    }

    /// Reads a file of people slowly, a step for each piece of it.
    fn import(&self, mut body: Body) -> Response<Body> {
        let (steps, receiver) = mpsc::unbounded_channel();
        let path = "/v1/herald/imports".to_owned();
        self.0.lock().unwrap().calls.push((Method::POST, path, Value::Null));
        tokio::spawn(async move {
            let mut step = ImportProgress { id: "import1".to_owned(), ..ImportProgress::default() };
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                match body.frame().await {
                    Some(Ok(frame)) if frame.is_trailers() => "stopped".clone_into(&mut step.error),
                    Some(Ok(frame)) => {
                        let bytes = frame.into_data().unwrap();
                        step.bytes += bytes.len() as u64;
                        step.lines += bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
                        step.rows = step.lines.saturating_sub(1);
                        step.counts.users = step.rows;
                    }
                    Some(Err(error)) => step.error = format!("the file broke off: {error}"),
                    None => step.done = true,
                }
                let over = step.done || !step.error.is_empty();
                let line = format!("{}\n", serde_json::to_string(&step).unwrap());
                if steps.send(line).is_err() || over {
                    return;
                }
            }
        });
        let frames = UnboundedReceiverStream::new(receiver)
            .map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
        Response::new(Body::new(StreamBody::new(frames)))
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        if head.method == Method::POST && head.uri.path() == "/v1/herald/imports" {
            return self.import(body);
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        let mut body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        // Of a form, the id that the file is to have.
        if let Some((_, rest)) = String::from_utf8_lossy(&bytes).split_once("name=\"fileId\"\r\n\r\n") {
            body = json!({ "fileId": rest.split("\r\n").next() });
        }
        let path = head.uri.path().to_owned();
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let mut inner = self.0.lock().unwrap();
        if inner.down {
            return refused(StatusCode::SERVICE_UNAVAILABLE, "general_unavailable");
        }
        if path == "/v1/herald/events" {
            return inner.listen();
        }
        inner.calls.push((head.method.clone(), path.clone(), body.clone()));
        if ["subject", "content"].iter().any(|name| body[name] == json!("")) {
            return refused(StatusCode::BAD_REQUEST, "general_argument_invalid");
        }
        if inner.stale && head.method == Method::PATCH {
            return changed_meanwhile();
        }
        // There are more targets than can be put in the order of their addresses.
        let by_address = |text: &String| text.contains("order") && text.contains("identifier");
        if path == "/v1/herald/targets" && query.values().any(by_address) {
            return refused(StatusCode::BAD_REQUEST, "general_query_invalid");
        }
        if path.ends_with("/files") && !inner.bucket {
            return refused(StatusCode::NOT_FOUND, "storage_bucket_not_found");
        }
        match inner.route(&head.method, &path, &query, &body) {
            Some(value) => Response::new(body_from(serde_json::to_vec(&value).unwrap())),
            None => refused(StatusCode::NOT_FOUND, "general_route_not_found"),
        }
    }
}

fn said(event: &str, changes: &Changes) -> String {
    format!("event: {event}\ndata: {}\n\n", serde_json::to_string(changes).unwrap())
}

fn refused(status: StatusCode, kind: &str) -> Response<Body> {
    let body = json!({ "message": kind, "code": status.as_u16(), "type": kind, "version": "1" });
    let mut response = Response::new(body_from(body.to_string()));
    *response.status_mut() = status;
    response
}

/// What the API says of a change that comes after somebody else's.
fn changed_meanwhile() -> Response<Body> {
    let body = json!({
        "message": "changed", "code": 409, "type": "general_stale", "version": "1",
        "stale": {
            "revision": 9, "by": "bo", "at": "2026-11-20T14:02:11Z",
            "difference": [{ "field": "subject", "now": "Theirs" }],
        },
    });
    let mut response = Response::new(body_from(body.to_string()));
    *response.status_mut() = StatusCode::CONFLICT;
    response
}

/// The cursor and the limit of a list's queries.
fn page(query: &BTreeMap<String, String>) -> (Option<String>, usize) {
    let (mut after, mut limit) = (None, 25);
    for (name, value) in query {
        if name.starts_with("queries") {
            let query: Value = serde_json::from_str(value).unwrap();
            match query["method"].as_str() {
                Some("cursorAfter") => after = query["values"][0].as_str().map(ToOwned::to_owned),
                Some("limit") => limit = query["values"][0].as_u64().unwrap() as usize,
                _ => {}
            }
        }
    }
    (after, limit)
}

impl Inner {
    fn listen(&mut self) -> Response<Body> {
        let (sender, receiver) = mpsc::unbounded_channel();
        sender.send(said("reset", &self.changes)).unwrap();
        self.listeners.push(sender);
        let frames = UnboundedReceiverStream::new(receiver)
            .map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
        Response::new(Body::new(StreamBody::new(frames)))
    }

    fn route(
        &mut self,
        method: &Method,
        path: &str,
        query: &BTreeMap<String, String>,
        body: &Value,
    ) -> Option<Value> {
        let (after, limit) = page(query);
        let after = after.as_deref();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let get = *method == Method::GET;
        let world = &mut self.world;
        Some(match parts.as_slice() {
            ["herald", "overview"] => to(&world.overview),
            ["messaging", "messages"] => to(&world.messages(after, limit)),
            ["messaging", "messages", kind] if *method == Method::POST => {
                let mut new = message("new1", State::Draft, "");
                new.provider_type = Channel::parse(kind)?;
                new.data = match new.provider_type {
                    Channel::Email => new.data,
                    Channel::Sms => Data::Sms(SmsData::default()),
                    Channel::Push => Data::Push(Box::default()),
                };
                new.data = written(body, new.data);
                world.messages.insert(0, new.clone());
                to(&new)
            }
            ["messaging", "messages", id] if *method == Method::DELETE => {
                world.messages.retain(|row| row.id.as_str() != *id);
                Value::Null
            }
            ["messaging", "messages", _, id] => {
                let row = world.messages.iter_mut().find(|row| row.id.as_str() == *id)?;
                row.data = written(body, row.data.clone());
                row.revision = row.revision.next();
                if body["draft"] == json!(false) {
                    row.state = State::Scheduled;
                    let given = body["scheduledAt"].as_str().and_then(Timestamp::parse);
                    row.scheduled_at = given.or_else(|| Some(at(body["undo"].as_i64().unwrap_or(0))));
                }
                to(row)
            }
            ["herald", "messages", id, "preview"] if !id.is_empty() => to(&world.preview()),
            ["herald", "messages", _, "untried"] => json!({
                "untried": [
                    { "targetId": "target1", "address": "reader1@example.com" },
                    { "targetId": "target2", "address": "reader2@example.com" },
                ],
                "planned": true,
            }),
            ["herald", "messages", id, verb] => {
                let row = world.messages.iter_mut().find(|row| row.id.as_str() == *id)?;
                if *verb == "duplicate" {
                    let copy = message("copy1", State::Draft, row.headline());
                    world.messages.insert(0, copy.clone());
                    return Some(to(&copy));
                }
                row.revision = row.revision.next();
                row.state = match *verb {
                    "undo" => State::Draft,
                    "pause" => State::Paused,
                    "resume" => State::Processing,
                    "cancel" => State::Cancelled,
                    "hold" => State::Held,
                    _ => return None,
                };
                to(row)
            }
            ["herald", "messages", id] => to(&world.detail(&id.parse().ok()?)?),
            ["messaging", "topics"] if !get => to(&super::world::topic("made", 0, 0, 0)),
            ["messaging", "topics", id, "subscribers"] if !get => {
                to(&world.subscribers(&id.parse().ok()?, None, 1).subscribers[0])
            }
            ["messaging", "topics", id] if get => {
                to(world.topics.iter().find(|row| row.id.as_str() == *id)?)
            }
            ["messaging", "topics", id, "subscribers", one] if get => {
                let all = world.subscribers(&id.parse().ok()?, None, 100);
                to(all.subscribers.iter().find(|row| row.id.as_str() == *one)?)
            }
            ["herald", "targets", id] => to(world.targets.iter().find(|row| row.id.as_str() == *id)?),
            ["herald", "routing"] => to(&world.routing),
            ["messaging", "topics"] if get => to(&world.topics(after, limit)),
            ["messaging", "topics", id, "subscribers"] => {
                to(&world.subscribers(&id.parse().ok()?, after, limit))
            }
            ["herald", "targets"] => {
                let filter = query.get("filter").cloned().unwrap_or_default();
                let mut some = world.clone();
                if let Some(address) = filter.strip_prefix("address=") {
                    let address = address.trim_matches('"');
                    some.targets.retain(|target| target.identifier == address);
                }
                to(&some.targets(after, limit))
            }
            ["herald", "suppressions"] if get => {
                let address = query.get("address").cloned();
                to(&world
                    .suppressions(&SuppressionParameters { address, ..SuppressionParameters::default() }))
            }
            ["herald", "suppressions"] => {
                let mut record = super::world::bounced(90);
                body["addresses"][0].as_str()?.clone_into(&mut record.address);
                record.cause = SuppressionCause::Manual;
                world.suppressed.push(record);
                json!({ "added": 1, "known": 0, "suppressions": [], "refused": [], "refusedCount": 0 })
            }
            ["herald", "suppressions", "undo"] => {
                let asked: UndoSuppressions = serde_json::from_value(body.clone()).ok()?;
                let found = world.undoable(&asked);
                if asked.count.is_some() {
                    world.suppressed.retain(|record| record.cause != asked.cause);
                }
                to(&found)
            }
            ["herald", "suppressions", id] if get => {
                to(world.suppressed.iter().find(|record| record.id.as_str() == *id)?)
            }
            ["herald", "suppressions", id] => {
                world.suppressed.retain(|record| record.id.as_str() != *id);
                json!({})
            }
            ["herald", "operations"] => to(&World::operation(serde_json::from_value(body.clone()).ok()?)),
            ["herald", "operations", _, "confirm"] => {
                let asked = json!({ "action": "retry", "filter": "" });
                to(&World::operation(serde_json::from_value(asked).ok()?))
            }
            ["messaging", "providers", id] | ["messaging", "providers", _, id] => {
                let mut provider = World::provider(&id.parse().ok()?);
                provider.revision = Revision(world.provider_revision);
                to(&provider)
            }
            ["herald", "errors"] => to(&World::errors()),
            ["herald", "drafts"] => json!({ "drafts": world.drafts }),
            ["herald", "drafts", id] if *method == Method::PUT => {
                let revision = world.drafts.iter().find(|draft| draft.id.as_str() == *id);
                let revision = revision.map_or(Revision(1), |draft| draft.revision.next());
                world.drafts.retain(|draft| draft.id.as_str() != *id);
                let draft = herald::wire::draft::SavedDraft {
                    id: id.parse().ok()?,
                    created_at: at(0),
                    updated_at: at(0),
                    revision,
                    document: body["document"].as_object()?.clone(),
                };
                world.drafts.insert(0, draft.clone());
                to(&draft)
            }
            ["herald", "drafts", id] => {
                world.drafts.retain(|draft| draft.id.as_str() != *id);
                Value::Null
            }
            ["herald", "providers", _, "test"] => json!({
                "ok": true,
                "dialogue": [
                    { "ours": true, "text": "AUTH PLAIN ••••" },
                    { "ours": false, "text": "235 2.7.0 Authentication successful" },
                ],
                "finding": if body["to"].is_string() {
                    "The service took the test message: look whether it arrives."
                } else {
                    "The service takes us"
                },
                "sent": body["to"].as_str().map(|_| true),
            }),
            ["herald", "settings"] => to(&World::settings()),
            ["storage", "buckets"] => {
                self.bucket = true;
                json!({
                    "$id": "attachments", "$createdAt": at(0), "$updatedAt": at(0), "$permissions": [],
                    "fileSecurity": false, "name": "Attachments", "enabled": true,
                    "maximumFileSize": 1 << 30, "allowedFileExtensions": [],
                })
            }
            ["herald", "storage", _, file, "discard"] => {
                json!({ "count": u64::from(!world.named.contains(*file)) })
            }
            ["herald", "topics", _, "targets"] => {
                let Some(who) = body["who"].as_array() else {
                    let subscribed = body["targets"].as_array()?.len();
                    return Some(json!({ "subscribed": subscribed, "known": 0, "missing": 0 }));
                };
                // Whoever is nobody's, and who has been there before, say so in their address.
                let rows = who.iter().map(|who| {
                    let is = |word: &str| u64::from(who.as_str().unwrap().contains(word));
                    let reason = if is("nobody") == 1 { "no target has this address" } else { "" };
                    let subscribed = 1 - is("nobody") - is("known");
                    json!({ "who": who, "subscribed": subscribed, "known": is("known"), "reason": reason })
                });
                let rows: Vec<Value> = rows.collect();
                let sum = |name: &str| rows.iter().map(|row| row[name].as_u64().unwrap()).sum::<u64>();
                let missing = rows.iter().filter(|row| row["reason"] != "").count();
                let (subscribed, known) = (sum("subscribed"), sum("known"));
                json!({ "subscribed": subscribed, "known": known, "missing": missing, "rows": rows })
            }
            ["herald", "imports"] => json!({ "imports": [] }),
            ["storage", "buckets", bucket, "files"] => json!({
                "$id": body["fileId"], "bucketId": bucket, "$createdAt": at(0), "$updatedAt": at(0),
                "$permissions": [], "name": "prices.pdf", "signature": "", "mimeType": "application/pdf",
                "sizeOriginal": 3000, "chunksTotal": 1, "chunksUploaded": 1,
            }),
            ["users"] => json!({ "total": 0, "users": [] }),
            ["users", id] => to(&World::user(&id.parse().ok()?)),
            ["herald", "providers"] => to(&world.providers),
            ["herald", "audit"] => {
                let mut page = World::audit();
                let changed = query.get("resource").and_then(|resource| world.changed.get(resource));
                if let (Some(who), Some(entry)) = (changed, page.entries.first_mut()) {
                    who.clone_into(&mut entry.actor.name);
                    entry.at = at(-5);
                    "topic.delete".clone_into(&mut entry.event);
                }
                to(&page)
            }
            ["herald", "deliveries"] => {
                let number = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok());
                let request = DeliveryRequest {
                    message: query.get("message").and_then(|id| id.parse().ok()),
                    target: None,
                    address: query.get("address").cloned(),
                    filter: query.get("filter").cloned(),
                    after: number("after"),
                    ascending: query.get("ascending").map(|text| text == "true"),
                    limit: number("limit").map(|n| n as usize),
                };
                to(&world.deliveries(&request))
            }
            _ => return None,
        })
    }
}

fn to(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn written(body: &Value, old: Data) -> Data {
    let mut mail = match old {
        Data::Email(mail) => mail,
        Data::Sms(mut sms) => {
            if let Some(content) = body["content"].as_str() {
                content.clone_into(&mut sms.content);
            }
            return Data::Sms(sms);
        }
        Data::Push(mut push) => {
            if let Some(title) = body["title"].as_str() {
                push.title = Some(title.to_owned());
            }
            return Data::Push(push);
        }
    };
    if let Some(subject) = body["subject"].as_str() {
        subject.clone_into(&mut mail.subject);
    }
    if let Some(content) = body["content"].as_str() {
        content.clone_into(&mut mail.content);
    }
    Data::Email(mail)
}
