//! Topics, subscribers, providers and keys.

use crate::fixture::*;
use herald::domain::channel::Channel;
use herald::domain::ids::{KeyId, ProviderId, ProviderNo, Revision, SubscriberId, TargetId, TopicId};
use herald::domain::provider::{Provider, ProviderHold};
use herald::domain::time::Timestamp;
use herald::domain::topic::Topic;
use herald::store::catalog::{ApiKey, Joined};
use herald::store::page::PageRequest;
use herald::store::{RecordKind, Store, StoreError, Taken};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;

fn id(text: &str) -> TopicId {
    TopicId::new(text).unwrap()
}

async fn topics_count_their_subscribers(store: impl Store) {
    let made = store.create_topic(topic("news"), audit("topic.create", "")).await.unwrap();
    let again = store.create_topic(topic("news"), audit("topic.create", "")).await;
    assert!(matches!(again, Err(StoreError::Conflict { kind: RecordKind::Topic, taken: Taken::Id })));
    let (_, ana) = person(&store, "ana", Some("news")).await;
    let twice = SubscriberId::new("other").unwrap();
    let twice = store.subscribe(&made.id, twice, &ana.id, audit("subscriber.create", "")).await;
    assert!(matches!(twice, Err(StoreError::Conflict { taken: Taken::Subscription, .. })));
    let (_, bob) = person(&store, "bob", None).await;
    let same = SubscriberId::new("s-ana").unwrap();
    let same = store.subscribe(&made.id, same, &bob.id, audit("subscriber.create", "")).await;
    assert!(matches!(same, Err(StoreError::Conflict { kind: RecordKind::Subscriber, taken: Taken::Id })));
    // The same id in another topic is another subscriber.
    store.create_topic(topic("offers"), audit("topic.create", "")).await.unwrap();
    let same = SubscriberId::new("s-ana").unwrap();
    let view =
        store.subscribe(&id("offers"), same.clone(), &bob.id, audit("subscriber.create", "")).await.unwrap();
    assert_eq!((view.user_name.as_str(), view.target.no), ("Name of bob", bob.no));
    assert_eq!(store.subscriber(&id("offers"), &same).await.unwrap(), view);
    assert_eq!(store.topic(&id("news")).await.unwrap().totals.email, 1);
    assert_eq!(store.audience_bound(&[id("news"), id("offers")], Channel::Email).await.unwrap(), 2);
    assert_eq!(store.audience_bound(&[id("news")], Channel::Sms).await.unwrap(), 0);
    store.unsubscribe(&id("offers"), &same, audit("subscriber.delete", "")).await.unwrap();
    assert_eq!(store.topic(&id("offers")).await.unwrap().totals.sum(), 0);
    let gone = store.subscriber(&id("offers"), &same).await;
    assert!(matches!(gone, Err(StoreError::NotFound { kind: RecordKind::Subscriber, .. })));
    let page = store.topics(PageRequest { limit: 1, ..PageRequest::default() }).await.unwrap();
    assert_eq!((page.items[0].totals.email, page.total, page.next), (1, Some(2), Some(1)));
    let page = store.topics(PageRequest { after: page.next, ..PageRequest::default() }).await.unwrap();
    assert_eq!(page.items[0].id, id("offers"));
}

async fn a_topic_is_edited_and_deleted(store: impl Store) {
    let made = store.create_topic(topic("news"), audit("topic.create", "")).await.unwrap();
    for no in 0..5 {
        person(&store, &format!("u{no}"), Some("news")).await;
    }
    let renamed = Topic { name: "All the news".into(), ..made.clone() };
    let put = store.put_topic(renamed.clone(), made.revision, audit("topic.update", "")).await.unwrap();
    assert_eq!((put.name.as_str(), put.totals.email, put.revision), ("All the news", 5, Revision(2)));
    let stale = store.put_topic(renamed, made.revision, audit("topic.update", "")).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })));
    store.delete_topic(&made.id, None, audit("topic.delete", "")).await.unwrap();
    assert!(matches!(store.topic(&made.id).await, Err(StoreError::NotFound { .. })));
    let again = store.create_topic(topic("news"), audit("topic.create", "")).await.unwrap();
    assert!(again.no > made.no);
    assert!(store.members(again.no, None, 10).await.unwrap().is_empty());
    assert!(store.members(made.no, None, 10).await.unwrap().is_empty(), "the old subscriptions go");
    let (_, target) = person(&store, "new", Some("news")).await;
    assert_eq!(store.members(again.no, None, 10).await.unwrap(), [(target.no, Channel::Email)]);
    let page = store.subscribers(&made.id, PageRequest::default()).await.unwrap();
    assert_eq!((page.items.len(), page.total), (1, Some(1)));
}

async fn members_come_in_order(store: impl Store) {
    let news = store.create_topic(topic("news"), audit("topic.create", "")).await.unwrap();
    let mut all = Vec::new();
    for no in 0..20 {
        all.push(person(&store, &format!("u{no:02}"), Some("news")).await.1.no);
    }
    let mut seen = Vec::new();
    while let part = store.members(news.no, seen.last().copied(), 6).await.unwrap()
        && !part.is_empty()
    {
        seen.extend(part.into_iter().map(|(no, _)| no));
    }
    assert_eq!(seen, all);
    let page = PageRequest { search: "u07".into(), ..PageRequest::default() };
    assert_eq!(store.subscribers(&news.id, page).await.unwrap().items.len(), 1);
}

fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretString> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value))).collect()
}

async fn credentials_are_sealed(store: impl Store) {
    let given = secrets(&[("host", "mail.example.com"), ("password", "correct horse 1234")]);
    let made = store.create_provider(provider("smtp"), given, audit("provider.create", "")).await.unwrap();
    assert_eq!(made.no, ProviderNo(1));
    assert_eq!(made.credentials["password"], "••••1234");
    assert_eq!(made.credentials["host"], "mail.example.com");
    assert!(!format!("{made:?}").contains("correct"));
    let opened = store.credentials(made.no).await.unwrap();
    assert_eq!(opened["password"].expose_secret(), "correct horse 1234");

    let held = ProviderHold::Paused { by: "tester".into(), since: T0 };
    let paused = Provider { hold: Some(held), ..made.clone() };
    let paused = store.put_provider(paused, None, made.revision, audit("provider.update", "")).await.unwrap();
    assert_eq!(paused.credentials, made.credentials);
    assert_eq!(store.credentials(made.no).await.unwrap().len(), 2);
    let new = Some(secrets(&[("host", "other.example.com")]));
    let put =
        store.put_provider(paused.clone(), new, paused.revision, audit("provider.update", "")).await.unwrap();
    assert_eq!(put.credentials.len(), 1);
    assert_eq!(store.credentials(made.no).await.unwrap().len(), 1);
    let second = provider("second");
    store.create_provider(second, BTreeMap::new(), audit("provider.create", "")).await.unwrap();
    let ids: Vec<_> = store.providers().await.unwrap().into_iter().map(|one| one.id.to_string()).collect();
    assert_eq!(ids, ["smtp", "second"]);
    store
        .delete_provider(&ProviderId::new("smtp").unwrap(), None, audit("provider.delete", ""))
        .await
        .unwrap();
    assert!(store.credentials(made.no).await.unwrap().is_empty());
    assert!(matches!(store.provider(&made.id).await, Err(StoreError::NotFound { .. })));
}

async fn a_replaced_key_comes_back_while_it_is_kept(store: impl Store) {
    let first = secrets(&[("host", "mail.example.com"), ("password", "correct horse 1234")]);
    let made = store.create_provider(provider("smtp"), first, audit("provider.create", "")).await.unwrap();
    assert_eq!(store.replaced(made.no).await.unwrap(), None);
    let nothing = store.roll_back(made.clone(), made.revision, audit("provider.rollback", "")).await;
    assert!(matches!(nothing, Err(StoreError::Moved)), "nothing is kept");

    let second = secrets(&[("host", "mail.example.com"), ("password", "battery staple 5678")]);
    let later = Provider { updated: Timestamp(T0.0 + 10), ..made.clone() };
    let put =
        store.put_provider(later, Some(second), made.revision, audit("provider.update", "")).await.unwrap();
    let kept = store.replaced(made.no).await.unwrap().unwrap();
    assert_eq!((kept.at, kept.credentials["password"].as_str()), (Timestamp(T0.0 + 10), "••••1234"));

    let stale = store.roll_back(put.clone(), made.revision, audit("provider.rollback", "")).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })));
    let back = Provider { updated: Timestamp(T0.0 + 20), credentials: kept.credentials, ..put.clone() };
    store.roll_back(back, put.revision, audit("provider.rollback", "")).await.unwrap();
    let opened = store.credentials(made.no).await.unwrap();
    assert_eq!(opened["password"].expose_secret(), "correct horse 1234");
    let kept = store.replaced(made.no).await.unwrap().unwrap();
    assert_eq!((kept.at, kept.credentials["password"].as_str()), (Timestamp(T0.0 + 20), "••••5678"));

    assert_eq!(store.wipe_replaced(Timestamp(T0.0 + 19)).await.unwrap(), 0);
    assert_eq!(store.wipe_replaced(Timestamp(T0.0 + 20)).await.unwrap(), 1);
    assert_eq!(store.replaced(made.no).await.unwrap(), None);
    assert_eq!(store.credentials(made.no).await.unwrap().len(), 2, "what is in use stays");
}

async fn many_are_subscribed_together(store: impl Store) {
    store.create_topic(topic("news"), audit("topic.create", "")).await.unwrap();
    person(&store, "ana", Some("news")).await;
    let mut all = vec![(SubscriberId::new("x").unwrap(), TargetId::new("t-ana").unwrap())];
    for name in ["bo", "cy"] {
        let (_, target) = person(&store, name, None).await;
        all.push((SubscriberId::new(format!("s-{name}")).unwrap(), target.id));
    }
    all.push((SubscriberId::new("y").unwrap(), TargetId::new("nobody").unwrap()));
    let entry = || audit("subscriber.create", "topic/news");
    let done = store.subscribe_many(&id("news"), all.clone(), entry()).await.unwrap();
    assert_eq!(done, [Joined::Before, Joined::Now, Joined::Now, Joined::Missing]);
    assert_eq!(store.topic(&id("news")).await.unwrap().totals.email, 3);
    let again = store.subscribe_many(&id("news"), all, entry()).await.unwrap();
    assert_eq!(again, [Joined::Before, Joined::Before, Joined::Before, Joined::Missing]);
    assert_eq!(
        store.audit(Some("topic/news"), None, 10).await.unwrap().len(),
        1,
        "what changes nothing is no event"
    );

    let (_, dee) = person(&store, "dee", None).await;
    let taken = vec![(SubscriberId::new("s-bo").unwrap(), dee.id)];
    let taken = store.subscribe_many(&id("news"), taken, entry()).await;
    assert!(matches!(taken, Err(StoreError::Conflict { kind: RecordKind::Subscriber, taken: Taken::Id })));
    let missing = store.subscribe_many(&id("nowhere"), Vec::new(), entry()).await;
    assert!(matches!(missing, Err(StoreError::NotFound { kind: RecordKind::Topic, .. })));
}

async fn keys_are_found_by_their_hash(store: impl Store) {
    let key = ApiKey {
        id: KeyId::new("k1").unwrap(),
        name: "ci".into(),
        hash: [7; 32],
        scopes: vec!["messages.read".into()],
        expires: None,
        created: T0,
        accessed: None,
    };
    store.create_key(key.clone(), audit("key.create", "")).await.unwrap();
    assert_eq!(store.key_by_hash([7; 32]).await.unwrap().as_deref(), Some(&key));
    assert_eq!(store.key_by_hash([8; 32]).await.unwrap(), None);
    let again = store.create_key(key.clone(), audit("key.create", "")).await;
    assert!(matches!(again, Err(StoreError::Conflict { kind: RecordKind::Key, .. })));
    store.touch_key(&key.id, T0).await.unwrap();
    let commits = store.changes().borrow().commits;
    store.touch_key(&key.id, Timestamp(T0.0 + 1)).await.unwrap();
    assert_eq!(store.changes().borrow().commits, commits, "once a day is enough");
    assert_eq!(store.keys().await.unwrap()[0].accessed, Some(T0));
    store.delete_key(&key.id, audit("key.delete", "")).await.unwrap();
    assert_eq!(store.key_by_hash([7; 32]).await.unwrap(), None);
}

contract! {
    topics_count_their_subscribers,
    a_topic_is_edited_and_deleted,
    members_come_in_order,
    credentials_are_sealed,
    a_replaced_key_comes_back_while_it_is_kept,
    many_are_subscribed_together,
    keys_are_found_by_their_hash,
}
