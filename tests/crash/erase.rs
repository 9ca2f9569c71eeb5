//! `kill -9` while a person is being forgotten.

use super::house::House;
use futures_util::stream::{StreamExt, iter};
use herald::wire::message::WriteEmail;
use herald::wire::person::CreateUser;
use serde_json::json;
use std::time::Duration;

/// Drafts that name the person: several steps look through them.
const DRAFTS: usize = 2_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_being_forgotten_when_the_engine_is_killed_is_forgotten() {
    let house = House::new();
    let engine = house.serve().await;
    let client = house.client();
    let user: CreateUser =
        serde_json::from_value(json!({"userId": "ana", "email": "ana@example.com", "name": "Ana Lovelace"}))
            .unwrap();
    client.create_user(&user).await.unwrap();
    iter(0..DRAFTS)
        .for_each_concurrent(64, async |n| {
            let mail: WriteEmail = serde_json::from_value(json!({
                "messageId": format!("draft{n}"), "draft": true,
                "subject": format!("To Ana Lovelace, {n}"), "content": "ana@example.com",
            }))
            .unwrap();
            client.create_email(&mail).await.unwrap();
        })
        .await;
    let begun = client.erase_person("ana@example.com").await.unwrap();
    assert!(!begun.is_over(), "{begun:?}");
    engine.kill();
    let engine = house.serve().await;
    let until = tokio::time::Instant::now() + Duration::from_mins(1);
    let mut now = client.erasure(&begun.id).await.unwrap();
    while !now.is_over() {
        assert!(tokio::time::Instant::now() < until, "{now:?}\n{}", engine.said());
        tokio::time::sleep(Duration::from_millis(20)).await;
        now = client.erasure(&begun.id).await.unwrap();
    }
    assert_eq!(now.count, begun.count);
    for n in (0..DRAFTS).step_by(97).chain([DRAFTS - 1]) {
        let text = serde_json::to_string(&client.message(format!("draft{n}")).await.unwrap()).unwrap();
        assert!(text.contains("(erased)") && !text.contains("Lovelace"), "{text}");
        assert!(!text.contains("ana@example.com"), "{text}");
    }
}
