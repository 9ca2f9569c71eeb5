//! Users, targets and identifiers.

use crate::fixture::*;
use herald::domain::channel::Channel;
use herald::domain::ids::{IdentifierNo, Revision, TargetId, TopicId, UserId};
use herald::domain::person::{Target, User};
use herald::store::page::{Order, PageRequest};
use herald::store::people::TargetChange;
use herald::store::{RecordKind, Store, StoreError, Taken};
use std::sync::Arc;

fn user_id(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn target_id(id: &str) -> TargetId {
    TargetId::new(id).unwrap()
}

fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>, kind: RecordKind, taken: Taken) {
    match result {
        Err(StoreError::Conflict { kind: k, taken: t }) => assert_eq!((k, t), (kind, taken)),
        other => panic!("{taken:?} of a {kind:?} is taken, but: {other:?}"),
    }
}

async fn what_is_unique_is_refused(store: impl Store) {
    let (ana, target) = person(&store, "ana", None).await;
    assert_eq!(store.user(&ana.id).await.unwrap(), ana);
    assert_eq!(store.user_by_no(ana.no).await.unwrap(), ana);
    assert_eq!(ana.revision, Revision(1));
    let create = |user| store.create_user(user, audit("user.create", "x"));
    conflict(create(new_user("ana")).await, RecordKind::User, Taken::Id);
    let mut bob = new_user("bob");
    bob.email = Some("ANA@example.com".into());
    conflict(create(bob.clone()).await, RecordKind::User, Taken::Email);
    bob.email = None;
    bob.phone = Some("+4915112345678".into());
    let (bob, none) = create(bob).await.unwrap();
    assert!(none.is_empty());
    let mut eve = new_user("eve");
    eve.phone = Some("+4915112345678".into());
    conflict(create(eve).await, RecordKind::User, Taken::Phone);

    let add = |target| store.create_target(&bob.id, target, audit("target.create", "x"));
    let same_id = new_target("t-ana", Channel::Email, "new@example.com");
    conflict(add(same_id).await, RecordKind::Target, Taken::Id);
    let same_address = new_target("t2", Channel::Email, "Ana@Example.com");
    conflict(add(same_address).await, RecordKind::Target, Taken::Address);
    // A device token is compared as it is.
    add(new_target("p1", Channel::Push, "Token")).await.unwrap();
    add(new_target("p2", Channel::Push, "token")).await.unwrap();
    let missing = store.user(&user_id("nobody")).await;
    assert!(matches!(missing, Err(StoreError::NotFound { kind: RecordKind::User, .. })));
    // An automatic target whose address has one already is not made again.
    let mut dup = new_user("dup");
    dup.targets = vec![new_target("t-dup", Channel::Email, "ana@example.com")];
    let (_, targets) = create(dup).await.unwrap();
    assert_eq!(targets, [target]);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.users, stats.targets), (3, 3));
}

async fn an_edit_needs_the_revision_that_was_seen(store: impl Store) {
    let (ana, target) = person(&store, "ana", None).await;
    let renamed = User { name: "Ana B.".into(), ..ana.clone() };
    let first =
        store.put_user(renamed.clone(), ana.revision, vec![], audit("user.update", "ana")).await.unwrap();
    assert_eq!((first.name.as_str(), first.revision), ("Ana B.", Revision(2)));
    let stale = store.put_user(renamed, ana.revision, vec![], audit("user.update", "ana")).await;
    let Err(StoreError::Stale { expected, actual, .. }) = stale else { panic!("{stale:?}") };
    assert_eq!((expected, actual), (Revision(1), Revision(2)));
    let edited = Target { name: "desk".into(), ..target.clone() };
    store.put_target(edited.clone(), target.revision, audit("target.update", "")).await.unwrap();
    let stale = store.put_target(edited, target.revision, audit("target.update", "")).await;
    assert!(matches!(stale, Err(StoreError::Stale { kind: RecordKind::Target, .. })));
}

async fn a_new_address_is_a_new_identifier(store: impl Store) {
    let (_, target) = person(&store, "ana", None).await;
    store.set_expired(vec![target.no], true, T0).await.unwrap();
    let target = store.target(&target.id).await.unwrap();
    assert!(target.expired);
    let moved = Target { identifier: "ana@example.org".into(), expired: false, ..target.clone() };
    let moved = store.put_target(moved, target.revision, audit("target.update", "")).await.unwrap();
    assert_ne!(moved.identifier_no, target.identifier_no);
    let both =
        store.identifiers(&[target.identifier_no, moved.identifier_no, IdentifierNo(99)]).await.unwrap();
    let addresses: Vec<_> = both.iter().map(|one| one.as_ref().map(|one| one.address.as_str())).collect();
    assert_eq!(addresses, [Some("ana@example.com"), Some("ana@example.org"), None]);
    assert_eq!(store.target_by_address(Channel::Email, "ana@example.com").await.unwrap(), None);
    assert_eq!(store.target_by_address(Channel::Email, "ANA@example.org").await.unwrap(), Some(moved));
    // The old address is free for somebody else; what stood for it before is still known.
    let (bob, _) = person(&store, "bob", None).await;
    let taken = new_target("t9", Channel::Email, "ana@example.com");
    store.create_target(&bob.id, taken, audit("target.create", "")).await.unwrap();
    let known = store.identifiers_of(Channel::Email, "ana@example.com").await.unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!(known[0].no, target.identifier_no);
}

async fn a_user_changes_together_with_targets(store: impl Store) {
    let (ana, target) = person(&store, "ana", None).await;
    person(&store, "bob", None).await;
    let changed = User { email: Some("a@example.net".into()), ..ana.clone() };
    let taken = vec![TargetChange::Readdress(target.id.clone(), "bob@example.com".into())];
    let refused = store.put_user(changed.clone(), ana.revision, taken, audit("user.update", "")).await;
    conflict(refused, RecordKind::Target, Taken::Address);
    assert_eq!(store.user(&ana.id).await.unwrap(), ana, "a refused change changes nothing");
    let changes = vec![
        TargetChange::Readdress(target.id.clone(), "a@example.net".into()),
        TargetChange::Create(new_target("t-sms", Channel::Sms, "+4915112345678")),
    ];
    let changed = store.put_user(changed, ana.revision, changes, audit("user.update", "")).await.unwrap();
    let targets = store.targets_of(ana.no).await.unwrap();
    let addresses: Vec<_> = targets.iter().map(|target| target.identifier.as_str()).collect();
    assert_eq!(addresses, ["a@example.net", "+4915112345678"]);
    let gone = vec![TargetChange::Delete(target_id("t-sms"))];
    let blocked = User { enabled: false, ..changed.clone() };
    store.put_user(blocked, changed.revision, gone, audit("user.update", "")).await.unwrap();
    assert_eq!(store.targets_of(ana.no).await.unwrap().len(), 1);
    // The old address can be somebody else's.
    let mut eve = new_user("eve");
    eve.email = Some("ana@example.com".into());
    store.create_user(eve, audit("user.create", "")).await.unwrap();
}

async fn deleting_leaves_nothing_behind(store: impl Store) {
    store.create_topic(topic("news"), audit("topic.create", "")).await.unwrap();
    let news = TopicId::new("news").unwrap();
    let (ana, target) = person(&store, "ana", Some("news")).await;
    let (_, bob) = person(&store, "bob", Some("news")).await;
    assert_eq!(store.topic(&news).await.unwrap().totals.email, 2);
    store.delete_target(&bob.id, None, audit("target.delete", "")).await.unwrap();
    assert_eq!(store.topic(&news).await.unwrap().totals.email, 1);
    store.delete_user(&ana.id, None, audit("user.delete", "")).await.unwrap();
    assert_eq!(store.topic(&news).await.unwrap().totals.sum(), 0);
    assert!(matches!(store.target(&target.id).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.targets_by_no(&[target.no, bob.no]).await.unwrap(), [None, None]);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.users, stats.targets), (1, 0));
    // Ids and addresses are free again.
    let (again, _) = person(&store, "ana", Some("news")).await;
    assert!(again.no > ana.no, "numbers are not given out twice");
}

async fn a_person_is_forgotten(store: impl Store) {
    store.create_topic(topic("news"), audit("topic.create", "")).await.unwrap();
    let (ana, target) = person(&store, "ana", Some("news")).await;
    let sms = new_target("sms", Channel::Sms, "+4915112345678");
    let sms = store.create_target(&ana.id, sms, audit("target.create", "")).await.unwrap();
    person(&store, "bob", Some("news")).await;
    let erased =
        store.erase_address(Channel::Email, "Ana@example.com", audit("person.erase", "")).await.unwrap();
    assert_eq!(erased, 2);
    assert!(matches!(store.user(&ana.id).await, Err(StoreError::NotFound { .. })));
    let records = store.identifiers(&[target.identifier_no, sms.identifier_no]).await.unwrap();
    for record in records.into_iter().flatten() {
        assert_eq!((record.address.as_str(), record.erased), ("", Some(T0)));
    }
    assert!(store.identifiers_of(Channel::Email, "ana@example.com").await.unwrap().is_empty());
    assert!(store.identifiers_of(Channel::Sms, "+4915112345678").await.unwrap().is_empty());
    let news = store.topic(&TopicId::new("news").unwrap()).await.unwrap();
    assert_eq!(news.totals.email, 1);
    let nobody =
        store.erase_address(Channel::Email, "ana@example.com", audit("person.erase", "")).await.unwrap();
    assert_eq!(nobody, 0);
}

async fn lists_come_in_pages(store: impl Store) {
    for no in 0..30 {
        person(&store, &format!("u{no:02}"), None).await;
    }
    for order in [Order::Ascending, Order::Descending] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let request = PageRequest { after, order, limit: 7, ..PageRequest::default() };
            let page = store.users(request).await.unwrap();
            assert_eq!(page.total, Some(30));
            seen.extend(page.items.into_iter().map(|user| user.no.0));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut expected: Vec<u64> = (1..=30).collect();
        if order == Order::Descending {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
    let skipped = PageRequest { offset: 28, limit: 7, ..PageRequest::default() };
    let skipped = store.users(skipped).await.unwrap();
    assert_eq!(skipped.items.iter().map(|user| user.no.0).collect::<Vec<_>>(), [29, 30]);
    assert_eq!(skipped.next, None);
    let found = PageRequest { search: "U07@exam".into(), ..PageRequest::default() };
    let found = store.users(found).await.unwrap();
    assert_eq!((found.items.len(), found.total), (1, None));
    let odd: PageRequest<Target> = PageRequest {
        only: Some(Arc::new(|target: &Target| target.no.0 % 2 == 1)),
        limit: 10,
        scan: 12,
        ..PageRequest::default()
    };
    let page = store.targets(odd).await.unwrap();
    assert_eq!(page.items.len(), 10, "a page that fits one read is not cut short");
    let rare: PageRequest<Target> = PageRequest {
        only: Some(Arc::new(|target: &Target| target.no.0 == 30)),
        limit: 4,
        scan: 10,
        ..PageRequest::default()
    };
    let mut page = store.targets(rare.clone()).await.unwrap();
    let mut found = page.items.len();
    while let Some(after) = page.next {
        page = store.targets(PageRequest { after: Some(after), ..rare.clone() }).await.unwrap();
        found += page.items.len();
    }
    assert_eq!(found, 1);
}

contract! {
    what_is_unique_is_refused,
    an_edit_needs_the_revision_that_was_seen,
    a_new_address_is_a_new_identifier,
    a_user_changes_together_with_targets,
    deleting_leaves_nothing_behind,
    a_person_is_forgotten,
    lists_come_in_pages,
}
