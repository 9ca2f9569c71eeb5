//! Who changes what somebody else has changed meanwhile is told how it stands; drafts; presence.

use crate::world::{World, kind, person, topic};
use herald::api::routes::ROUTES;
use herald::client::Client;
use herald::domain::ids::Revision;
use herald::wire::draft::SaveDraft;
use herald::wire::topic::UpdateTopic;
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};
use tower::ServiceExt;

async fn matching(world: &World, path: &str, body: Value, seen: &str) -> (u16, Value) {
    asked(world, Method::PATCH, path, body, seen).await
}

async fn asked(world: &World, method: Method, path: &str, body: Value, seen: &str) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .header("if-match", seen)
        .body(herald::client::body_from(body.to_string()))
        .unwrap();
    let response = world.api.in_process().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// A world with one record of each kind that has a revision.
async fn furnished() -> (World, Client) {
    let world = World::new().await;
    let client = world.client().operator("mira");
    person(&client, "ana").await;
    topic(&client, "news", &[]).await;
    let mail = json!({"messageId": "m", "subject": "One", "content": "x", "topics": ["news"], "draft": true});
    assert_eq!(world.post("/v1/messaging/messages/email", mail).await.0, 201);
    let smtp = json!({"providerId": "main", "name": "Main", "host": "mx.example.com"});
    assert_eq!(world.post("/v1/messaging/providers/smtp", smtp).await.0, 201);
    (world, client)
}

#[tokio::test]
async fn a_stale_change_is_refused_with_the_difference() {
    let (world, client) = furnished().await;
    for (path, first, second, field) in [
        ("/v1/messaging/topics/news", json!({"name": "B"}), json!({"name": "C"}), "name"),
        ("/v1/messaging/messages/email/m", json!({"subject": "Two"}), json!({"subject": "Three"}), "subject"),
        (
            "/v1/messaging/providers/smtp/main",
            json!({"host": "a.example"}),
            json!({"host": "b.example"}),
            "host",
        ),
        ("/v1/users/ana/targets/ana-t", json!({"name": "home"}), json!({"name": "work"}), "name"),
        ("/v1/users/ana/name", json!({"name": "Ana"}), json!({"name": "Anna"}), "name"),
    ] {
        let (status, _) = matching(&world, path, first.clone(), "\"1\"").await;
        assert_eq!(status, 200, "{path}");
        let (status, body) = matching(&world, path, second.clone(), "\"1\"").await;
        assert_eq!((status, body["type"].as_str()), (409, Some("general_stale")), "{path}: {body}");
        assert_eq!(body["stale"]["revision"], 2, "{path}");
        assert_eq!(body["stale"]["by"], "operator", "{path}");
        let difference = &body["stale"]["difference"];
        assert_eq!(difference[0]["field"], field, "{path}: {body}");
        assert_eq!(difference[0]["now"], first[field], "{path}");
        assert_eq!(matching(&world, path, second, "\"2\"").await.0, 200, "{path}");
    }
    let (status, _) = matching(&world, "/v1/messaging/topics/news", json!({"name": "D"}), "yesterday").await;
    assert_eq!(status, 400);
    let late = UpdateTopic { name: Some("E".into()), revision: Some(Revision(1)), ..UpdateTopic::default() };
    let error = client.update_topic("news", &late).await.unwrap_err();
    assert_eq!(error.stale().unwrap().difference[0].now, "C");
}

#[tokio::test]
async fn what_has_changed_is_not_deleted() {
    let (world, _) = furnished().await;
    for (path, change, body) in [
        ("/v1/messaging/topics/news", "/v1/messaging/topics/news", json!({"name": "B"})),
        ("/v1/messaging/messages/m", "/v1/messaging/messages/email/m", json!({"subject": "Two"})),
        ("/v1/messaging/providers/main", "/v1/messaging/providers/smtp/main", json!({"name": "B"})),
        ("/v1/users/ana/targets/ana-t", "/v1/users/ana/targets/ana-t", json!({"name": "home"})),
        ("/v1/users/ana", "/v1/users/ana/name", json!({"name": "Ana"})),
    ] {
        assert_eq!(matching(&world, change, body, "\"1\"").await.0, 200, "{path}");
        let (status, refused) = asked(&world, Method::DELETE, path, json!({}), "\"1\"").await;
        assert_eq!((status, refused["type"].as_str()), (409, Some("general_stale")), "{path}: {refused}");
        assert_eq!((&refused["stale"]["revision"], &refused["stale"]["by"]), (&json!(2), &json!("operator")));
        assert_eq!(asked(&world, Method::DELETE, path, json!({}), "yesterday").await.0, 400, "{path}");
        assert_eq!(asked(&world, Method::DELETE, path, json!({}), "\"2\"").await.0, 204, "{path}");
        assert_eq!(asked(&world, Method::DELETE, path, json!({}), "\"2\"").await.0, 404, "{path}");
    }
}

/// What is asked of a route that heeds the revision which the caller has seen.
fn change(operation: &str) -> Value {
    match operation {
        "messages::update_email" => json!({"subject": "Two"}),
        "messages::update_sms" => json!({"content": "Two"}),
        "messages::update_push" => json!({"title": "Two"}),
        "users::email" => json!({"email": "other@example.com"}),
        "users::phone" => json!({"number": "+4930123456"}),
        "users::status" => json!({"status": false}),
        "users::labels" => json!({"labels": ["vip"]}),
        "users::update_prefs" => json!({"prefs": {"tea": true}}),
        "drafts::save" => json!({"document": {"subject": "Two"}}),
        "webhooks::update" | "providers::update" | "topics::update" | "targets::update" | "users::name" => {
            json!({"name": "Two"})
        }
        _ => json!({}),
    }
}

#[tokio::test]
async fn what_heeds_if_match_is_what_describes_it() {
    let (world, client) = furnished().await;
    let sms = json!({"messageId": "s", "content": "x", "topics": ["news"], "draft": true});
    assert_eq!(world.post("/v1/messaging/messages/sms", sms).await.0, 201);
    let push = json!({"messageId": "p", "title": "x", "body": "y", "topics": ["news"], "draft": true});
    assert_eq!(world.post("/v1/messaging/messages/push", push).await.0, 201);
    let (status, webhook) =
        world.post("/v1/herald/webhooks", json!({"name": "Hook", "url": "https://a.example/hook"})).await;
    assert_eq!(status, 201, "{webhook}");
    client.save_draft("d", &SaveDraft { document: document("one"), revision: None }).await.unwrap();
    let described = herald::api::openapi::document();
    let mut heed = 0;
    for route in ROUTES {
        // One ends the world, the other one does not end.
        if route.path.ends_with("/shutdown") || route.path.ends_with("/events") {
            continue;
        }
        let method = Method::from_bytes(route.method.as_bytes()).unwrap();
        let message = match route.operation {
            "messages::update_sms" => "s",
            "messages::update_push" => "p",
            _ => "m",
        };
        let mut path = route.path.replace("{kind}", "smtp");
        let operation = &described["paths"][&path][route.method.to_ascii_lowercase()];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let says = parameters.filter(|one| one["name"] == "If-Match" && one["in"] == "header").count();
        assert_eq!(says, usize::from(route.if_match), "{route:?}");
        for (name, id) in [
            ("{messageId}", message),
            ("{providerId}", "main"),
            ("{topicId}", "news"),
            ("{userId}", "ana"),
            ("{targetId}", "ana-t"),
            ("{webhookId}", webhook["$id"].as_str().unwrap()),
            ("{draftId}", "d"),
        ] {
            // What does not heed it is to find nothing that it could change.
            path = path.replace(name, if route.if_match { id } else { "nope" });
        }
        let (status, body) = asked(&world, method.clone(), &path, change(route.operation), "yesterday").await;
        assert_eq!(body["message"].to_string().contains("If-Match"), route.if_match, "{route:?}: {body}");
        if !route.if_match {
            continue;
        }
        heed += 1;
        assert_eq!(status, 400, "{route:?}: {body}");
        let (status, body) = asked(&world, method, &path, change(route.operation), "\"99\"").await;
        assert_eq!((status, body["type"].as_str()), (409, Some("general_stale")), "{route:?}: {body}");
        let refused = &operation["responses"]["409"]["content"]["application/json"]["schema"];
        let kinds = refused["allOf"][1]["properties"]["type"]["enum"].as_array().unwrap();
        assert!(kinds.contains(&json!("general_stale")), "{route:?}");
    }
    assert!(heed > 0);
}

fn document(text: &str) -> Map<String, Value> {
    json!({"subject": text, "nested": {"list": [1, 2]}}).as_object().unwrap().clone()
}

#[tokio::test]
async fn drafts_are_each_operators_own() {
    let world = World::new().await;
    let (mira, jon) = (world.client().operator("mira"), world.client().operator("jon"));
    let save = |text: &str, revision| SaveDraft { document: document(text), revision };
    let first = mira.save_draft("d1", &save("one", Some(Revision(0)))).await.unwrap();
    assert_eq!(first.revision, Revision(1));
    let second = mira.save_draft("d1", &save("two", Some(Revision(1)))).await.unwrap();
    assert_eq!((second.revision, second.created_at), (Revision(2), first.created_at));
    assert_eq!(kind(mira.save_draft("d1", &save("three", Some(Revision(1)))).await), "general_stale");
    assert_eq!(mira.draft("d1").await.unwrap().document, document("two"));
    assert_eq!(kind(jon.draft("d1").await), "draft_not_found");
    jon.save_draft("d1", &save("mine", None)).await.unwrap();
    mira.save_draft("d2", &save("other", None)).await.unwrap();
    let ids: Vec<_> =
        mira.drafts().await.unwrap().drafts.into_iter().map(|draft| draft.id.to_string()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(jon.drafts().await.unwrap().drafts.len(), 1);
    let large = SaveDraft { document: document(&"x".repeat(300 << 10)), revision: None };
    assert_eq!(kind(mira.save_draft("d3", &large).await), "general_argument_invalid");
    mira.delete_draft("d1").await.unwrap();
    assert_eq!(kind(mira.draft("d1").await), "draft_not_found");
    assert_eq!(jon.draft("d1").await.unwrap().document, document("mine"));
    // A name that looks like a way to somebody else's.
    let crafty = world.client().operator("jon/d1");
    assert!(crafty.drafts().await.unwrap().drafts.is_empty());
}

#[tokio::test]
async fn who_follows_the_stream_is_shown_while_it_does() {
    let world = World::new().await;
    let (mira, jon) = (world.client().operator("mira"), world.client().operator("jon"));
    assert!(mira.presence().await.unwrap().attached.is_empty());
    let mut stream = jon.events();
    stream.next().await.unwrap();
    let attached = mira.presence().await.unwrap().attached;
    assert_eq!((attached.len(), attached[0].name.as_str(), attached[0].you), (1, "jon", false));
    assert!(jon.presence().await.unwrap().attached[0].you);
    drop(stream);
    let gone = async {
        while !mira.presence().await.unwrap().attached.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.unwrap();
}

#[tokio::test]
async fn a_position_that_means_nothing_is_reset() {
    let world = World::new().await;
    for since in ["", "?since=elsewhere.7", "?since=garbage"] {
        let response = world.call(Method::GET, &format!("/v1/herald/events{since}"), "").await;
        let mut body = response.into_body();
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        let expected = if since.is_empty() { "event: changed" } else { "event: reset" };
        assert!(text.contains(expected), "{since}: {text}");
    }
}
