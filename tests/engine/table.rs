//! The table of conditions, cell by cell, by what happens.

use crate::world::{
    World, accept, actor, add, audit, create, draft, edit, ended, message, people, person, provider, refuse,
    send, sleep, until,
};
use herald::domain::channel::Channel;
use herald::domain::delivery::Stage;
use herald::domain::ids::{ProviderId, TargetId};
use herald::domain::provider::ProviderHold;
use herald::domain::time::Timestamp;
use herald::engine::Engine;
use herald::engine::conditions::{Condition, Effect, Phase, effect};
use herald::providers::adapter::Verdict;
use std::time::Duration;

fn a() -> ProviderId {
    ProviderId::new("a").unwrap()
}

/// Brings a condition about, and waits until the engine has seen it.
async fn apply(engine: &Engine, condition: Condition) {
    match condition {
        Condition::Deleted => engine.store().delete_provider(&a(), None, audit()).await.unwrap(),
        Condition::Disabled => drop(edit(engine, "a", |provider| provider.enabled = false).await),
        Condition::Refuses => {
            let hold = ProviderHold::Refused { answer: "no".into(), since: Timestamp(1) };
            edit(engine, "a", |provider| provider.hold = Some(hold)).await;
        }
        Condition::Paused => drop(engine.pause_provider(&a(), &actor()).await.unwrap()),
        Condition::Quota => drop(edit(engine, "a", |provider| provider.limits.per_hour = Some(0)).await),
        Condition::Breaker => {
            let mut trip = draft(engine, "trip", Channel::Email);
            trip.targets = vec![TargetId::new("t99").unwrap()];
            create(engine, trip).await;
        }
    }
    until("the condition is seen", async || {
        let health = engine.health().await.unwrap();
        let found = health.iter().find(|health| health.provider == a());
        match condition {
            Condition::Deleted => found.is_none(),
            _ => found.is_some_and(|health| health.condition == Some(condition)),
        }
    })
    .await;
}

async fn lift(world: &World, engine: &Engine, condition: Condition) {
    match condition {
        Condition::Deleted => {}
        Condition::Disabled => drop(edit(engine, "a", |provider| provider.enabled = true).await),
        Condition::Refuses | Condition::Paused => drop(engine.resume_provider(&a(), &actor()).await.unwrap()),
        Condition::Quota => drop(edit(engine, "a", |provider| provider.limits.per_hour = None).await),
        // A new address of the server is a new connection, and a fresh breaker.
        Condition::Breaker => {
            world.post.script(|_| accept());
            drop(
                edit(engine, "a", |provider| drop(provider.options.insert("mailer".into(), "\"x\"".into())))
                    .await,
            );
        }
    }
}

/// Provider `a`, slow and one at a time; person 99 trips its breaker.
async fn slow(world: &World, engine: &Engine, channel: Channel, kind: &str) {
    add(engine, provider("a", kind, channel)).await;
    edit(engine, "a", |provider| {
        provider.limits.concurrency = Some(1);
        provider.limits.window = Some(8);
    })
    .await;
    person(engine, 99, Channel::Email, None).await;
    world.post.script(|sent| {
        if sent.headline == "trip" {
            return refuse(Verdict::Transient, Stage::Connect, 0, "connection refused");
        }
        let mut reply = accept();
        reply.after = Duration::from_secs(1);
        reply
    });
}

fn world() -> World {
    let mut world = World::default();
    world.config.breaker_failures = 1;
    world.config.breaker_base = Duration::from_hours(10);
    world.config.breaker_cap = Duration::from_hours(10);
    world.train = 1;
    world
}

fn through(world: &World, provider: &str, headline: &str) -> usize {
    world.post.tried().iter().filter(|sent| sent.provider == provider && sent.headline == headline).count()
}

#[test]
fn new_plans() {
    for condition in Condition::ALL {
        let world = world();
        world.live(async |engine| {
            slow(&world, &engine, Channel::Email, "smtp").await;
            add(&engine, provider("b", "smtp", Channel::Email)).await;
            people(&engine, Channel::Email, "all", 0..5).await;
            apply(&engine, condition).await;
            send(&engine, "new", Channel::Email, "all").await;
            sleep(60.0).await;
            let got = (through(&world, "a", "new"), through(&world, "b", "new"));
            if effect(condition, Phase::NewPlan) == Effect::Replanned {
                assert_eq!(got, (0, 5), "{condition:?}");
            } else {
                assert_eq!(got, (0, 0), "{condition:?}");
                lift(&world, &engine, condition).await;
                assert_eq!(ended(&engine, "new").await.progress.accepted, 5);
                assert_eq!(through(&world, "a", "new"), 5, "{condition:?}");
            }
        });
    }
}

#[test]
fn planned_in_flight_and_at_hand() {
    for condition in Condition::ALL {
        let world = world();
        world.live(async |engine| {
            slow(&world, &engine, Channel::Email, "smtp").await;
            people(&engine, Channel::Email, "all", 0..40).await;
            send(&engine, "main", Channel::Email, "all").await;
            until("it is under way", async || through(&world, "a", "main") == 5).await;
            add(&engine, provider("b", "smtp", Channel::Email)).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            apply(&engine, condition).await;
            let begun = through(&world, "a", "main");
            sleep(30.0).await;
            let all =
                world.post.tried().into_iter().filter(|sent| sent.provider == "a" && sent.headline == "main");
            let taken =
                world.post.taken().into_iter().filter(|sent| sent.provider == "a" && sent.headline == "main");
            assert_eq!(all.count(), taken.count(), "{condition:?}: what is in flight finishes");
            let further = through(&world, "a", "main") - begun;
            match effect(condition, Phase::AtHand) {
                Effect::Finishes => assert!((3..=8).contains(&further), "{condition:?}: {further}"),
                Effect::Waits | Effect::Replanned => assert!(further <= 1, "{condition:?}: {further}"),
                Effect::Held => {
                    assert!(further <= 1, "{condition:?}: {further}");
                    assert!(message(&engine, "main").await.progress.held > 0, "{condition:?}");
                }
            }
            if effect(condition, Phase::Planned) == Effect::Replanned {
                assert_eq!(ended(&engine, "main").await.progress.accepted, 40, "{condition:?}");
                assert!(through(&world, "b", "main") >= 20, "{condition:?}");
            } else {
                assert_eq!(through(&world, "b", "main"), 0, "{condition:?}");
                lift(&world, &engine, condition).await;
                assert_eq!(ended(&engine, "main").await.progress.accepted, 40, "{condition:?}");
                assert_eq!(through(&world, "a", "main"), 40, "{condition:?}");
            }
            assert!(world.post.copies("main").values().all(|count| *count == 1), "{condition:?}");
        });
    }
}

#[test]
fn retries() {
    for condition in Condition::ALL {
        let world = world();
        world.live(async |engine| {
            slow(&world, &engine, Channel::Email, "smtp").await;
            people(&engine, Channel::Email, "all", 0..3).await;
            world.post.script(|sent| match (sent.headline.as_str(), sent.attempt) {
                ("trip", _) => refuse(Verdict::Transient, Stage::Connect, 0, "connection refused"),
                (_, 1) => {
                    let mut reply = refuse(Verdict::Transient, Stage::Recipient, 450, "later");
                    reply.answer.retry_after = Some(Duration::from_secs(30));
                    reply
                }
                _ => accept(),
            });
            send(&engine, "retry", Channel::Email, "all").await;
            until("all wait", async || message(&engine, "retry").await.progress.retrying == 3).await;
            add(&engine, provider("b", "smtp", Channel::Email)).await;
            apply(&engine, condition).await;
            sleep(120.0).await;
            if effect(condition, Phase::Retry) == Effect::Replanned {
                assert_eq!(through(&world, "b", "retry"), 3, "{condition:?}");
            } else {
                assert_eq!(
                    (through(&world, "a", "retry"), through(&world, "b", "retry")),
                    (3, 0),
                    "{condition:?}"
                );
                lift(&world, &engine, condition).await;
                assert_eq!(ended(&engine, "retry").await.progress.accepted, 3);
                assert_eq!(through(&world, "a", "retry"), 6, "{condition:?}");
            }
            assert_eq!(ended(&engine, "retry").await.progress.accepted, 3, "{condition:?}");
        });
    }
}

#[test]
fn pinned_tokens() {
    for condition in Condition::ALL {
        let world = world();
        world.live(async |engine| {
            // The breaker's guinea pig has a provider of its own type.
            slow(&world, &engine, Channel::Push, "sandbox").await;
            person(&engine, 1, Channel::Push, Some("a")).await;
            if condition == Condition::Breaker {
                person(&engine, 98, Channel::Push, Some("a")).await;
                let mut trip = draft(&engine, "trip", Channel::Push);
                trip.targets = vec![TargetId::new("t98").unwrap()];
                create(&engine, trip).await;
                until("it trips", async || engine.health().await.unwrap()[0].condition == Some(condition))
                    .await;
            } else {
                apply(&engine, condition).await;
            }
            if condition == Condition::Deleted {
                // Nobody knows any more which service the token was of.
                add(&engine, provider("b", "sandbox", Channel::Push)).await;
            }
            let mut pinned = draft(&engine, "pinned", Channel::Push);
            pinned.targets = vec![TargetId::new("t1").unwrap()];
            create(&engine, pinned).await;
            sleep(120.0).await;
            assert_eq!(effect(condition, Phase::Pinned), Effect::Waits);
            assert!(!world.post.tried().iter().any(|sent| sent.headline == "pinned"), "{condition:?}");
            assert_eq!(message(&engine, "pinned").await.progress.open(), 1, "{condition:?}");
            if condition != Condition::Deleted {
                lift(&world, &engine, condition).await;
                assert_eq!(ended(&engine, "pinned").await.progress.accepted, 1, "{condition:?}");
                assert_eq!(through(&world, "a", "pinned"), 1);
            }
        });
    }
}
