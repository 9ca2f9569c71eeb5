//! Messages in the dialect: create, change, refuse.

use crate::world::{World, person, topic};
use http::Method;
use serde_json::{Value, json};

async fn ready() -> World {
    let world = World::new().await;
    let client = world.client();
    person(&client, "ana").await;
    topic(&client, "news", &["ana"]).await;
    world
}

const EMAIL: &str = "/v1/messaging/messages/email";

#[allow(clippy::needless_pass_by_value, reason = "called with literals")]
fn mail(id: &str, more: Value) -> Value {
    let mut body = json!({"messageId": id, "subject": "Hi", "content": "<b>x</b>", "topics": ["news"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn in_hours(hours: i64) -> String {
    (chrono::Utc::now() + chrono::TimeDelta::hours(hours)).to_rfc3339()
}

#[tokio::test]
async fn who_sends_at_once_is_told_no_time() {
    let world = ready().await;
    let (status, message) = world.post(EMAIL, mail("m", json!({"topics": ["news"]}))).await;
    assert_eq!(
        (status, &message["status"], &message["scheduledAt"]),
        (201, &json!("processing"), &json!(null))
    );
    let (_, later) = world.get("/v1/messaging/messages/m").await;
    assert_eq!(later["scheduledAt"], json!(null));
}

#[tokio::test]
async fn what_is_created_comes_back() {
    let world = ready().await;
    let (status, message) =
        world.post(EMAIL, mail("m", json!({"html": true, "draft": true, "targets": ["ana-t"]}))).await;
    assert_eq!(status, 201, "{message}");
    assert_eq!(
        message["data"],
        json!({"subject": "Hi", "content": "<b>x</b>", "html": true, "cc": [], "bcc": [], "attachments": []})
    );
    for (key, value) in [
        ("status", json!("draft")),
        ("state", json!("draft")),
        ("scheduledAt", json!(null)),
        ("deliveredAt", json!(null)),
        ("deliveryErrors", json!([])),
        ("deliveredTotal", json!(0)),
        ("topics", json!(["news"])),
        ("users", json!([])),
        ("targets", json!(["ana-t"])),
        ("providerType", json!("email")),
    ] {
        assert_eq!(message[key], value, "{key}");
    }
    assert_eq!(message["why"]["reason"], "draft");
    assert_eq!(world.get("/v1/messaging/messages/m").await.1, message);
    let (_, targets) = world.get("/v1/messaging/messages/m/targets").await;
    assert_eq!((targets["total"].as_u64(), targets["targets"][0]["$id"].as_str()), (Some(1), Some("ana-t")));
    let (_, logs) = world.get("/v1/messaging/messages/m/logs").await;
    assert_eq!(logs["logs"][0]["event"], "message.create");
}

#[tokio::test]
async fn sending_now_is_processing_from_the_start() {
    let world = ready().await;
    let (_, message) = world.post(EMAIL, mail("now", json!({}))).await;
    assert_eq!(
        (message["status"].as_str(), message["state"].as_str()),
        (Some("processing"), Some("scheduled"))
    );
    let (_, undoable) = world.post(EMAIL, mail("soon", json!({"undo": 60}))).await;
    assert_eq!(
        (undoable["status"].as_str(), undoable["why"]["reason"].as_str()),
        (Some("scheduled"), Some("undo_window"))
    );
}

#[tokio::test]
async fn creates_are_refused_in_the_declared_order() {
    let world = ready().await;
    for (body, kind, says) in [
        (json!({}), "general_argument_invalid", "Param \"messageId\" is not optional."),
        (json!({"messageId": "m"}), "general_argument_invalid", "Param \"subject\" is not optional."),
        (json!({"messageId": "_", "subject": 5}), "general_argument_invalid", "Invalid `messageId` param"),
        (mail("m", json!({"subject": ""})), "general_argument_invalid", "Invalid `subject` param"),
        (
            mail("m", json!({"content": "x".repeat(64_231)})),
            "general_argument_invalid",
            "Invalid `content` param",
        ),
        (mail("m", json!({"topics": ["a b"]})), "general_argument_invalid", "Invalid `topics` param"),
        (mail("m", json!({"html": "yes"})), "general_argument_invalid", "Invalid `html` param"),
        (
            mail("m", json!({"scheduledAt": in_hours(-1)})),
            "general_argument_invalid",
            "Invalid `scheduledAt` param",
        ),
        (mail("m", json!({"topics": []})), "message_missing_target", ""),
        (mail("m", json!({"targets": ["nobody"]})), "message_target_not_email", "nobody"),
        (mail("m", json!({"cc": ["nobody"]})), "message_target_not_email", "nobody"),
        (mail("m", json!({"attachments": ["b:f"]})), "storage_bucket_not_found", ""),
        (mail("m", json!({"subjct": "x"})), "general_argument_invalid", "did you mean `subject`?"),
        (
            mail("m", json!({"expiresAt": in_hours(1), "scheduledAt": in_hours(2)})),
            "general_argument_invalid",
            "Invalid `expiresAt` param",
        ),
    ] {
        let (status, error) = world.post(EMAIL, body.clone()).await;
        assert_eq!(error["type"], kind, "{body} {error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
        assert_eq!(error["code"], status);
    }
    assert_eq!(world.get("/v1/messaging/messages").await.1["total"], 0);
}

#[tokio::test]
async fn the_other_types() {
    let world = ready().await;
    let sms = json!({"messageId": "s", "content": "Code 1", "topics": ["news"], "scheduledAt": in_hours(2)});
    let (status, message) = world.post("/v1/messaging/messages/sms", sms).await;
    assert_eq!((status, &message["data"]), (201, &json!({"content": "Code 1"})));
    // Appwrite loses the time of an SMS; Herald keeps it.
    assert!(message["scheduledAt"].is_string());
    let push = json!({"messageId": "p", "title": "T", "body": "B", "topics": ["news"], "data": {"k": 1}, "badge": -1, "draft": true});
    let (status, message) = world.post("/v1/messaging/messages/push", push).await;
    assert_eq!(
        (status, &message["data"]),
        (201, &json!({"title": "T", "body": "B", "data": {"k": 1}, "priority": "high"}))
    );
    let (status, message) =
        world.patch("/v1/messaging/messages/push/p", json!({"badge": 3, "priority": "normal"})).await;
    assert_eq!(
        (status, &message["data"]["badge"], &message["data"]["priority"]),
        (200, &json!(3), &json!("normal"))
    );
    assert_eq!(world.patch("/v1/messaging/messages/sms/p", json!({"content": "x"})).await.0, 400);
    assert_eq!(world.patch("/v1/messaging/messages/sms/x", json!({})).await.1["type"], "message_not_found");
}

#[tokio::test]
async fn drafts_and_schedules_change() {
    let world = ready().await;
    // A draft with a time can be changed, which Appwrite refuses.
    world.post(EMAIL, mail("m", json!({"draft": true, "scheduledAt": in_hours(5)}))).await;
    let path = format!("{EMAIL}/m");
    let (status, message) = world.patch(&path, json!({"subject": "New"})).await;
    assert_eq!(
        (status, message["status"].as_str(), message["data"]["subject"].as_str()),
        (200, Some("draft"), Some("New"))
    );
    let (_, message) = world.patch(&path, json!({"scheduledAt": in_hours(3)})).await;
    assert_eq!(message["status"], "scheduled");
    let (_, message) = world.patch(&path, json!({"draft": true})).await;
    assert_eq!(message["status"], "draft");
    assert_eq!(
        world.patch(&path, json!({"topics": [], "draft": false})).await.1["type"],
        "message_missing_target"
    );
    assert_eq!(
        world.get("/v1/messaging/messages/m").await.1["topics"],
        json!(["news"]),
        "nothing was stored"
    );
    let revision = world.get("/v1/messaging/messages/m").await.1["revision"].clone();
    let (_, message) = world.patch(&path, json!({"draft": false, "revision": revision})).await;
    assert_eq!(message["status"], "processing");
    assert_eq!(world.patch(&path, json!({"subject": "Late"})).await.1["type"], "message_already_scheduled");
    assert_eq!(
        world.raw(Method::DELETE, "/v1/messaging/messages/m", "{}").await.1["type"],
        "message_already_scheduled"
    );
    let (status, cancelled) = world.post("/v1/herald/messages/m/cancel", json!({})).await;
    assert_eq!(
        (status, cancelled["status"].as_str(), cancelled["state"].as_str()),
        (200, Some("failed"), Some("cancelled"))
    );
    assert_eq!(world.patch(&path, json!({"subject": "Late"})).await.1["type"], "message_already_failed");
    assert_eq!(world.raw(Method::DELETE, "/v1/messaging/messages/m", "{}").await.0, 204);
}

#[tokio::test]
async fn a_stale_edit_is_refused() {
    let world = ready().await;
    let (_, message) = world.post(EMAIL, mail("m", json!({"draft": true}))).await;
    let seen = message["revision"].clone();
    world.patch(&format!("{EMAIL}/m"), json!({"subject": "First"})).await;
    let (status, error) =
        world.patch(&format!("{EMAIL}/m"), json!({"subject": "Second", "revision": seen})).await;
    assert_eq!((status, error["type"].as_str()), (409, Some("general_stale")));
    assert_eq!(world.get("/v1/messaging/messages/m").await.1["data"]["subject"], "First");
}

#[tokio::test]
async fn what_operators_do() {
    let world = ready().await;
    world.post(EMAIL, mail("m", json!({"scheduledAt": in_hours(5)}))).await;
    let act = |verb: &'static str| world.post_owned(format!("/v1/herald/messages/m/{verb}"));
    let (_, held) = act("hold").await;
    assert_eq!(
        (held["state"].as_str(), held["why"]["reason"].as_str()),
        (Some("held"), Some("held_editing"))
    );
    assert_eq!(held["status"], "scheduled");
    let (_, released) = act("release").await;
    assert_eq!(released["state"], "scheduled");
    let (status, refused) = act("pause").await;
    assert_eq!((status, refused["type"].as_str()), (409, Some("general_not_allowed_now")));
    let (_, undone) = act("undo").await;
    assert_eq!(undone["state"], "draft");
    assert_eq!(act("undo").await.0, 409);
    let (status, why) = world.get("/v1/herald/why/m").await;
    assert_eq!((status, why["sentence"].as_str()), (200, Some("Message m is a draft: schedule or send it.")));
    assert_eq!(act("retry").await.0, 409);
    let (_, detail) = world.get("/v1/herald/messages/m").await;
    assert_eq!((detail["planned"].as_bool(), &detail["lanes"]), (Some(false), &json!([])));
    assert_eq!(world.get("/v1/herald/why/nobody").await.0, 404);
}

impl World {
    async fn post_owned(&self, path: String) -> (u16, Value) {
        self.post(&path, json!({})).await
    }
}
