//! Due times: exact, once, never early, whatever the clock does.

use crate::world::{
    T0, World, actor, create, draft, ended, message, people, refuse, send, sleep, smtp, until,
};
use herald::domain::channel::Channel;
use herald::domain::delivery::{Outcome, Stage};
use herald::domain::ids::{MessageId, TopicId};
use herald::domain::state::{Event, Hold, MessageState};
use herald::domain::time::Timestamp;
use herald::engine::Engine;
use herald::providers::adapter::Verdict;
use std::time::Duration;

async fn at(engine: &Engine, id: &str, due: Timestamp) {
    let mut message = draft(engine, id, Channel::Email);
    message.topics = vec![TopicId::new("all").unwrap()];
    message.scheduled_at = Some(due);
    message.expires_at = Some(due.plus(Channel::Email.default_lifetime()));
    create(engine, message).await;
}

fn after(seconds: f64) -> Timestamp {
    T0.plus(Duration::from_secs_f64(seconds))
}

#[test]
fn a_message_leaves_at_its_time_between_two_minutes() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..1).await;
        at(&engine, "exact", after(7.3)).await;
        at(&engine, "later", after(95.0)).await;
        ended(&engine, "later").await;
    });
    let sent = world.post.tried();
    for (sent, due) in sent.iter().zip([after(7.3), after(95.0)]) {
        assert!(sent.at >= due, "never early");
        assert!(sent.at <= due.plus(Duration::from_millis(50)), "{} late", sent.at.0 - due.0);
    }
    assert_eq!(sent.len(), 2);
}

#[test]
fn a_nearer_time_that_is_written_later_wakes_the_scheduler() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..1).await;
        at(&engine, "far", after(50_000.0)).await;
        sleep(3.0).await;
        at(&engine, "near", after(4.0)).await;
        ended(&engine, "near").await;
        let due = after(4.0);
        let sent = world.post.tried()[0].at;
        assert!(sent >= due && sent <= due.plus(Duration::from_millis(50)));
    });
}

#[test]
fn the_clock_jumps_while_a_message_waits() {
    for jump in [3_600, 86_400] {
        let world = World::default();
        world.live(async |engine| {
            smtp(&engine).await;
            people(&engine, Channel::Email, "all", 0..3).await;
            let due = after(2.0 * jump as f64);
            at(&engine, "due", due).await;
            sleep(1.5).await;
            world.clock.jump(jump);
            sleep(90.0).await;
            assert!(world.post.tried().is_empty(), "not due yet");
            world.clock.jump(-jump);
            sleep(90.0).await;
            assert!(world.post.tried().is_empty(), "still not due");
            world.clock.jump(2 * jump);
            let jumped = world.clock_now();
            ended(&engine, "due").await;
            let sent = world.post.tried();
            assert!(sent[0].at.since(jumped) <= Duration::from_secs(2), "a jump ahead is noticed");
            // Back before its time: nothing goes again.
            world.clock.jump(-2 * jump);
            sleep(60.0).await;
            world.clock.jump(2 * jump);
            sleep(60.0).await;
            assert!(world.post.copies("due").values().all(|count| *count == 1));
            assert_eq!(world.post.tried().len(), 3);
        });
    }
}

#[test]
fn the_clock_jumps_while_messages_are_claimed_and_retried() {
    for jump in [3_600, -3_600, 86_400, -86_400] {
        let world = World::default();
        world.live(async |engine| {
            smtp(&engine).await;
            people(&engine, Channel::Email, "all", 0..40).await;
            world.post.script(|sent| {
                if sent.attempt == 1 && sent.address.as_bytes()[1] % 2 == 0 {
                    refuse(Verdict::Transient, Stage::Recipient, 450, "4.2.0 greylisted")
                } else {
                    crate::world::accept()
                }
            });
            for n in 0..5 {
                send(&engine, &format!("m{n}"), Channel::Email, "all").await;
            }
            tokio::time::sleep(Duration::from_millis(7)).await;
            world.clock.jump(jump);
            for n in 0..5 {
                let end = ended(&engine, &format!("m{n}")).await;
                assert_eq!(end.state, MessageState::Sent, "jump {jump}");
                assert!(world.post.copies(&format!("m{n}")).values().all(|count| *count == 1));
            }
            // A retry never comes before its time, as the clock showed it.
            for row in crate::world::log(&engine, "m0").await.iter().filter(|row| row.attempt == 2) {
                let first = crate::world::log(&engine, "m0").await;
                let first =
                    first.iter().find(|other| other.target == row.target && other.attempt == 1).unwrap();
                assert!(row.at >= first.detail.retry_at.unwrap());
            }
        });
    }
}

#[test]
fn what_is_due_together_goes_oldest_first_as_there_is_room() {
    let mut world = World::default();
    world.config.active_messages = 4;
    world.config.claim_chunk = 3;
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..2).await;
        let due = after(20.0);
        for n in (0..23).rev() {
            at(&engine, &format!("m{n:02}"), due.plus(Duration::from_millis(n))).await;
        }
        ended(&engine, "m22").await;
        until("all have ended", async || engine.store().state_counts().await.unwrap()[6] == 23).await;
        let mut order: Vec<_> = world.post.tried().into_iter().map(|sent| sent.headline).collect();
        order.dedup();
        let firsts: Vec<_> = order.iter().map(|name| name[1..].parse::<usize>().unwrap()).collect();
        for (place, n) in firsts.iter().enumerate() {
            assert!(place + 8 >= *n, "{firsts:?}");
        }
    });
}

#[test]
fn downtime_is_caught_up_by_the_deadline() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..2).await;
        at(&engine, "soon", after(3_600.0)).await;
        at(&engine, "late", after(4.0 * 86_400.0)).await;
    });
    world.clock.jump(3 * 86_400 + 3_700);
    world.live(async |engine| {
        let soon = ended(&engine, "soon").await;
        assert_eq!(soon.state, MessageState::Failed);
        assert!(world.post.tried().is_empty(), "past its deadline nothing is sent");
        world.clock.jump(86_400);
        assert_eq!(ended(&engine, "late").await.state, MessageState::Sent);
    });
}

#[test]
fn late_messages_are_held_where_the_setting_says_so() {
    let mut world = World::default();
    world.config.late_after = Some(Duration::from_mins(10));
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..2).await;
        at(&engine, "late", after(60.0)).await;
    });
    world.clock.jump(3_600);
    world.live(async |engine| {
        until("it is held", async || message(&engine, "late").await.state == MessageState::Held(Hold::Late))
            .await;
        engine.release(&MessageId::new("late").unwrap(), &actor()).await.unwrap();
        assert_eq!(ended(&engine, "late").await.state, MessageState::Sent);
    });
}

#[test]
fn cancelled_and_unscheduled_until_the_claim() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..2).await;
        at(&engine, "undone", after(5.0)).await;
        at(&engine, "cancelled", after(5.0)).await;
        sleep(4.99).await;
        let undone = message(&engine, "undone").await;
        let store = engine.store();
        let now = engine.now();
        store.transition(undone.no, Event::Unschedule, Some(undone.revision), now, None).await.unwrap();
        engine.cancel(&MessageId::new("cancelled").unwrap(), &actor()).await.unwrap();
        sleep(120.0).await;
        assert!(world.post.tried().is_empty());
        assert_eq!(message(&engine, "undone").await.state, MessageState::Draft);
    });
}

#[test]
fn the_deadline_holds_in_the_middle_of_a_message() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..100).await;
        crate::world::edit(&engine, "mail", |provider| provider.limits.per_second = Some(10.0)).await;
        let mut message = draft(&engine, "short", Channel::Email);
        message.topics = vec![TopicId::new("all").unwrap()];
        let deadline = engine.now().plus(Duration::from_secs(5));
        message.expires_at = Some(deadline);
        create(&engine, message).await;
        let end = ended(&engine, "short").await;
        assert_eq!(end.state, MessageState::Failed);
        assert!((40..=60).contains(&end.progress.accepted), "{:?}", end.progress);
        assert_eq!(end.progress.accepted + end.progress.expired, 100);
        assert!(world.post.tried().iter().all(|sent| sent.at < deadline));
        let expired = crate::world::log(&engine, "short").await;
        let expired = expired.iter().filter(|row| row.outcome == Outcome::Expired).count() as u64;
        assert_eq!(expired, end.progress.expired, "counted and listed");
    });
}
