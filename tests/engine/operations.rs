//! Operations over deliveries: whom they find, whom they leave out, and that they reach exactly those.

use crate::operate::{ask, confirm, done, preview};
use crate::world::*;
use herald::domain::channel::{Channel, InDoubt};
use herald::domain::delivery::{Outcome, Stage};
use herald::domain::ids::{ProviderId, TopicId};
use herald::domain::state::MessageState;
use herald::domain::zone::Zone;
use herald::providers::adapter::Verdict;
use herald::wire::operation::{CreateOperation, Operation, OperationAction, OperationState};
use std::collections::BTreeMap;

fn left(operation: &Operation) -> BTreeMap<String, u64> {
    operation.preview.left_out.iter().map(|left| (left.reason.clone(), left.count)).collect()
}

/// Refuses who has an even number, for good, until `healed`.
fn refuse_even(world: &World) {
    world.post.script(|sent| {
        let n: usize = sent.address[1..].split('@').next().unwrap().parse().unwrap();
        if n.is_multiple_of(2) && sent.attempt == 1 {
            refuse(Verdict::Permanent, Stage::Recipient, 550, "5.1.1 no such mailbox")
        } else {
            accept()
        }
    });
}

#[test]
fn who_failed_is_tried_again_and_nobody_else() {
    let world = World::default();
    refuse_even(&world);
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..10).await;
        for id in ["one", "two"] {
            send(&engine, id, Channel::Email, "news").await;
            assert_eq!(ended(&engine, id).await.state, MessageState::Failed);
        }
        let operation = preview(&engine, ask(OperationAction::Retry, "message=one outcome=failed")).await;
        assert_eq!((operation.preview.count, operation.preview.messages), (5, 1), "{operation:?}");
        assert_eq!(operation.preview.sample.len(), 5);
        assert_eq!(world.post.copies("one").len(), 5, "a preview does nothing");
        let wrong = engine.confirm_operation(&actor(), &operation.id, 4).await.unwrap_err();
        assert_eq!(wrong.kind, herald::wire::ErrorType::Stale);

        let operation = confirm(&engine, &operation).await;
        assert_eq!((operation.done, operation.moved_on), (5, 0));
        let after = ended(&engine, "one").await;
        assert_eq!((after.state, after.run, after.progress.accepted), (MessageState::Sent, 2, 10));
        assert_eq!((after.progress.planned, after.progress.failed), (10, 0));
        assert!(world.post.copies("one").values().all(|copies| *copies == 1));
        assert_eq!(ended(&engine, "two").await.progress.failed, 5, "the other message was not meant");

        let twice = engine.confirm_operation(&actor(), &operation.id, 5).await.unwrap_err();
        assert!(twice.message.contains("already"), "{twice}");
        let none = preview(&engine, ask(OperationAction::Retry, "message=one")).await;
        assert_eq!(none.preview.count, 0, "what was accepted since is not found by its older rows");
        let audit =
            engine.store().audit(Some(&format!("operation/{}", operation.id)), None, 10).await.unwrap();
        let said: Vec<_> = audit.iter().map(|(_, entry)| entry.event.as_str()).collect();
        assert_eq!(said, ["operation.done", "operation.confirm"]);
        assert!(audit[1].1.summary.contains("retry 5 deliveries") && audit[1].1.summary.contains("test"));
    });
}

#[test]
fn what_happens_after_the_preview_is_not_touched() {
    let world = World::default();
    refuse_even(&world);
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..10).await;
        send(&engine, "one", Channel::Email, "news").await;
        send(&engine, "two", Channel::Email, "news").await;
        ended(&engine, "one").await;
        ended(&engine, "two").await;
        let operation = preview(&engine, ask(OperationAction::Retry, "provider=mail since=1h")).await;
        assert_eq!((operation.preview.count, operation.preview.messages), (10, 2));
        send(&engine, "three", Channel::Email, "news").await;
        assert_eq!(ended(&engine, "three").await.progress.failed, 5);
        let first = message(&engine, "one").await;
        engine.retry(&first.id, herald::domain::plan::Again::default(), &actor()).await.unwrap();
        until("its second run ends", async || {
            let now = message(&engine, "one").await;
            now.run == 2 && now.state.is_over()
        })
        .await;

        let operation = confirm(&engine, &operation).await;
        assert_eq!((operation.done, operation.moved_on), (5, 5));
        assert_eq!(message(&engine, "one").await.run, 2, "it had moved on");
        assert_eq!(ended(&engine, "two").await.progress.accepted, 10);
        let third = message(&engine, "three").await;
        assert_eq!((third.run, third.progress.failed), (1, 5), "it was not previewed");
    });
}

#[test]
fn who_may_have_got_it_is_left_out_unless_asked_for() {
    let world = World::default();
    world.post.script(|sent| {
        if sent.attempt == 1 {
            refuse(Verdict::Uncertain, Stage::Content, 0, "connection lost")
        } else {
            accept()
        }
    });
    world.live(async |engine| {
        add(&engine, provider("texts", "smtp", Channel::Email)).await;
        people(&engine, Channel::Email, "alerts", 0..1).await;
        let mut text = draft(&engine, "text", Channel::Email);
        text.topics = vec![TopicId::new("alerts").unwrap()];
        text.in_doubt = Some(InDoubt::Hold);
        create(&engine, text).await;
        until("all wait", async || message(&engine, "text").await.progress.undecided == 1).await;
        let without = preview(&engine, ask(OperationAction::Retry, "provider=texts")).await;
        assert_eq!(without.preview.count, 0);
        assert_eq!(left(&without).values().sum::<u64>(), 1, "{without:?}");
        let asked = CreateOperation { uncertain: true, ..ask(OperationAction::Retry, "provider=texts") };
        let with = preview(&engine, asked).await;
        assert_eq!((with.preview.count, with.preview.uncertain), (1, 1));
        assert_eq!(confirm(&engine, &with).await.done, 1);
        assert_eq!(ended(&engine, "text").await.state, MessageState::Sent);
        let rows = log(&engine, "text").await;
        assert!(
            rows.iter().filter(|row| row.outcome == Outcome::Accepted).all(|row| row.detail.possibly_twice)
        );
    });
}

#[test]
fn those_who_wait_are_held_released_moved_and_ended() {
    let world = World::default();
    world.post.script(|sent| {
        if sent.provider == "mail" {
            refuse(Verdict::Transient, Stage::Recipient, 451, "4.7.1 come back later")
        } else {
            accept()
        }
    });
    world.live(async |engine| {
        smtp(&engine).await;
        add(&engine, provider("other", "smtp", Channel::Email)).await;
        add(&engine, provider("texts", "twilio", Channel::Sms)).await;
        people(&engine, Channel::Email, "news", 0..6).await;
        send(&engine, "one", Channel::Email, "news").await;
        until("all wait", async || message(&engine, "one").await.progress.retrying == 6).await;

        let hold = preview(&engine, ask(OperationAction::Hold, "message=one")).await;
        assert_eq!(confirm(&engine, &hold).await.done, 6);
        let progress = message(&engine, "one").await.progress;
        assert_eq!((progress.held, progress.retrying), (6, 0));
        let tried = world.post.tried().len();
        sleep(7200.0).await;
        assert_eq!(world.post.tried().len(), tried, "nobody who is held is tried");
        let again = preview(&engine, ask(OperationAction::Hold, "message=one")).await;
        assert_eq!(left(&again), BTreeMap::from([("held already".to_owned(), 6)]));

        let cancel = preview(&engine, ask(OperationAction::Cancel, "target=t0,t1")).await;
        assert_eq!(confirm(&engine, &cancel).await.done, 2);
        let release = preview(&engine, ask(OperationAction::Release, "target=t2")).await;
        assert_eq!(confirm(&engine, &release).await.done, 1);
        until("it was tried", async || world.post.tried().len() == tried + 1).await;

        let elsewhere = |to: &str| CreateOperation {
            provider_id: Some(ProviderId::new(to).unwrap()),
            ..ask(OperationAction::FailOver, "message=one")
        };
        let wrong = preview(&engine, elsewhere("texts")).await;
        assert_eq!(wrong.preview.count, 0, "mail does not go through a service of texts");
        until("its answer is recorded", async || message(&engine, "one").await.progress.retrying == 1).await;
        let moved = preview(&engine, elsewhere("other")).await;
        assert_eq!(moved.preview.count, 4, "{moved:?}");
        assert_eq!(confirm(&engine, &moved).await.done, 4);
        let after = ended(&engine, "one").await;
        assert_eq!((after.progress.accepted, after.progress.failed), (4, 2));
        assert!(world.post.taken().iter().all(|sent| sent.provider == "other"));
    });
}

#[test]
fn a_failed_message_goes_through_another_provider() {
    let world = World::default();
    world.post.script(|sent| match sent.provider.as_str() {
        "mail" => refuse(Verdict::Permanent, Stage::Content, 554, "5.7.1 not from you"),
        _ => accept(),
    });
    world.live(async |engine| {
        smtp(&engine).await;
        add(&engine, provider("other", "smtp", Channel::Email)).await;
        people(&engine, Channel::Email, "news", 0..5).await;
        send(&engine, "one", Channel::Email, "news").await;
        ended(&engine, "one").await;
        let asked = CreateOperation {
            provider_id: Some(ProviderId::new("other").unwrap()),
            ..ask(OperationAction::FailOver, "provider=mail since=1h")
        };
        let operation = preview(&engine, asked).await;
        assert_eq!(confirm(&engine, &operation).await.done, 5);
        let after = ended(&engine, "one").await;
        assert_eq!((after.state, after.progress.planned), (MessageState::Sent, 5));
        let lanes = engine.store().lanes_of(after.no).await.unwrap();
        let sums: Vec<_> = lanes.iter().map(|lane| (lane.progress.planned, lane.progress.accepted)).collect();
        assert_eq!(sums, [(0, 0), (5, 5)], "the counts moved with them");
    });
}

#[test]
fn a_crash_neither_loses_nor_repeats_a_step() {
    for stop in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 200] {
        let world = World::new(stop + 1);
        refuse_even(&world);
        let messages: Vec<String> = (0..6).map(|n| format!("m{n}")).collect();
        let id = world.live(async |engine| {
            smtp(&engine).await;
            people(&engine, Channel::Email, "news", 0..4).await;
            for id in &messages {
                send(&engine, id, Channel::Email, "news").await;
                ended(&engine, id).await;
            }
            let operation = preview(&engine, ask(OperationAction::Retry, "outcome=failed since=1h")).await;
            assert_eq!((operation.preview.count, operation.preview.messages), (12, 6));
            engine.confirm_operation(&actor(), &operation.id, 12).await.unwrap();
            for _ in 0..stop {
                tokio::task::yield_now().await;
            }
            operation.id
        });
        world.live(async |engine| {
            let operation = done(&engine, &id).await;
            assert_eq!(operation.state, OperationState::Done);
            assert_eq!((operation.done, operation.moved_on), (12, 0), "stopped after {stop}");
            for id in &messages {
                let after = ended(&engine, id).await;
                assert_eq!((after.run, after.progress.accepted), (2, 4), "{id}, stopped after {stop}");
            }
        });
    }
}

#[test]
fn an_operation_that_is_cancelled_stays_where_it_is() {
    let world = World::default();
    refuse_even(&world);
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..4).await;
        send(&engine, "one", Channel::Email, "news").await;
        ended(&engine, "one").await;
        let operation = preview(&engine, ask(OperationAction::Retry, "outcome=failed")).await;
        engine.cancel_operation(&actor(), &operation.id).await.unwrap();
        let refused = engine.confirm_operation(&actor(), &operation.id, 2).await.unwrap_err();
        assert!(refused.message.contains("cancelled"), "{refused}");
        assert_eq!(message(&engine, "one").await.run, 1);
        let late = preview(&engine, ask(OperationAction::Retry, "outcome=failed")).await;
        sleep(3700.0).await;
        let refused = engine.confirm_operation(&actor(), &late.id, 2).await.unwrap_err();
        assert!(refused.message.contains("hour"), "{refused}");
        let all = engine.operations(None, 10).await.unwrap().operations;
        assert_eq!(all.len(), 2);
        let nothing = engine.preview_operation(&actor(), ask(OperationAction::Retry, ""), Zone::UTC).await;
        assert!(nothing.unwrap_err().message.contains("filter"));
    });
}

#[test]
fn who_waits_and_was_never_tried_is_reached() {
    let world = World::default();
    // The service refuses us: everybody after the first is put back untried, and held.
    world.post.script(|sent| {
        if sent.attempt == 1 {
            refuse(Verdict::Refused, Stage::Authentication, 535, "5.7.8 bad password")
        } else {
            accept()
        }
    });
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "news", 0..10).await;
        send(&engine, "m", Channel::Email, "news").await;
        until("somebody is held", async || message(&engine, "m").await.progress.held > 0).await;
        let held = message(&engine, "m").await.progress.held;
        let found = preview(&engine, ask(OperationAction::Cancel, "status=held message=m")).await;
        assert_eq!((found.preview.count, found.preview.messages), (held, 1), "{found:?}");
        let none = preview(&engine, ask(OperationAction::Cancel, "status=waiting message=m")).await;
        assert_eq!(none.preview.count, 0, "{none:?}");
        let none =
            preview(&engine, ask(OperationAction::Cancel, "status=held message=m outcome=bounced")).await;
        assert_eq!(none.preview.count, 0, "{none:?}");
        let operation = confirm(&engine, &found).await;
        assert_eq!((operation.done, operation.moved_on), (held, 0));
        assert_eq!(message(&engine, "m").await.progress.held, 0);
    });
}
