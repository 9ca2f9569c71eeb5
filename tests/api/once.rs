//! `Idempotency-Key`: a create that is repeated makes nothing twice.

use crate::checked::Checked;
use crate::world::{World, key, person};
use herald::api::Peer;
use herald::client::body_from;
use herald::domain::time::SystemClock;
use herald::store::disk::sim::Disk;
use herald::store::embedded::{Options, Storage, WriterMode};
use herald::store::seal::{KeySource, SealingKey};
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// Status, body, and whether it was given before.
type Answer = (u16, Value, bool);

async fn post_as(
    world: &World,
    peer: Peer,
    secret: Option<&str>,
    path: &str,
    name: &str,
    body: &Value,
) -> Answer {
    let mut request = Request::post(path).header("idempotency-key", name);
    if let Some(secret) = secret {
        request = request.header("x-appwrite-key", secret);
    }
    let request = request.body(body_from(body.to_string())).unwrap();
    let (parts, body) = Checked(world.api.for_peer(peer)).oneshot(request).await.unwrap().into_parts();
    let replayed = parts.headers.get("idempotency-replayed").is_some_and(|value| value == "true");
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status.as_u16(), serde_json::from_slice(&body).unwrap(), replayed)
}

async fn post(world: &World, path: &str, name: &str, body: &Value) -> Answer {
    post_as(world, Peer::process(), None, path, name, body).await
}

#[tokio::test]
async fn a_repeated_create_answers_the_same_and_makes_one() {
    let world = World::new().await;
    person(&world.client(), "ana").await;
    let creates = [
        (
            "/v1/messaging/messages/email",
            "messages",
            json!({"messageId": "unique()", "subject": "S", "content": "C", "draft": true}),
        ),
        (
            "/v1/messaging/messages/sms",
            "messages",
            json!({"messageId": "unique()", "content": "C", "draft": true}),
        ),
        ("/v1/messaging/topics", "topics", json!({"topicId": "t", "name": "T"})),
        (
            "/v1/messaging/topics/t/subscribers",
            "subscribers",
            json!({"subscriberId": "unique()", "targetId": "ana-t"}),
        ),
        (
            "/v1/messaging/providers/smtp",
            "providers",
            json!({"providerId": "unique()", "name": "P", "host": "mx.example.com"}),
        ),
        ("/v1/users", "users", json!({"userId": "unique()", "email": "bo@example.com"})),
        (
            "/v1/users/ana/targets",
            "targets",
            json!({"targetId": "unique()", "providerType": "sms", "identifier": "+4915112345678"}),
        ),
        ("/v1/storage/buckets", "buckets", json!({"bucketId": "unique()", "name": "B"})),
    ];
    for (path, list, body) in creates {
        let listed = path.replace("/email", "").replace("/sms", "").replace("/smtp", "");
        let count = async || world.get(&listed).await.1[list].as_array().unwrap().len();
        let before = count().await;
        let (status, first, replayed) = post(&world, path, path, &body).await;
        assert_eq!((status, replayed), (201, false), "{path}: {first}");
        for _ in 0..2 {
            assert_eq!(post(&world, path, path, &body).await, (201, first.clone(), true), "{path}");
        }
        assert_eq!(count().await, before + 1, "{path}");
        let mut other = body;
        other["name"] = "other".into();
        let (status, refused, _) = post(&world, path, path, &other).await;
        assert_eq!((status, &refused["type"]), (422, &"general_idempotency_key_reused".into()), "{path}");
    }
}

#[tokio::test]
async fn the_first_answer_is_given_also_when_things_have_moved_on() {
    let world = World::new().await;
    let body = json!({"topicId": "t", "name": "before"});
    let first = post(&world, "/v1/messaging/topics", "n", &body).await;
    world.patch("/v1/messaging/topics/t", json!({"name": "after"})).await;
    let again = post(&world, "/v1/messaging/topics", "n", &body).await;
    assert_eq!((again.1["name"].as_str(), again.2), (Some("before"), true));
    assert_eq!(again.1, first.1);
}

#[tokio::test]
async fn a_refused_create_may_be_tried_again_and_names_are_each_callers_own() {
    let world = World::new().await;
    let (one, other) = (key(&world, &["topics.write"]).await, key(&world, &["topics.write"]).await);
    let ask = async |secret: &str, body: Value| {
        let stranger = Peer::tcp("203.0.113.9:4711".parse().unwrap());
        post_as(&world, stranger, Some(secret), "/v1/messaging/topics", "n", &body).await
    };
    assert_eq!(ask(&one, json!({"topicId": "t"})).await.0, 400);
    assert_eq!(ask(&one, json!({"topicId": "t", "name": "T"})).await.0, 201);
    let (status, body, replayed) = ask(&other, json!({"topicId": "u", "name": "U"})).await;
    assert_eq!((status, replayed), (201, false), "{body}");
    assert!(ask(&one, json!({"topicId": "t", "name": "T"})).await.2);
    for bad in [String::new(), "x".repeat(256)] {
        let answer = post(&world, "/v1/messaging/topics", &bad, &json!({"topicId": "v", "name": "V"})).await;
        assert_eq!(answer.0, 400, "{bad:?}");
    }
}

fn options(disk: &Disk) -> Options {
    Options {
        clock: Arc::new(SystemClock),
        writer: WriterMode::Threaded(Duration::from_millis(5)),
        storage: Storage::Simulated(disk.clone()),
        key: KeySource::Given(SealingKey::fixed([7; 32])),
        reserve_bytes: 0,
        ..Options::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_is_done() {
    let disk = Disk::new();
    let world = Arc::new(World::on(&[], options(&disk)).await);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let world = Arc::clone(&world);
            let body = json!({"messageId": "unique()", "content": "C", "draft": true});
            tokio::spawn(async move { post(&world, "/v1/messaging/messages/sms", "n", &body).await })
        })
        .collect();
    let mut ids = Vec::new();
    for call in calls {
        match call.await.unwrap() {
            (201, body, _) => ids.push(body["$id"].as_str().unwrap().to_owned()),
            (409, body, _) => assert_eq!(body["type"], "general_idempotency_key_in_flight"),
            other => panic!("{other:?}"),
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.get("/v1/messaging/messages").await.1["total"], 1);
}

#[tokio::test]
async fn after_a_crash_nothing_is_done_twice() {
    let body = json!({"messageId": "unique()", "content": "C", "draft": true});
    let disk = Disk::new();
    let world = World::on(&[], options(&disk)).await;
    let first = post(&world, "/v1/messaging/messages/sms", "n", &body).await;
    assert_eq!(first.0, 201);
    for seed in 0..8 {
        // The power fails; nothing was closed.
        let survived = disk.cut(seed);
        let world = World::on(&[], options(&survived)).await;
        let again = post(&world, "/v1/messaging/messages/sms", "n", &body).await;
        assert_eq!((again.0, &again.1["$id"], again.2), (201, &first.1["$id"], true), "seed {seed}");
        assert_eq!(world.get("/v1/messaging/messages").await.1["total"], 1);
    }
}
