//! Who gets a message, through whom, and what is recorded.

use crate::world::{
    World, accept, actor, add, address, audit, create, draft, edit, ended, log, message, people, person,
    provider, refuse, send, sleep, smtp, until,
};
use herald::domain::channel::Channel;
use herald::domain::content::Content;
use herald::domain::delivery::{Outcome, SkipReason, Stage};
use herald::domain::ids::{MessageId, ProviderId, TargetId, TopicId, UserId};
use herald::domain::plan::Again;
use herald::domain::state::{Hold, MessageState};
use herald::providers::adapter::Verdict;

#[test]
fn a_topic_gets_a_message_once_each() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..500).await;
        send(&engine, "hello", Channel::Email, "all").await;
        let message = ended(&engine, "hello").await;
        assert_eq!(message.state, MessageState::Sent);
        assert_eq!(message.progress.accepted, 500);
        let copies = world.post.copies("hello");
        assert_eq!(copies.len(), 500);
        assert!(copies.values().all(|count| *count == 1));
        let rows = log(&engine, "hello").await;
        assert_eq!(rows.len(), 500);
        assert!(rows.iter().all(|row| row.outcome == Outcome::Accepted && row.attempt == 1 && row.run == 1));
        assert!(engine.store().open_windows().await.unwrap().is_empty());
    });
}

#[test]
fn one_target_through_every_door_gets_one_copy() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        for topic in ["a", "b", "c"] {
            people(&engine, Channel::Email, topic, 0..3).await;
        }
        let mut message = draft(&engine, "once", Channel::Email);
        message.topics = ["a", "b", "c"].map(|topic| TopicId::new(topic).unwrap()).to_vec();
        message.users = vec![UserId::new("u1").unwrap(), UserId::new("u1").unwrap()];
        message.targets = vec![TargetId::new("t1").unwrap(), TargetId::new("t2").unwrap()];
        let Content::Email(mail) = &mut message.content else { panic!("a mail") };
        mail.cc = vec![TargetId::new("t1").unwrap()];
        mail.bcc = vec![TargetId::new("t1").unwrap()];
        create(&engine, message).await;
        assert_eq!(ended(&engine, "once").await.state, MessageState::Sent);
        let copies = world.post.copies("once");
        assert_eq!(copies.len(), 3);
        assert!(copies.values().all(|count| *count == 1));
    });
}

#[test]
fn who_cannot_get_it_is_left_out_with_a_reason() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        let store = engine.store().clone();
        people(&engine, Channel::Email, "all", 0..6).await;
        person(&engine, 90, Channel::Sms, None).await;
        let blocked = UserId::new("u1").unwrap();
        let mut user = store.user(&blocked).await.unwrap();
        user.enabled = false;
        let expect = user.revision;
        store.put_user(user, expect, vec![], audit()).await.unwrap();
        let no = store.target(&TargetId::new("t2").unwrap()).await.unwrap().no;
        store.set_expired(vec![no], true, engine.now()).await.unwrap();
        // Nothing is claimed before these two have gone.
        edit(&engine, "mail", |provider| provider.limits.per_hour = Some(0)).await;
        let mut message_ = draft(&engine, "some", Channel::Email);
        message_.topics = vec![TopicId::new("all").unwrap()];
        message_.targets = vec![TargetId::new("t90").unwrap()];
        create(&engine, message_).await;
        sleep(5.0).await;
        assert_eq!(message(&engine, "some").await.progress.planned, 6, "the phone is not of this type");
        let all = TopicId::new("all").unwrap();
        let leaver = herald::domain::ids::SubscriberId::new("all-3").unwrap();
        store.unsubscribe(&all, &leaver, audit()).await.unwrap();
        store.delete_target(&TargetId::new("t4").unwrap(), None, audit()).await.unwrap();
        edit(&engine, "mail", |provider| provider.limits.per_hour = None).await;
        let end = ended(&engine, "some").await;
        assert_eq!(end.state, MessageState::Sent, "who was left out on purpose is no failure");
        assert_eq!((end.progress.accepted, end.progress.skipped), (2, 4));
        let mut reasons: Vec<_> =
            log(&engine, "some").await.into_iter().filter_map(|row| row.detail.skip).collect();
        reasons.sort();
        assert_eq!(
            reasons,
            [
                SkipReason::TargetDeleted,
                SkipReason::Unsubscribed,
                SkipReason::TargetExpired,
                SkipReason::UserBlocked
            ]
        );
    });
}

#[test]
fn a_message_to_nobody_has_failed() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        person(&engine, 1, Channel::Sms, None).await;
        let mut message = draft(&engine, "none", Channel::Email);
        message.targets = vec![TargetId::new("t1").unwrap()];
        create(&engine, message).await;
        let end = ended(&engine, "none").await;
        assert_eq!(end.state, MessageState::Failed);
        assert_eq!(end.errors, ["No valid recipients found."]);
    });
}

#[test]
fn without_a_provider_people_wait_for_one() {
    let world = World::default();
    world.live(async |engine| {
        people(&engine, Channel::Email, "all", 0..50).await;
        send(&engine, "wait", Channel::Email, "all").await;
        sleep(10.0).await;
        let waiting = message(&engine, "wait").await;
        assert_eq!(waiting.state, MessageState::Processing);
        assert_eq!(waiting.progress.untouched(), 50);
        smtp(&engine).await;
        let end = ended(&engine, "wait").await;
        assert_eq!(end.progress.accepted, 50);
        assert!(world.post.taken().iter().all(|sent| sent.provider == "mail"));
    });
}

#[test]
fn push_tokens_go_to_their_own_service_or_wait() {
    let world = World::default();
    world.live(async |engine| {
        add(&engine, provider("other", "sandbox", Channel::Push)).await;
        add(&engine, provider("own", "sandbox", Channel::Push)).await;
        person(&engine, 1, Channel::Push, Some("own")).await;
        person(&engine, 2, Channel::Push, None).await;
        let mut message = draft(&engine, "push", Channel::Push);
        message.targets = ["t1", "t2"].map(|id| TargetId::new(id).unwrap()).to_vec();
        create(&engine, message).await;
        ended(&engine, "push").await;
        let mut got: Vec<_> =
            world.post.taken().into_iter().map(|sent| (sent.address, sent.provider)).collect();
        got.sort();
        assert_eq!(got, [("token-1".into(), "own".into()), ("token-2".into(), "other".into())]);
    });
}

#[test]
fn more_people_than_approved_hold_it_before_the_first() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..40).await;
        let mut grown = draft(&engine, "grown", Channel::Email);
        grown.topics = vec![TopicId::new("all").unwrap()];
        grown.confirmed = Some(20);
        create(&engine, grown).await;
        let id = MessageId::new("grown").unwrap();
        until("it is held", async || {
            message(&engine, "grown").await.state
                == MessageState::Held(Hold::AudienceGrew { confirmed: 20, found: 40 })
        })
        .await;
        sleep(5.0).await;
        assert!(world.post.tried().is_empty());
        engine.release(&id, &actor()).await.unwrap();
        assert_eq!(ended(&engine, "grown").await.progress.accepted, 40);
    });
}

#[test]
fn an_approval_that_still_holds_holds_nothing() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..40).await;
        people(&engine, Channel::Email, "same", 0..40).await;
        let mut message = draft(&engine, "approved", Channel::Email);
        // The bound counts everybody twice; the exact count does not.
        message.topics = ["all", "same"].map(|topic| TopicId::new(topic).unwrap()).to_vec();
        message.confirmed = Some(39);
        create(&engine, message).await;
        assert_eq!(ended(&engine, "approved").await.progress.accepted, 40);
    });
}

#[test]
fn variables_are_filled_in_and_what_is_missing_fails_that_recipient() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..3).await;
        let store = engine.store().clone();
        let mut user = store.user(&UserId::new("u1").unwrap()).await.unwrap();
        user.name = String::new();
        let expect = user.revision;
        store.put_user(user, expect, vec![], audit()).await.unwrap();
        let mut message = draft(&engine, "vars", Channel::Email);
        message.topics = vec![TopicId::new("all").unwrap()];
        message.variables = true;
        let Content::Email(mail) = &mut message.content else { panic!("a mail") };
        mail.content = "Dear {{ user.name }}".into();
        create(&engine, message).await;
        let end = ended(&engine, "vars").await;
        assert_eq!((end.progress.accepted, end.progress.failed), (2, 1));
        let mut bodies: Vec<_> = world.post.taken().into_iter().map(|sent| sent.body).collect();
        bodies.sort();
        assert_eq!(bodies, ["Dear Name 0", "Dear Name 2"]);
        let missing =
            log(&engine, "vars").await.into_iter().find(|row| row.outcome == Outcome::Permanent).unwrap();
        assert_eq!(missing.detail.skip, Some(SkipReason::MissingVariable));
    });
}

#[test]
fn braces_are_just_braces_unless_asked_for() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..1).await;
        let mut message = draft(&engine, "plain", Channel::Email);
        message.topics = vec![TopicId::new("all").unwrap()];
        let Content::Email(mail) = &mut message.content else { panic!("a mail") };
        mail.content = "{{ as typed }}".into();
        create(&engine, message).await;
        assert_eq!(ended(&engine, "plain").await.state, MessageState::Sent);
        assert_eq!(world.post.taken()[0].body, "{{ as typed }}");
    });
}

#[test]
fn content_that_a_service_cannot_send_fails_without_asking_it() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..5).await;
        send(&engine, "uncompilable", Channel::Email, "all").await;
        let end = ended(&engine, "uncompilable").await;
        assert_eq!((end.state, end.progress.failed), (MessageState::Failed, 5));
        assert!(world.post.tried().is_empty());
        assert!(end.errors[0].contains("takes no such content"), "{:?}", end.errors);
    });
}

#[test]
fn every_copy_of_a_recipient_bears_one_reference() {
    let world = World::default();
    let references = |world: &World| -> Vec<_> {
        world.post.tried().into_iter().map(|sent| (sent.address, sent.reference)).collect()
    };
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..2).await;
        send(&engine, "ref", Channel::Email, "all").await;
        ended(&engine, "ref").await;
    });
    let seen = references(&world);
    assert_ne!(seen[0].1, seen[1].1);
    for (_, reference) in seen {
        assert!(
            reference.len() <= 64
                && reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        );
    }
    assert_eq!(address(Channel::Email, 1), "a1@d1.example");
}

#[test]
fn failed_recipients_can_be_tried_again() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..30).await;
        world.post.script(|sent| {
            use crate::world::{accept, refuse};
            use herald::domain::delivery::Stage;
            use herald::providers::adapter::Verdict;
            let odd = sent.address.as_bytes()[1] % 2 == 1;
            if odd && sent.attempt == 1 {
                refuse(Verdict::Permanent, Stage::Content, 554, "5.7.1 looks like spam")
            } else {
                accept()
            }
        });
        send(&engine, "again", Channel::Email, "all").await;
        let first = ended(&engine, "again").await;
        assert_eq!(first.state, MessageState::Failed);
        let failed = first.progress.failed;
        assert!(failed > 5 && first.progress.accepted + failed == 30);
        engine.retry(&first.id, Again::default(), &actor()).await.unwrap();
        let second = ended(&engine, "again").await;
        assert_eq!(second.state, MessageState::Sent);
        assert_eq!((second.progress.accepted, second.progress.failed, second.run), (30, 0, 2));
        assert!(world.post.copies("again").values().all(|count| *count == 1));
    });
}

#[test]
fn one_list_that_refuses_us_does_not_stop_the_provider() {
    let world = World::default();
    world.post.script(|sent| {
        if sent.address == address(Channel::Email, 3) {
            refuse(Verdict::Refused, Stage::Recipient, 550, "5.7.1 for members only")
        } else {
            accept()
        }
    });
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..50).await;
        send(&engine, "hello", Channel::Email, "all").await;
        let end = ended(&engine, "hello").await;
        assert_eq!((end.progress.accepted, end.progress.failed), (49, 1));
        let mail = ProviderId::new("mail").unwrap();
        assert_eq!(engine.store().provider(&mail).await.unwrap().hold, None);
    });
}

#[test]
fn a_provider_that_lets_nobody_through_is_stopped_and_nobody_fails() {
    let world = World::default();
    world.post.script(|_| refuse(Verdict::Refused, Stage::Recipient, 554, "5.7.1 relay access denied"));
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..60).await;
        send(&engine, "hello", Channel::Email, "all").await;
        let mail = ProviderId::new("mail").unwrap();
        until("the provider is stopped", async || {
            engine.store().provider(&mail).await.unwrap().hold.is_some()
        })
        .await;
        sleep(5.0).await;
        let progress = message(&engine, "hello").await.progress;
        assert_eq!((progress.failed, progress.in_flight()), (0, 0));
        assert_eq!(progress.held + progress.untouched(), 60);
        world.post.script(|_| accept());
        engine.resume_provider(&mail, &actor()).await.unwrap();
        assert_eq!(ended(&engine, "hello").await.state, MessageState::Sent);
        assert!(world.post.copies("hello").values().all(|count| *count == 1));
    });
}
