//! The suppression list.

use crate::fixture::*;
use herald::domain::channel::Channel;
use herald::domain::delivery::{Outcome, SkipReason};
use herald::domain::ids::{SuppressionId, TargetId, TopicId};
use herald::domain::plan::{LaneKey, Planned};
use herald::domain::suppression::{Suppress, Suppression, SuppressionCause, SuppressionSource};
use herald::store::dispatch::JournalEntry;
use herald::store::page::{Order, PageRequest};
use herald::store::{RecordKind, Store, StoreError};
use std::sync::Arc;

fn request(cause: SuppressionCause, address: &str, topics: &[&str]) -> Suppress {
    Suppress {
        channel: Channel::Email,
        address: address.into(),
        cause,
        topics: topics.iter().map(|id| TopicId::new(id).unwrap()).collect(),
        source: SuppressionSource {
            said: format!("550 5.1.1 <{address}> unknown"),
            by: "tester".into(),
            ..SuppressionSource::default()
        },
        note: "a note".into(),
    }
}

async fn add(store: &impl Store, list: Vec<Suppress>) -> Vec<Suppression> {
    store.suppress(list, audit("suppression.create", "suppression")).await.unwrap().added
}

async fn lift(store: &impl Store, list: &[Suppression]) -> u64 {
    let ids: Vec<SuppressionId> = list.iter().map(|one| one.id.clone()).collect();
    store.lift(ids, audit("suppression.delete", "suppression")).await.unwrap()
}

async fn skips(store: &impl Store, lane: LaneKey) -> Vec<Option<SkipReason>> {
    let candidates = store.candidates(lane, START, 10, false).await.unwrap().unwrap();
    candidates.list.iter().map(|candidate| candidate.skip).collect()
}

async fn an_address_is_listed_once_for_each_cause_and_topic(store: impl Store) {
    let missing = SuppressionId::new("nothing").unwrap();
    let none = store.suppression(&missing).await;
    assert!(matches!(none, Err(StoreError::NotFound { kind: RecordKind::Suppression, .. })));
    assert!(store.suppressions(PageRequest::default()).await.unwrap().items.is_empty());
    let left = request(SuppressionCause::Unsubscribe, "Ana@Example.com", &["news", "offers", "news"]);
    let bounced = request(SuppressionCause::HardBounce, "ana@example.com ", &["news"]);
    let added = add(&store, vec![left.clone(), bounced.clone()]).await;
    assert_eq!(added.len(), 3);
    assert!(added.iter().all(|one| one.address == "ana@example.com" && one.since == T0));
    assert!(added[2].topic.is_none(), "a bounce is of no topic");
    let again =
        store.suppress(vec![left, bounced], audit("suppression.create", "suppression")).await.unwrap();
    assert_eq!((again.added.len(), again.known), (0, 3));
    let of = store.suppressions_of(Channel::Email, "ANA@example.com").await.unwrap();
    assert_eq!(
        of.iter().map(|one| one.no).collect::<Vec<_>>(),
        added.iter().map(|one| one.no).collect::<Vec<_>>()
    );
    assert_eq!(of[0].source.said, "550 5.1.1 <ana@example.com> unknown");
    assert!(store.suppressions_of(Channel::Sms, "ana@example.com").await.unwrap().is_empty());
    assert_eq!(lift(&store, &added[..2]).await, 2);
    assert_eq!(lift(&store, &added).await, 1, "two are gone already");
    assert!(store.suppressions_of(Channel::Email, "ana@example.com").await.unwrap().is_empty());
    let log = store.audit(None, None, 10).await.unwrap();
    let events: Vec<_> = log.iter().map(|(_, entry)| entry.event.as_str()).collect();
    assert_eq!(events, ["suppression.delete", "suppression.delete", "suppression.create"]);
}

async fn batches_leave_out_who_is_suppressed(store: impl Store) {
    let planned = audience(&store, 6).await;
    let mut planned = planned;
    planned[3].direct = true;
    let message = sending(&store, "m", vec![(SMTP, planned.clone())]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let address = |no: usize| format!("p{no:04}@example.com");
    let added = add(
        &store,
        vec![
            request(SuppressionCause::HardBounce, &address(0), &[]),
            request(SuppressionCause::Complaint, &address(1), &[]),
            request(SuppressionCause::Unsubscribe, &address(2), &["news"]),
            request(SuppressionCause::Unsubscribe, &address(3), &["news"]),
            request(SuppressionCause::Unsubscribe, &address(4), &["offers"]),
            request(SuppressionCause::Manual, &address(5), &[]),
        ],
    )
    .await;
    let expected = [
        Some(SkipReason::HardBounce),
        Some(SkipReason::Complaint),
        Some(SkipReason::OptedOut),
        None, // named directly
        None, // another topic
        Some(SkipReason::Suppressed),
    ];
    assert_eq!(skips(&store, lane).await, expected);
    let news = vec![TopicId::new("news").unwrap()];
    let among = store.suppressed_among(news.clone(), planned.clone()).await.unwrap();
    let found: Vec<_> = planned
        .iter()
        .map(|one| among.iter().find(|(no, _)| *no == one.target).map(|(_, cause)| cause.skip()))
        .collect();
    assert_eq!(found, expected);
    let straight = Planned { target: planned[0].target, direct: true };
    assert_eq!(
        store.suppressed_among(news, vec![straight]).await.unwrap(),
        [(straight.target, SuppressionCause::HardBounce)],
        "a bounce stops what goes straight to her, too"
    );
    assert_eq!(lift(&store, &added).await, 6);
    assert_eq!(skips(&store, lane).await, [None; 6]);
}

async fn a_new_target_of_a_listed_address_is_suppressed(store: impl Store) {
    let planned = audience(&store, 1).await;
    let message = sending(&store, "m", vec![(SMTP, planned.clone())]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    add(&store, vec![request(SuppressionCause::Manual, "new@example.com", &[])]).await;
    assert_eq!(skips(&store, lane).await, [None]);
    let id = TargetId::new("t-p0000").unwrap();
    let target = store.target(&id).await.unwrap();
    let mut moved = target.clone();
    moved.identifier = "New@example.com".into();
    let moved = store.put_target(moved, target.revision, audit("target.update", "")).await.unwrap();
    assert_eq!(skips(&store, lane).await, [Some(SkipReason::Suppressed)]);
    let listed = store.suppressions(PageRequest::default()).await.unwrap();
    assert_eq!(listed.items[0].target, Some(id));
    let mut back = moved.clone();
    back.identifier = target.identifier.clone();
    store.put_target(back, moved.revision, audit("target.update", "")).await.unwrap();
    assert_eq!(skips(&store, lane).await, [None]);
    assert_eq!(store.suppressions(PageRequest::default()).await.unwrap().items[0].target, None);
}

async fn an_erased_person_stays_suppressed(store: impl Store) {
    let planned = audience(&store, 1).await;
    add(&store, vec![request(SuppressionCause::Complaint, "p0000@example.com", &[])]).await;
    let erased =
        store.erase_address(Channel::Email, "p0000@example.com", audit("person.erase", "")).await.unwrap();
    assert_eq!(erased, 2, "the identifier and the suppression");
    let listed = store.suppressions(PageRequest::default()).await.unwrap().items;
    let record = &listed[0].suppression;
    assert_eq!((record.address.as_str(), record.note.as_str(), record.source.said.as_str()), ("", "", ""));
    assert_eq!(record.cause, SuppressionCause::Complaint);
    assert_eq!(listed[0].target, None);
    assert!(store.target_by_address(Channel::Email, "p0000@example.com").await.unwrap().is_none());

    // She comes back with the next import, and is still not written to.
    let (_, target) = person(&store, "p0000", Some("news")).await;
    assert_ne!(target.no, planned[0].target);
    let message = sending(&store, "m", vec![(SMTP, by_topic([target.no]))]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    assert_eq!(skips(&store, lane).await, [Some(SkipReason::Complaint)]);
    let view = store.suppression(&record.id).await.unwrap();
    assert_eq!((view.suppression.address.as_str(), view.target), ("", Some(target.id)));
    let of = store.suppressions_of(Channel::Email, "p0000@example.com").await.unwrap();
    assert_eq!(lift(&store, &of).await, 1, "an operator can still take it off");
    assert_eq!(skips(&store, lane).await, [None]);
}

async fn a_bounce_is_written_with_its_outcome(store: impl Store) {
    let planned = audience(&store, 2).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 2).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    let mut dead = over(0, &candidates, Outcome::TargetExpired);
    dead.bounced = true;
    let outcomes = vec![(window, vec![dead, over(1, &candidates, Outcome::TargetExpired)])];
    let entry = JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() };
    store.journal(entry.clone()).await.unwrap();
    store.journal(entry).await.unwrap();
    let listed = store.suppressions(PageRequest::default()).await.unwrap().items;
    assert_eq!(listed.len(), 1);
    let record = &listed[0].suppression;
    assert_eq!((record.address.as_str(), record.cause), ("p0000@example.com", SuppressionCause::HardBounce));
    assert_eq!(record.source.provider.as_ref().unwrap().as_str(), "smtp");
    assert_eq!(record.source.message.as_ref(), Some(&message.id));
    let expired = |no: usize| {
        let id = TargetId::new(format!("t-p{no:04}")).unwrap();
        let store = &store;
        async move { store.target(&id).await.unwrap().expired }
    };
    assert_eq!((expired(0).await, expired(1).await), (true, true));
    assert_eq!(lift(&store, std::slice::from_ref(record)).await, 1);
    assert_eq!((expired(0).await, expired(1).await), (false, true), "undone as a whole, and nothing else");
}

async fn the_list_comes_in_pages(store: impl Store) {
    let list = (0..25)
        .map(|no| {
            let cause = if no % 5 == 0 { SuppressionCause::Complaint } else { SuppressionCause::HardBounce };
            request(cause, &format!("u{no:02}@example.com"), &[])
        })
        .collect();
    add(&store, list).await;
    for order in [Order::Ascending, Order::Descending] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = PageRequest { after, order, limit: 7, ..PageRequest::default() };
            let page = store.suppressions(page).await.unwrap();
            assert_eq!(page.total, Some(25));
            seen.extend(page.items.iter().map(|view| view.suppression.no.0));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut expected: Vec<u64> = (1..=25).collect();
        if order == Order::Descending {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
    let only = PageRequest {
        only: Some(Arc::new(|one: &Suppression| one.cause == SuppressionCause::Complaint)),
        search: "u".into(),
        ..PageRequest::default()
    };
    assert_eq!(store.suppressions(only).await.unwrap().items.len(), 5);
    let found = PageRequest { search: "u07@exam".into(), ..PageRequest::default() };
    assert_eq!(store.suppressions(found).await.unwrap().items.len(), 1);
}

contract!(
    an_address_is_listed_once_for_each_cause_and_topic,
    batches_leave_out_who_is_suppressed,
    a_new_target_of_a_listed_address_is_suppressed,
    an_erased_person_stays_suppressed,
    a_bounce_is_written_with_its_outcome,
    the_list_comes_in_pages,
);
