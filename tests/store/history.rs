//! The log, the audit, changes, retention.

use crate::fixture::*;
use herald::domain::audit::AuditEntry;
use herald::domain::channel::Channel;
use herald::domain::delivery::{LogDetail, LogRow, Outcome};
use herald::domain::ids::{IdentifierNo, LogSeq, MessageNo, ProviderNo, TargetNo};
use herald::domain::once::{Done, Once, REMEMBERED};
use herald::domain::person::Target;
use herald::domain::state::Event;
use herald::domain::time::Timestamp;
use herald::store::history::{LogQuery, Retention};
use herald::store::page::Order;
use herald::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;

fn row(no: u64) -> LogRow {
    LogRow {
        seq: LogSeq(0),
        at: Timestamp(T0.0 + no as i64 * 1000),
        message: MessageNo(1 + no % 3),
        target: TargetNo(1 + no % 7),
        identifier: IdentifierNo(1 + no % 5),
        provider: ProviderNo(1 + (no % 2) as u32),
        outcome: Outcome::ALL[no as usize % 9],
        attempt: 1,
        run: 1,
        detail: LogDetail { answer: format!("answer {no}"), ..LogDetail::default() },
    }
}

/// The rows of a query by the model: all rows, one by one.
fn expected(rows: &[LogRow], query: &LogQuery) -> Vec<u64> {
    let mut found: Vec<u64> = rows
        .iter()
        .filter(|row| {
            query.message.is_none_or(|no| row.message == no)
                && query.target.is_none_or(|no| row.target == no)
                && query.identifier.is_none_or(|no| row.identifier == no)
                && (query.outcomes.is_empty() || query.outcomes.contains(&row.outcome))
                && query.provider.is_none_or(|no| row.provider == no)
                && query.since.is_none_or(|at| row.at >= at)
                && query.until.is_none_or(|at| row.at < at)
                && query.only.as_ref().is_none_or(|only| only(row))
        })
        .map(|row| row.seq.0)
        .collect();
    if query.order == Order::Descending {
        found.reverse();
    }
    found
}

async fn every_query_of_the_log_in_pages(store: impl Store) {
    let mut rows: Vec<LogRow> = (0..200).map(row).collect();
    for part in rows.chunks(33) {
        store.append_log(part.to_vec()).await.unwrap();
    }
    for (no, row) in rows.iter_mut().enumerate() {
        row.seq = LogSeq(no as u64);
    }
    let none = LogQuery { limit: 7, scan: 50_000, ..LogQuery::default() };
    let (message, target) = (Some(MessageNo(2)), Some(TargetNo(3)));
    let queries = [
        none.clone(),
        LogQuery { message, ..none.clone() },
        LogQuery { target, ..none.clone() },
        LogQuery { identifier: Some(IdentifierNo(4)), ..none.clone() },
        LogQuery { outcomes: vec![Outcome::Accepted], ..none.clone() },
        LogQuery { outcomes: vec![Outcome::Accepted, Outcome::Bounced], ..none.clone() },
        LogQuery { provider: Some(ProviderNo(2)), ..none.clone() },
        LogQuery { message, outcomes: vec![Outcome::Permanent], ..none.clone() },
        LogQuery { message, target, provider: Some(ProviderNo(1)), ..none.clone() },
        LogQuery {
            since: Some(Timestamp(T0.0 + 40_000)),
            until: Some(Timestamp(T0.0 + 90_000)),
            ..none.clone()
        },
        LogQuery { since: Some(Timestamp(T0.0 + 150_000)), target, ..none.clone() },
        LogQuery { only: Some(Arc::new(|row: &LogRow| row.detail.answer.ends_with('7'))), ..none },
    ];
    for query in queries {
        for (order, scan) in
            [(Order::Ascending, 50_000), (Order::Descending, 50_000), (Order::Descending, 11)]
        {
            let mut query = LogQuery { order, scan, ..query.clone() };
            let mut found = Vec::new();
            loop {
                let page = store.log(query.clone()).await.unwrap();
                assert!(page.rows.len() <= 7 && page.scanned <= scan as u64);
                for row in page.rows {
                    assert_eq!(row, rows[row.seq.0 as usize]);
                    found.push(row.seq.0);
                }
                let Some(next) = page.next else { break };
                query.after = Some(next);
            }
            assert_eq!(found, expected(&rows, &query), "{order:?} {scan}");
        }
    }
    let extent = store.log_extent().await.unwrap();
    assert_eq!((extent.first, extent.next, extent.since), (0, 200, Some(T0)));
    assert_eq!(store.changes().borrow().log, 200);
}

async fn the_audit_says_who_did_what(store: impl Store) {
    for no in 0..12 {
        let resource = if no % 3 == 0 { "message/a" } else { "message/ab" };
        let mut entry = audit("message.update", resource);
        entry.summary = no.to_string();
        store.append_audit(entry).await.unwrap();
    }
    let newest = store.audit(None, None, 5).await.unwrap();
    let summaries: Vec<_> = newest.iter().map(|(_, entry)| entry.summary.as_str()).collect();
    assert_eq!(summaries, ["11", "10", "9", "8", "7"]);
    let older = store.audit(None, Some(newest[4].0), 100).await.unwrap();
    assert_eq!(older.len(), 7);
    let of_a = store.audit(Some("message/a"), None, 100).await.unwrap();
    assert_eq!(of_a.len(), 4, "another resource with the same beginning is not this one");
    assert_eq!(of_a[0].1.summary, "9");
    let rest = store.audit(Some("message/a"), Some(of_a[1].0), 100).await.unwrap();
    assert_eq!(rest.len(), 2);
}

async fn a_repeated_call_is_refused_while_it_is_remembered(store: impl Store) {
    let once = Once { key: [1; 32], call: [2; 32] };
    let entry = |at: Timestamp| {
        let mut entry = AuditEntry { at, ..audit("message.create", "message/m") };
        entry.actor.once = Some(once);
        entry
    };
    assert_eq!(store.done(once.key).await.unwrap(), None);
    store.answer_done(once.key, b"too early".to_vec()).await.unwrap();
    assert_eq!(store.done(once.key).await.unwrap(), None, "an answer to nothing is not kept");
    store.create_message(mail("m"), entry(T0)).await.unwrap();
    let done = Done { call: once.call, at: T0, resource: "message/m".into(), answer: None };
    assert_eq!(store.done(once.key).await.unwrap(), Some(done.clone()));
    store.answer_done(once.key, b"made".to_vec()).await.unwrap();
    assert_eq!(store.done(once.key).await.unwrap(), Some(Done { answer: Some(b"made".to_vec()), ..done }));

    let again = store.create_message(mail("n"), entry(T0.plus(REMEMBERED / 2))).await;
    assert!(matches!(again, Err(StoreError::Repeated)));
    let none = store.message(&mail("n").id).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })), "and nothing of it was done");
    let later = T0.plus(REMEMBERED);
    store.create_message(mail("n"), entry(later)).await.unwrap();
    assert_eq!(store.done(once.key).await.unwrap().map(|done| done.at), Some(later));
}

async fn entries_are_rewritten_in_their_place(store: impl Store) {
    for summary in ["wrote to ana@example.com", "wrote to bo"] {
        let entry = AuditEntry { summary: summary.into(), ..audit("message.create", "message/m") };
        store.append_audit(entry).await.unwrap();
    }
    let mut entries = store.audit(None, None, 10).await.unwrap();
    let (no, mut entry) = entries.pop().unwrap();
    entry.summary = "wrote to somebody".into();
    store.rewrite_audit(vec![(no, entry.clone()), (no + 1000, entry.clone())]).await.unwrap();
    let now = store.audit(None, None, 10).await.unwrap();
    assert_eq!(now.len(), 2, "what is gone stays gone");
    assert_eq!((now[0].clone(), now[1].clone()), (entries[0].clone(), (no, entry)));
    assert_eq!(store.audit(Some("message/m"), None, 10).await.unwrap(), now);
}

async fn changes_say_what_to_fetch(store: impl Store) {
    let mut changes = store.changes();
    let before = *changes.borrow_and_update();
    person(&store, "ana", None).await;
    assert!(changes.has_changed().unwrap());
    let after = *changes.borrow_and_update();
    assert!(after.people > before.people && after.commits > before.commits);
    assert_eq!(
        (after.messages, after.schedule, after.topics),
        (before.messages, before.schedule, before.topics)
    );
    store.create_message(due_mail("m", T0), audit("message.create", "m")).await.unwrap();
    let made = *changes.borrow_and_update();
    assert!(made.messages > after.messages && made.schedule > after.schedule);
    store.append_log(vec![row(0)]).await.unwrap();
    let logged = *changes.borrow_and_update();
    assert_eq!((logged.log, logged.messages, logged.schedule), (made.log + 1, made.messages, made.schedule));
}

async fn what_is_past_its_time_goes(store: impl Store) {
    let day = Duration::from_hours(24);
    let retention = Retention { log_age: day, log_bytes: u64::MAX, audit_age: day, message_age: day };
    let old = store.create_message(mail("old"), audit("message.create", "m")).await.unwrap();
    let by = "tester".to_owned();
    store.transition(old.no, Event::Cancel { by: by.clone() }, None, T0, None).await.unwrap();
    let later = T0.plus(Duration::from_hours(30));
    let new = store.create_message(mail("new"), audit("message.create", "m")).await.unwrap();
    store.transition(new.no, Event::Cancel { by }, None, later, None).await.unwrap();
    store.create_message(mail("draft"), audit("message.create", "m")).await.unwrap();
    store.append_log((0..50).map(row).collect()).await.unwrap();
    let mut entry = audit("message.update", "message/new");
    entry.at = later;
    store.append_audit(entry).await.unwrap();
    let now = T0.plus(Duration::from_hours(40));
    for _ in 0..4 {
        while store.retain(retention, now).await.unwrap() {}
    }
    assert!(matches!(store.message(&old.id).await, Err(StoreError::NotFound { .. })));
    assert!(store.message(&new.id).await.is_ok());
    assert_eq!(store.state_counts().await.unwrap(), [1, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(store.audit(None, None, 100).await.unwrap().len(), 1);
    assert_eq!(store.audit(Some("message/m"), None, 100).await.unwrap().len(), 0);
    let extent = store.log_extent().await.unwrap();
    assert_eq!((extent.first, extent.next), (50, 50), "the log's rows go with their segment");
}

async fn the_newest_row_to_an_address_is_found_whoever_had_it(store: impl Store) {
    let (ana, first) = person(&store, "ana", None).await;
    let (_, bob) = person(&store, "bob", None).await;
    let to = |target: &Target, no: u64, outcome| LogRow {
        target: target.no,
        identifier: target.identifier_no,
        outcome,
        ..row(no)
    };
    let newest = async || {
        let addresses = ["ana@example.com", "BOB@example.com", "eve@example.com", "ana@example.com"];
        let addresses = addresses.map(|address| (Channel::Email, address.to_owned()));
        let found = store.newest_to(addresses.to_vec()).await.unwrap();
        found.into_iter().map(|row| row.map(|row| (row.seq.0, row.outcome))).collect::<Vec<_>>()
    };
    assert_eq!(newest().await, [None; 4]);
    let rows = [
        to(&first, 0, Outcome::Accepted),
        to(&bob, 1, Outcome::Permanent),
        to(&first, 2, Outcome::Delivered),
    ];
    store.append_log(rows.to_vec()).await.unwrap();
    let (delivered, refused) = (Some((2, Outcome::Delivered)), Some((1, Outcome::Permanent)));
    assert_eq!(newest().await, [delivered, refused, None, delivered]);
    let sms = store.newest_to(vec![(Channel::Sms, "ana@example.com".to_owned())]).await.unwrap();
    assert_eq!(sms, [None], "another channel's address is another address");

    // The address stays the same person's when another target gets it.
    store.delete_target(&first.id, None, audit("target.delete", "t-ana")).await.unwrap();
    let again = new_target("again", Channel::Email, "Ana@example.com");
    let second = store.create_target(&ana.id, again, audit("target.create", "again")).await.unwrap();
    assert_ne!(first.identifier_no, second.identifier_no);
    assert_eq!(newest().await[0], delivered);
    store.append_log(vec![to(&second, 3, Outcome::Skipped)]).await.unwrap();
    assert_eq!(newest().await[0], Some((3, Outcome::Skipped)));
    // What a receipt says late of the one before is the newest all the same.
    store.append_log(vec![to(&first, 4, Outcome::Complained)]).await.unwrap();
    assert_eq!(newest().await[0], Some((4, Outcome::Complained)));
}

contract! {
    the_newest_row_to_an_address_is_found_whoever_had_it,
    every_query_of_the_log_in_pages,
    the_audit_says_who_did_what,
    a_repeated_call_is_refused_while_it_is_remembered,
    entries_are_rewritten_in_their_place,
    changes_say_what_to_fetch,
    what_is_past_its_time_goes,
}
