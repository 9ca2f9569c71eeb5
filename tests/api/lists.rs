//! Lists: the dialect's queries, search, Herald's filter, pages in both directions.

use crate::world::{World, key, listed, person, topic};
use herald::api::Peer;
use herald::domain::delivery::{LogDetail, LogRow, Outcome, SkipReason};
use herald::domain::ids::{LogSeq, MessageNo, ProviderNo, TargetId};
use herald::domain::time::Timestamp;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const TOPICS: &str = "/v1/messaging/topics";

async fn five() -> World {
    let world = World::new().await;
    let client = world.client();
    for name in ["alpha", "beta", "gamma", "delta", "epsilon"] {
        topic(&client, name, &[]).await;
    }
    world
}

fn ids(list: &Value, plural: &str) -> Vec<String> {
    list[plural].as_array().unwrap().iter().map(|item| item["$id"].as_str().unwrap().to_owned()).collect()
}

async fn topics(world: &World, queries: &[Value]) -> Vec<String> {
    let (status, list) = world.get(&listed(TOPICS, queries)).await;
    assert_eq!(status, 200, "{list}");
    ids(&list, "topics")
}

#[tokio::test]
async fn order_limit_and_offset() {
    let world = five().await;
    assert_eq!(topics(&world, &[]).await, ["alpha", "beta", "gamma", "delta", "epsilon"]);
    let newest = json!({"method": "orderDesc", "attribute": ""});
    assert_eq!(
        topics(&world, &[newest.clone(), json!({"method": "limit", "values": [2]})]).await,
        ["epsilon", "delta"]
    );
    let by_name = json!({"method": "orderDesc", "attribute": "name"});
    assert_eq!(topics(&world, &[by_name]).await, ["gamma", "epsilon", "delta", "beta", "alpha"]);
    let second =
        [newest, json!({"method": "offset", "values": [1]}), json!({"method": "limit", "values": [1]})];
    assert_eq!(topics(&world, &second).await, ["delta"]);
}

#[tokio::test]
async fn cursors_in_both_directions_and_orders() {
    let world = five().await;
    let limit = json!({"method": "limit", "values": [2]});
    let after = |id: &str| json!({"method": "cursorAfter", "values": [id]});
    let before = |id: &str| json!({"method": "cursorBefore", "values": [id]});
    assert_eq!(topics(&world, &[limit.clone(), after("beta")]).await, ["gamma", "delta"]);
    assert_eq!(topics(&world, &[limit.clone(), before("delta")]).await, ["beta", "gamma"]);
    for order in [
        json!({"method": "orderDesc", "attribute": ""}),
        json!({"method": "orderDesc", "attribute": "$createdAt"}),
    ] {
        assert_eq!(topics(&world, &[order.clone(), limit.clone(), after("delta")]).await, ["gamma", "beta"]);
        assert_eq!(topics(&world, &[order, limit.clone(), before("beta")]).await, ["delta", "gamma"]);
    }
    let by_name = json!({"method": "orderAsc", "attribute": "name"});
    assert_eq!(topics(&world, &[by_name.clone(), limit.clone(), after("beta")]).await, ["delta", "epsilon"]);
    assert_eq!(topics(&world, &[by_name, limit.clone(), before("gamma")]).await, ["delta", "epsilon"]);
    let (status, error) = world.get(&listed(TOPICS, &[after("nothing")])).await;
    assert_eq!((status, error["type"].as_str()), (400, Some("general_cursor_not_found")));
    let (_, page) = world.get(&listed(TOPICS, std::slice::from_ref(&limit))).await;
    let next = page["next"].as_str().unwrap();
    assert_eq!(topics(&world, &[limit, after(next)]).await, ["gamma", "delta"]);
}

#[tokio::test]
async fn totals_search_and_filters() {
    let world = five().await;
    let (_, list) = world.get(&format!("{TOPICS}?total=false")).await;
    assert_eq!((list["total"].as_u64(), ids(&list, "topics").len()), (Some(0), 5));
    let equal = json!({"method": "equal", "attribute": "name", "values": ["Topic beta", "Topic gamma"]});
    let (_, list) = world.get(&listed(TOPICS, &[equal, json!({"method": "limit", "values": [1]})])).await;
    assert_eq!((list["total"].as_u64(), ids(&list, "topics")), (Some(2), vec!["beta".to_owned()]));
    let (_, list) = world.get(&format!("{TOPICS}?search=gam")).await;
    assert_eq!(ids(&list, "topics"), ["gamma"]);
    let (_, list) = world.get(&format!("{TOPICS}?filter=name%7Eeps")).await;
    assert_eq!(ids(&list, "topics"), ["epsilon"]);
    let (status, error) = world.get(&format!("{TOPICS}?filter=nme%3Dx")).await;
    assert_eq!(status, 400);
    assert!(error["message"].as_str().unwrap().starts_with("Invalid `filter` param: column 1"), "{error}");
    let (status, error) = world.get(&format!("{TOPICS}?serch=x")).await;
    assert_eq!((status, error["type"].as_str()), (400, Some("general_argument_invalid")));
    let (status, error) =
        world.get(&listed(TOPICS, &[json!({"method": "select", "values": ["name"]})])).await;
    assert_eq!(status, 400);
    assert!(error["message"].as_str().unwrap().contains("Invalid query method: select"), "{error}");
}

#[tokio::test]
async fn every_list_takes_its_attributes() {
    let world = World::new().await;
    let client = world.client();
    for name in ["ana", "bo", "cy"] {
        person(&client, name).await;
    }
    topic(&client, "news", &["ana", "bo", "cy"]).await;
    for (subject, more) in [("One", json!({"draft": true})), ("Two", json!({}))] {
        let mut body = json!({"messageId": subject, "subject": subject, "content": "x", "topics": ["news"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.post("/v1/messaging/messages/email", body).await;
    }
    let smtp =
        json!({"providerId": "main", "name": "Main", "host": "mx.example.com", "fromEmail": "a@example.com"});
    world.post("/v1/messaging/providers/smtp", smtp).await;
    for (path, plural, query, expected) in [
        (
            "/v1/users",
            "users",
            json!({"method": "startsWith", "attribute": "name", "values": ["b"]}),
            vec!["bo"],
        ),
        ("/v1/users", "users", json!({"method": "orderDesc", "attribute": "name"}), vec!["cy", "bo", "ana"]),
        (
            "/v1/users/ana/targets",
            "targets",
            json!({"method": "equal", "attribute": "providerType", "values": ["email"]}),
            vec!["ana-t"],
        ),
        (
            "/v1/herald/targets",
            "targets",
            json!({"method": "equal", "attribute": "identifier", "values": ["cy@example.com"]}),
            vec!["cy-t"],
        ),
        (
            "/v1/messaging/topics/news/subscribers",
            "subscribers",
            json!({"method": "equal", "attribute": "userId", "values": ["bo"]}),
            vec!["news-bo"],
        ),
        (
            "/v1/messaging/topics/news/subscribers",
            "subscribers",
            json!({"method": "cursorAfter", "values": ["news-ana"]}),
            vec!["news-bo", "news-cy"],
        ),
        (
            "/v1/messaging/messages",
            "messages",
            json!({"method": "equal", "attribute": "status", "values": ["draft"]}),
            vec!["One"],
        ),
        (
            "/v1/messaging/messages",
            "messages",
            json!({"method": "equal", "attribute": "status", "values": ["processing"]}),
            vec!["Two"],
        ),
        (
            "/v1/messaging/messages",
            "messages",
            json!({"method": "equal", "attribute": "status", "values": ["sent"]}),
            vec![],
        ),
        (
            "/v1/messaging/providers",
            "providers",
            json!({"method": "equal", "attribute": "type", "values": ["email"]}),
            vec!["main"],
        ),
        (
            "/v1/messaging/providers",
            "providers",
            json!({"method": "equal", "attribute": "enabled", "values": [true]}),
            vec![],
        ),
    ] {
        let (status, list) = world.get(&listed(path, std::slice::from_ref(&query))).await;
        assert_eq!(status, 200, "{path} {query} {list}");
        assert_eq!(ids(&list, plural), expected, "{path} {query}");
    }
    let (_, list) = world.get("/v1/messaging/messages?filter=status%3Dscheduled").await;
    assert_eq!(ids(&list, "messages"), ["Two"]);
    let (_, list) = world.get("/v1/messaging/messages?search=One").await;
    assert_eq!(ids(&list, "messages"), ["One"]);
}

#[tokio::test]
async fn what_an_index_finds_is_what_a_scan_would() {
    let world = World::new().await;
    let client = world.client();
    for name in ["ana", "bo", "cy"] {
        person(&client, name).await;
    }
    world
        .post("/v1/users", json!({"userId": "di", "email": "di@example.com", "phone": "+4915112345678"}))
        .await;
    topic(&client, "news", &["ana", "bo"]).await;
    let equal =
        |attribute: &str, values: Value| json!({"method": "equal", "attribute": attribute, "values": values});
    for (path, plural, queries, expected) in [
        ("/v1/users", "users", vec![equal("$id", json!(["cy", "ana", "nobody", "../x"]))], vec!["ana", "cy"]),
        ("/v1/users", "users", vec![equal("email", json!(["di@example.com"]))], vec!["di"]),
        ("/v1/users", "users", vec![equal("phone", json!(["+4915112345678"]))], vec!["di"]),
        ("/v1/users", "users", vec![equal("email", json!(["nobody@example.com"]))], vec![]),
        ("/v1/users", "users", vec![equal("$id", json!(["ana"])), equal("name", json!(["bo"]))], vec![]),
        ("/v1/herald/targets", "targets", vec![equal("userId", json!(["bo", "ana"]))], vec!["ana-t", "bo-t"]),
        ("/v1/herald/targets", "targets", vec![equal("identifier", json!(["bo@example.com"]))], vec!["bo-t"]),
        ("/v1/messaging/topics", "topics", vec![equal("$id", json!(["news"]))], vec!["news"]),
        (
            "/v1/messaging/topics/news/subscribers",
            "subscribers",
            vec![equal("targetId", json!(["bo-t", "cy-t"]))],
            vec!["news-bo"],
        ),
        (
            "/v1/messaging/topics/news/subscribers",
            "subscribers",
            vec![equal("$id", json!(["news-ana"]))],
            vec!["news-ana"],
        ),
    ] {
        let (status, list) = world.get(&listed(path, &queries)).await;
        assert_eq!(status, 200, "{list}");
        assert_eq!(ids(&list, plural), expected, "{path} {queries:?}");
        assert_eq!(list["total"], expected.len(), "{path} {queries:?}");
    }
}

#[tokio::test]
async fn the_rarer_ways_of_asking() {
    let world = five().await;
    let shuffled = topics(&world, &[json!({"method": "orderRandom"})]).await;
    assert_eq!(shuffled.len(), 5);
    let regex = json!({"method": "regex", "attribute": "name", "values": ["^Topic (a|b)"]});
    assert_eq!(topics(&world, &[regex]).await, ["alpha", "beta"]);
    for (search, expected) in
        [("topic%20gam", vec!["gamma"]), ("%22topic%20be%22", vec!["beta"]), ("%22be%20topic%22", vec![])]
    {
        assert_eq!(ids(&world.get(&format!("{TOPICS}?search={search}")).await.1, "topics"), expected);
    }
    person(&world.client(), "ana").await;
    let select = json!({"method": "select", "values": ["name"]});
    let (_, list) = world.get(&listed("/v1/users", &[select])).await;
    assert_eq!(list["users"], json!([{"$id": "ana", "name": "ana"}]));
    for id in ["m1", "m2"] {
        let body = json!({"messageId": id, "content": "Your code is 1234", "draft": true});
        world.post("/v1/messaging/messages/sms", body).await;
    }
    let by_time = json!({"method": "orderAsc", "attribute": "scheduledAt"});
    let after = json!({"method": "cursorAfter", "values": ["m1"]});
    let (status, error) = world.get(&listed("/v1/messaging/messages", &[by_time, after])).await;
    assert_eq!((status, error["type"].as_str()), (400, Some("database_query_order_null")));
    let (_, list) = world.get("/v1/messaging/messages?search=code%20draft").await;
    assert_eq!(ids(&list, "messages"), ["m1", "m2"], "the text and the state are searched, too");
    let (_, topic) =
        world.post(TOPICS, json!({"topicId": "d", "name": "D", "description": "What it is for"})).await;
    assert_eq!(topic["description"], "What it is for");
    world.patch(&format!("{TOPICS}/d"), json!({"name": "E"})).await;
    let described = json!({"method": "equal", "attribute": "description", "values": ["What it is for"]});
    assert_eq!(topics(&world, &[described]).await, ["d"]);
}

#[tokio::test]
async fn probes_ask_how_much_waits() {
    let world = World::new().await;
    let path = "/v1/health/queue/messaging";
    assert_eq!(world.get(path).await, (200, json!({"size": 0})));
    topic(&world.client(), "news", &[]).await;
    world
        .post("/v1/messaging/messages/sms", json!({"messageId": "m", "content": "x", "topics": ["news"]}))
        .await;
    assert_eq!(world.get(path).await, (200, json!({"size": 1})));
    let (status, error) = world.get(&format!("{path}?threshold=1")).await;
    assert_eq!((status, error["type"].as_str()), (503, Some("health_queue_size_exceeded")));
}

const TARGETS: &str = "/v1/herald/targets";

/// A row of the log about somebody's target.
async fn sent_to(world: &World, target: &str, outcome: Outcome, skip: Option<SkipReason>) {
    let store = world.engine.store();
    let target = store.target(&TargetId::new(target).unwrap()).await.unwrap();
    let row = LogRow {
        seq: LogSeq(0),
        at: Timestamp(1_790_000_000_000),
        message: MessageNo(1),
        target: target.no,
        identifier: target.identifier_no,
        provider: ProviderNo(1),
        outcome,
        attempt: 1,
        run: 1,
        detail: LogDetail { skip, ..LogDetail::default() },
    };
    store.append_log(vec![row]).await.unwrap();
}

#[tokio::test]
async fn targets_come_with_what_became_last_where_that_is_asked() {
    let world = World::new().await;
    let client = world.client();
    for name in ["ana", "bob", "eve"] {
        person(&client, name).await;
    }
    sent_to(&world, "ana-t", Outcome::Accepted, None).await;
    sent_to(&world, "ana-t", Outcome::Permanent, None).await;
    sent_to(&world, "bob-t", Outcome::Skipped, Some(SkipReason::Unsubscribed)).await;
    let (status, list) = world.get(&format!("{TARGETS}?outcomes=true")).await;
    assert_eq!(status, 200, "{list}");
    let at = "2026-09-21T14:13:20.000+00:00";
    assert_eq!(
        list["targets"].as_array().unwrap().iter().map(|target| &target["lastOutcome"]).collect::<Vec<_>>(),
        [
            &json!({"outcome": "permanent", "at": at}),
            &json!({"outcome": "skipped", "at": at, "skip": "unsubscribed"}),
            &Value::Null,
        ]
    );
    // The dialect's documents are what they were.
    let (_, plain) = world.get(TARGETS).await;
    let (_, own) = world.get("/v1/users/ana/targets").await;
    for target in [&plain["targets"][0], &own["targets"][0]] {
        assert!(target["$id"] == "ana-t" && target.get("lastOutcome").is_none(), "{target}");
    }
    assert_eq!(world.get(&format!("{TARGETS}?outcomes=maybe")).await.0, 400);
    assert_eq!(world.get("/v1/users/ana/targets?outcomes=true").await.0, 400);
}

#[tokio::test]
async fn who_may_not_read_the_log_is_not_told_of_it_by_targets() {
    let world = World::new().await;
    person(&world.client(), "ana").await;
    sent_to(&world, "ana-t", Outcome::Accepted, None).await;
    let peer = Peer::tcp("203.0.113.9:4711".parse().unwrap());
    for (scopes, told) in [(&["targets.read"][..], false), (&["targets.read", "messages.read"], true)] {
        let request = Request::get(format!("{TARGETS}?outcomes=true"))
            .header("x-appwrite-key", key(&world, scopes).await)
            .body(herald::client::body_from(String::new()))
            .unwrap();
        let response = world.api.for_peer(peer.clone()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let list: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(list["targets"][0]["lastOutcome"]["outcome"] == "accepted", told, "{list}");
    }
}

#[tokio::test]
async fn who_is_named_whole_in_a_filter_is_found_wherever_they_are() {
    let world = World::new().await;
    let client = world.client();
    for name in ["ana", "diana", "bo"] {
        person(&client, name).await;
    }
    topic(&client, "news", &["ana", "diana"]).await;
    for (path, plural, filter, found) in [
        ("/v1/herald/targets", "targets", "address=Ana@Example.com", vec!["ana-t"]),
        ("/v1/herald/targets", "targets", "user=bo", vec!["bo-t"]),
        ("/v1/herald/targets", "targets", "id=bo-t type=email", vec!["bo-t"]),
        ("/v1/herald/targets", "targets", "address=ana@example.com type=sms", vec![]),
        ("/v1/herald/targets", "targets", "address=nobody@example.com", vec![]),
        (
            "/v1/herald/targets",
            "targets",
            "address=ana@example.com or address=bo@example.com",
            vec!["ana-t", "bo-t"],
        ),
        ("/v1/herald/targets", "targets", "address!=ana@example.com", vec!["diana-t", "bo-t"]),
        ("/v1/messaging/topics/news/subscribers", "subscribers", "address=ana@example.com", vec!["news-ana"]),
        ("/v1/messaging/topics/news/subscribers", "subscribers", "address=bo@example.com", vec![]),
        ("/v1/users", "users", "id=diana", vec!["diana"]),
    ] {
        let (status, list) = world.get(&format!("{path}?filter={}", urlencoded(filter))).await;
        assert_eq!(
            (status, ids(&list, plural)),
            (200, found.into_iter().map(str::to_owned).collect()),
            "{filter}"
        );
        assert_ne!(list["cutShort"], true, "{filter}");
    }
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
