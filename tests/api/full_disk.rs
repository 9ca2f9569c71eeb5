//! A disk that is full: what needs no write keeps working, the rest says when to come again.

use crate::world::{World, eventually, key, topic};
use herald::api::Peer;
use herald::client::body_from;
use herald::domain::time::SystemClock;
use herald::store::disk::sim::Disk;
use herald::store::embedded::{Options, Storage, WriterMode};
use herald::store::seal::{KeySource, SealingKey};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

async fn world(disk: &Disk) -> World {
    let options = Options {
        clock: Arc::new(SystemClock),
        writer: WriterMode::Threaded(Duration::from_millis(1)),
        storage: Storage::Simulated(disk.clone()),
        key: KeySource::Given(SealingKey::fixed([7; 32])),
        reserve_bytes: 1 << 20,
        ..Options::default()
    };
    World::on(&[("api.timeout", "2s")], options).await
}

async fn ask(world: &World, method: &str, path: &str, key: &str, body: &str) -> (Response<()>, Value) {
    let request = Request::builder().method(method).uri(path).header("x-appwrite-key", key);
    let request = request.body(body_from(body.to_owned())).unwrap();
    let peer = Peer::tcp("203.0.113.9:4711".parse().unwrap());
    let (parts, body) = world.api.for_peer(peer).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn it_reads_says_503_to_writes_and_goes_on_by_itself() {
    let disk = Disk::new();
    let world = world(&disk).await;
    topic(&world.client(), "before", &[]).await;
    let scopes =
        ["topics.read", "topics.write", "users.write", "messages.write", "buckets.write", "providers.write"];
    let key = key(&world, &[scopes.as_slice(), &["webhooks.write", "subscribers.write"]].concat()).await;
    disk.limit(disk.used());

    let create = r#"{"topicId":"full","name":"T"}"#;
    // What fits into the file as it is may still be written.
    let mut written = 0;
    eventually(async || {
        let body = format!(r#"{{"topicId":"t{written}","name":"{}"}}"#, "x".repeat(128));
        let (answer, _) = ask(&world, "POST", "/v1/messaging/topics", &key, &body).await;
        written += u64::from(answer.status() == 201);
        answer.status() == 503
    })
    .await;
    for _ in 0..3 {
        let (answer, body) = ask(&world, "POST", "/v1/messaging/topics", &key, create).await;
        assert_eq!((answer.status().as_u16(), &body["type"]), (503, &"general_store_suspended".into()));
        assert_eq!(answer.headers()["retry-after"], "5");
        assert!(body["message"].as_str().is_some_and(|text| text.contains("free space")), "{body}");
    }

    for (method, path, body) in [
        ("POST", "/v1/users", r#"{"userId":"u","email":"u@example.com"}"#),
        ("POST", "/v1/messaging/messages/sms", r#"{"messageId":"m","content":"C","draft":true}"#),
        (
            "POST",
            "/v1/messaging/messages/email",
            r#"{"messageId":"m","subject":"S","content":"C","draft":true}"#,
        ),
        ("POST", "/v1/messaging/messages/push", r#"{"messageId":"m","title":"T","draft":true}"#),
        ("POST", "/v1/storage/buckets", r#"{"bucketId":"b","name":"B"}"#),
        ("POST", "/v1/messaging/providers/smtp", r#"{"providerId":"p","name":"P","host":"mx.example.com"}"#),
        ("POST", "/v1/herald/webhooks", r#"{"webhookId":"w","name":"W","url":"https://shop.example/x"}"#),
        ("PATCH", "/v1/messaging/topics/before", r#"{"name":"After"}"#),
    ] {
        let (answer, said) = ask(&world, method, path, &key, body).await;
        assert_eq!(answer.status(), 503, "{method} {path}: {said}");
        assert_eq!(answer.headers()["retry-after"], "5", "{method} {path}");
    }

    let (answer, body) = ask(&world, "GET", "/v1/messaging/topics/before", &key, "").await;
    assert_eq!((answer.status().as_u16(), &body["name"]), (200, &"Topic before".into()), "{body}");
    let (answer, body) = ask(&world, "GET", "/v1/messaging/topics", &key, "").await;
    assert_eq!((answer.status().as_u16(), &body["total"]), (200, &(written + 1).into()), "{body}");
    let (_, health) = ask(&world, "GET", "/v1/health", &key, "").await;
    assert_eq!(health["status"], "fail");

    disk.heal();
    eventually(async || {
        let (answer, _) = ask(&world, "POST", "/v1/messaging/topics", &key, create).await;
        // Those that were told to come again may have been written by now.
        matches!(answer.status().as_u16(), 201 | 409)
    })
    .await;
    assert_eq!(ask(&world, "GET", "/v1/messaging/topics/full", &key, "").await.0.status(), 200);
}
