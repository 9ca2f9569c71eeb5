//! The event stream: what a reader sees, and what it misses when its line breaks.

use crate::world::{World, topic};
use herald::api::serve_socket;
use herald::client::{Address, Client, EventStream, Http1};
use herald::wire::event::{Changes, Event};
use std::time::{Duration, Instant};

async fn next(events: &mut EventStream) -> Changes {
    match tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap() {
        Event::Changed(changes) => changes,
        Event::Reset(_) => panic!("nothing has lapsed"),
    }
}

#[tokio::test]
async fn many_changes_come_as_few_events() {
    let world = World::new().await;
    let client = world.client();
    let mut events = client.events();
    let first = next(&mut events).await;
    let begun = Instant::now();
    for n in 0..200 {
        topic(&client, &format!("t{n}"), &[]).await;
    }
    let commits = world.engine.store().changes().borrow().commits;
    let (mut seen, mut last) = (0, first);
    while last.commits < commits {
        last = next(&mut events).await;
        seen += 1;
    }
    assert!(last.topics > first.topics);
    let allowed = begun.elapsed().as_millis() / 100 + 2;
    assert!(seen <= allowed, "{seen} events in {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reader_that_was_away_misses_nothing() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("herald.sock");
    let door = serve_socket(&world.api, &path).unwrap();
    let mut events = Client::new(Http1::new(Address::Socket(path.clone()))).events();
    let first = next(&mut events).await;
    assert!(door.close(Duration::from_secs(5)).await, "a stream does not keep the door open");
    assert!(events.next().await.unwrap_err().is_transport());
    topic(&world.client(), "meanwhile", &[]).await;
    let _door = serve_socket(&world.api, &path).unwrap();
    let mut after = next(&mut events).await;
    while after.topics == first.topics {
        after = next(&mut events).await;
    }
    assert!(after.commits > first.commits);
}

#[tokio::test]
async fn another_process_says_that_the_counts_begin_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("herald.sock");
    let (one, two) = (World::new().await, World::new().await);
    topic(&two.client(), "other", &[]).await;
    let door = serve_socket(&one.api, &path).unwrap();
    let mut events = Client::new(Http1::new(Address::Socket(path.clone()))).events();
    next(&mut events).await;
    door.close(Duration::from_secs(5)).await;
    assert!(events.next().await.is_err());
    let _door = serve_socket(&two.api, &path).unwrap();
    let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Reset(_)), "{event:?}");
}
