//! What must never be stored: malformed bodies, wrong types, injected headers, forbidden ids.

use crate::world::World;
use bytes::Bytes;
use herald::client::Body;
use http::{Method, Request};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tower::ServiceExt;

async fn stored(world: &World) -> u64 {
    let mut sum = 0;
    for path in [
        "/v1/users",
        "/v1/messaging/topics",
        "/v1/messaging/messages",
        "/v1/messaging/providers",
        "/v1/storage/buckets",
    ] {
        sum += world.get(path).await.1["total"].as_u64().unwrap();
    }
    sum
}

#[tokio::test]
async fn bodies_that_are_no_objects() {
    let world = World::new().await;
    for body in
        ["{", "[]", "5", "\"x\"", "{\"topicId\":}", "nul", "{\"a\":1}{", "\u{feff}{}", &"[".repeat(100_000)]
    {
        let (status, error) = world.raw(Method::POST, "/v1/messaging/topics", body.to_owned()).await;
        assert_eq!((status, error["type"].as_str()), (400, Some("general_argument_invalid")), "{body:.20}");
    }
    assert_eq!(stored(&world).await, 0);
}

#[tokio::test]
async fn another_content_type_is_named() {
    let world = World::new().await;
    let request = Request::post("/v1/messaging/topics")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(herald::client::body_from("topicId=x&name=y"))
        .unwrap();
    let response = world.api.in_process().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn headers_cannot_be_injected() {
    let world = World::new().await;
    for bad in ["a\r\nBcc: x@example.com", "a\nb", "a\rb", "a\0b", "\u{1b}[2J"] {
        for (path, body) in [
            ("/v1/users", json!({"userId": "u", "name": bad})),
            ("/v1/users", json!({"userId": "u", "email": format!("a@example.com{bad}")})),
            ("/v1/messaging/topics", json!({"topicId": "t", "name": bad})),
            (
                "/v1/messaging/messages/email",
                json!({"messageId": "m", "subject": bad, "content": "x", "draft": true}),
            ),
            ("/v1/messaging/messages/push", json!({"messageId": "m", "title": bad, "draft": true})),
            (
                "/v1/messaging/providers/smtp",
                json!({"providerId": "p", "name": bad, "host": "mx.example.com"}),
            ),
            ("/v1/messaging/providers/smtp", json!({"providerId": "p", "name": "x", "host": bad})),
            (
                "/v1/messaging/providers/smtp",
                json!({"providerId": "p", "name": "x", "host": "mx.example.com", "fromName": bad}),
            ),
            (
                "/v1/messaging/providers/smtp",
                json!({"providerId": "p", "name": "x", "host": "mx.example.com", "password": bad}),
            ),
            ("/v1/herald/keys", json!({"name": bad})),
            ("/v1/storage/buckets", json!({"bucketId": "b", "name": bad})),
            ("/v1/messaging/messages/push", json!({"messageId": "m", "action": bad, "draft": true})),
        ] {
            let (status, error) = world.post(path, body.clone()).await;
            assert_eq!(status, 400, "{path} {body} {error}");
        }
    }
    assert_eq!(stored(&world).await, 0);
}

#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_not_read() {
    let world = World::new().await;
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let piece = Bytes::from(vec![b' '; 1 << 20]);
    let pieces = futures_util::stream::iter((0..100).map(move |_| {
        counted.fetch_add(1, SeqCst);
        Ok::<_, std::io::Error>(Frame::data(piece.clone()))
    }));
    let request = Request::post("/v1/messaging/topics").body(Body::new(StreamBody::new(pieces))).unwrap();
    let response = world.api.in_process().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 413);
    assert!(read.load(SeqCst) <= 4, "{} MiB were read", read.load(SeqCst));
    let said = Request::post("/v1/messaging/topics")
        .header("content-length", "104857600")
        .body(herald::client::body_from(" "))
        .unwrap();
    assert_eq!(world.api.in_process().oneshot(said).await.unwrap().status(), 413);
    let request = Request::delete("/v1/messaging/topics/x")
        .body(herald::client::body_from(vec![b'x'; 1 << 20]))
        .unwrap();
    assert_eq!(world.api.in_process().oneshot(request).await.unwrap().status(), 413);
}

/// A mistyped name must not pass in silence, wherever it stands.
#[tokio::test]
async fn fields_that_nobody_knows() {
    let world = World::new().await;
    for (path, body) in [
        ("/v1/users", json!({"userId": "u"})),
        ("/v1/messaging/topics", json!({"topicId": "t", "name": "x"})),
        (
            "/v1/messaging/messages/email",
            json!({"messageId": "m", "subject": "s", "content": "x", "draft": true}),
        ),
        ("/v1/messaging/messages/sms", json!({"messageId": "m", "content": "x", "draft": true})),
        ("/v1/messaging/messages/push", json!({"messageId": "m", "title": "x", "draft": true})),
        ("/v1/messaging/providers/smtp", json!({"providerId": "p", "name": "x", "host": "mx.example.com"})),
        ("/v1/storage/buckets", json!({"bucketId": "b", "name": "x"})),
    ] {
        let mut wrong = body.clone();
        wrong["unheard"] = json!(1);
        let (status, error) = world.post(path, wrong).await;
        assert_eq!((status, error["type"].as_str()), (400, Some("general_argument_invalid")), "{path}");
        assert!(error["message"].as_str().unwrap().contains("`unheard`"), "{error}");
    }
    assert_eq!(stored(&world).await, 0);
}

#[tokio::test]
async fn paths_that_lead_nowhere() {
    let world = World::new().await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/v1"),
        (Method::GET, "/v1/messaging/nothing"),
        (Method::PUT, "/v1/messaging/topics"),
        (Method::PATCH, "/v1/health"),
        (Method::OPTIONS, "/v1/messaging/topics"),
        (Method::POST, "/v1/messaging/providers/pigeon"),
    ] {
        let (status, error) = world.raw(method.clone(), path, "").await;
        assert_eq!(
            (status, error["type"].as_str()),
            (404, Some("general_route_not_found")),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_refused_in_the_dialects_shape() {
    let world = World::new().await;
    for path in ["/v1/messaging/messages/%ff", "/v1/users/%c3%28/targets"] {
        let (status, error) = world.get(path).await;
        assert_eq!((status, error["type"].as_str()), (400, Some("general_argument_invalid")), "{path}");
    }
}

#[tokio::test]
async fn an_answer_says_who_it_is_for() {
    let world = World::new().await;
    let request = Request::get("/v1/users/nobody")
        .header("x-request-id", "abc-1")
        .body(herald::client::empty_body())
        .unwrap();
    let response = world.api.in_process().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "abc-1");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.headers()["cache-control"], "no-cache, no-store, must-revalidate");
    let response = world.call(Method::DELETE, "/v1/users/nobody", "{}").await;
    assert_eq!(response.headers()["content-type"], "application/json; charset=UTF-8");
    let request =
        Request::get("/v1/health").header("x-request-id", "a b\u{7f}").body(herald::client::empty_body());
    if let Ok(request) = request {
        let response = world.api.in_process().oneshot(request).await.unwrap();
        assert_ne!(response.headers()["x-request-id"], "a b");
    }
    world.post("/v1/messaging/topics", json!({"topicId": "t", "name": "T"})).await;
    let response = world.call(Method::DELETE, "/v1/messaging/topics/t", "{}").await;
    assert_eq!(response.status(), 204);
    // The Python SDK wants one in every answer, and the others parse JSON where it says JSON.
    assert_eq!(response.headers()["content-type"], "text/plain; charset=UTF-8");
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever an id is made of: it is taken by the rule, or refused and nothing is stored.
    #[test]
    fn ids_by_the_rule_alone(id in "\\PC{0,40}|[ -~]{1,4}|[a-zA-Z0-9._-]{1,38}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let good = herald::domain::ids::check_id(&id).is_ok() || id == "unique()";
            let (status, _) = world.post("/v1/messaging/topics", json!({"topicId": id, "name": "x"})).await;
            assert_eq!(status, if good { 201 } else { 400 }, "{id:?}");
            assert_eq!(stored(&world).await, u64::from(good));
        });
    }

    /// Whatever type a parameter has: never a 5xx.
    #[test]
    fn no_type_of_value_breaks_anything(
        field in prop::sample::select(vec!["messageId", "subject", "content", "topics", "users", "targets", "cc", "draft", "html", "scheduledAt", "expiresAt", "undo", "inDoubt", "confirmed", "scheduleWords", "revision", "attachments"]),
        value in prop::sample::select(vec![json!(true), json!(-1), json!(1e300), json!(""), json!("x"), json!([]), json!([1]), json!([[]]), json!({}), json!({"a": 1}), json!("9999-99-99"), json!(u64::MAX)]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let mut body = json!({"messageId": "m", "subject": "s", "content": "c", "draft": true});
            body[field] = value.clone();
            let (status, error) = world.post("/v1/messaging/messages/email", body).await;
            assert!(status == 201 || (400..500).contains(&status), "{field}={value}: {status} {error}");
        });
    }
}
