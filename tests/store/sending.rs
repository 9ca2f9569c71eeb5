//! The way of a message through the store.

use crate::fixture::*;
use herald::domain::delivery::{Outcome, SkipReason};
use herald::domain::ids::{IdentifierNo, MessageNo, SubscriberId, TargetId, TopicId, UserId};
use herald::domain::message::{Message, Progress};
use herald::domain::person::User;
use herald::domain::plan::{Again, LaneKey, PlanCursor, WaitReason, WindowSource};
use herald::domain::state::{Event, Hold, MessageState};
use herald::domain::time::Timestamp;
use herald::store::dispatch::{Claim, Decision, ItemOutcome, JournalEntry, PlanStep, WaitingFilter};
use herald::store::history::LogQuery;
use herald::store::page::Order;
use herald::store::{Store, StoreError};
use std::time::Duration;

fn log_query() -> LogQuery {
    LogQuery { limit: 1000, scan: 10_000, order: Order::Ascending, ..LogQuery::default() }
}

async fn a_message_goes_from_scheduled_to_sent(store: impl Store) {
    let planned = audience(&store, 5).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    assert_eq!(message.state, MessageState::Processing);
    assert_eq!((message.run, message.started_at), (1, Some(T0)));
    assert_eq!(message.progress, Progress { planned: 5, ..Progress::default() });
    let lane = LaneKey { message: message.no, provider: SMTP };

    let (first, candidates) = claim(&store, lane, 3).await;
    assert_eq!(candidates.list.len(), 3);
    assert_eq!(candidates.list[0].address, "p0000@example.com");
    let window = claim_all(&store, vec![first.clone()]).await.windows[0].unwrap();
    assert_eq!(store.open_windows().await.unwrap().len(), 1);
    // The lane has moved: the same claim is refused.
    assert_eq!(claim_all(&store, vec![first]).await.windows, [None]);

    let (second, rest) = claim(&store, lane, 3).await;
    assert_eq!(rest.list.len(), 2);
    let outcomes: Vec<ItemOutcome> = (0..3).map(|n| over(n, &candidates, Outcome::Accepted)).collect();
    let entry = JournalEntry {
        outcomes: vec![(window, outcomes)].into(),
        claims: vec![second],
        usage: Some((SMTP, vec![1, 2, 3])),
        at: T0,
    };
    let receipt = store.journal(entry).await.unwrap();
    assert!(receipt.finished.is_empty());
    let next = receipt.windows[0].unwrap();
    assert_eq!(store.usage(SMTP).await.unwrap(), Some(vec![1, 2, 3]));

    let outcomes = (0..2).map(|n| over(n, &rest, Outcome::Accepted)).collect();
    let entry = JournalEntry { outcomes: vec![(next, outcomes)].into(), at: T0, ..JournalEntry::default() };
    let receipt = store.journal(entry).await.unwrap();
    assert_eq!(receipt.finished.len(), 1);
    let message = store.message(&message.id).await.unwrap();
    assert_eq!(message, receipt.finished[0]);
    assert_eq!(message.state, MessageState::Sent);
    assert_eq!(message.finished_at, Some(T0));
    assert!(message.errors.is_empty());
    assert_eq!(message.progress, Progress { planned: 5, claimed: 5, accepted: 5, ..Progress::default() });
    assert!(store.open_windows().await.unwrap().is_empty());
    assert!(store.lanes(SMTP).await.unwrap().is_empty());
    assert_eq!(store.lanes_of(message.no).await.unwrap()[0].progress, message.progress);

    let page = store.log(LogQuery { message: Some(message.no), ..log_query() }).await.unwrap();
    assert_eq!(page.rows.len(), 5);
    assert_eq!(page.rows[4].detail.answer, "250 2.0.0 accepted");
    assert_eq!(page.next, None);
    let counts = store.state_counts().await.unwrap();
    assert_eq!(counts[usize::from(MessageState::Sent.code())], 1);
    assert_eq!(counts.iter().sum::<u64>(), 1);
}

async fn an_outcome_counts_once(store: impl Store) {
    let planned = audience(&store, 2).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 2).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    for _ in 0..3 {
        let outcomes = vec![(window, vec![over(0, &candidates, Outcome::Accepted)])];
        store
            .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
            .await
            .unwrap();
    }
    let message = store.message(&message.id).await.unwrap();
    assert_eq!(message.progress.accepted, 1);
    assert_eq!(message.progress.in_flight(), 1);
    assert_eq!(store.log(log_query()).await.unwrap().rows.len(), 1);
    let open = store.open_windows().await.unwrap();
    assert!(open[0].is_done(0) && !open[0].is_done(1));
}

async fn who_waits_is_claimed_when_due(store: impl Store) {
    let planned = audience(&store, 2).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 2).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    let later = T0.plus(Duration::from_mins(1));
    let outcomes = vec![
        wait(0, &candidates, later, WaitReason::Retry),
        wait(1, &candidates, Timestamp::NEVER, WaitReason::Uncertain),
    ];
    let entry = JournalEntry { outcomes: vec![(window, outcomes)].into(), at: T0, ..JournalEntry::default() };
    store.journal(entry).await.unwrap();
    let progress = store.message(&message.id).await.unwrap().progress;
    assert_eq!((progress.retrying, progress.undecided, progress.held, progress.in_flight()), (1, 1, 0, 0));
    let lanes = store.lanes(SMTP).await.unwrap();
    assert_eq!(lanes[0].next_wait, Some(later));
    assert_eq!(store.waiting(WaitingFilter::default(), None, 10).await.unwrap().len(), 2);

    assert_eq!(store.due_waiting(lane, T0, 10, false).await.unwrap(), None);
    let due = store.due_waiting(lane, later, 10, false).await.unwrap().unwrap();
    assert_eq!(due.list.len(), 1);
    assert_eq!(due.list[0].attempts, 1);
    let again = Claim { lane, run: 1, source: due.source.clone(), of: 0 };
    let receipt = claim_all(&store, vec![again.clone(), again]).await;
    assert!(receipt.windows[0].is_some());
    assert_eq!(receipt.windows[1], None);
    let windows = store.open_windows().await.unwrap();
    assert!(matches!(&windows[0].source, WindowSource::Waiting(list) if list.len() == 1));
    let outcomes = vec![over(0, &due, Outcome::Permanent)];
    let entry = JournalEntry {
        outcomes: vec![(receipt.windows[0].unwrap(), outcomes)].into(),
        at: later,
        ..JournalEntry::default()
    };
    let receipt = store.journal(entry).await.unwrap();
    assert!(receipt.finished.is_empty(), "somebody is held");

    let decided = store.decide(WaitingFilter::default(), Decision::GiveUp, None, 10, later).await.unwrap();
    assert_eq!((decided.count, decided.finished), (1, vec![message.no]));
    let message = store.message(&message.id).await.unwrap();
    assert_eq!(message.state, MessageState::Failed);
    assert_eq!((message.progress.failed, message.progress.uncertain), (1, 1));
    assert_eq!(message.errors.len(), 2);
    assert!(message.errors.iter().any(|error| error.contains("target t-p0000 with error: 250")));
}

async fn recipients_are_checked_again(store: impl Store) {
    let planned = audience(&store, 6).await;
    let message = sending(&store, "m", vec![(SMTP, planned.clone())]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let id = |no: usize| TargetId::new(format!("t-p{no:04}")).unwrap();
    store.delete_target(&id(0), None, audit("target.delete", "")).await.unwrap();
    let news = TopicId::new("news").unwrap();
    let gone = SubscriberId::new("s-p0001").unwrap();
    store.unsubscribe(&news, &gone, audit("subscriber.delete", "")).await.unwrap();
    store.set_expired(vec![planned[2].target], true, T0).await.unwrap();
    let user = store.user(&UserId::new("p0003").unwrap()).await.unwrap();
    let revision = user.revision;
    store
        .put_user(User { enabled: false, ..user }, revision, vec![], audit("user.update", ""))
        .await
        .unwrap();
    let candidates = store.candidates(lane, START, 10, true).await.unwrap().unwrap();
    let skips: Vec<_> = candidates.list.iter().map(|candidate| candidate.skip).collect();
    assert_eq!(
        skips,
        [
            Some(SkipReason::TargetDeleted),
            Some(SkipReason::Unsubscribed),
            Some(SkipReason::TargetExpired),
            Some(SkipReason::UserBlocked),
            None,
            None
        ]
    );
    assert_eq!(candidates.list[0].identifier, IdentifierNo(0));
    assert_eq!(candidates.list[4].person.as_ref().unwrap().name, "Name of p0004");
}

async fn cancelling_takes_back_who_was_not_tried(store: impl Store) {
    let planned = audience(&store, 6).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 3).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    let due = T0.plus(Duration::from_secs(1));
    let outcomes = vec![(window, vec![wait(0, &candidates, due, WaitReason::Retry)])];
    store
        .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
        .await
        .unwrap();
    let by = "tester".to_owned();
    let cancelled = store
        .transition(
            message.no,
            Event::Cancel { by: by.clone() },
            None,
            T0,
            Some(audit("message.cancel", "m")),
        )
        .await
        .unwrap();
    assert_eq!(cancelled.state, MessageState::Cancelled { by });
    assert_eq!(cancelled.progress.cancelled, 4);
    assert_eq!(cancelled.progress.in_flight(), 2);
    assert_eq!(cancelled.progress.untouched(), 0);
    assert!(store.waiting(WaitingFilter::default(), None, 10).await.unwrap().is_empty());
    // What is in flight finishes; nobody is tried again.
    let outcomes =
        vec![over(1, &candidates, Outcome::Accepted), wait(2, &candidates, due, WaitReason::Retry)];
    let entry = JournalEntry { outcomes: vec![(window, outcomes)].into(), at: T0, ..JournalEntry::default() };
    store.journal(entry).await.unwrap();
    let progress = store.message(&message.id).await.unwrap().progress;
    assert_eq!((progress.accepted, progress.cancelled, progress.open()), (1, 5, 0));
    assert!(store.lanes(SMTP).await.unwrap().is_empty());
    assert!(store.open_windows().await.unwrap().is_empty());
    let refused = store.transition(message.no, Event::Reopen(Again::default()), None, T0, None).await;
    assert!(matches!(refused, Err(StoreError::Transition(_))));
}

async fn cancel(store: &impl Store, message: MessageNo) {
    let cancel = Event::Cancel { by: "tester".into() };
    store.transition(message, cancel, None, T0, Some(audit("message.cancel", "m"))).await.unwrap();
}

/// Outcomes of a message that was cancelled and deleted meanwhile must not keep those of
/// others from being recorded, nor an engine from starting.
async fn a_message_can_be_deleted_while_something_is_in_flight(store: impl Store) {
    let planned = audience(&store, 4).await;
    let message = sending(&store, "m", vec![(SMTP, planned.clone())]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 2).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    let (second, _) = claim(&store, lane, 2).await;
    let lost = claim_all(&store, vec![second]).await.windows[0].unwrap();
    cancel(&store, message.no).await;
    store.delete_message(&message.id, None, audit("message.delete", "m")).await.unwrap();
    for index in 0..2 {
        let outcomes = vec![(window, vec![over(index, &candidates, Outcome::Accepted)])];
        store
            .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
            .await
            .unwrap();
    }
    assert_eq!(store.log(log_query()).await.unwrap().rows.len(), 2);
    // What a start finds: the window of a plan that is gone.
    let outcomes = vec![(lost, Vec::new())];
    store
        .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
        .await
        .unwrap();
    assert!(store.open_windows().await.unwrap().is_empty());
}

async fn a_lost_answer_after_a_cancel_is_uncertain(store: impl Store) {
    let planned = audience(&store, 2).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 1).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    cancel(&store, message.no).await;
    let mut lost = wait(0, &candidates, T0, WaitReason::InDoubt);
    lost.outcome = Outcome::Uncertain;
    let outcomes = vec![(window, vec![lost])];
    store
        .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
        .await
        .unwrap();
    let progress = store.message(&message.id).await.unwrap().progress;
    assert_eq!((progress.uncertain, progress.cancelled, progress.open()), (1, 1, 0));
}

/// A message that was held in mid-send, as a restored copy is.
async fn held(store: &impl Store, message: MessageNo) {
    store.transition(message, Event::Hold(Hold::Restored), None, T0, None).await.unwrap();
}

async fn a_deadline_that_passes_while_held_counts_everybody(store: impl Store) {
    let planned = audience(&store, 4).await;
    let late = T0.plus(Duration::from_mins(1));
    let message = Message { expires_at: Some(late), ..due_mail("m", T0) };
    let message = store.create_message(message, audit("message.create", "m")).await.unwrap();
    store.claim_due(T0, 10, None).await.unwrap();
    let cursor = PlanCursor { after: None, done: true };
    let runs = vec![(SMTP, planned)];
    let step = PlanStep { message: message.no, run: 1, expect: PlanCursor::default(), cursor, runs };
    store.append_plan(step).await.unwrap();
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 1).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    let outcomes = vec![(window, vec![wait(0, &candidates, T0, WaitReason::Retry)])];
    store
        .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
        .await
        .unwrap();
    held(&store, message.no).await;
    store.transition(message.no, Event::Release, None, T0, None).await.unwrap();
    let claimed = store.claim_due(late, 10, None).await.unwrap();
    let progress = claimed.expired[0].progress;
    assert_eq!((progress.expired, progress.open()), (4, 0));
    assert!(store.lanes(SMTP).await.unwrap().is_empty());
}

async fn a_message_that_was_held_with_nobody_left_ends_when_released(store: impl Store) {
    let planned = audience(&store, 1).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let lane = LaneKey { message: message.no, provider: SMTP };
    let (first, candidates) = claim(&store, lane, 1).await;
    let window = claim_all(&store, vec![first]).await.windows[0].unwrap();
    held(&store, message.no).await;
    let outcomes = vec![(window, vec![over(0, &candidates, Outcome::Accepted)])];
    store
        .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
        .await
        .unwrap();
    store.transition(message.no, Event::Release, None, T0, None).await.unwrap();
    let claimed = store.claim_due(T0, 10, None).await.unwrap();
    assert_eq!(claimed.messages[0].state, MessageState::Sent);
}

contract! {
    a_message_can_be_deleted_while_something_is_in_flight,
    a_lost_answer_after_a_cancel_is_uncertain,
    a_deadline_that_passes_while_held_counts_everybody,
    a_message_that_was_held_with_nobody_left_ends_when_released,
    a_message_goes_from_scheduled_to_sent,
    an_outcome_counts_once,
    who_waits_is_claimed_when_due,
    recipients_are_checked_again,
    cancelling_takes_back_who_was_not_tried,
}
