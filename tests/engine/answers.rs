//! What becomes of people by what providers answer.

use crate::world::{
    World, accept, actor, create, draft, edit, ended, log, message, people, refuse, send, sleep, smtp, until,
};
use herald::domain::channel::{Channel, InDoubt};
use herald::domain::delivery::{Outcome, Stage};
use herald::domain::ids::{MessageId, ProviderId, TopicId};
use herald::domain::reason::Why;
use herald::domain::state::MessageState;
use herald::engine::Engine;
use herald::engine::conditions::Condition;
use herald::providers::adapter::Verdict;
use herald::store::dispatch::Decision;
use std::time::Duration;

async fn condition(engine: &Engine) -> Option<Condition> {
    engine.health().await.unwrap()[0].condition
}

fn id(text: &str) -> MessageId {
    MessageId::new(text).unwrap()
}

#[test]
fn a_wait_that_the_service_asks_for_is_kept() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..1).await;
        world.post.script(|sent| {
            let mut reply = refuse(Verdict::Transient, Stage::Recipient, 450, "4.2.0 later");
            reply.answer.retry_after = Some(Duration::from_secs(90));
            if sent.attempt < 3 { reply } else { accept() }
        });
        send(&engine, "asked", Channel::Email, "all").await;
        assert_eq!(ended(&engine, "asked").await.state, MessageState::Sent);
        let tried = world.post.tried();
        for pair in tried.windows(2) {
            let wait = pair[1].at.since(pair[0].at);
            assert!(wait >= Duration::from_secs(90) && wait <= Duration::from_millis(90_050), "{wait:?}");
        }
        let rows = log(&engine, "asked").await;
        assert_eq!(
            rows.iter().map(|row| row.attempt).collect::<Vec<_>>(),
            [1, 2, 3],
            "one row for each attempt"
        );
        assert_eq!(rows[0].outcome, Outcome::Transient);
    });
}

#[test]
fn attempts_have_an_end() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..1).await;
        world.post.script(|_| refuse(Verdict::Transient, Stage::Recipient, 452, "4.2.2 mailbox full"));
        send(&engine, "full", Channel::Email, "all").await;
        let end = ended(&engine, "full").await;
        assert_eq!((end.state, end.progress.failed), (MessageState::Failed, 1));
        assert_eq!(world.post.tried().len(), 12);
        assert!(end.errors[0].contains("mailbox full"), "{:?}", end.errors);
    });
}

#[test]
fn a_server_that_is_away_is_waited_for_until_the_deadline() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..200).await;
        world.post.script(|_| refuse(Verdict::Transient, Stage::Connect, 0, "connection refused"));
        send(&engine, "away", Channel::Email, "all").await;
        until("the breaker opens", async || condition(&engine).await == Some(Condition::Breaker)).await;
        let why = engine.why(&id("away")).await.unwrap();
        assert!(matches!(&why, Some(Why::Breaker { cause, .. }) if cause == "connection refused"), "{why:?}");
        sleep(6.0 * 3_600.0).await;
        let tried = world.post.tried().len();
        assert!(tried < 500, "{tried} tries in six hours: an open breaker only probes");
        assert_eq!(message(&engine, "away").await.progress.failed, 0);
        world.post.script(|_| accept());
        let end = ended(&engine, "away").await;
        assert_eq!(end.progress.accepted, 200);
    });
}

#[test]
fn an_expired_address_is_not_tried_again() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..3).await;
        world.post.script(|sent| {
            if sent.address.starts_with("a1@") {
                refuse(Verdict::TargetExpired, Stage::Recipient, 550, "5.1.1 no such user")
            } else {
                accept()
            }
        });
        send(&engine, "first", Channel::Email, "all").await;
        assert_eq!(ended(&engine, "first").await.progress.failed, 1);
        send(&engine, "second", Channel::Email, "all").await;
        let end = ended(&engine, "second").await;
        assert_eq!((end.progress.accepted, end.progress.skipped), (2, 1));
        assert_eq!(world.post.tried().iter().filter(|sent| sent.address.starts_with("a1@")).count(), 1);
    });
}

#[test]
fn lost_answers_are_resent_and_marked() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..1).await;
        world.post.script(|sent| {
            if sent.attempt == 1 {
                refuse(Verdict::Uncertain, Stage::Content, 0, "connection lost")
            } else {
                accept()
            }
        });
        send(&engine, "lost", Channel::Email, "all").await;
        assert_eq!(ended(&engine, "lost").await.state, MessageState::Sent);
        let rows = log(&engine, "lost").await;
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].outcome, rows[1].outcome), (Outcome::Uncertain, Outcome::Accepted));
        assert!(rows[1].detail.possibly_twice);
        let tried = world.post.tried();
        assert_eq!(tried[0].reference, tried[1].reference, "the same Message-ID");
    });
}

#[test]
fn lost_answers_wait_for_a_decision_where_the_policy_holds() {
    for (decision, copies, accepted) in [(Decision::Release, 2, 1), (Decision::GiveUp, 1, 0)] {
        let world = World::default();
        world.live(async |engine| {
            smtp(&engine).await;
            people(&engine, Channel::Email, "all", 0..1).await;
            world.post.script(|sent| {
                if sent.attempt == 1 {
                    refuse(Verdict::Uncertain, Stage::Content, 0, "lost")
                } else {
                    accept()
                }
            });
            let mut message_ = draft(&engine, "lost", Channel::Email);
            message_.topics = vec![TopicId::new("all").unwrap()];
            message_.in_doubt = Some(InDoubt::Hold);
            create(&engine, message_).await;
            sleep(3_600.0).await;
            assert_eq!(world.post.tried().len(), 1);
            assert_eq!(engine.why(&id("lost")).await.unwrap(), Some(Why::HeldUncertain { count: 1 }));
            assert_eq!(engine.decide_uncertain(&id("lost"), decision, &actor()).await.unwrap(), 1);
            let end = ended(&engine, "lost").await;
            assert_eq!((end.progress.accepted, end.progress.uncertain), (accepted, 1 - accepted));
            assert_eq!(world.post.taken().len(), copies);
        });
    }
}

#[test]
fn a_batch_in_doubt_goes_again_under_its_key() {
    let world = World::default();
    world.live(async |engine| {
        crate::world::add(&engine, crate::world::provider("sms", "sandbox", Channel::Sms)).await;
        people(&engine, Channel::Sms, "all", 0..25).await;
        let mut count = 0;
        world.post.script(move |_| {
            count += 1;
            // The answer to the first batches is lost after the service took them.
            if count <= 20 {
                refuse(Verdict::Uncertain, Stage::Response, 0, "connection lost")
            } else {
                accept()
            }
        });
        send(&engine, "keyed", Channel::Sms, "all").await;
        let end = ended(&engine, "keyed").await;
        assert_eq!(end.state, MessageState::Sent, "although SMS would be held: {:?}", end.progress);
        let copies = world.post.copies("keyed");
        assert!(copies.len() == 25 && copies.values().all(|count| *count == 1));
        assert!(world.post.taken().iter().all(|sent| sent.key.is_some()));
        assert!(log(&engine, "keyed").await.iter().all(|row| !row.detail.possibly_twice));
    });
}

#[test]
fn a_provider_that_refuses_us_is_held_and_everybody_with_it() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..300).await;
        let mut count = 0;
        world.post.script(move |_| {
            count += 1;
            if count <= 50 {
                accept()
            } else {
                refuse(Verdict::Refused, Stage::Authentication, 535, "5.7.8 account suspended")
            }
        });
        send(&engine, "refused", Channel::Email, "all").await;
        until("it is held", async || condition(&engine).await == Some(Condition::Refuses)).await;
        sleep(30.0).await;
        let now = message(&engine, "refused").await;
        assert_eq!((now.progress.accepted, now.progress.failed), (50, 0));
        assert!(now.progress.held > 0);
        let tried = world.post.tried().len();
        assert!(tried < 150, "{tried} tries: it stops at once");
        let why = engine.why(&id("refused")).await.unwrap();
        assert!(
            matches!(&why, Some(Why::ProviderRefuses { answer, .. }) if answer.contains("suspended")),
            "{why:?}"
        );
        // It still refuses, and is asked now and then.
        sleep(7_200.0).await;
        assert_eq!(world.post.tried().len(), tried);
        world.post.script(|_| accept());
        *world.post.tests_ok.lock().unwrap() = true;
        let end = ended(&engine, "refused").await;
        assert_eq!((end.state, end.progress.accepted), (MessageState::Sent, 300));
    });
}

#[test]
fn refusals_of_everybody_everywhere_speak_of_us() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..400).await;
        *world.post.tests_ok.lock().unwrap() = true;
        send(&engine, "before", Channel::Email, "all").await;
        ended(&engine, "before").await;
        world
            .post
            .script(|_| refuse(Verdict::Permanent, Stage::Content, 554, "5.7.1 blocked, see our policy"));
        send(&engine, "blocked", Channel::Email, "all").await;
        until("it is held", async || condition(&engine).await == Some(Condition::Refuses)).await;
        sleep(8_000.0).await;
        let now = message(&engine, "blocked").await;
        assert_eq!(now.progress.failed, 0, "those people are put back: {:?}", now.progress);
        assert_eq!((now.progress.accepted, now.progress.planned), (0, 400));
        assert_eq!(condition(&engine).await, Some(Condition::Refuses), "a login that works proves nothing");
        world.post.script(|_| accept());
        engine.resume_provider(&ProviderId::new("mail").unwrap(), &actor()).await.unwrap();
        let end = ended(&engine, "blocked").await;
        assert_eq!((end.state, end.progress.accepted), (MessageState::Sent, 400));
    });
}

#[test]
fn refusals_at_one_place_or_here_and_there_speak_of_them() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..400).await;
        world.post.script(|sent| {
            if sent.address.ends_with("@d3.example") {
                refuse(Verdict::Permanent, Stage::Recipient, 550, "5.7.1 not you")
            } else {
                accept()
            }
        });
        send(&engine, "some", Channel::Email, "all").await;
        let end = ended(&engine, "some").await;
        assert_eq!((end.state, end.progress.failed), (MessageState::Failed, 57));
        assert_eq!(engine.store().providers().await.unwrap()[0].hold, None);
    });
}

#[test]
fn a_provider_that_cannot_be_connected_says_what_is_missing() {
    let world = World::default();
    world.live(async |engine| {
        let mut broken = crate::world::provider("mail", "smtp", Channel::Email);
        broken.name = "unconnectable".into();
        crate::world::add(&engine, broken).await;
        people(&engine, Channel::Email, "all", 0..5).await;
        send(&engine, "stuck", Channel::Email, "all").await;
        until("it is held", async || condition(&engine).await == Some(Condition::Refuses)).await;
        let why = engine.why(&id("stuck")).await.unwrap();
        assert!(
            matches!(&why, Some(Why::ProviderRefuses { answer, .. }) if answer.contains("has no host")),
            "{why:?}"
        );
        edit(&engine, "mail", |provider| {
            provider.name = "mail".into();
            provider.hold = None;
        })
        .await;
        assert_eq!(ended(&engine, "stuck").await.state, MessageState::Sent);
    });
}

#[test]
fn the_reasons_of_everything_that_is_not_over() {
    let world = World::default();
    world.live(async |engine| {
        people(&engine, Channel::Email, "all", 0..50).await;
        let mut later = draft(&engine, "later", Channel::Email);
        later.scheduled_at = Some(engine.now().plus(Duration::from_hours(5)));
        later.topics = vec![TopicId::new("all").unwrap()];
        let due = later.scheduled_at.unwrap();
        create(&engine, later).await;
        assert_eq!(engine.why(&id("later")).await.unwrap(), Some(Why::Scheduled { at: due }));
        let mut undo = draft(&engine, "undo", Channel::Email);
        let until_ = engine.now().plus(Duration::from_secs(8));
        undo.scheduled_at = Some(until_);
        create(&engine, undo).await;
        assert_eq!(engine.why(&id("undo")).await.unwrap(), Some(Why::UndoWindow { until: until_ }));
        let mut note = draft(&engine, "note", Channel::Email);
        note.state = MessageState::Draft;
        create(&engine, note).await;
        assert_eq!(engine.why(&id("note")).await.unwrap(), Some(Why::Draft));
        send(&engine, "now", Channel::Email, "all").await;
        sleep(2.0).await;
        assert_eq!(engine.why(&id("now")).await.unwrap(), Some(Why::NoProvider));
        engine.pause(&id("now"), &actor()).await.unwrap();
        assert!(matches!(engine.why(&id("now")).await.unwrap(), Some(Why::Paused { by, .. }) if by == "tester"));
        engine.resume(&id("now"), &actor()).await.unwrap();
        engine.stop_sending(&actor()).await.unwrap();
        assert!(matches!(engine.why(&id("now")).await.unwrap(), Some(Why::Stopped { by, .. }) if by == "tester"));
        engine.resume_sending(&actor()).await.unwrap();
        let mail = smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_hour = Some(10)).await;
        sleep(30.0).await;
        let why = engine.why(&id("now")).await.unwrap();
        let Some(Why::Quota { provider, until }) = why else { panic!("{why:?}") };
        assert_eq!(provider, mail.id);
        let wait = until.since(engine.now());
        assert!(wait > Duration::from_mins(58) && wait <= Duration::from_mins(62), "{wait:?}");
        engine.pause_provider(&mail.id, &actor()).await.unwrap();
        assert!(matches!(engine.why(&id("now")).await.unwrap(), Some(Why::ProviderPaused { by, .. }) if by == "tester"));
        engine.resume_provider(&mail.id, &actor()).await.unwrap();
        world.post.script(|_| refuse(Verdict::Transient, Stage::Recipient, 450, "4.2.0 greylisted"));
        edit(&engine, "mail", |provider| provider.limits.per_hour = None).await;
        sleep(5.0).await;
        let why = engine.why(&id("now")).await.unwrap();
        assert!(matches!(&why, Some(Why::Retry { attempt: 2, cause, at }) if cause.contains("greylisted") && *at > engine.now()), "{why:?}");
        engine.cancel(&id("now"), &actor()).await.unwrap();
        assert_eq!(engine.why(&id("now")).await.unwrap(), None);
        assert_eq!(engine.store().providers().await.unwrap()[0].hold, None);
    });
}
