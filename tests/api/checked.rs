//! Holds every answer against the description of the API.

use boon::{Compiler, SchemaIndex, Schemas};
use bytes::Bytes;
use herald::api::ApiService;
use herald::api::openapi::document;
use herald::client::Body;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use tower::{Service, ServiceExt};

/// The API; a JSON answer that its description does not allow fails the test.
#[derive(Clone)]
pub struct Checked(pub ApiService);

/// What an operation may answer: by status, a media type and its schema.
type Answers = BTreeMap<u16, Option<(String, SchemaIndex)>>;

struct Description {
    schemas: Schemas,
    /// Method, path by its parts, answers.
    operations: Vec<(String, Vec<String>, Answers)>,
}

static DESCRIPTION: LazyLock<Description> = LazyLock::new(|| {
    let mut document = document();
    let paths = document["paths"].take();
    let mut checks = Vec::new();
    let mut found = Vec::new();
    for (path, methods) in paths.as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let answer = match answer["$ref"].as_str() {
                    Some(to) => document.pointer(to.trim_start_matches('#')).unwrap().clone(),
                    None => answer.clone(),
                };
                let content = answer["content"].as_object().and_then(|content| content.iter().next());
                let content = content.map(|(media, body)| {
                    // Of a stream, each line is held against what is described.
                    let schema = &body["schema"];
                    checks.push(schema.get("contentSchema").unwrap_or(schema).clone());
                    (media.clone(), checks.len() - 1)
                });
                found.push((method.to_uppercase(), path.clone(), status.parse::<u16>().unwrap(), content));
            }
        }
    }
    document["checks"] = checks.into();
    let resource = json!({ "components": document["components"], "checks": document["checks"] });
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("mem:///openapi.json", resource).unwrap();
    let mut operations: BTreeMap<(String, String), Answers> = BTreeMap::new();
    for (method, path, status, content) in found {
        let content = content.map(|(media, check)| {
            let place = format!("mem:///openapi.json#/checks/{check}");
            (
                media,
                compiler.compile(&place, &mut schemas).unwrap_or_else(|error| panic!("{path}: {error:#}")),
            )
        });
        operations.entry((method, path)).or_default().insert(status, content);
    }
    let parts = |path: &str| path.split('/').map(str::to_owned).collect();
    let operations =
        operations.into_iter().map(|((method, path), answers)| (method, parts(&path), answers)).collect();
    Description { schemas, operations }
});

impl Description {
    /// The operation of a call; one with a literal path comes before one with a parameter.
    fn operation(&self, method: &str, path: &str) -> Option<&Answers> {
        self.fitting(method, path).map(|(_, _, answers)| answers)
    }

    fn fitting(&self, method: &str, path: &str) -> Option<&(String, Vec<String>, Answers)> {
        let parts: Vec<_> = path.split('/').collect();
        let fits = |template: &[String]| {
            template.len() == parts.len()
                && template.iter().zip(&parts).all(|(known, part)| known.starts_with('{') || known == part)
        };
        let mut fitting: Vec<_> =
            self.operations.iter().filter(|(known, template, _)| known == method && fits(template)).collect();
        fitting.sort_by_key(|(_, template, _)| template.iter().filter(|part| part.starts_with('{')).count());
        fitting.first().copied()
    }
}

/// Fails if the description does not allow this answer.
fn check(method: &str, path: &str, status: u16, media: &str, body: &[u8]) {
    note(method, path, status);
    let what = format!("{method} {path} → {status}");
    let Some(answers) = DESCRIPTION.operation(method, path) else {
        // What has no route has no description; the answer says so.
        assert_eq!(status, 404, "{what} is not in the description");
        return;
    };
    let allowed = answers.get(&status).unwrap_or_else(|| {
        panic!("{what}: this status is not in the description: {}", String::from_utf8_lossy(body))
    });
    match allowed {
        None => assert!(body.is_empty(), "{what}: no body is described"),
        Some((described, schema)) => {
            let fits = described == "*/*" || media.starts_with(described.as_str());
            assert!(fits, "{what}: {described} is described, not {media}");
            if described == "application/json" {
                let value: Value = serde_json::from_slice(body).unwrap();
                if let Err(error) = DESCRIPTION.schemas.validate(&value, *schema) {
                    panic!("{what}: {error:#}\n{value:#}");
                }
            }
        }
    }
}

/// Fails if the description does not allow this line of a stream.
fn check_line(method: &str, path: &str, status: u16, line: &[u8]) {
    let line = std::str::from_utf8(line).unwrap().trim();
    // Of an event, the data is described.
    let json = line.strip_prefix("data:").unwrap_or(line).trim();
    if !json.starts_with('{') {
        return;
    }
    let answers = DESCRIPTION.operation(method, path).unwrap();
    let (_, schema) = answers[&status].as_ref().unwrap();
    let value: Value = serde_json::from_str(json).unwrap();
    if let Err(error) = DESCRIPTION.schemas.validate(&value, *schema) {
        panic!("{method} {path}: {error:#}\n{value:#}");
    }
}

/// Where the environment says so, a line is kept for each answer: what the tests have seen.
fn note(method: &str, path: &str, status: u16) {
    use std::io::Write;
    let Ok(file) = std::env::var("HERALD_SEEN") else { return };
    let Some((_, template, _)) = DESCRIPTION.fitting(method, path) else { return };
    let line = format!("{method} {} {status}\n", template.join("/"));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

impl Service<Request<Body>> for Checked {
    type Response = Response<axum::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(async move {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let (parts, body) = service.oneshot(request).await?.into_parts();
            let media =
                parts.headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap()).to_owned();
            let lines =
                ["application/x-ndjson", "text/event-stream"].into_iter().find(|one| media.starts_with(one));
            let body = if lines.is_none() {
                let bytes: Bytes = body.collect().await.unwrap().to_bytes();
                check(method.as_str(), &path, parts.status.as_u16(), &media, &bytes);
                axum::body::Body::from(bytes)
            } else {
                let status = parts.status.as_u16();
                check(method.as_str(), &path, status, &media, b"");
                let mut rest = Vec::new();
                axum::body::Body::new(body.map_frame(move |frame| {
                    rest.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| bytes));
                    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                        let line: Vec<u8> = rest.drain(..=end).collect();
                        check_line(method.as_str(), &path, status, &line);
                    }
                    frame
                }))
            };
            Ok(Response::from_parts(parts, body))
        })
    }
}
