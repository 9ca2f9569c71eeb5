//! What operators do in the middle: it holds for whoever has not been given to a provider.

use crate::world::{
    World, accept, actor, add, ended, log, message, people, provider, refuse, send, sleep, smtp, until,
};
use herald::domain::channel::Channel;
use herald::domain::delivery::Stage;
use herald::domain::ids::{MessageId, ProviderId};
use herald::domain::plan::{Again, WaitReason};
use herald::domain::state::MessageState;
use herald::engine::Engine;
use herald::engine::conditions::Condition;
use herald::providers::adapter::Verdict;
use herald::store::dispatch::{Decision, WaitingFilter};
use std::time::Duration;

fn id(text: &str) -> MessageId {
    MessageId::new(text).unwrap()
}

fn mail() -> ProviderId {
    ProviderId::new("mail").unwrap()
}

fn tried(world: &World, headline: &str) -> usize {
    world.post.tried().iter().filter(|sent| sent.headline == headline).count()
}

/// One at a time, a second each, and many claimed ahead.
async fn slow(world: &World, engine: &Engine) {
    smtp(engine).await;
    crate::world::edit(engine, "mail", |provider| {
        provider.limits.concurrency = Some(1);
        provider.limits.window = Some(64);
    })
    .await;
    world.post.script(|_| {
        let mut reply = accept();
        reply.after = Duration::from_secs(1);
        reply
    });
    people(engine, Channel::Email, "all", 0..200).await;
}

fn world() -> World {
    let mut world = World::default();
    world.train = 1;
    world
}

#[test]
fn a_test_waits_for_a_service_as_long_as_somebody_looks_on_and_no_longer() {
    let world = World::default();
    *world.post.tests_ok.lock().unwrap() = true;
    world.live(async |engine| {
        let mail = smtp(&engine).await;
        let tried = async |takes: f64| {
            *world.post.tests_take.lock().unwrap() = Duration::from_secs_f64(takes);
            let began = tokio::time::Instant::now();
            let tried = engine.test_provider(&actor(), &mail.id, Some("ana@example.com")).await.unwrap();
            (began.elapsed().as_secs_f64(), tried)
        };
        let (took, heard) = tried(24.9).await;
        assert!(
            (24.9..25.0).contains(&took) && heard.report.ok && heard.sent == Some(true),
            "{took} {heard:?}"
        );
        let (took, silent) = tried(3600.0).await;
        assert!((25.0..25.1).contains(&took), "{took}");
        assert!(!silent.report.ok && !silent.report.refused && silent.sent.is_none(), "{silent:?}");
        assert!(silent.report.finding.starts_with("No answer within 25 s: "), "{}", silent.report.finding);
        assert_eq!(world.post.tried().len(), 1, "who says nothing is handed no message");
    });
}

#[test]
fn a_pause_takes_back_who_is_at_hand() {
    let world = world();
    world.live(async |engine| {
        slow(&world, &engine).await;
        send(&engine, "paused", Channel::Email, "all").await;
        send(&engine, "other", Channel::Email, "all").await;
        until("both are under way", async || tried(&world, "paused") >= 5 && tried(&world, "other") >= 5)
            .await;
        engine.pause(&id("paused"), &actor()).await.unwrap();
        let begun = tried(&world, "paused");
        let beside = tried(&world, "other");
        sleep(20.0).await;
        assert!(tried(&world, "paused") <= begun + 1, "whoever is not with the provider stays");
        assert!(tried(&world, "other") > beside + 15, "the other message goes on");
        let progress = message(&engine, "paused").await.progress;
        assert_eq!(progress.in_flight(), 0, "{progress:?}");
        assert!(progress.retrying >= 20, "they wait: {progress:?}");
        engine.resume(&id("paused"), &actor()).await.unwrap();
        let end = ended(&engine, "paused").await;
        assert_eq!((end.state, end.progress.accepted), (MessageState::Sent, 200));
        assert!(world.post.copies("paused").values().all(|count| *count == 1));
        assert!(log(&engine, "paused").await.iter().all(|row| row.attempt == 1), "nobody was tried twice");
    });
}

#[test]
fn a_cancel_takes_back_who_is_at_hand() {
    let world = world();
    world.live(async |engine| {
        slow(&world, &engine).await;
        send(&engine, "ended", Channel::Email, "all").await;
        until("it is under way", async || tried(&world, "ended") >= 5).await;
        engine.cancel(&id("ended"), &actor()).await.unwrap();
        let begun = tried(&world, "ended");
        sleep(20.0).await;
        let sent = tried(&world, "ended");
        assert!(sent <= begun + 1, "{sent} after {begun}");
        let progress = message(&engine, "ended").await.progress;
        assert_eq!((progress.accepted, progress.cancelled), (sent as u64, 200 - sent as u64));
        assert_eq!(progress.open(), 0);
        assert!(engine.store().open_windows().await.unwrap().is_empty());
    });
}

#[test]
fn stop_sending_and_a_switched_off_provider_take_back_who_is_at_hand() {
    for switched_off in [false, true] {
        let world = world();
        world.live(async |engine| {
            slow(&world, &engine).await;
            send(&engine, "all", Channel::Email, "all").await;
            until("it is under way", async || tried(&world, "all") >= 5).await;
            if switched_off {
                crate::world::edit(&engine, "mail", |provider| provider.enabled = false).await;
            } else {
                engine.stop_sending(&actor()).await.unwrap();
            }
            let begun = tried(&world, "all");
            sleep(20.0).await;
            assert!(tried(&world, "all") <= begun + 1, "switched off: {switched_off}");
            assert_eq!(message(&engine, "all").await.progress.in_flight(), 0);
            if switched_off {
                crate::world::edit(&engine, "mail", |provider| provider.enabled = true).await;
            } else {
                engine.resume_sending(&actor()).await.unwrap();
            }
            assert_eq!(ended(&engine, "all").await.progress.accepted, 200);
            assert!(world.post.copies("all").values().all(|count| *count == 1));
        });
    }
}

async fn condition(engine: &Engine) -> Option<Condition> {
    engine.health().await.unwrap()[0].condition
}

#[test]
fn a_resume_before_the_put_backs_are_recorded_leaves_nobody_held() {
    for millis in 0..25 {
        let world = World::new(millis);
        world.live(async |engine| {
            slow(&world, &engine).await;
            send(&engine, "news", Channel::Email, "all").await;
            until("it is under way", async || tried(&world, "news") >= 3).await;
            world
                .post
                .script(|_| refuse(Verdict::Refused, Stage::Authentication, 535, "5.7.8 account suspended"));
            // At once when the record says so: the people are on their way back.
            while engine.store().provider(&mail()).await.unwrap().hold.is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(millis)).await;
            world.post.script(|_| accept());
            engine.resume_provider(&mail(), &actor()).await.unwrap();
            until("everybody has one", async || {
                // Whoever was with the provider meanwhile may still bring a refusal.
                if engine.store().provider(&mail()).await.unwrap().hold.is_some() {
                    engine.resume_provider(&mail(), &actor()).await.unwrap();
                }
                message(&engine, "news").await.state.is_over()
            })
            .await;
            assert_eq!(message(&engine, "news").await.state, MessageState::Sent, "after {millis} ms");
        });
    }
}

#[test]
fn a_few_who_are_refused_because_of_us_are_held() {
    for (count, text) in [(1, "5.7.1 relay access denied"), (5, "5.7.1 relaying denied")] {
        let world = World::default();
        world.post.script(move |_| refuse(Verdict::Refused, Stage::Recipient, 554, text));
        world.live(async |engine| {
            smtp(&engine).await;
            people(&engine, Channel::Email, "all", 0..count).await;
            send(&engine, "few", Channel::Email, "all").await;
            until("it is held", async || condition(&engine).await == Some(Condition::Refuses)).await;
            sleep(60.0).await;
            let progress = message(&engine, "few").await.progress;
            assert_eq!((progress.failed, progress.held), (0, count as u64), "{count}");
            world.post.script(|_| accept());
            engine.resume_provider(&mail(), &actor()).await.unwrap();
            assert_eq!(ended(&engine, "few").await.progress.accepted, count as u64);
        });
    }
}

#[test]
fn one_list_that_does_not_take_our_mail_holds_no_provider() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..3).await;
        people(&engine, Channel::Email, "one", 0..1).await;
        send(&engine, "first", Channel::Email, "all").await;
        assert_eq!(ended(&engine, "first").await.state, MessageState::Sent);
        world.post.script(|_| refuse(Verdict::Refused, Stage::Recipient, 550, "5.7.1 members only"));
        send(&engine, "second", Channel::Email, "one").await;
        let end = ended(&engine, "second").await;
        assert_eq!((end.state, end.progress.failed), (MessageState::Failed, 1));
        assert_eq!(condition(&engine).await, None);
    });
    // Also after a restart: the log knows who was accepted.
    world.live(async |engine| {
        send(&engine, "third", Channel::Email, "one").await;
        assert_eq!(ended(&engine, "third").await.progress.failed, 1);
        assert_eq!(condition(&engine).await, None);
    });
}

#[test]
fn what_is_kept_back_is_recorded_after_a_while() {
    let world = world();
    world.live(async |engine| {
        slow(&world, &engine).await;
        world.post.script(|sent| {
            let mut reply = if sent.address.starts_with("a0@") {
                refuse(Verdict::Permanent, Stage::Recipient, 550, "no")
            } else {
                accept()
            };
            reply.after = Duration::from_secs(if sent.address.starts_with("a0@") { 1 } else { 300 });
            reply
        });
        send(&engine, "slow", Channel::Email, "all").await;
        until("the first is refused", async || tried(&world, "slow") >= 2).await;
        sleep(15.0).await;
        assert_eq!(message(&engine, "slow").await.progress.failed, 1, "a crash would not put it in doubt");
    });
}

#[test]
fn deciding_for_everybody_gives_their_place_to_others() {
    let mut world = World::default();
    world.config.active_messages = 1;
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..3).await;
        world.post.script(|sent| {
            let later = refuse(Verdict::Transient, Stage::Recipient, 450, "later");
            if sent.headline == "stuck" { later } else { accept() }
        });
        send(&engine, "stuck", Channel::Email, "all").await;
        until("all wait", async || message(&engine, "stuck").await.progress.retrying == 3).await;
        send(&engine, "next", Channel::Email, "all").await;
        sleep(5.0).await;
        assert_eq!(message(&engine, "next").await.state, MessageState::Scheduled, "there is no room");
        let all = WaitingFilter { why: Some(WaitReason::Retry), ..WaitingFilter::default() };
        assert_eq!(engine.decide(all, Decision::GiveUp, &actor(), "queue").await.unwrap(), 3);
        assert_eq!(message(&engine, "stuck").await.state, MessageState::Failed);
        assert_eq!(ended(&engine, "next").await.state, MessageState::Sent);
    });
}

#[test]
fn the_failed_are_tried_again_through_another_provider() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        let spare = add(&engine, provider("spare", "smtp", Channel::Email)).await;
        people(&engine, Channel::Email, "all", 0..90).await;
        world.post.script(|sent| match sent.address.split('@').next().unwrap().trim_start_matches('a') {
            _ if sent.provider == "spare" => accept(),
            n if n.parse::<u32>().unwrap() % 9 == 0 => {
                refuse(Verdict::Permanent, Stage::Recipient, 550, "5.2.1 no")
            }
            n if n.parse::<u32>().unwrap() % 9 == 1 => refuse(Verdict::Uncertain, Stage::Content, 0, "lost"),
            _ => accept(),
        });
        let mut held = crate::world::draft(&engine, "some", Channel::Email);
        held.topics = vec![herald::domain::ids::TopicId::new("all").unwrap()];
        held.in_doubt = Some(herald::domain::channel::InDoubt::Hold);
        crate::world::create(&engine, held).await;
        until("all have an answer", async || {
            let progress = message(&engine, "some").await.progress;
            progress.accepted + progress.failed + progress.uncertain == 90
        })
        .await;
        let progress = message(&engine, "some").await.progress;
        assert_eq!((progress.uncertain, progress.held, progress.failed), (10, 0, 10));
        engine.decide_uncertain(&id("some"), Decision::GiveUp, &actor()).await.unwrap();
        let end = ended(&engine, "some").await;
        assert_eq!((end.progress.uncertain, end.progress.undecided), (10, 0));
        // Only the failed ones.
        let again = Again { provider: Some(spare.no), uncertain: false };
        engine.retry(&id("some"), again, &actor()).await.unwrap();
        let end = ended(&engine, "some").await;
        assert_eq!((end.progress.accepted, end.progress.failed, end.progress.uncertain), (80, 0, 10));
        let through =
            |world: &World| world.post.tried().iter().filter(|sent| sent.provider == "spare").count();
        assert_eq!(through(&world), 10);
        // The uncertain ones, who ended two runs ago.
        let again = Again { provider: Some(spare.no), uncertain: true };
        engine.retry(&id("some"), again, &actor()).await.unwrap();
        let end = ended(&engine, "some").await;
        assert_eq!((end.state, end.progress.accepted), (MessageState::Sent, 90));
        assert_eq!(through(&world), 20);
    });
}

#[test]
fn a_retry_that_is_interrupted_while_some_fail_again_leaves_nobody_out() {
    let fails = |address: &str, domains: &[&str]| domains.iter().any(|domain| address.ends_with(domain));
    for wait in [0, 3, 10, 20, 40, 80] {
        let mut world = World::new(wait);
        world.train = 64;
        world.live(async |engine| {
            smtp(&engine).await;
            crate::world::crowd(&engine, "all", 0..9_000).await;
            world.post.script(move |sent| {
                let again = sent.attempt > 1;
                let domains: &[&str] = &["@d0.example", "@d1.example", "@d2.example", "@d3.example"];
                let mut reply = if fails(&sent.address, if again { &domains[..1] } else { domains }) {
                    refuse(Verdict::Permanent, Stage::Content, 554, "no")
                } else {
                    accept()
                };
                reply.after = Duration::ZERO;
                reply
            });
            send(&engine, "again", Channel::Email, "all").await;
            let first = ended(&engine, "again").await;
            assert_eq!(first.progress.failed, 5_144);
            engine.retry(&first.id, Again::default(), &actor()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(wait)).await;
        });
        world.live(async |engine| {
            let end = ended(&engine, "again").await;
            assert_eq!((end.progress.accepted, end.progress.failed), (7_714, 1_286), "after {wait} ms");
            let tries = world.post.tried();
            let mut by_address = std::collections::BTreeMap::<_, usize>::new();
            for sent in &tries {
                *by_address.entry(&sent.address).or_default() += 1;
            }
            let missed = by_address
                .iter()
                .filter(|(address, count)| {
                    **count < 2
                        && fails(address, &["@d0.example", "@d1.example", "@d2.example", "@d3.example"])
                })
                .count();
            assert_eq!((by_address.len(), missed), (9_000, 0), "after {wait} ms");
        });
    }
}
