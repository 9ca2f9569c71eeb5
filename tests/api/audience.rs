//! Users, targets, topics, subscribers: the dialect's answers and refusals.

use crate::world::{World, person, topic};
use http::Method;
use serde_json::json;

#[tokio::test]
async fn a_user_has_the_dialects_keys_in_its_order() {
    let world = World::new().await;
    let body = json!({"userId": "ana", "email": "Ana@Example.com", "phone": "+4915112345678", "name": "Ana"});
    let response = world.call(Method::POST, "/v1/users", body.to_string()).await;
    assert_eq!(response.status(), 201);
    let text = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let mut at = 0;
    for key in [
        "$id",
        "$createdAt",
        "$updatedAt",
        "name",
        "password",
        "hash",
        "hashOptions",
        "registration",
        "status",
        "labels",
        "passwordUpdate",
        "email",
        "phone",
        "emailVerification",
        "phoneVerification",
        "mfa",
        "prefs",
        "targets",
        "accessedAt",
    ] {
        let place =
            text[at..].find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} after {at} in {text}"));
        at += place;
    }
    let (_, user) = world.get("/v1/users/ana").await;
    assert_eq!(user["email"], "ana@example.com");
    let channels: Vec<_> =
        user["targets"].as_array().unwrap().iter().map(|target| target["providerType"].clone()).collect();
    assert_eq!(channels, ["email", "sms"]);
    let created = user["$createdAt"].as_str().unwrap();
    assert!(created.ends_with("+00:00") && created.len() == 29, "{created}");
}

#[tokio::test]
async fn users_are_refused_as_the_dialect_does() {
    let world = World::new().await;
    world.post("/v1/users", json!({"userId": "ana", "email": "ana@example.com"})).await;
    for (body, status, kind) in [
        (json!({}), 400, "general_argument_invalid"),
        (json!({"userId": "_x"}), 400, "general_argument_invalid"),
        (json!({"userId": "ana"}), 409, "user_already_exists"),
        (json!({"userId": "b", "email": "ana@example.com"}), 409, "user_email_already_exists"),
        (json!({"userId": "b", "email": "nobody"}), 400, "general_invalid_email"),
        (json!({"userId": "b", "phone": "0151"}), 400, "general_invalid_phone"),
        (json!({"userId": "b", "password": "short"}), 400, "general_argument_invalid"),
    ] {
        let (got, error) = world.post("/v1/users", body.clone()).await;
        assert_eq!((got, error["type"].as_str().unwrap()), (status, kind), "{body} {error}");
        assert_eq!(error["code"], status);
        assert_eq!(error["version"], "1.9.6");
    }
    let (_, users) = world.get("/v1/users").await;
    assert_eq!(users["total"], 1);
}

#[tokio::test]
async fn a_users_address_and_its_target_change_together() {
    let world = World::new().await;
    world.post("/v1/users", json!({"userId": "ana", "email": "ana@example.com"})).await;
    let (status, user) = world.patch("/v1/users/ana/email", json!({"email": "new@example.com"})).await;
    assert_eq!((status, user["targets"][0]["identifier"].as_str()), (200, Some("new@example.com")));
    assert_eq!(user["targets"].as_array().unwrap().len(), 1);
    let (_, user) = world.patch("/v1/users/ana/phone", json!({"number": "+14155550100"})).await;
    assert_eq!(user["targets"].as_array().unwrap().len(), 2);
    let (_, user) = world.patch("/v1/users/ana/email", json!({"email": ""})).await;
    assert_eq!((user["email"].as_str(), user["targets"].as_array().unwrap().len()), (Some(""), 1));
    for (path, body, field, value) in [
        ("name", json!({"name": "Ana B."}), "name", json!("Ana B.")),
        ("status", json!({"status": false}), "status", json!(false)),
    ] {
        let (status, user) = world.patch(&format!("/v1/users/ana/{path}"), body).await;
        assert_eq!((status, &user[field]), (200, &value));
    }
    let (status, user) =
        world.raw(Method::PUT, "/v1/users/ana/labels", json!({"labels": ["vip"]}).to_string()).await;
    assert_eq!((status, &user["labels"]), (200, &json!(["vip"])));
    let (status, prefs) = world.patch("/v1/users/ana/prefs", json!({"prefs": {"lang": "de"}})).await;
    assert_eq!((status, prefs), (200, json!({"lang": "de"})));
    assert_eq!(world.get("/v1/users/ana/prefs").await, (200, json!({"lang": "de"})));
}

#[tokio::test]
async fn targets() {
    let world = World::new().await;
    let client = world.client();
    person(&client, "ana").await;
    person(&client, "bo").await;
    for (body, status, kind) in [
        (json!({"targetId": "t", "providerType": "fax", "identifier": "x"}), 400, "general_argument_invalid"),
        (json!({"targetId": "t", "providerType": "email", "identifier": "x"}), 400, "general_invalid_email"),
        (json!({"targetId": "t", "providerType": "sms", "identifier": "0151"}), 400, "general_invalid_phone"),
        (
            json!({"targetId": "t", "providerType": "email", "identifier": "bo@example.com"}),
            409,
            "user_target_already_exists",
        ),
        (
            json!({"targetId": "bo-t", "providerType": "email", "identifier": "c@example.com"}),
            409,
            "user_target_already_exists",
        ),
    ] {
        let (got, error) = world.post("/v1/users/ana/targets", body.clone()).await;
        assert_eq!((got, error["type"].as_str().unwrap()), (status, kind), "{body}");
    }
    // An unknown provider is not pinned, as in the dialect.
    let body = json!({"targetId": "p", "providerType": "push", "identifier": "token", "providerId": "nope"});
    let (status, target) = world.post("/v1/users/ana/targets", body).await;
    assert_eq!((status, &target["providerId"], &target["name"]), (201, &json!(null), &json!("")));
    assert_eq!(world.get("/v1/users/bo/targets/ana-t").await.1["type"], "user_target_not_found");
    let (_, target) =
        world.patch("/v1/users/ana/targets/ana-t", json!({"identifier": "z@example.com"})).await;
    assert_eq!((target["identifier"].as_str(), &target["expired"]), (Some("z@example.com"), &json!(false)));
    let (status, body) = world.raw(Method::DELETE, "/v1/users/ana/targets/ana-t", "{}").await;
    assert_eq!((status, body), (204, json!(null)));
    assert_eq!(world.get("/v1/users/ana/targets").await.1["total"], 1);
}

#[tokio::test]
async fn topics_and_subscribers() {
    let world = World::new().await;
    let client = world.client();
    person(&client, "ana").await;
    topic(&client, "news", &["ana"]).await;
    let (status, topic) = world.get("/v1/messaging/topics/news").await;
    assert_eq!((status, &topic["emailTotal"], &topic["subscribe"]), (200, &json!(1), &json!(["users"])));
    let path = "/v1/messaging/topics/news/subscribers";
    for (body, status, kind) in [
        (json!({"subscriberId": "s", "targetId": "nobody"}), 404, "user_target_not_found"),
        (json!({"subscriberId": "s", "targetId": "ana-t"}), 409, "subscriber_already_exists"),
        (json!({"targetId": "ana-t"}), 400, "general_argument_invalid"),
    ] {
        let (got, error) = world.post(path, body).await;
        assert_eq!((got, error["type"].as_str().unwrap()), (status, kind));
    }
    let missing =
        world.post("/v1/messaging/topics/x/subscribers", json!({"subscriberId": "s", "targetId": "ana-t"}));
    assert_eq!(missing.await.1["type"], "topic_not_found");
    let (_, list) = world.get(path).await;
    assert_eq!(list["total"], 1);
    let subscriber = &list["subscribers"][0];
    assert_eq!(
        (subscriber["userName"].as_str(), subscriber["target"]["$id"].as_str()),
        (Some("ana"), Some("ana-t"))
    );
    assert_eq!(
        world.post("/v1/messaging/topics", json!({"topicId": "news", "name": "x"})).await.1["type"],
        "topic_already_exists"
    );
    let bad = json!({"topicId": "t", "name": "x", "subscribe": ["*"]});
    assert_eq!(world.post("/v1/messaging/topics", bad).await.0, 400);
    let (status, renamed) = world.patch("/v1/messaging/topics/news", json!({"name": "News"})).await;
    assert_eq!((status, renamed["name"].as_str()), (200, Some("News")));
    let stale = world.patch("/v1/messaging/topics/news", json!({"name": "N", "revision": topic["revision"]}));
    let (status, error) = stale.await;
    assert_eq!((status, error["type"].as_str()), (409, Some("general_stale")));
    let (_, logs) = world.get("/v1/messaging/topics/news/logs").await;
    assert_eq!(logs["logs"][0]["event"], "topic.update");
    assert_eq!(world.raw(Method::DELETE, &format!("{path}/news-ana"), "{}").await.0, 204);
    assert_eq!(world.get("/v1/messaging/topics/news").await.1["emailTotal"], 0);
    assert_eq!(world.raw(Method::DELETE, "/v1/messaging/topics/news", "").await.0, 204);
    assert_eq!(world.get("/v1/messaging/topics/news").await.0, 404);
}
