//! Crashes at any point, and orderly ends: nobody is lost, nobody silently gets two.

use crate::world::{
    Dice, World, accept, actor, add, create, crowd, draft, edit, ended, log, message, people, provider, send,
    sleep, smtp,
};
use herald::domain::channel::{Channel, InDoubt};
use herald::domain::delivery::Outcome;
use herald::domain::ids::TopicId;
use herald::domain::plan::{Again, WaitReason};
use herald::domain::state::MessageState;
use herald::domain::time::Timestamp;
use herald::store::dispatch::WaitingFilter;
use std::time::Duration;

const WINDOW: u32 = 64;

/// Kills the engine again and again in the middle of the send; says how often.
fn killed(
    world: &World,
    seed: u64,
    kind: &'static str,
    channel: Channel,
    policy: InDoubt,
    count: usize,
) -> usize {
    world.post.script(move |sent| {
        let mut reply = accept();
        let batch = if sent.key.is_some() { 10 } else { 1 };
        reply.after = Duration::from_millis(batch * (20 + sent.address.len() as u64 * 3));
        reply
    });
    let mut dice = Dice(seed);
    world.live(async |engine| {
        add(&engine, provider("p", kind, channel)).await;
        edit(&engine, "p", |provider| provider.limits.window = Some(WINDOW)).await;
        if channel == Channel::Email {
            crowd(&engine, "all", 0..count).await;
        } else {
            people(&engine, channel, "all", 0..count).await;
        }
        let mut message = draft(&engine, "killed", channel);
        message.topics = vec![TopicId::new("all").unwrap()];
        message.in_doubt = Some(policy);
        create(&engine, message).await;
        // Maybe in the middle of the plan.
        tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
    });
    let mut kills = 1;
    for _ in 0..12 {
        let over = world.live(async |engine| {
            let before = world.post.tried().len();
            tokio::time::sleep(Duration::from_millis(30 + dice.below(400))).await;
            let now = message(&engine, "killed").await;
            assert!(
                now.state.is_over() || now.progress.undecided > 0 || world.post.tried().len() > before,
                "each life gets on"
            );
            now.state.is_over()
        });
        if over {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 4, "the kills hit the middle");
    kills
}

#[test]
fn resend_loses_nobody_and_repeats_a_window_at_most() {
    for seed in 0..6 {
        let world = World::new(seed);
        let kills = killed(&world, seed, "smtp", Channel::Email, InDoubt::Resend, 2_500);
        world.live(async |engine| {
            let end = ended(&engine, "killed").await;
            assert_eq!((end.state, end.progress.accepted), (MessageState::Sent, 2_500));
            assert!(engine.store().open_windows().await.unwrap().is_empty());
            let copies = world.post.copies("killed");
            assert_eq!(copies.len(), 2_500, "nobody is missing");
            let twice: usize = copies.values().map(|count| count - 1).sum();
            assert!(twice <= kills * WINDOW as usize, "{twice} copies too many after {kills} kills");
            // Whoever may have two is marked, and all copies bear one reference.
            let rows = log(&engine, "killed").await;
            let marked = rows
                .iter()
                .filter(|row| row.detail.possibly_twice && row.outcome == Outcome::Accepted)
                .count();
            assert!(marked >= copies.values().filter(|count| **count > 1).count());
            let mut references: Vec<_> =
                world.post.taken().into_iter().map(|sent| (sent.address, sent.reference)).collect();
            references.sort();
            references.dedup();
            assert_eq!(references.len(), 2_500);
        });
    }
}

#[test]
fn hold_sends_to_nobody_twice_and_shows_who_is_uncertain() {
    for seed in 10..16 {
        let world = World::new(seed);
        killed(&world, seed, "smtp", Channel::Email, InDoubt::Hold, 1_500);
        world.live(async |engine| {
            sleep(3_600.0).await;
            let copies = world.post.copies("killed");
            assert!(copies.values().all(|count| *count == 1), "nobody has two");
            let now = message(&engine, "killed").await;
            assert_eq!(now.state, MessageState::Processing, "it waits for a decision");
            let filter =
                WaitingFilter { message: Some(now.no), provider: None, why: Some(WaitReason::Uncertain) };
            let uncertain = engine.store().waiting(filter, None, 10_000).await.unwrap();
            assert!(uncertain.iter().all(|row| row.due == Timestamp::NEVER && row.waiting.possibly_twice));
            assert_eq!(now.progress.undecided, uncertain.len() as u64);
            assert_eq!(now.progress.accepted + now.progress.uncertain, 1_500);
            assert!(copies.len() as u64 >= now.progress.accepted);
            let rows = log(&engine, "killed").await;
            let accepted = rows.iter().filter(|row| row.outcome == Outcome::Accepted).count() as u64;
            assert_eq!(accepted, now.progress.accepted);
        });
    }
}

#[test]
fn a_service_with_keys_takes_everybody_once_through_all_kills() {
    for seed in 20..26 {
        let world = World::new(seed);
        killed(&world, seed, "sandbox", Channel::Sms, InDoubt::Hold, 1_200);
        world.live(async |engine| {
            let end = ended(&engine, "killed").await;
            assert_eq!((end.state, end.progress.accepted), (MessageState::Sent, 1_200));
            let copies = world.post.copies("killed");
            assert_eq!(copies.len(), 1_200);
            assert!(copies.values().all(|count| *count == 1));
        });
    }
}

#[test]
fn a_key_that_has_lapsed_leaves_it_to_the_policy() {
    let world = World::default();
    world.post.script(|_| {
        let mut reply = accept();
        reply.after = Duration::from_secs(5);
        reply
    });
    world.live(async |engine| {
        add(&engine, provider("p", "sandbox", Channel::Sms)).await;
        people(&engine, Channel::Sms, "all", 0..10).await;
        let mut message = draft(&engine, "lapsed", Channel::Sms);
        message.topics = vec![TopicId::new("all").unwrap()];
        message.expires_at = Some(engine.now().plus(Duration::from_hours(72)));
        create(&engine, message).await;
        sleep(1.0).await;
    });
    world.clock.jump(24 * 3_600);
    world.live(async |engine| {
        sleep(600.0).await;
        let now = message(&engine, "lapsed").await;
        assert_eq!((now.progress.undecided, world.post.taken().len()), (10, 10));
    });
}

#[test]
fn a_kill_in_the_middle_of_a_plan_of_many_doors_copies_nobody() {
    for seed in 30..34 {
        let world = World::new(seed);
        world.live(async |engine| {
            smtp(&engine).await;
            edit(&engine, "mail", |provider| provider.limits.per_day = Some(0)).await;
            for topic in ["a", "b"] {
                crowd(&engine, topic, 0..9_000).await;
            }
            let mut message = draft(&engine, "plan", Channel::Email);
            message.topics = ["a", "b"].map(|topic| TopicId::new(topic).unwrap()).to_vec();
            create(&engine, message).await;
            for _ in 0..seed - 27 {
                tokio::task::yield_now().await;
            }
        });
        world.live(async |engine| {
            edit(&engine, "mail", |provider| provider.limits.per_day = None).await;
            let end = ended(&engine, "plan").await;
            assert_eq!((end.progress.planned, end.progress.accepted), (9_000, 9_000));
            assert!(world.post.copies("plan").values().all(|count| *count == 1));
        });
    }
}

#[test]
fn an_orderly_end_leaves_nothing_in_doubt() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        crowd(&engine, "all", 0..2_000).await;
        world.post.script(|_| {
            let mut reply = accept();
            reply.after = Duration::from_millis(300);
            reply
        });
        send(&engine, "handed", Channel::Email, "all").await;
        sleep(3.0).await;
        let drained = engine.hand_over(Duration::from_secs(20)).await.unwrap();
        assert!(drained.clean);
    });
    let sent = world.post.taken().len();
    assert!(sent > 50 && sent < 2_000);
    world.live(async |engine| {
        assert!(engine.store().open_windows().await.unwrap().is_empty());
        world.post.script(|_| accept());
        assert_eq!(ended(&engine, "handed").await.progress.accepted, 2_000);
        assert!(world.post.copies("handed").values().all(|count| *count == 1));
        assert!(log(&engine, "handed").await.iter().all(|row| !row.detail.possibly_twice));
    });
}

#[test]
fn an_end_with_a_limit_gives_up_what_hangs() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..40).await;
        world.post.script(|_| {
            let mut reply = accept();
            reply.after = Duration::from_hours(2);
            reply
        });
        send(&engine, "hangs", Channel::Email, "all").await;
        sleep(3.0).await;
        let drained = engine.hand_over(Duration::from_secs(5)).await.unwrap();
        assert!(!drained.clean);
    });
    world.live(async |engine| {
        let rows = log(&engine, "hangs").await;
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row.outcome == Outcome::Uncertain),
            "lost answers are recorded"
        );
        world.post.script(|_| accept());
        assert_eq!(ended(&engine, "hangs").await.progress.accepted, 40);
    });
}

#[test]
fn stopped_stays_stopped_through_restarts() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_second = Some(50.0)).await;
        crowd(&engine, "all", 0..500).await;
        send(&engine, "stop", Channel::Email, "all").await;
        sleep(2.0).await;
        engine.stop_sending(&actor()).await.unwrap();
        sleep(1.0).await;
    });
    let sent = world.post.tried().len();
    assert!((50..200).contains(&sent));
    world.live(async |engine| {
        sleep(600.0).await;
        send(&engine, "another", Channel::Email, "all").await;
        sleep(600.0).await;
        assert_eq!(world.post.tried().len(), sent);
        engine.resume_sending(&actor()).await.unwrap();
        assert_eq!(ended(&engine, "stop").await.progress.accepted, 500);
        assert_eq!(ended(&engine, "another").await.progress.accepted, 500);
        assert!(world.post.copies("stop").values().all(|count| *count == 1));
    });
}

#[test]
fn an_interrupted_retry_tries_each_failed_recipient_once() {
    use crate::world::refuse;
    use herald::domain::delivery::Stage;
    use herald::providers::adapter::Verdict;
    for wait in [0, 1, 3, 9] {
        let world = World::new(wait);
        world.live(async |engine| {
            smtp(&engine).await;
            crowd(&engine, "all", 0..9_000).await;
            world.post.script(|sent| {
                let mut reply = if sent.address.ends_with("@d3.example") {
                    refuse(Verdict::Permanent, Stage::Content, 554, "no")
                } else {
                    accept()
                };
                reply.after = Duration::ZERO;
                reply
            });
            send(&engine, "again", Channel::Email, "all").await;
            let end = ended(&engine, "again").await;
            assert_eq!(end.progress.failed, 1_286);
            world.post.script(|_| accept());
            engine.retry(&end.id, Again::default(), &actor()).await.unwrap();
            for _ in 0..wait * 4 {
                tokio::task::yield_now().await;
            }
        });
        world.live(async |engine| {
            let end = ended(&engine, "again").await;
            assert_eq!((end.state, end.progress.accepted), (MessageState::Sent, 9_000));
            let copies = world.post.copies("again");
            let twice: usize = copies.values().map(|count| count - 1).sum();
            assert!(copies.len() == 9_000 && twice <= 64, "{twice}");
        });
    }
}
