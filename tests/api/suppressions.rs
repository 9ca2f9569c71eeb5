//! The suppression list, and the page with which recipients leave topics.

use crate::world::{World, person, topic};
use bytes::Bytes;
use herald::domain::ids::{IdentifierNo, MessageNo, TargetId, TopicId};
use herald::engine::unsubscribe::{Claims, LinkKey};
use herald::store::documents::Shelf;
use http::{Method, Request};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tower::ServiceExt;

const LIST: &str = "/v1/herald/suppressions";
const FORM: &str = "List-Unsubscribe=One-Click";

async fn addresses(world: &World, query: &str) -> Vec<String> {
    let (status, page) = world.get(&format!("{LIST}{query}")).await;
    assert_eq!(status, 200, "{page}");
    let text = |one: &Value| one["address"].as_str().unwrap().to_owned();
    page["suppressions"].as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn the_list_is_kept_by_hand() {
    let world = World::new().await;
    let client = world.client();
    person(&client, "ana").await;
    topic(&client, "news", &["ana"]).await;
    let body =
        json!({"addresses": ["Ana@Example.com", "+4915112345678", "no address"], "note": "asked by phone"});
    let (status, made) = world.post(LIST, body.clone()).await;
    assert_eq!(
        (status, &made["added"], &made["known"], &made["refusedCount"]),
        (201, &json!(2), &json!(0), &json!(1))
    );
    assert_eq!(made["suppressions"][0]["targetId"], "ana-t");
    assert_eq!(made["suppressions"][0]["cause"], "manual");
    let (_, again) = world.post(LIST, body).await;
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(2)));
    let left = json!({"addresses": ["bo@example.com"], "cause": "unsubscribe", "topics": ["news"]});
    assert_eq!(world.post(LIST, left).await.0, 201);

    assert_eq!(addresses(&world, "").await, ["bo@example.com", "+4915112345678", "ana@example.com"]);
    assert_eq!(addresses(&world, "?limit=1").await, ["bo@example.com"]);
    let (_, first) = world.get(&format!("{LIST}?limit=2")).await;
    assert_eq!((first["total"].as_u64(), first["next"].as_u64()), (Some(3), Some(2)));
    assert_eq!(addresses(&world, "?after=2").await, ["ana@example.com"]);
    assert_eq!(addresses(&world, "?cause=unsubscribe&topicId=news").await, ["bo@example.com"]);
    assert_eq!(addresses(&world, "?providerType=sms").await, ["+4915112345678"]);
    assert_eq!(addresses(&world, "?address=ANA%40example.com").await, ["ana@example.com"]);
    assert_eq!(addresses(&world, "?search=asked").await.len(), 2);
    assert!(addresses(&world, "?until=2020-01-01").await.is_empty());

    for (body, status) in [
        (json!({}), 400),
        (json!({"addresses": ["nothing at all"]}), 400),
        (json!({"addresses": ["a@b.example"], "topics": ["news"]}), 400),
        (json!({"addresses": ["a@b.example"], "cause": "unsubscribe", "topics": ["none"]}), 404),
        (json!({"addresses": ["a@b.example"], "cause": "whim"}), 400),
        (json!({"addresses": vec!["a@b.example"; 10_001]}), 400),
    ] {
        let (got, error) = world.post(LIST, body).await;
        assert_eq!(got, status, "{error}");
    }
    // Whoever asks why, or looks for her, is told.
    let (_, why) = world.get("/v1/herald/why/ana-t").await;
    assert!(why["sentence"].as_str().unwrap().contains("suppressed, added by an operator"), "{why}");
    let (_, found) = world.get("/v1/herald/find?q=ana%40example.com").await;
    let kinds: Vec<_> = found["found"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert!(kinds.contains(&json!("suppression")), "{found}");
    let (_, export) = world.get("/v1/herald/person?address=ana%40example.com").await;
    assert_eq!(export["suppressions"][0]["note"], "asked by phone");

    let id = made["suppressions"][0]["$id"].as_str().unwrap();
    let path = format!("{LIST}/{id}");
    assert_eq!(world.get(&path).await.1["address"], "ana@example.com");
    assert_eq!(world.raw(Method::DELETE, &path, "{}").await.0, 204);
    let (status, gone) = world.raw(Method::DELETE, &path, "{}").await;
    assert_eq!((status, gone["type"].as_str()), (404, Some("suppression_not_found")));
    let (_, audit) = world.get(&format!("/v1/herald/audit?resource=suppression/{id}")).await;
    assert_eq!(audit["entries"].as_array().unwrap().len(), 1, "{audit}");
}

#[tokio::test]
async fn what_a_cause_did_is_undone_by_its_count() {
    let world = World::new().await;
    let list: Vec<_> = (0..30).map(|no| format!("u{no}@example.com")).collect();
    world.post(LIST, json!({"addresses": list, "cause": "hard_bounce"})).await;
    world.post(LIST, json!({"addresses": ["u1@example.com"], "cause": "complaint"})).await;
    let undo = format!("{LIST}/undo");
    let mut body = json!({"cause": "hard_bounce", "from": "2020-01-01T00:00:00Z"});
    let (status, preview) = world.post(&undo, body.clone()).await;
    assert_eq!((status, &preview["count"], &preview["done"]), (200, &json!(30), &json!(false)));
    assert_eq!(preview["suppressions"].as_array().unwrap().len(), 20);
    assert_eq!(world.get(LIST).await.1["total"], 31, "nothing is done yet");
    body["to"] = preview["to"].clone();
    body["count"] = json!(29);
    let (status, stale) = world.post(&undo, body.clone()).await;
    assert_eq!((status, stale["type"].as_str()), (409, Some("general_stale")), "{stale}");
    body["count"] = json!(30);
    let mut elsewhere = body.clone();
    elsewhere["providerId"] = json!("another");
    assert_eq!(world.post(&undo, elsewhere).await.0, 409);
    assert_eq!(world.get("/v1/herald/operations").await.1["operations"], json!([]), "nothing is listed yet");
    body["reason"] = json!("our own server refused them");
    let (status, done) = world.post(&undo, body).await;
    assert_eq!((status, &done["count"], &done["done"]), (200, &json!(30), &json!(true)));
    let (_, listed) = world.get("/v1/herald/operations").await;
    let operation = &listed["operations"][0];
    assert_eq!(operation["$id"], done["operation"]);
    assert_eq!(
        (&operation["action"], &operation["state"], &operation["done"], &operation["preview"]["count"]),
        (&json!("unsuppress"), &json!("done"), &json!(30), &json!(30))
    );
    assert_eq!(operation["reason"], "our own server refused them");
    assert!(operation["filter"].as_str().unwrap().starts_with("cause=hard_bounce since="), "{operation}");
    let asked = json!({"action": "unsuppress", "filter": "since=1h"});
    assert_eq!(world.post("/v1/herald/operations", asked).await.0, 400, "it is begun by an undo alone");
    assert_eq!(addresses(&world, "").await, ["u1@example.com"], "the complaint stays");
    let backwards = json!({"cause": "complaint", "from": "2030-01-01", "to": "2029-01-01"});
    assert_eq!(world.post(&undo, backwards).await.0, 400);
}

/// A page as a mail program or a person gets it.
async fn page(world: &World, method: Method, path: &str, form: &str) -> (u16, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(herald::client::body_from(Bytes::from(form.to_owned())))
        .unwrap();
    let response = crate::checked::Checked(world.api.in_process()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    if status == 200 {
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(
            (header("referrer-policy"), header("cache-control")),
            ("no-referrer".into(), "no-store".into())
        );
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(!text.contains("<script"), "{text}");
    (status, text)
}

async fn token(world: &World, person: &str, topics: &[&str]) -> String {
    let store = world.engine.store();
    // The key is made when a link is first looked at.
    world.engine.leaving("nothing").await.unwrap();
    let sealed = store.document(Shelf::LinkKeys, "unsubscribe").await.unwrap().unwrap();
    let secret = store.unseal("unsubscribe", "key", &sealed).unwrap();
    let target = store.target(&TargetId::new(format!("{person}-t")).unwrap()).await.unwrap();
    let topics = topics.iter().map(|id| TopicId::new(id).unwrap()).collect();
    let claims = Claims { identifier: target.identifier_no, message: MessageNo(1), topics };
    LinkKey::new(secret.expose_secret().as_bytes()).token(&claims)
}

#[tokio::test]
async fn a_recipient_leaves_and_comes_back() {
    let world = World::new().await;
    let client = world.client();
    person(&client, "ana").await;
    topic(&client, "news", &["ana"]).await;
    world.raw(Method::PATCH, "/v1/messaging/topics/news", json!({"name": "<News> & more"}).to_string()).await;
    let token = token(&world, "ana", &["news"]).await;
    let path = format!("/v1/herald/unsubscribe/{token}");

    // Looking, as every scanner of mail does, changes nothing.
    for _ in 0..2 {
        let (status, text) = page(&world, Method::GET, &path, "").await;
        assert_eq!(status, 200);
        assert!(text.contains("&lt;News&gt; &amp; more") && text.contains(">Unsubscribe</button>"), "{text}");
        assert!(text.contains("a•••@example.com") && !text.contains("ana@example.com"), "{text}");
    }
    assert!(addresses(&world, "").await.is_empty());
    assert_eq!(page(&world, Method::POST, &path, "").await.0, 400, "a post that does not say it");
    assert!(addresses(&world, "").await.is_empty());

    // One click, twice.
    for _ in 0..2 {
        let (status, text) = page(&world, Method::POST, &path, FORM).await;
        assert_eq!(status, 200);
        assert!(text.contains("<h1>Unsubscribed</h1>") && text.contains("Subscribe again"), "{text}");
        assert_eq!(addresses(&world, "?cause=unsubscribe&topicId=news").await, ["ana@example.com"]);
    }
    let (_, list) = world.get(LIST).await;
    assert_eq!(list["suppressions"][0]["by"], "recipient");
    let id = list["suppressions"][0]["$id"].as_str().unwrap();
    let (_, audit) = world.get(&format!("/v1/herald/audit?resource=suppression/{id}")).await;
    assert_eq!(audit["entries"][0]["actor"]["name"], "recipient");

    for _ in 0..2 {
        let (status, text) = page(&world, Method::POST, &format!("{path}/back"), FORM).await;
        assert_eq!(status, 200);
        assert!(text.contains("<h1>Subscribed again</h1>"), "{text}");
        assert!(text.contains(&format!("action=\"../{token}\"")), "{text}");
    }
    assert!(addresses(&world, "").await.is_empty());
}

#[tokio::test]
async fn a_link_of_nobody_does_nothing() {
    let world = World::new().await;
    let client = world.client();
    person(&client, "ana").await;
    topic(&client, "news", &["ana"]).await;
    let good = token(&world, "ana", &["news"]).await;
    let foreign = LinkKey::new(b"another store's").token(&Claims {
        identifier: IdentifierNo(1),
        message: MessageNo(1),
        topics: vec![],
    });
    for bad in [foreign, "x".into(), format!("{good}A"), good[1..].to_owned()] {
        for method in [Method::GET, Method::POST] {
            let (status, text) = page(&world, method, &format!("/v1/herald/unsubscribe/{bad}"), FORM).await;
            assert_eq!(status, 404);
            assert!(text.contains("not valid"), "{text}");
        }
    }
    assert!(addresses(&world, "").await.is_empty());

    // Erased, she is no longer named; what she said still holds when she is imported again.
    let path = format!("/v1/herald/unsubscribe/{good}");
    page(&world, Method::POST, &path, FORM).await;
    let (_, erased) = world.post("/v1/herald/person/erase", json!({"address": "ana@example.com"})).await;
    assert_eq!(erased["count"], 2, "{erased}");
    let (status, text) = page(&world, Method::GET, &path, "").await;
    assert_eq!(status, 200);
    assert!(text.contains("no longer held") && !text.contains("example.com"), "{text}");
    assert_eq!(addresses(&world, "").await, [""]);
    person(&client, "ana").await;
    let (_, why) = world.get("/v1/herald/why/ana-t").await;
    assert!(why["sentence"].as_str().unwrap().contains("has unsubscribed from news"), "{why}");
}
