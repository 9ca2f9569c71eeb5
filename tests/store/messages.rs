//! Messages and their schedule.

use crate::fixture::*;
use herald::domain::ids::{MessageId, MessageNo, Revision};
use herald::domain::message::Message;
use herald::domain::plan::{LaneKey, PlanCursor};
use herald::domain::state::{Event, Hold, MessageState};
use herald::domain::time::Timestamp;
use herald::store::dispatch::PlanStep;
use herald::store::messages::MessageFilter;
use herald::store::page::{Order, PageRequest};
use herald::store::{RecordKind, Store, StoreError};
use std::time::Duration;

fn at(seconds: i64) -> Timestamp {
    Timestamp(T0.0 + seconds * 1000)
}

async fn create(store: &impl Store, message: Message) -> Message {
    store.create_message(message, audit("message.create", "m")).await.unwrap()
}

async fn ids(store: &impl Store, states: &[u8], request: PageRequest<Message>) -> Vec<String> {
    let filter = MessageFilter { states: states.to_vec() };
    let page = store.messages(filter, request).await.unwrap();
    page.items.into_iter().map(|message| message.id.to_string()).collect()
}

async fn what_is_due_is_claimed_oldest_first(store: impl Store) {
    for (id, seconds) in [("c", 30), ("a", 10), ("b", 20), ("later", 90)] {
        create(&store, due_mail(id, at(seconds))).await;
    }
    create(&store, mail("draft")).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(10)));
    let nothing = store.claim_due(at(9), 10, None).await.unwrap();
    assert!(nothing.messages.is_empty());
    assert_eq!(nothing.next_due, Some(at(10)));
    let first = store.claim_due(at(60), 2, None).await.unwrap();
    let claimed: Vec<_> = first.messages.iter().map(|message| message.id.as_str()).collect();
    assert_eq!((claimed, first.next_due), (vec!["a", "b"], Some(at(30))));
    assert_eq!(first.messages[0].state, MessageState::Processing);
    assert_eq!((first.messages[0].run, first.messages[0].revision), (1, Revision(2)));
    assert_eq!(first.messages[0], store.message(&first.messages[0].id).await.unwrap());
    let rest = store.claim_due(at(60), 10, None).await.unwrap();
    assert_eq!((rest.messages.len(), rest.next_due), (1, Some(at(90))));
    assert_eq!(store.upcoming(10).await.unwrap()[0].id.as_str(), "later");
    assert_eq!(store.active().await.unwrap().len(), 3);
    assert_eq!(store.state_counts().await.unwrap(), [1, 1, 0, 3, 0, 0, 0, 0]);
}

async fn the_late_are_held_and_the_expired_end(store: impl Store) {
    create(&store, Message { expires_at: Some(at(60)), ..due_mail("expired", at(0)) }).await;
    create(&store, due_mail("late", at(0))).await;
    create(&store, due_mail("good", at(50))).await;
    let claimed = store.claim_due(at(60), 10, Some(Duration::from_secs(30))).await.unwrap();
    assert_eq!(claimed.messages[0].id.as_str(), "good");
    assert_eq!(claimed.held[0].state, MessageState::Held(Hold::Late));
    let expired = &claimed.expired[0];
    assert_eq!((&expired.state, expired.finished_at), (&MessageState::Failed, Some(at(60))));
    assert_eq!(expired.errors.len(), 1);
    assert_eq!(store.message(&expired.id).await.unwrap(), *expired);
    assert_eq!(store.next_due().await.unwrap(), None);
    // Released, it is due now, and not late once more.
    let late = &claimed.held[0];
    let released = store.transition(late.no, Event::Release, None, at(100), None).await.unwrap();
    assert_eq!(released.scheduled_at, Some(at(100)));
    let again = store.claim_due(at(101), 10, Some(Duration::from_secs(30))).await.unwrap();
    assert_eq!(again.messages.len(), 1);
}

async fn an_edit_moves_the_schedule_until_the_claim(store: impl Store) {
    let made = create(&store, due_mail("m", at(10))).await;
    let taken = store.create_message(mail("m"), audit("message.create", "m")).await;
    assert!(matches!(taken, Err(StoreError::Conflict { kind: RecordKind::Message, .. })));
    let moved = Message { scheduled_at: Some(at(20)), ..made.clone() };
    let moved = store.put_message(moved, made.revision, audit("message.update", "m")).await.unwrap();
    assert_eq!(moved.revision, Revision(2));
    assert_eq!(store.next_due().await.unwrap(), Some(at(20)));
    let stale = store.put_message(moved.clone(), made.revision, audit("message.update", "m")).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })));
    let draft = Message { state: MessageState::Draft, scheduled_at: None, ..moved.clone() };
    let draft = store.put_message(draft, moved.revision, audit("message.update", "m")).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
    let again = Message { state: MessageState::Scheduled, scheduled_at: Some(at(5)), ..draft.clone() };
    let again = store.put_message(again, draft.revision, audit("message.update", "m")).await.unwrap();
    assert_eq!(store.claim_due(at(5), 1, None).await.unwrap().messages.len(), 1);
    let late = store.put_message(again.clone(), again.revision, audit("message.update", "m")).await;
    assert!(matches!(late, Err(StoreError::Transition(_))), "undo comes too late: {late:?}");
}

async fn an_edited_audience_is_planned_anew(store: impl Store) {
    let planned = audience(&store, 4).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let hold = Hold::AudienceGrew { confirmed: 1, found: 4 };
    let held = store.transition(message.no, Event::Hold(hold), None, T0, None).await.unwrap();
    let same = Message { confirmed: Some(4), ..held.clone() };
    let same = store.put_message(same, held.revision, audit("message.update", "m")).await.unwrap();
    assert_eq!(same.progress.planned, 4, "the plan of the same audience stays");
    let other = Message { topics: vec![], ..same.clone() };
    let other = store.put_message(other, same.revision, audit("message.update", "m")).await.unwrap();
    assert_eq!(other.progress.planned, 0);
    assert_eq!(store.plan_cursor(message.no).await.unwrap(), PlanCursor::default());
    assert!(store.lanes_of(message.no).await.unwrap().is_empty());
}

async fn lists_by_state_merge_in_order(store: impl Store) {
    for no in 0..12 {
        let id = format!("m{no:02}");
        create(&store, if no % 3 == 0 { mail(&id) } else { due_mail(&id, at(100 + no)) }).await;
    }
    store.claim_due(at(105), 100, None).await.unwrap();
    let page = |limit, after, order| PageRequest { limit, after, order, ..PageRequest::default() };
    let draft_or_processing = [MessageState::Draft.code(), MessageState::Processing.code()];
    let expected = ["m00", "m01", "m02", "m03", "m04", "m05", "m06", "m09"];
    assert_eq!(ids(&store, &draft_or_processing, page(25, None, Order::Ascending)).await, expected);
    assert_eq!(
        ids(&store, &draft_or_processing, page(3, Some(2), Order::Ascending)).await,
        ["m02", "m03", "m04"]
    );
    assert_eq!(ids(&store, &draft_or_processing, page(2, None, Order::Descending)).await, ["m09", "m06"]);
    assert_eq!(ids(&store, &[], page(2, None, Order::Descending)).await, ["m11", "m10"]);
    let search = PageRequest { search: "subject of m07".into(), ..PageRequest::default() };
    assert_eq!(ids(&store, &[], search).await, ["m07"]);
    let filter = MessageFilter { states: draft_or_processing.to_vec() };
    assert_eq!(store.messages(filter, page(1, None, Order::Ascending)).await.unwrap().total, Some(8));
}

async fn a_message_is_deleted_with_its_plan(store: impl Store) {
    let planned = audience(&store, 4).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let refused = store.delete_message(&message.id, None, audit("message.delete", "m")).await;
    assert!(matches!(refused, Err(StoreError::Transition(_))));
    let by = "tester".to_owned();
    store.transition(message.no, Event::Cancel { by }, None, T0, None).await.unwrap();
    store.delete_message(&message.id, None, audit("message.delete", "m")).await.unwrap();
    assert!(matches!(store.message(&message.id).await, Err(StoreError::NotFound { .. })));
    assert!(store.lanes_of(message.no).await.unwrap().is_empty());
    let lane = LaneKey { message: message.no, provider: SMTP };
    assert_eq!(store.candidates(lane, START, 10, false).await.unwrap(), None);
    assert_eq!(store.state_counts().await.unwrap(), [0; 8]);
    create(&store, mail("m")).await;
}

async fn a_restored_store_holds_everything(store: impl Store) {
    for no in 0..20 {
        create(&store, due_mail(&format!("m{no}"), at(no))).await;
    }
    store.claim_due(at(5), 3, None).await.unwrap();
    create(&store, mail("draft")).await;
    assert_eq!(store.hold_restored(at(6)).await.unwrap(), 20);
    assert_eq!(store.next_due().await.unwrap(), None);
    assert!(store.active().await.unwrap().is_empty());
    assert_eq!(store.state_counts().await.unwrap(), [1, 0, 20, 0, 0, 0, 0, 0]);
    let held = store.message(&MessageId::new("m1").unwrap()).await.unwrap();
    assert_eq!(held.state, MessageState::Held(Hold::Restored));
}

async fn a_text_is_rewritten_whatever_the_state(store: impl Store) {
    let made = create(&store, due_mail("m", at(0))).await;
    assert_eq!(store.message_by_no(made.no).await.unwrap(), made);
    let missing = store.message_by_no(MessageNo(99)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { kind: RecordKind::Message, .. })));
    let event = Event::Cancel { by: "tester".into() };
    let over = store.transition(made.no, event, None, at(1), None).await.unwrap();
    let Message { content, .. } = mail("another");
    store.rewrite_content(made.no, content.clone()).await.unwrap();
    let now = store.message(&made.id).await.unwrap();
    assert_eq!(now, Message { content, ..over }, "nothing but its text is another");
    assert_eq!(store.audit(Some("message/m"), None, 10).await.unwrap().len(), 0);
}

async fn a_message_for_nobody_fails(store: impl Store) {
    let made = create(&store, due_mail("m", at(0))).await;
    store.claim_due(at(0), 1, None).await.unwrap();
    let step = PlanStep {
        message: made.no,
        run: 1,
        expect: PlanCursor::default(),
        cursor: PlanCursor { after: None, done: true },
        runs: vec![],
    };
    let ended = store.append_plan(step.clone()).await.unwrap();
    assert_eq!((&ended.state, ended.errors.len()), (&MessageState::Failed, 1));
    assert!(matches!(store.append_plan(step).await, Err(StoreError::Moved)));
}

contract! {
    what_is_due_is_claimed_oldest_first,
    the_late_are_held_and_the_expired_end,
    an_edit_moves_the_schedule_until_the_claim,
    an_edited_audience_is_planned_anew,
    lists_by_state_merge_in_order,
    a_message_is_deleted_with_its_plan,
    a_restored_store_holds_everything,
    a_text_is_rewritten_whatever_the_state,
    a_message_for_nobody_fails,
}
