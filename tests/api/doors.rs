//! Who may come in, and what they may.

use crate::world::{World, eventually, kind};
use herald::api::{serve_socket, serve_tcp};
use herald::client::{Address, Client, Http1};
use herald::domain::time::Timestamp;
use herald::wire::key::CreateKey;
use herald::wire::query::ListRequest;
use herald::wire::topic::CreateTopic;
use herald::wire::webhook::WriteWebhook;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn all() -> ListRequest {
    ListRequest::default()
}

#[tokio::test]
async fn over_tcp_nobody_is_anybody_without_a_key() {
    let world = World::new().await;
    let door = serve_tcp(&world.api, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let client = || Client::new(Http1::new(Address::Tcp(door.address().unwrap().to_string())));
    client().health().await.unwrap();
    let error = client().operator("mira").topics(&all()).await.unwrap_err();
    assert_eq!((error.status(), error.kind()), (Some(401), "general_unauthorized_scope"));
    assert_eq!(error.to_string(), "User (role: guests) missing scopes ([\"topics.read\"])");
    assert_eq!(
        kind(client().key("standard_wrong".into()).topics(&all()).await),
        "general_unauthorized_scope"
    );

    let request =
        CreateKey { name: "reader".into(), scopes: Some(vec!["topics.read".into()]), ..CreateKey::default() };
    let made = world.client().create_key(&request).await.unwrap();
    assert!(made.secret.starts_with("standard_"));
    let reader = client().key(made.secret.clone().into());
    reader.topics(&all()).await.unwrap();
    let bare = client().key(made.secret.trim_start_matches("standard_").into());
    bare.topics(&all()).await.unwrap();
    let topic = CreateTopic { topic_id: "t".into(), name: "T".into(), subscribe: None };
    let error = reader.create_topic(&topic).await.unwrap_err();
    assert_eq!(error.to_string(), "reader (role: applications) missing scopes ([\"topics.write\"])");
    assert_eq!(kind(reader.shut_down().await), "general_owner_only");
    eventually(async || world.client().keys().await.unwrap().keys[0].accessed_at.is_some()).await;

    world.client().delete_key(made.key.id.as_str()).await.unwrap();
    assert_eq!(kind(reader.topics(&all()).await), "general_unauthorized_scope");
}

#[tokio::test]
async fn a_key_ends_and_makes_no_stronger_one() {
    let world = World::new().await;
    let soon = Timestamp(chrono::Utc::now().timestamp_millis() + 300);
    let request = CreateKey { name: "short".into(), expire: Some(soon), ..CreateKey::default() };
    let short = world.client().create_key(&request).await.unwrap();
    let client = world.client().key(short.secret.into());
    client.topics(&all()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), async {
        while client.topics(&all()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(kind(client.topics(&all()).await), "project_key_expired");

    let weak =
        CreateKey { name: "maker".into(), scopes: Some(vec!["keys.write".into()]), ..CreateKey::default() };
    let maker = world.client().create_key(&weak).await.unwrap();
    let maker = world.client().key(maker.secret.into());
    let strong = CreateKey {
        name: "more".into(),
        scopes: Some(vec!["messages.write".into()]),
        ..CreateKey::default()
    };
    assert_eq!(kind(maker.create_key(&strong).await), "general_argument_invalid");
    let unknown =
        CreateKey { name: "x".into(), scopes: Some(vec!["message.read".into()]), ..CreateKey::default() };
    let error = world.client().create_key(&unknown).await.unwrap_err();
    assert!(error.to_string().contains("did you mean `messages.read`?"), "{error}");
}

#[tokio::test]
async fn hosts_of_private_networks_are_refused_over_tcp() {
    let world = World::new().await;
    let door = serve_tcp(&world.api, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let scopes = vec!["providers.write".into(), "providers.read".into()];
    let request = CreateKey { name: "ops".into(), scopes: Some(scopes), ..CreateKey::default() };
    let secret = world.client().create_key(&request).await.unwrap().secret;
    let remote =
        Client::new(Http1::new(Address::Tcp(door.address().unwrap().to_string()))).key(secret.into());
    let provider = |host: &str| herald::wire::provider::WriteProvider {
        provider_id: Some("p".into()),
        name: Some("P".into()),
        fields: serde_json::from_value(serde_json::json!({ "host": host })).unwrap(),
        ..Default::default()
    };
    for host in [
        "127.0.0.1",
        "localhost",
        "10.0.0.5:25",
        "169.254.169.254",
        "ssl://192.168.1.1:465",
        "mx.example.com;[::1]:25",
    ] {
        let error = remote.create_provider("smtp", &provider(host)).await.unwrap_err();
        assert!(error.to_string().contains("outgoing.allow_private"), "{host}: {error}");
    }
    remote.create_provider("smtp", &provider("mx.example.com")).await.unwrap();
    let mut local = provider("127.0.0.1");
    local.provider_id = Some("local".into());
    world.client().create_provider("smtp", &local).await.unwrap();
}

#[tokio::test]
async fn endpoints_in_private_networks_are_refused_over_tcp() {
    let world = World::new().await;
    let door = serve_tcp(&world.api, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let scopes = vec!["webhooks.write".into(), "webhooks.read".into()];
    let request = CreateKey { name: "ops".into(), scopes: Some(scopes), ..CreateKey::default() };
    let secret = world.client().create_key(&request).await.unwrap().secret;
    let remote =
        Client::new(Http1::new(Address::Tcp(door.address().unwrap().to_string()))).key(secret.into());
    let endpoint = |id: &str, url: &str| WriteWebhook {
        webhook_id: Some(id.into()),
        name: Some("Shop".into()),
        url: Some(url.into()),
        ..Default::default()
    };
    for url in [
        "http://127.0.0.1:8080/x",
        "http://localhost/x",
        "https://10.0.0.5/x",
        "http://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[fd00::1]/x",
        "https://user:pw@192.168.1.1/x",
    ] {
        let error = remote.create_webhook(&endpoint("w", url)).await.unwrap_err();
        assert!(error.to_string().contains("outgoing.allow_private"), "{url}: {error}");
    }
    for url in ["ftp://shop.example/x", "shop.example", "file:///etc/passwd"] {
        assert_eq!(
            remote.create_webhook(&endpoint("w", url)).await.unwrap_err().status(),
            Some(400),
            "{url}"
        );
    }
    remote.create_webhook(&endpoint("w", "https://shop.example/ended")).await.unwrap();
    let moved = endpoint("w", "http://127.0.0.1/x");
    let moved = WriteWebhook { webhook_id: None, name: None, ..moved };
    assert!(remote.update_webhook("w", &moved).await.is_err(), "nor by a change");
    world.client().create_webhook(&endpoint("local", "http://127.0.0.1/x")).await.unwrap();
}

#[tokio::test]
async fn the_socket_knows_its_owner() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("herald.sock");
    std::fs::write(&path, "stale").unwrap();
    let door = serve_socket(&world.api, &path).unwrap();
    let client = || Client::new(Http1::new(Address::Socket(path.clone())));
    let named = client().operator("mira\r\nX-Evil: 1").overview().await.unwrap();
    assert_eq!(named.instance.operator, "mira??X-Evil: 1");
    let login = client().overview().await.unwrap().instance.operator;
    assert!(!login.is_empty());
    let mut asked = world.api.shutdown_requested();
    client().shut_down().await.unwrap();
    assert!(*asked.borrow_and_update());
    assert!(door.close(Duration::from_secs(5)).await);
    assert!(client().health().await.unwrap_err().is_transport());
}

#[tokio::test]
async fn what_was_accepted_is_finished_when_the_door_closes() {
    let world = World::new().await;
    let door = serve_tcp(&world.api, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut line = tokio::net::TcpStream::connect(door.address().unwrap()).await.unwrap();
    let head =
        "POST /v1/messaging/topics HTTP/1.1\r\nhost: x\r\nx-appwrite-key: none\r\ncontent-length: 2\r\n\r\n{";
    line.write_all(head.as_bytes()).await.unwrap();
    // An answer to another request shows that the first has been accepted by then.
    Client::new(Http1::new(Address::Tcp(door.address().unwrap().to_string()))).health().await.unwrap();
    let closing = tokio::spawn(door.close(Duration::from_secs(10)));
    line.write_all(b"}").await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(closing.await.unwrap());
}

/// That nothing got through to an endpoint is noted at it, and is no edit of it: whoever edits it
/// meanwhile is not refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_endpoint_is_edited_all_the_same() {
    let world = World::new().await;
    let client = world.client();
    // A port of this machine at which nobody listens.
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let hook = WriteWebhook {
        webhook_id: Some("w".into()),
        name: Some("Shop".into()),
        url: Some(format!("http://{dead}/ended")),
        ..WriteWebhook::default()
    };
    client.create_webhook(&hook).await.unwrap();
    // Enabled anew, it is not noted to fail, and the next delivery notes it: one comes while it is edited.
    let enable = WriteWebhook { enabled: Some(true), ..WriteWebhook::default() };
    for _ in 0..40 {
        client.test_webhook("w").await.unwrap();
        for _ in 0..20 {
            client.update_webhook("w", &enable).await.unwrap();
        }
    }
    let before = client.webhook("w").await.unwrap().revision;
    let stale = WriteWebhook { revision: Some(before), ..enable };
    client.update_webhook("w", &stale).await.unwrap();
    assert_eq!(client.update_webhook("w", &stale).await.unwrap_err().status(), Some(409));
}
