//! `/metrics`: well-formed, and true.

use crate::world::{World, eventually, topic};
use http::Method;
use http_body_util::BodyExt;
use std::collections::BTreeMap;

/// Every value, cut to a whole number, by its name and labels, after a look at the form of every line.
pub async fn read(world: &World) -> BTreeMap<String, u64> {
    let answer = world.call(Method::GET, "/metrics", "").await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let mut values = BTreeMap::new();
    let mut typed = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            rest.split(' ').next().unwrap().clone_into(&mut typed);
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(&typed), "{line} stands under {typed}");
            assert!(
                values.insert(name.to_owned(), value.parse::<f64>().unwrap() as u64).is_none(),
                "{line} stands twice"
            );
        }
    }
    values
}

#[tokio::test]
async fn it_counts_what_there_is() {
    let world = World::new().await;
    topic(&world.client(), "news", &[]).await;
    let body = serde_json::json!({"messageId": "m", "content": "C", "draft": true});
    world.post("/v1/messaging/messages/sms", body).await;
    assert_eq!(world.get("/v1/messaging/messages/none").await.0, 404);
    let values = read(&world).await;
    assert_eq!(values["herald_messages{state=\"draft\"}"], 1);
    assert_eq!((values["herald_topics"], values["herald_store_writable"]), (1, 1));
    assert!(values["herald_store_commits_total"] >= 2);
    assert!(values["herald_http_requests_total{status=\"4xx\"}"] >= 1);
    assert!(values["herald_http_request_seconds_count"] >= 3);
    assert_eq!(
        values["herald_http_request_seconds_bucket{le=\"+Inf\"}"],
        values["herald_http_request_seconds_count"]
    );
    let mut events = world.client().events();
    events.next().await.unwrap();
    assert_eq!(read(&world).await["herald_event_streams"], 1);
    drop(events);
    eventually(async || read(&world).await["herald_event_streams"] == 0).await;
}

#[tokio::test]
async fn every_outcome_has_a_count() {
    let (world, client, _sandbox) = crate::sending::ready().await;
    let before = read(&world).await;
    for outcome in herald::domain::delivery::Outcome::ALL {
        let name = format!("herald_deliveries_total{{provider=\"main\",outcome=\"{}\"}}", outcome.as_str());
        assert_eq!(before.get(&name), Some(&0), "{name}");
    }
    let mail = serde_json::json!({"messageId": "m", "subject": "S", "content": "C", "topics": ["news"]});
    assert_eq!(world.post("/v1/messaging/messages/email", mail).await.0, 201);
    crate::sending::until(&client, "m", |message| message.state.is_over()).await;
    let after = read(&world).await;
    assert_eq!(after["herald_deliveries_total{provider=\"main\",outcome=\"accepted\"}"], 1);
    assert_eq!(after["herald_deliveries_total{provider=\"main\",outcome=\"permanent\"}"], 1);
    assert_eq!(after["herald_deliveries_total{provider=\"main\",outcome=\"transient\"}"], 0);
    let health = &client.provider_health().await.unwrap()[0];
    assert_eq!((health.accepted, health.failed, health.put_off, health.bounced), (1, 1, 0, 0));
    assert_eq!(health.success, Some(0.5));
}
