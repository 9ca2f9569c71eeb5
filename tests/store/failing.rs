//! A disk that fails or is full: the store suspends, goes on by itself, and
//! nothing is lost or done twice.

use crate::fixture::*;
use herald::domain::delivery::Outcome;
use herald::domain::plan::LaneKey;
use herald::domain::state::Event;
use herald::store::StoreError;
use herald::store::catalog::Catalog as _;
use herald::store::disk::sim::{Disk, Fault, Strikes};
use herald::store::dispatch::{Dispatch as _, JournalEntry};
use herald::store::embedded::{Embedded, Options, Storage, WriterMode};
use herald::store::history::{History as _, StoreHealth};
use herald::store::messages::Messages as _;
use herald::store::page::PageRequest;
use herald::store::people::People as _;
use herald::store::seal::{KeySource, SealingKey};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn open_on(disk: &Disk, reserve_bytes: u64) -> Embedded {
    let options = Options {
        clock: Arc::new(Still(T0.0)),
        storage: Storage::Simulated(disk.clone()),
        key: KeySource::Given(SealingKey::fixed([1; 32])),
        writer: WriterMode::Threaded(Duration::from_millis(20)),
        reserve_bytes,
        ..Options::default()
    };
    Embedded::open(Path::new("simulated"), options).unwrap()
}

/// Waits until the store's health is as wanted; fails after ten seconds.
async fn wait_for(store: &Embedded, wanted: impl FnMut(&StoreHealth) -> bool) {
    let mut health = store.health();
    let reached = tokio::time::timeout(Duration::from_secs(10), health.wait_for(wanted)).await;
    reached.expect("the store's health changes within ten seconds").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_loses_nothing_and_doubles_nothing() {
    for after in 0..30 {
        let disk = Disk::new();
        let store = Arc::new(open_on(&disk, 0));
        for strikes in [Strikes::Sync, Strikes::Write] {
            disk.inject(Fault { strikes, after, times: 3, error: ErrorKind::Other });
        }
        let tasks: Vec<_> = (0..20)
            .map(|no| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let mut message = due_mail(&format!("m{no}"), T0);
                    message.created_by = "first".into();
                    loop {
                        match store.create_message(message.clone(), audit("message.create", "m")).await {
                            Ok(_) => return,
                            // Refused at the door: nothing was written.
                            Err(StoreError::Suspended { .. }) => tokio::task::yield_now().await,
                            Err(other) => panic!("{other}"),
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        wait_for(&store, |health| *health == StoreHealth::Well).await;
        disk.heal();
        let page = PageRequest { limit: 100, ..PageRequest::default() };
        let page = store.messages(herald::store::messages::MessageFilter::default(), page).await.unwrap();
        assert_eq!((page.items.len(), page.total), (20, Some(20)), "after {after}");
        assert_eq!(store.audit(None, None, 100).await.unwrap().len(), 20);
        assert_eq!(store.claim_due(T0, 100, None).await.unwrap().messages.len(), 20);
        // What was answered is there after a power cut, too.
        store.close().await.unwrap();
        let found = open_on(&disk.cut(after), 0);
        assert_eq!(found.state_counts().await.unwrap(), [0, 0, 0, 20, 0, 0, 0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_wait_while_the_disk_is_away() {
    let disk = Disk::new();
    let store = Arc::new(open_on(&disk, 0));
    person(&*store, "ana", None).await;
    disk.inject(Fault { strikes: Strikes::Any, after: 0, times: u64::MAX, error: ErrorKind::Other });
    let waiting = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.create_topic(topic("news"), audit("topic.create", "")).await })
    };
    wait_for(&store, |health| matches!(health, StoreHealth::Suspended { .. })).await;
    let refused = store.create_topic(topic("other"), audit("topic.create", "")).await;
    assert!(matches!(refused, Err(StoreError::Suspended { .. })), "new work is refused at once");
    assert!(!waiting.is_finished(), "work that was taken waits");
    disk.heal();
    waiting.await.unwrap().unwrap();
    wait_for(&store, |health| *health == StoreHealth::Well).await;
    assert!(store.topic(&topic("news").id).await.is_ok());
    assert!(matches!(store.topic(&topic("other").id).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_does_not_wait_for_a_disk_that_is_away() {
    let disk = Disk::new();
    let store = Arc::new(open_on(&disk, 0));
    disk.inject(Fault { strikes: Strikes::Any, after: 0, times: u64::MAX, error: ErrorKind::Other });
    let waiting = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.create_topic(topic("news"), audit("topic.create", "")).await })
    };
    wait_for(&store, |health| matches!(health, StoreHealth::Suspended { .. })).await;
    let closed = tokio::time::timeout(Duration::from_secs(10), store.close()).await.expect("it closes");
    assert!(matches!(closed, Err(StoreError::Suspended { .. })), "it says that the disk was away");
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Suspended { .. } | StoreError::Closed)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_ends_also_when_the_disk_fails_only_then_and_keeps_what_was_promised() {
    for strikes in [Strikes::Sync, Strikes::Write, Strikes::Any] {
        for together in [false, true] {
            let disk = Disk::new();
            let store = Arc::new(open_on(&disk, 0));
            person(&*store, "ana", None).await;
            disk.inject(Fault { strikes, after: 0, times: u64::MAX, error: ErrorKind::Other });
            let tasks: Vec<_> = (0..5)
                .map(|no| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move {
                        store.create_topic(topic(&format!("t{no}")), audit("topic.create", "")).await
                    })
                })
                .collect();
            // The close is asked for before the first failure is noticed, or long after it.
            if !together {
                wait_for(&store, |health| matches!(health, StoreHealth::Suspended { .. })).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            let closed = tokio::time::timeout(Duration::from_secs(10), store.close()).await;
            let closed = closed.unwrap_or_else(|_| panic!("{strikes:?}, together: {together}: it hangs"));
            let mut promised = vec![];
            for (no, task) in tasks.into_iter().enumerate() {
                match task.await.unwrap() {
                    Ok(_) => promised.push(format!("t{no}")),
                    Err(StoreError::Suspended { .. } | StoreError::Closed) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            if !together {
                assert!(matches!(closed, Err(StoreError::Suspended { .. })), "{strikes:?}: {closed:?}");
            }
            disk.heal();
            drop(store);
            let found = open_on(&disk, 0);
            assert!(found.target(&herald::domain::ids::TargetId::new("t-ana").unwrap()).await.is_ok());
            for id in promised {
                assert!(found.topic(&topic(&id).id).await.is_ok(), "{strikes:?}: {id} was promised");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_still_records_what_happened() {
    let disk = Disk::new();
    let store = open_on(&disk, 16 << 20);
    let planned = audience(&store, 40).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 20).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    disk.limit(disk.used());
    // Creating goes on until the file would have to grow.
    let mut made = 0;
    let refused = loop {
        let mut new = mail(&format!("x{made}"));
        new.created_by = "x".repeat(20_000);
        match store.create_message(new, audit("message.create", "")).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made < 10_000, "the disk never gets full");
    };
    assert!(matches!(refused, StoreError::Suspended { .. }), "{refused}");
    assert!(matches!(&*store.health().borrow(), StoreHealth::Suspended { .. }));
    // Outcomes are recorded, claims are not granted, an operator can cancel.
    let (second, _) = claim(&store, lane, 20).await;
    let outcomes = (0..20).map(|n| over(n, &candidates, Outcome::Accepted)).collect();
    let entry =
        JournalEntry { outcomes: vec![(window, outcomes)].into(), claims: vec![second], usage: None, at: T0 };
    let receipt = store.journal(entry).await.unwrap();
    assert_eq!(receipt.windows, [None]);
    assert_eq!(store.message(&message.id).await.unwrap().progress.accepted, 20);
    assert_eq!(store.log_extent().await.unwrap().next, 20);
    let refused = store.create_user(new_user("late"), audit("user.create", "")).await;
    assert!(matches!(refused, Err(StoreError::Suspended { .. })));
    let by = "tester".to_owned();
    store.transition(message.no, Event::Cancel { by }, None, T0, None).await.unwrap();
    // With space it goes on by itself, and the reserve is there again.
    disk.heal();
    wait_for(&store, |health| *health == StoreHealth::Well).await;
    store.create_user(new_user("late"), audit("user.create", "")).await.unwrap();
    let page = PageRequest { limit: 1, ..PageRequest::default() };
    let page = store.messages(herald::store::messages::MessageFilter::default(), page).await.unwrap();
    assert_eq!(page.total, Some(made + 1));
}
