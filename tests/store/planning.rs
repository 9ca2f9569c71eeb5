//! Plans, retries, and recipients that change their provider.

use crate::fixture::*;
use herald::domain::delivery::Outcome;
use herald::domain::ids::{LogSeq, ProviderNo, RunNo, TargetNo};
use herald::domain::message::Progress;
use herald::domain::plan::{
    Again, LaneCursor, LaneKey, NO_PROVIDER, PackedRun, PlanCursor, Planned, RetryCursor, WaitReason,
    WindowSource,
};
use herald::domain::routing::MoveReason;
use herald::domain::state::{Event, MessageState};
use herald::domain::time::Timestamp;
use herald::store::dispatch::{Claim, Decision, JournalEntry, PlanStep, RetryStep, WaitingFilter};
use herald::store::documents::{DocumentChange, OperationStep, PlannedSet, Shelf};
use herald::store::history::Flags;
use herald::store::{Store, StoreError};

const OTHER: ProviderNo = ProviderNo(2);

fn lane(message: &herald::domain::message::Message, provider: ProviderNo) -> LaneKey {
    LaneKey { message: message.no, provider }
}

async fn a_plan_is_written_in_steps(store: impl Store) {
    let planned = audience(&store, 10).await;
    let made = store.create_message(due_mail("m", T0), audit("message.create", "m")).await.unwrap();
    store.claim_due(T0, 1, None).await.unwrap();
    let first = PlanCursor { after: Some(planned[5].target), done: false };
    let step = PlanStep {
        message: made.no,
        run: 1,
        expect: PlanCursor::default(),
        cursor: first,
        runs: vec![(SMTP, planned[..4].to_vec()), (OTHER, planned[4..6].to_vec())],
    };
    let message = store.append_plan(step.clone()).await.unwrap();
    assert_eq!(message.progress.planned, 6);
    assert!(
        matches!(store.append_plan(step.clone()).await, Err(StoreError::Moved)),
        "a step is not written twice"
    );
    assert_eq!(store.plan_cursor(made.no).await.unwrap(), first);
    let wrong_run = PlanStep { run: 2, expect: first, ..step.clone() };
    assert!(matches!(store.append_plan(wrong_run).await, Err(StoreError::Moved)));
    // Sending begins before planning is over, and the message does not end in between.
    let (claim, candidates) = claim(&store, lane(&message, SMTP), 100).await;
    assert_eq!(candidates.list.len(), 4);
    let window = claim_all(&store, vec![claim]).await.windows[0].unwrap();
    let outcomes = (0..4).map(|n| over(n, &candidates, Outcome::Accepted)).collect();
    let entry = JournalEntry { outcomes: vec![(window, outcomes)].into(), at: T0, ..JournalEntry::default() };
    assert!(store.journal(entry).await.unwrap().finished.is_empty());
    let last = PlanStep {
        expect: first,
        cursor: PlanCursor { after: Some(planned[9].target), done: true },
        runs: vec![(SMTP, planned[6..].to_vec())],
        ..step
    };
    let message = store.append_plan(last).await.unwrap();
    assert_eq!((message.progress.planned, message.progress.untouched()), (10, 6));
    let lanes = store.lanes(SMTP).await.unwrap();
    assert_eq!(lanes[0].cursor, LaneCursor { run: RunNo(1), offset: 0 });
    let sum = store.lanes_of(message.no).await.unwrap().iter().fold(Progress::default(), |mut sum, lane| {
        sum.add(&lane.progress);
        sum
    });
    assert_eq!(sum, message.progress);
    // A window never reaches into the next run.
    let crossing = WindowSource::Plan { run: RunNo(1), offset: 0, len: 5 };
    let crossing = Claim { lane: lane(&message, SMTP), run: 1, source: crossing, of: 4 };
    assert_eq!(claim_all(&store, vec![crossing]).await.windows, [None]);
}

async fn claims_wait_for_what_stops_them(store: impl Store) {
    let planned = audience(&store, 4).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let (claim, _) = claim(&store, lane(&message, SMTP), 2).await;
    let stopped = Flags { stopped: Some(("tester".into(), T0)), restored: None };
    store.put_flags(stopped.clone(), audit("sending.stop", "")).await.unwrap();
    assert_eq!(store.flags().await.unwrap(), stopped);
    assert_eq!(claim_all(&store, vec![claim.clone()]).await.windows, [None]);
    store.put_flags(Flags::default(), audit("sending.resume", "")).await.unwrap();
    let pause = Event::Pause { by: "tester".into(), at: T0 };
    store.transition(message.no, pause, None, T0, None).await.unwrap();
    assert_eq!(claim_all(&store, vec![claim.clone()]).await.windows, [None]);
    store.transition(message.no, Event::Resume, None, T0, None).await.unwrap();
    let wrong_run = Claim { run: 2, ..claim.clone() };
    let receipt = claim_all(&store, vec![wrong_run, claim.clone(), claim]).await;
    assert!(receipt.windows[0].is_none() && receipt.windows[1].is_some() && receipt.windows[2].is_none());
}

async fn the_failed_are_tried_again(store: impl Store) {
    let planned = audience(&store, 4).await;
    let message = sending(&store, "m", vec![(SMTP, planned.clone())]).await;
    let (claim_1, candidates) = claim(&store, lane(&message, SMTP), 4).await;
    let window = claim_all(&store, vec![claim_1]).await.windows[0].unwrap();
    let outcomes = vec![
        over(0, &candidates, Outcome::Accepted),
        over(1, &candidates, Outcome::Permanent),
        over(2, &candidates, Outcome::Expired),
        over(3, &candidates, Outcome::Skipped),
    ];
    let entry = JournalEntry { outcomes: vec![(window, outcomes)].into(), at: T0, ..JournalEntry::default() };
    let finished = store.journal(entry).await.unwrap().finished;
    assert_eq!(finished[0].state, MessageState::Failed);
    assert_eq!(finished[0].errors.len(), 2);
    let wanted = Again { provider: Some(OTHER), uncertain: true };
    let reopened = store.transition(message.no, Event::Reopen(wanted), None, T0, None).await.unwrap();
    assert_eq!((reopened.run, reopened.finished_at, reopened.errors.len()), (2, None, 0));
    let before = Progress { failed: 1, expired: 1, ..Progress::default() };
    let too_many = Progress { failed: 2, ..Progress::default() };
    let again = vec![(OTHER, planned[1..3].to_vec())];
    assert_eq!(store.retry_cursor(message.no).await.unwrap(), RetryCursor { again: wanted, row: None });
    let (no, row) = (message.no, Some(LogSeq(7)));
    let step = RetryStep { message: no, run: 2, expect: None, row, runs: again, before, done: false };
    let refused = store.append_retry(RetryStep { before: too_many, ..step.clone() }).await;
    assert!(matches!(refused, Err(StoreError::Moved)));
    let retried = store.append_retry(step.clone()).await.unwrap();
    assert!(matches!(store.append_retry(step.clone()).await, Err(StoreError::Moved)), "it stands elsewhere");
    assert_eq!(store.retry_cursor(no).await.unwrap(), RetryCursor { again: wanted, row });
    let nobody = Progress::default();
    let last = RetryStep { expect: row, row: None, runs: vec![], before: nobody, done: true, ..step };
    store.append_retry(last).await.unwrap();
    assert_eq!((retried.progress.planned, retried.progress.untouched(), retried.progress.failed), (4, 2, 0));
    let (claim_2, candidates) = claim(&store, lane(&message, OTHER), 4).await;
    assert_eq!(claim_2.run, 2);
    let window = claim_all(&store, vec![claim_2]).await.windows[0].unwrap();
    let outcomes = (0..2).map(|n| over(n, &candidates, Outcome::Accepted)).collect();
    let entry = JournalEntry { outcomes: vec![(window, outcomes)].into(), at: T0, ..JournalEntry::default() };
    let finished = store.journal(entry).await.unwrap().finished;
    assert_eq!(finished[0].state, MessageState::Sent);
    let expected = Progress { planned: 4, claimed: 4, accepted: 3, skipped: 1, ..Progress::default() };
    assert_eq!(finished[0].progress, expected);
}

async fn the_unclaimed_change_their_provider(store: impl Store) {
    let planned = audience(&store, 6).await;
    let message = sending(&store, "m", vec![(NO_PROVIDER, planned.clone())]).await;
    let from = lane(&message, NO_PROVIDER);
    let source = WindowSource::Plan { run: RunNo(0), offset: 0, len: 4 };
    let runs = vec![(SMTP, planned[..3].to_vec()), (OTHER, planned[3..4].to_vec())];
    let first = Claim { lane: from, run: 1, source, of: 6 };
    let outdated = Claim { of: 7, ..first.clone() };
    assert!(matches!(
        store.reassign(outdated, START, runs.clone(), MoveReason::Gone).await,
        Err(StoreError::Moved)
    ));
    store.reassign(first.clone(), START, runs.clone(), MoveReason::Gone).await.unwrap();
    assert!(matches!(store.reassign(first, START, runs, MoveReason::Gone).await, Err(StoreError::Moved)));
    let lanes = store.lanes_of(message.no).await.unwrap();
    let planned: Vec<_> = lanes.iter().map(|lane| (lane.key.provider, lane.progress.planned)).collect();
    assert_eq!(planned, [(NO_PROVIDER, 2), (SMTP, 3), (OTHER, 1)]);
    assert_eq!(store.message(&message.id).await.unwrap().progress.planned, 6);
    let (_, rest) = claim(&store, from, 10).await;
    assert_eq!(rest.list.len(), 2);
}

async fn the_unclaimed_are_taken_out(store: impl Store) {
    let planned = audience(&store, 8).await;
    let runs =
        vec![(SMTP, planned[..5].to_vec()), (SMTP, planned[5..7].to_vec()), (SMTP, planned[7..].to_vec())];
    let message = sending(&store, "m", runs).await;
    let lane = lane(&message, SMTP);
    let (first, _) = claim(&store, lane, 2).await;
    assert!(claim_all(&store, vec![first]).await.windows[0].is_some());
    let (before, _) = claim(&store, lane, 2).await;
    assert_eq!(store.open_lanes().await.unwrap(), [lane]);
    let list = store.unclaimed(lane, RunNo(0)).await.unwrap().unwrap();
    assert_eq!((list.run, list.list.as_slice()), (RunNo(0), &planned[2..5]));
    let list = store.unclaimed(lane, RunNo(2)).await.unwrap().unwrap();
    assert_eq!((list.run, list.list.as_slice()), (RunNo(2), &planned[7..]));
    assert_eq!(store.unclaimed(lane, RunNo(3)).await.unwrap(), None);

    let step = |run: u32, people: &[Planned], decision: Decision| {
        let people = PackedRun::pack(people);
        OperationStep {
            message: message.no,
            waiting: vec![],
            planned: Some(PlannedSet { provider: SMTP, run: RunNo(run), people }),
            decision,
            again: None,
            progress: std::sync::Arc::new(|_| DocumentChange::put(Shelf::Operations, "o", vec![])),
            at: T0,
        }
    };
    // The first two are claimed already.
    let receipt = store.operate(step(0, &planned[1..3], Decision::Hold)).await.unwrap();
    assert_eq!(receipt.reached, 1);
    assert_eq!(claim_all(&store, vec![before]).await.windows, [None], "it was read before");
    assert_eq!(store.operate(step(0, &planned[2..3], Decision::Hold)).await.unwrap().reached, 0, "once");
    let receipt = store.operate(step(1, &planned[5..7], Decision::FailOver(OTHER))).await.unwrap();
    assert_eq!(receipt.reached, 2);
    assert_eq!(store.operate(step(2, &planned[7..], Decision::Release)).await.unwrap().reached, 0);
    let (rest, candidates) = claim(&store, lane, 10).await;
    let who: Vec<_> = candidates.list.iter().map(|candidate| candidate.target).collect();
    assert_eq!(who, [planned[3].target, planned[4].target]);
    assert!(claim_all(&store, vec![rest]).await.windows[0].is_some());
    // The run in between has nobody left: the cursor stands behind it.
    let (last, candidates) = claim(&store, lane, 10).await;
    assert_eq!(candidates.list[0].target, planned[7].target);
    assert!(claim_all(&store, vec![last]).await.windows[0].is_some());
    let lanes = store.lanes_of(message.no).await.unwrap();
    let sums: Vec<_> = lanes.iter().map(|lane| (lane.progress.planned, lane.progress.untouched())).collect();
    assert_eq!(sums, [(6, 0), (2, 2)]);
    let message = store.message(&message.id).await.unwrap();
    assert_eq!((message.progress.held, message.progress.in_flight()), (1, 5));
}

async fn who_waits_changes_the_provider(store: impl Store) {
    let planned = audience(&store, 6).await;
    let message = sending(&store, "m", vec![(SMTP, planned)]).await;
    let (claim, candidates) = claim(&store, lane(&message, SMTP), 6).await;
    let window = claim_all(&store, vec![claim]).await.windows[0].unwrap();
    let later = Timestamp(T0.0 + 60_000);
    let mut outcomes: Vec<_> = (0..4).map(|n| wait(n, &candidates, later, WaitReason::Retry)).collect();
    outcomes.push(wait(4, &candidates, Timestamp::NEVER, WaitReason::ProviderRefuses));
    outcomes.push(wait(5, &candidates, Timestamp::NEVER, WaitReason::Uncertain));
    let entry = JournalEntry { outcomes: vec![(window, outcomes)].into(), at: T0, ..JournalEntry::default() };
    store.journal(entry).await.unwrap();
    assert_eq!(
        store.reassign_waiting(lane(&message, SMTP), OTHER, MoveReason::Gone, None, 2).await.unwrap().count,
        2
    );
    let all = WaitingFilter::default();
    let rows = store.waiting(WaitingFilter { provider: Some(OTHER), ..all.clone() }, None, 10).await.unwrap();
    assert_eq!(rows.len(), 2);
    let refused = WaitingFilter { why: Some(WaitReason::ProviderRefuses), ..all.clone() };
    let decide = async |filter: &WaitingFilter, decision| {
        let decided = store.decide(filter.clone(), decision, None, 10, T0).await.unwrap();
        assert_eq!(decided.next, None, "everybody was looked at");
        decided.count
    };
    assert_eq!(decide(&refused, Decision::Release).await, 1);
    assert_eq!(decide(&refused, Decision::Release).await, 0, "it is released already");
    let progress = store.message(&message.id).await.unwrap().progress;
    assert_eq!((progress.retrying, progress.held), (5, 0));
    assert_eq!((progress.uncertain, progress.undecided, progress.open()), (1, 1, 6));
    let someone = candidates.list[5].target;
    let row = store.waiting_of(message.no, someone).await.unwrap().unwrap();
    assert_eq!((row.lane.provider, row.due, row.waiting.target), (SMTP, Timestamp::NEVER, someone));
    assert_eq!(store.waiting_of(message.no, TargetNo(999)).await.unwrap(), None);
    let uncertain =
        WaitingFilter { why: Some(WaitReason::Uncertain), message: Some(message.no), provider: None };
    assert_eq!(decide(&uncertain, Decision::FailOver(OTHER)).await, 1);
    assert_eq!(store.waiting_of(message.no, someone).await.unwrap().unwrap().lane.provider, OTHER);
    let due = store.due_waiting(lane(&message, OTHER), T0, 10, false).await.unwrap().unwrap();
    assert_eq!(due.list.len(), 1);
    let lanes = store.lanes_of(message.no).await.unwrap();
    let claimed: Vec<_> = lanes.iter().map(|lane| (lane.progress.planned, lane.progress.claimed)).collect();
    assert_eq!(claimed, [(3, 3), (3, 3)]);
    // Pages of those who wait go on after a number.
    let first = store.waiting(all.clone(), None, 4).await.unwrap();
    let after = Some(first[3].waiting.no.0);
    let rest = store.waiting(all, after, 10).await.unwrap();
    assert_eq!((first.len(), rest.len()), (4, 2));
}

async fn a_walk_over_who_waits_looks_at_each_once(store: impl Store) {
    let planned = audience(&store, 20).await;
    let (first, second) = planned.split_at(10);
    let message = sending(&store, "m", vec![(SMTP, first.to_vec()), (OTHER, second.to_vec())]).await;
    let later = Timestamp(T0.0 + 60_000);
    for provider in [SMTP, OTHER] {
        let (claim, candidates) = claim(&store, lane(&message, provider), 10).await;
        let window = claim_all(&store, vec![claim]).await.windows[0].unwrap();
        let outcomes = (0..10).map(|n| wait(n, &candidates, later, WaitReason::Retry)).collect();
        let entry =
            JournalEntry { outcomes: vec![(window, outcomes)].into(), at: T0, ..JournalEntry::default() };
        store.journal(entry).await.unwrap();
    }
    let of_message = WaitingFilter { message: Some(message.no), ..WaitingFilter::default() };
    let of_provider = WaitingFilter { provider: Some(OTHER), ..WaitingFilter::default() };
    let steps = [
        (of_message.clone(), Decision::Release, T0, vec![3, 3, 3, 3, 3, 3, 2]),
        (of_provider, Decision::FailOver(SMTP), T0, vec![0, 0, 0, 2, 3, 3, 2]),
        (of_message.clone(), Decision::FailOver(OTHER), T0, vec![3, 3, 3, 3, 3, 3, 2, 0, 0, 0, 0, 0, 0, 0]),
        (of_message, Decision::GiveUp, T0, vec![3, 3, 3, 3, 3, 3, 2]),
    ];
    for (filter, decision, at, expected) in steps {
        let (mut from, mut counts, mut finished) = (None, Vec::new(), Vec::new());
        loop {
            let step = store.decide(filter.clone(), decision, from, 3, at).await.unwrap();
            counts.push(step.count);
            finished.extend(step.finished);
            from = step.next;
            if from.is_none() {
                break;
            }
        }
        let sum: u64 = counts.iter().sum();
        let wanted: u64 = expected.iter().sum();
        assert_eq!(sum, wanted, "{decision:?}: {counts:?}");
        assert!(counts.len() <= expected.len() + 1, "{decision:?} looks at each once: {counts:?}");
        let over = decision == Decision::GiveUp;
        assert_eq!(finished, if over { vec![message.no] } else { vec![] }, "{decision:?}");
    }
}

contract! {
    a_plan_is_written_in_steps,
    a_walk_over_who_waits_looks_at_each_once,
    claims_wait_for_what_stops_them,
    the_failed_are_tried_again,
    the_unclaimed_are_taken_out,
    the_unclaimed_change_their_provider,
    who_waits_changes_the_provider,
}
