//! Small documents, sealed secrets, and the ends that endpoints are told.

use crate::fixture::*;
use herald::domain::state::Event;
use herald::store::documents::{DocumentChange, Shelf};
use herald::store::page::Order;
use herald::store::{Store, StoreError};
use secrecy::{ExposeSecret as _, SecretString};

fn put(key: &str, value: &str) -> DocumentChange {
    DocumentChange::put(Shelf::Drafts, key, value.into())
}

async fn keys(store: &impl Store, prefix: &str, after: Option<&str>, order: Order) -> Vec<String> {
    let found = store.documents(Shelf::Drafts, prefix, after, order, 2).await.unwrap();
    found.into_iter().map(|(key, _)| key).collect()
}

async fn documents_are_written_together_or_not_at_all(store: impl Store) {
    let document = async |key: &str| store.document(Shelf::Drafts, key).await.unwrap();
    store.write_documents(vec![put("ana/1", "one").fresh(), put("ana/2", "two")], None).await.unwrap();
    assert_eq!(document("ana/1").await.as_deref(), Some(&b"one"[..]));
    assert_eq!(store.document(Shelf::Alerts, "ana/1").await.unwrap(), None, "a shelf of its own");

    let stale = vec![put("ana/1", "changed"), put("ana/2", "2").expecting(b"zwei".to_vec())];
    assert!(matches!(store.write_documents(stale, None).await, Err(StoreError::Moved)));
    let taken = vec![put("ana/3", "three"), put("ana/1", "again").fresh()];
    assert!(matches!(store.write_documents(taken, None).await, Err(StoreError::Moved)));
    assert_eq!(document("ana/1").await.as_deref(), Some(&b"one"[..]), "nothing of it was written");
    assert_eq!(document("ana/3").await, None);

    let remove = DocumentChange::remove(Shelf::Drafts, "ana/2").expecting(b"two".to_vec());
    let entry = audit("draft.delete", "draft/2");
    store
        .write_documents(vec![put("ana/1", "1").expecting(b"one".to_vec()), remove], Some(entry))
        .await
        .unwrap();
    assert_eq!(document("ana/1").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(document("ana/2").await, None);
    assert_eq!(store.audit(Some("draft/2"), None, 10).await.unwrap().len(), 1);
}

async fn documents_come_in_pages_in_the_order_of_their_keys(store: impl Store) {
    let all = ["ana/1", "ana/2", "ana/3", "anatol/1", "bo/1"];
    store.write_documents(all.map(|key| put(key, key)).into(), None).await.unwrap();
    assert_eq!(keys(&store, "ana/", None, Order::Ascending).await, ["ana/1", "ana/2"]);
    assert_eq!(keys(&store, "ana/", Some("ana/2"), Order::Ascending).await, ["ana/3"]);
    assert_eq!(keys(&store, "ana/", None, Order::Descending).await, ["ana/3", "ana/2"]);
    assert_eq!(keys(&store, "ana/", Some("ana/2"), Order::Descending).await, ["ana/1"]);
    assert_eq!(keys(&store, "", Some("anatol/1"), Order::Ascending).await, ["bo/1"]);
}

async fn what_is_sealed_opens_in_its_own_place_only(store: impl Store) {
    let secret = SecretString::from("correct horse");
    let sealed = store.seal("webhook/a", "secret", &secret).unwrap();
    assert!(!sealed.windows(5).any(|part| part == b"horse"));
    assert_ne!(
        sealed,
        store.seal("webhook/a", "secret", &secret).unwrap(),
        "two of the same do not look alike"
    );
    assert_eq!(store.unseal("webhook/a", "secret", &sealed).unwrap().expose_secret(), "correct horse");
    assert!(store.unseal("webhook/b", "secret", &sealed).is_err());
    assert!(store.unseal("webhook/a", "other", &sealed).is_err());
}

async fn ends_are_noted_while_there_is_an_endpoint(store: impl Store) {
    let cancel = async |id: &str| {
        let made = store.create_message(due_mail(id, T0), audit("message.create", id)).await.unwrap();
        let event = Event::Cancel { by: "tester".into() };
        store.transition(made.no, event, None, T0, None).await.unwrap().no
    };
    cancel("before").await;
    assert!(store.ended(10).await.unwrap().is_empty(), "nobody is to be told");
    let endpoint = DocumentChange::put(Shelf::Webhooks, "hook", b"{}".to_vec());
    store.write_documents(vec![endpoint], None).await.unwrap();
    let (first, second) = (cancel("first").await, cancel("second").await);
    let ends = store.ended(10).await.unwrap();
    assert_eq!(ends.iter().map(|end| (end.message, end.at)).collect::<Vec<_>>(), [(first, T0), (second, T0)]);
    assert_eq!(store.ended(1).await.unwrap(), ends[..1]);

    let queued = DocumentChange::put(Shelf::WebhookQueue, "1", b"first".to_vec());
    let refused = store.take_ended(vec![ends[0].no], vec![queued.clone().expecting(b"x".to_vec())]).await;
    assert!(matches!(refused, Err(StoreError::Moved)));
    assert_eq!(store.ended(10).await.unwrap(), ends, "and the end stays");
    store.take_ended(vec![ends[0].no], vec![queued]).await.unwrap();
    assert_eq!(store.ended(10).await.unwrap(), ends[1..]);
    assert!(store.document(Shelf::WebhookQueue, "1").await.unwrap().is_some());
}

contract! {
    documents_are_written_together_or_not_at_all,
    documents_come_in_pages_in_the_order_of_their_keys,
    what_is_sealed_opens_in_its_own_place_only,
    ends_are_noted_while_there_is_an_endpoint,
}
