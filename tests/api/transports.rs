//! One suite, over every transport: what a client does is the same in this
//! process, through the socket and over TCP.

use crate::world::{World, kind, person, topic};
use herald::api::{serve_socket, serve_tcp};
use herald::client::{Address, Client, Http1, body_from};
use herald::domain::time::Timestamp;
use herald::wire::key::{CreateKey, SCOPES};
use herald::wire::message::{Envelope, State, Status, WriteEmail};
use herald::wire::query::ListRequest;
use herald::wire::transfer::ImportRequest;
use secrecy::SecretString;
use std::time::Duration;

async fn suite(client: Client) {
    assert_eq!(client.health().await.unwrap().status, "pass");
    client.ping().await.unwrap();

    person(&client, "ana").await;
    person(&client, "bo").await;
    topic(&client, "news", &["ana", "bo"]).await;
    let news = client.topic("news").await.unwrap();
    assert_eq!((news.email_total, news.sms_total), (2, 0));

    let mail = WriteEmail {
        envelope: Envelope {
            message_id: Some("m1".into()),
            topics: Some(vec!["news".into()]),
            draft: Some(true),
            ..Envelope::default()
        },
        subject: Some("Hello".into()),
        content: Some("Body".into()),
        ..WriteEmail::default()
    };
    let message = client.create_email(&mail).await.unwrap();
    assert_eq!((message.status, message.state), (Status::Draft, State::Draft));
    assert_eq!(kind(client.create_email(&mail).await), "message_already_exists");

    let tomorrow = Timestamp(message.created_at.0 + 86_400_000);
    let later = WriteEmail {
        envelope: Envelope { scheduled_at: Some(tomorrow), ..Envelope::default() },
        ..WriteEmail::default()
    };
    let scheduled = client.update_email("m1", &later).await.unwrap();
    assert_eq!((scheduled.status, scheduled.scheduled_at), (Status::Scheduled, Some(tomorrow)));
    assert_eq!(scheduled.expires_at, Some(tomorrow.plus(Duration::from_hours(72))));
    let undone = client.undo_message("m1").await.unwrap();
    assert_eq!(undone.state, State::Draft);
    let copy = client.duplicate_message("m1").await.unwrap();
    assert_eq!(copy.data, undone.data);
    assert_ne!(copy.id, undone.id);

    let page = client.messages(&ListRequest::newest(1)).await.unwrap();
    assert_eq!((page.total, page.items()[0].id.as_str()), (2, copy.id.as_str()));
    let rest = client.messages(&ListRequest::newest(1).after(page.next.as_deref())).await.unwrap();
    assert_eq!(rest.items()[0].id.as_str(), "m1");

    let preview = client.preview_message("m1").await.unwrap();
    assert_eq!((preview.recipients, preview.samples.len()), (2, 2));

    assert_eq!(kind(client.message("nothing").await), "message_not_found");
    let error = client.message("../escape").await.unwrap_err();
    assert_eq!(error.status(), Some(400), "{error}");

    client.delete_message("m1").await.unwrap();
    assert_eq!(kind(client.message("m1").await), "message_not_found");

    let file = "email,name,topics\ncy@example.com,Cy,news\nnot an address,X,\n";
    let mut steps = client.import(&ImportRequest::default(), body_from(file)).await.unwrap();
    let mut last = steps.next().await.unwrap().unwrap();
    while let Some(step) = steps.next().await.unwrap() {
        last = step;
    }
    assert!(last.done, "{last:?}");
    assert_eq!((last.counts.users, last.counts.subscriptions, last.refused), (1, 1, 1), "{last:?}");
    assert_eq!(client.topic("news").await.unwrap().email_total, 3);

    let mut events = client.events();
    events.next().await.unwrap();
    client.delete_topic("news").await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap();
}

async fn key(world: &World) -> SecretString {
    let scopes = SCOPES.iter().map(|(scope, _)| (*scope).to_owned()).collect();
    let request = CreateKey { name: "all".into(), scopes: Some(scopes), ..CreateKey::default() };
    world.client().create_key(&request).await.unwrap().secret.into()
}

#[tokio::test]
async fn in_this_process() {
    suite(World::new().await.client().operator("mira")).await;
}

#[tokio::test]
async fn through_the_socket() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("herald.sock");
    let door = serve_socket(&world.api, &path).unwrap();
    suite(Client::new(Http1::new(Address::Socket(path.clone()))).operator("mira")).await;
    assert!(door.close(Duration::from_secs(5)).await, "every request was finished");
    assert!(!path.exists(), "the socket is gone");
}

#[tokio::test]
async fn over_tcp_with_a_key() {
    let world = World::new().await;
    let door = serve_tcp(&world.api, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = door.address().unwrap().to_string();
    let secret = key(&world).await;
    suite(Client::new(Http1::new(Address::Tcp(address.clone()))).key(secret)).await;
    assert!(door.close(Duration::from_secs(5)).await, "every request was finished");
    let gone = Client::new(Http1::new(Address::Tcp(address))).health().await.unwrap_err();
    assert!(gone.is_transport(), "{gone}");
}
