//! Counts stay sums, whatever happens in whatever order.

use crate::fixture::*;
use herald::domain::delivery::Outcome;
use herald::domain::ids::{ProviderNo, WindowNo};
use herald::domain::message::Progress;
use herald::domain::plan::{Again, LaneKey, WaitReason};
use herald::domain::routing::MoveReason;
use herald::domain::state::Event;
use herald::domain::time::Timestamp;
use herald::store::Store;
use herald::store::dispatch::{
    Candidates, Claim, Decision, ItemOutcome, JournalEntry, RetryStep, WaitingFilter,
};
use proptest::prelude::*;

const PEOPLE: usize = 24;

#[derive(Debug, Clone)]
enum Step {
    ClaimPlan { provider: u32, limit: usize },
    ClaimDue { provider: u32, limit: usize },
    Record { window: usize, outcomes: Vec<u8> },
    Decide(u8, usize),
    ReassignWaiting(usize),
    Pause,
    Resume,
    Cancel,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1u32..3, 1usize..8).prop_map(|(provider, limit)| Step::ClaimPlan { provider, limit }),
        3 => (1u32..3, 1usize..8).prop_map(|(provider, limit)| Step::ClaimDue { provider, limit }),
        8 => (0usize..4, proptest::collection::vec(0u8..10, 8))
            .prop_map(|(window, outcomes)| Step::Record { window, outcomes }),
        2 => (0u8..3, 1usize..10).prop_map(|(decision, limit)| Step::Decide(decision, limit)),
        1 => (1usize..5).prop_map(Step::ReassignWaiting),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => Just(Step::Reopen),
        1 => Just(Step::Cancel),
    ];
    proptest::collection::vec(step, 1..60)
}

fn outcome(code: u8, index: usize, candidates: &Candidates) -> Option<ItemOutcome> {
    let later = Timestamp(T0.0 + 1000);
    Some(match code {
        0..4 => over(index, candidates, Outcome::Accepted),
        4 => over(index, candidates, Outcome::Permanent),
        5 => over(index, candidates, Outcome::Skipped),
        6 => wait(index, candidates, later, WaitReason::Retry),
        7 => wait(index, candidates, Timestamp::NEVER, WaitReason::Uncertain),
        8 => over(index, candidates, Outcome::Expired),
        _ => return None,
    })
}

/// Everything that must hold at any time.
async fn check(store: &impl Store, message: &herald::domain::message::Message, logged: u64) {
    let message = store.message(&message.id).await.unwrap();
    let lanes = store.lanes_of(message.no).await.unwrap();
    let mut sum = Progress::default();
    for lane in &lanes {
        sum.add(&lane.progress);
    }
    assert_eq!(sum, message.progress);
    let p = message.progress;
    assert_eq!(p.planned, PEOPLE as u64);
    let in_windows: usize = store
        .open_windows()
        .await
        .unwrap()
        .iter()
        .map(|window| window.source.len() - window.done_count())
        .sum();
    assert_eq!(p.in_flight(), in_windows as u64, "{p:?}");
    let over = p.accepted + p.failed + p.skipped + p.expired + p.uncertain + p.cancelled;
    assert_eq!(over + p.open() - p.undecided, p.planned, "{p:?}");
    let waiting = store.waiting(WaitingFilter::default(), None, 1000).await.unwrap();
    assert_eq!(waiting.len() as u64, p.waiting());
    for lane in &lanes {
        let is_open = store.lanes(lane.key.provider).await.unwrap().iter().any(|open| open.key == lane.key);
        assert_eq!(is_open, lane.progress.untouched() + lane.progress.waiting() > 0);
    }
    assert_eq!(store.log_extent().await.unwrap().next, logged);
    assert_eq!(store.state_counts().await.unwrap()[usize::from(message.state.code())], 1);
    if message.finished_at.is_none() {
        assert!(p.open() > 0, "what is over has ended: {message:?}");
    }
}

async fn run(store: impl Store, steps: Vec<Step>) {
    let planned = audience(&store, PEOPLE).await;
    let (first, second) = planned.split_at(PEOPLE / 2);
    let runs = vec![(ProviderNo(1), first.to_vec()), (ProviderNo(2), second.to_vec())];
    let message = sending(&store, "m", runs).await;
    let mut windows: Vec<(WindowNo, Candidates)> = Vec::new();
    let mut logged = 0;
    let later = Timestamp(T0.0 + 1000);
    for step in steps {
        let run = store.message(&message.id).await.unwrap().run;
        match step {
            Step::ClaimPlan { provider, limit } => {
                let lane = LaneKey { message: message.no, provider: ProviderNo(provider) };
                let cursor = store.lanes_of(message.no).await.unwrap();
                let cursor = cursor.iter().find(|row| row.key == lane).unwrap().cursor;
                if let Some(candidates) = store.candidates(lane, cursor, limit, false).await.unwrap() {
                    let claim = Claim { lane, run, source: candidates.source.clone(), of: candidates.of };
                    let granted = claim_all(&store, vec![claim]).await.windows[0];
                    windows.extend(granted.map(|window| (window, candidates)));
                }
            }
            Step::ClaimDue { provider, limit } => {
                let lane = LaneKey { message: message.no, provider: ProviderNo(provider) };
                if let Some(candidates) = store.due_waiting(lane, later, limit, false).await.unwrap() {
                    let claim = Claim { lane, run, source: candidates.source.clone(), of: candidates.of };
                    let granted = claim_all(&store, vec![claim]).await.windows[0];
                    windows.extend(granted.map(|window| (window, candidates)));
                }
            }
            Step::Record { window, outcomes } => {
                let Some((no, candidates)) = windows.get(window) else { continue };
                let known = store.open_windows().await.unwrap();
                let known = known.iter().find(|window| window.no == *no);
                let items: Vec<_> = (0..candidates.list.len().min(outcomes.len()))
                    .filter_map(|index| outcome(outcomes[index], index, candidates))
                    .collect();
                logged += items
                    .iter()
                    .filter(|item| known.is_some_and(|window| !window.is_done(item.index as usize)))
                    .count() as u64;
                let outcomes = vec![(*no, items)];
                store
                    .journal(JournalEntry { outcomes: outcomes.into(), at: T0, ..JournalEntry::default() })
                    .await
                    .unwrap();
            }
            Step::Decide(decision, limit) => {
                let decision = match decision {
                    0 => Decision::Release,
                    1 => Decision::FailOver(ProviderNo(2)),
                    _ => Decision::GiveUp,
                };
                let decided =
                    store.decide(WaitingFilter::default(), decision, None, limit, later).await.unwrap().count;
                if decision == Decision::GiveUp {
                    logged += decided;
                }
            }
            Step::ReassignWaiting(limit) => {
                let lane = LaneKey { message: message.no, provider: ProviderNo(2) };
                store.reassign_waiting(lane, ProviderNo(1), MoveReason::Gone, None, limit).await.unwrap();
            }
            Step::Pause => {
                let pause = Event::Pause { by: "tester".into(), at: T0 };
                let _ = store.transition(message.no, pause, None, T0, None).await;
            }
            Step::Resume => {
                let _ = store.transition(message.no, Event::Resume, None, T0, None).await;
            }
            Step::Cancel => {
                let cancel = Event::Cancel { by: "tester".into() };
                let _ = store.transition(message.no, cancel, None, T0, None).await;
            }
            Step::Reopen => {
                let Ok(open) =
                    store.transition(message.no, Event::Reopen(Again::default()), None, T0, None).await
                else {
                    continue;
                };
                // The people do not matter for the counts, so some are named again.
                let p = open.progress;
                let before = Progress { failed: p.failed, expired: p.expired, ..Progress::default() };
                let count = (p.failed + p.expired) as usize;
                let runs = vec![(ProviderNo(1), planned[..count].to_vec())];
                let (no, run) = (message.no, open.run);
                let step = RetryStep { message: no, run, expect: None, row: None, runs, before, done: true };
                store.append_retry(step).await.unwrap();
            }
        }
        check(&store, &message, logged).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_stay_sums(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(run(store(), steps));
    }
}
