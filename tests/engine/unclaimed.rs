//! Operations that reach who was planned and whom nobody has claimed, while others are being sent to.

use crate::operate::{ask, confirm, done, preview};
use crate::world::*;
use herald::domain::channel::Channel;
use herald::domain::delivery::Outcome;
use herald::domain::ids::ProviderId;
use herald::domain::state::MessageState;
use herald::engine::Engine;
use herald::wire::operation::{CreateOperation, OperationAction, OperationState};
use std::collections::BTreeSet;

fn elsewhere(filter: &str) -> CreateOperation {
    let provider_id = Some(ProviderId::new("other").unwrap());
    CreateOperation { provider_id, ..ask(OperationAction::FailOver, filter) }
}

/// A message to ten people through a provider that takes three an hour.
async fn slow(engine: &Engine) {
    smtp(engine).await;
    add(engine, provider("other", "smtp", Channel::Email)).await;
    edit(engine, "mail", |provider| provider.limits.per_hour = Some(3)).await;
    people(engine, Channel::Email, "news", 0..10).await;
    send(engine, "m", Channel::Email, "news").await;
    until("three are through", async || message(engine, "m").await.progress.accepted == 3).await;
}

#[test]
fn who_was_never_claimed_is_held_ended_and_moved() {
    let world = World::default();
    world.live(async |engine| {
        slow(&engine).await;
        let none = preview(&engine, ask(OperationAction::Retry, "status=planned message=m")).await;
        assert_eq!(none.preview.count, 0, "it is their turn anyway");
        let one = preview(&engine, ask(OperationAction::Cancel, "target=t9")).await;
        assert_eq!((one.preview.count, one.preview.messages), (1, 1), "{one:?}");
        assert_eq!(one.preview.sample[0].target_id.as_ref().unwrap().as_str(), "t9");
        assert_eq!(message(&engine, "m").await.progress.untouched(), 7, "a preview does nothing");
        assert_eq!(confirm(&engine, &one).await.done, 1);
        let row = log(&engine, "m").await.pop().unwrap();
        assert_eq!((row.outcome, row.attempt), (Outcome::Permanent, 0));
        let named = engine.store().identifiers(&[row.identifier]).await.unwrap();
        assert_eq!(named[0].as_ref().unwrap().address, address(Channel::Email, 9));

        let hold = preview(&engine, ask(OperationAction::Hold, "status=planned message=m")).await;
        assert_eq!(hold.preview.count, 6);
        assert_eq!(confirm(&engine, &hold).await.done, 6);
        let progress = message(&engine, "m").await.progress;
        assert_eq!((progress.held, progress.untouched(), progress.failed), (6, 0, 1));
        sleep(7200.0).await;
        assert_eq!(world.post.tried().len(), 3, "nobody who is held is tried");
        let moved = preview(&engine, elsewhere("status=held")).await;
        assert_eq!(confirm(&engine, &moved).await.done, 6);
        let after = ended(&engine, "m").await;
        assert_eq!((after.progress.accepted, after.progress.failed), (9, 1));
        assert!(world.post.copies("m").values().all(|copies| *copies == 1));
    });
}

#[test]
fn who_was_never_claimed_goes_through_another_provider() {
    let world = World::default();
    world.live(async |engine| {
        slow(&engine).await;
        let moved = preview(&engine, elsewhere("provider=mail")).await;
        assert_eq!(moved.preview.count, 7);
        assert_eq!(confirm(&engine, &moved).await.done, 7);
        let after = ended(&engine, "m").await;
        assert_eq!((after.state, after.progress.planned), (MessageState::Sent, 10));
        let lanes = engine.store().lanes_of(after.no).await.unwrap();
        let sums: Vec<_> = lanes.iter().map(|lane| (lane.progress.planned, lane.progress.accepted)).collect();
        assert_eq!(sums, [(3, 3), (7, 7)], "the counts moved with them");
        let through: Vec<_> =
            log(&engine, "m").await.into_iter().filter_map(|row| row.detail.moved).collect();
        assert_eq!(through.len(), 7, "each row says that another provider was planned");
    });
}

#[test]
fn looking_for_them_costs_what_is_unclaimed_there() {
    let world = World::default();
    world.live(async |engine| {
        slow(&engine).await;
        crowd(&engine, "crowd", 100..2_100).await;
        send(&engine, "another", Channel::Email, "crowd").await;
        until("it is planned", async || message(&engine, "another").await.progress.planned == 2_000).await;
        let found = preview(&engine, ask(OperationAction::Hold, "status=planned message=m")).await;
        assert_eq!((found.preview.count, found.preview.scanned), (7, 7));
        let found = preview(&engine, ask(OperationAction::Hold, "status=planned provider=other")).await;
        assert_eq!((found.preview.count, found.preview.scanned), (0, 0));
    });
}

/// Whoever was reached is not sent to, and everybody else is, once, however the claims of the
/// dispatcher and the steps of the operation interleave.
#[test]
fn whoever_is_taken_out_while_others_are_claimed_is_not_sent_to() {
    for seed in 1..=4 {
        let mut world = World::new(seed);
        world.train = 7;
        let count = 2_400;
        world.live(async |engine| {
            smtp(&engine).await;
            add(&engine, provider("other", "smtp", Channel::Email)).await;
            edit(&engine, "mail", |provider| provider.limits.per_second = Some(800.0)).await;
            crowd(&engine, "all", 0..count).await;
            send(&engine, "m", Channel::Email, "all").await;
            let soon = 100 * seed;
            until("it is on its way", async || message(&engine, "m").await.progress.accepted > soon).await;
            let (cancel, other) = tokio::join!(
                preview(&engine, ask(OperationAction::Cancel, "status=planned to~@d3.")),
                preview(&engine, elsewhere("status=planned to~@d5.")),
            );
            assert!(cancel.preview.count > 0 && other.preview.count > 0, "{cancel:?}");
            let (cancel, other) = tokio::join!(confirm(&engine, &cancel), confirm(&engine, &other));
            for operation in [&cancel, &other] {
                assert_eq!(operation.done + operation.moved_on, operation.preview.count);
                assert!(operation.done > 0);
            }
            let after = ended(&engine, "m").await;
            assert_eq!(after.progress.planned, count as u64);
            assert_eq!(after.progress.failed, cancel.done, "seed {seed}");
            assert_eq!(after.progress.accepted + cancel.done, count as u64);
            let taken = world.post.taken();
            let reached: BTreeSet<_> = taken.iter().map(|sent| sent.address.clone()).collect();
            assert_eq!(reached.len(), taken.len(), "nobody twice, seed {seed}");
            assert_eq!(reached.len() as u64 + cancel.done, count as u64, "nobody is lost, seed {seed}");
            let moved = taken.iter().filter(|sent| sent.provider == "other").count() as u64;
            assert_eq!(moved, other.done);
        });
    }
}

#[test]
fn a_crash_neither_loses_nor_repeats_a_step_over_the_plan() {
    for stop in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] {
        let mut world = World::new(stop + 1);
        world.train = 5;
        let id = world.live(async |engine| {
            smtp(&engine).await;
            add(&engine, provider("other", "smtp", Channel::Email)).await;
            edit(&engine, "mail", |provider| provider.limits.per_hour = Some(10)).await;
            crowd(&engine, "all", 0..6_000).await;
            send(&engine, "m", Channel::Email, "all").await;
            until("ten are through", async || message(&engine, "m").await.progress.accepted == 10).await;
            let operation = preview(&engine, elsewhere("message=m")).await;
            assert_eq!(operation.preview.count, 5_990);
            engine.confirm_operation(&actor(), &operation.id, 5_990).await.unwrap();
            for _ in 0..stop {
                tokio::task::yield_now().await;
            }
            operation.id
        });
        world.live(async |engine| {
            let operation = done(&engine, &id).await;
            assert_eq!(operation.state, OperationState::Done);
            assert_eq!((operation.done, operation.moved_on), (5_990, 0), "stopped after {stop}");
            let after = ended(&engine, "m").await;
            assert_eq!((after.progress.planned, after.progress.accepted), (6_000, 6_000));
        });
    }
}
