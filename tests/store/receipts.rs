//! Receipts: they find their delivery, are counted once, and trip the guard.

use crate::fixture::*;
use herald::domain::delivery::{LogDetail, Outcome};
use herald::domain::guard::GuardCause;
use herald::domain::ids::{MessageNo, ProviderNo};
use herald::domain::plan::LaneKey;
use herald::domain::receipt::{ReceiptKey, Traced};
use herald::domain::time::Timestamp;
use herald::store::Store;
use herald::store::dispatch::{ItemOutcome, JournalEntry};
use herald::store::history::LogQuery;
use herald::store::receipts::{ReceiptEntry, Recorded};

/// People: as many as the guard asks for before it judges.
const PEOPLE: usize = 100;

fn key(n: usize) -> ReceiptKey {
    ReceiptKey { id: (n as u64).to_be_bytes(), tag: [n as u8; 2] }
}

/// A message that was accepted for everybody.
async fn accepted(store: &impl Store) -> MessageNo {
    let planned = audience(store, PEOPLE).await;
    let message = sending(store, "m", vec![(SMTP, planned)]).await;
    let (claimed, candidates) = claim(store, LaneKey { message: message.no, provider: SMTP }, PEOPLE).await;
    let window = claim_all(store, vec![claimed]).await.windows[0].unwrap();
    let outcomes = (0..PEOPLE)
        .map(|n| ItemOutcome {
            traced: Traced { counts: true, keys: vec![key(n), key(n + 1000)] },
            ..over(n, &candidates, Outcome::Accepted)
        })
        .collect();
    let entry = JournalEntry { outcomes: vec![(window, outcomes)].into(), at: T0, ..JournalEntry::default() };
    store.journal(entry).await.unwrap();
    message.no
}

async fn entry(store: &impl Store, n: usize, outcome: Outcome) -> ReceiptEntry {
    let found = store.traced(SMTP, key(n)).await.unwrap();
    assert_eq!(found.len(), 1, "{n}");
    ReceiptEntry {
        provider: SMTP,
        place: found[0].place.clone(),
        outcome,
        detail: LogDetail { answer: format!("{outcome}"), ..LogDetail::default() },
        happened: Timestamp(T0.0 + 5),
        at: Timestamp(T0.0 + 10),
    }
}

async fn record(store: &impl Store, n: usize, outcome: Outcome) -> Recorded {
    let entry = entry(store, n, outcome).await;
    store.record_receipt(entry).await.unwrap()
}

async fn a_receipt_finds_its_delivery_and_counts_once(store: impl Store) {
    let message = accepted(&store).await;
    let found = store.traced(SMTP, key(3)).await.unwrap();
    assert_eq!((found[0].accepted.message, found[0].accepted.nth), (message, 3));
    assert_eq!(store.traced(SMTP, key(1003)).await.unwrap(), found, "its other key leads to it too");
    let untagged = ReceiptKey { tag: [0xff; 2], ..key(3) };
    assert_eq!(
        store.traced(SMTP, untagged).await.unwrap(),
        found,
        "the id alone is enough if no address fits"
    );
    assert!(
        store.traced(ProviderNo(9), key(3)).await.unwrap().is_empty(),
        "another provider's ids are its own"
    );
    assert!(store.traced(SMTP, key(500)).await.unwrap().is_empty());

    let delivered = entry(&store, 3, Outcome::Delivered).await;
    let first = store.record_receipt(delivered.clone()).await.unwrap();
    assert_eq!(first, Recorded::New { tripped: None });
    assert_eq!(store.record_receipt(delivered).await.unwrap(), Recorded::Known);
    assert_eq!(record(&store, 3, Outcome::Complained).await, Recorded::New { tripped: None });
    let gone = ReceiptEntry { place: vec![0; 26], ..entry(&store, 4, Outcome::Delivered).await };
    assert_eq!(store.record_receipt(gone).await.unwrap(), Recorded::Gone);

    let counts = store.receipt_counts(message).await.unwrap();
    assert_eq!((counts.delivered, counts.complained, counts.bounced), (1, 1, 0));
    assert!(store.receipt_counts(MessageNo(99)).await.unwrap().is_empty());
    let query = LogQuery {
        outcomes: vec![Outcome::Delivered, Outcome::Complained],
        limit: 10,
        scan: 1000,
        ..LogQuery::default()
    };
    let rows = store.log(query).await.unwrap().rows;
    assert_eq!(rows.len(), 2, "each is a row of the log");
    assert!(rows.iter().all(|row| row.at == Timestamp(T0.0 + 5) && row.message == message));
    assert_eq!(store.guard(SMTP).await.unwrap().last_receipt, Some(Timestamp(T0.0 + 10)));
}

async fn the_guard_trips_once_and_is_lifted(store: impl Store) {
    accepted(&store).await;
    for n in 0..4 {
        assert_eq!(record(&store, n, Outcome::Bounced).await, Recorded::New { tripped: None });
    }
    let before = store.guard(SMTP).await.unwrap();
    assert_eq!((before.counted, before.bounced, before.of, before.tripped), (100, 4, 100, None));
    let Recorded::New { tripped: Some(tripped) } = record(&store, 4, Outcome::Bounced).await else {
        panic!("five of a hundred are too many");
    };
    assert_eq!((tripped.cause, tripped.count, tripped.of), (GuardCause::Bounces, 5, 100));
    assert_eq!(
        record(&store, 5, Outcome::Bounced).await,
        Recorded::New { tripped: None },
        "it has tripped already"
    );
    assert_eq!(store.guard(SMTP).await.unwrap().tripped, Some(tripped));

    store.lift_guard(SMTP, Some(audit("provider.resume", "provider/smtp"))).await.unwrap();
    let lifted = store.guard(SMTP).await.unwrap();
    assert_eq!((lifted.counted, lifted.bounced, lifted.tripped), (0, 0, None));
    assert_eq!(store.audit(Some("provider/smtp"), None, 1).await.unwrap()[0].1.event, "provider.resume");
    record(&store, 6, Outcome::Bounced).await;
    assert_eq!(store.guard(SMTP).await.unwrap().bounced, 0, "what was sent before counts no more");
}

contract!(a_receipt_finds_its_delivery_and_counts_once, the_guard_trips_once_and_is_lifted);
