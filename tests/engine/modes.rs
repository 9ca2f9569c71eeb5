//! Engines that do less, previews, events, and stores that are copies.

use crate::world::{
    World, actor, audit, create, draft, edit, ended, message, people, person, provider, send, sleep, smtp,
    until,
};
use herald::domain::channel::Channel;
use herald::domain::content::Content;
use herald::domain::ids::{MessageId, TopicId};
use herald::domain::reason::Why;
use herald::domain::state::{Hold, MessageState};
use herald::engine::Mode;
use herald::engine::events::Since;
use herald::store::history::Flags;

fn id(text: &str) -> MessageId {
    MessageId::new(text).unwrap()
}

#[test]
fn an_idle_engine_sends_nothing_and_says_so() {
    let mut world = World::default();
    world.config.mode = Mode::Idle;
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..5).await;
        send(&engine, "m", Channel::Email, "all").await;
        sleep(200.0).await;
        assert!(world.post.tried().is_empty());
        assert_eq!(message(&engine, "m").await.state, MessageState::Scheduled);
        assert_eq!(engine.why(&id("m")).await.unwrap(), Some(Why::NotRunning));
    });
}

#[test]
fn an_engine_for_one_message_sends_that_one_alone() {
    let mut world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_second = Some(5.0)).await;
        people(&engine, Channel::Email, "all", 0..50).await;
        send(&engine, "begun", Channel::Email, "all").await;
        sleep(3.0).await;
        send(&engine, "other", Channel::Email, "all").await;
    });
    let before = world.post.tried().len();
    world.config.mode = Mode::Only;
    world.live(async |engine| {
        edit(&engine, "mail", |provider| provider.limits.per_second = None).await;
        send(&engine, "mine", Channel::Email, "all").await;
        sleep(60.0).await;
        assert_eq!(world.post.tried().len(), before, "nothing goes unasked");
        engine.send_now(&id("mine")).await.unwrap();
        assert_eq!(ended(&engine, "mine").await.progress.accepted, 50);
        sleep(60.0).await;
        assert_eq!(world.post.tried().len(), before + 50);
    });
    world.config.mode = Mode::Full;
    world.live(async |engine| {
        assert_eq!(ended(&engine, "begun").await.progress.accepted, 50);
        assert_eq!(ended(&engine, "other").await.progress.accepted, 50);
    });
}

#[test]
fn a_preview_counts_and_renders() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..30).await;
        let pinned = provider("second", "smtp", Channel::Email);
        crate::world::add(&engine, pinned).await;
        person(&engine, 40, Channel::Email, Some("second")).await;
        let mut shown = draft(&engine, "shown", Channel::Email);
        shown.state = MessageState::Draft;
        shown.topics = vec![TopicId::new("all").unwrap()];
        shown.targets = vec![herald::domain::ids::TargetId::new("t40").unwrap()];
        shown.variables = true;
        let Content::Email(mail) = &mut shown.content else { panic!("a mail") };
        mail.content = "Hi {{ user.name }} {{ user.phone }}".into();
        create(&engine, shown).await;
        let preview = engine.preview(&id("shown"), 2).await.unwrap();
        assert_eq!((preview.recipients, preview.at_least), (31, false));
        let providers: Vec<_> =
            preview.providers.iter().map(|(id, count)| (id.as_ref().unwrap().to_string(), *count)).collect();
        assert_eq!(providers, [("mail".to_owned(), 30), ("second".to_owned(), 1)]);
        assert_eq!(preview.samples.len(), 2);
        assert!(preview.samples[0].text.as_ref().unwrap_err().contains("no value"), "the phone is missing");
        assert!(world.post.tried().is_empty());
    });
}

#[test]
fn events_follow_what_changes() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..50).await;
        sleep(1.0).await;
        let seen = *engine.events().newest().borrow();
        let instance = engine.events().instance().to_owned();
        sleep(100.0).await;
        assert_eq!(
            engine.events().since(&instance, seen),
            Since::Events(vec![]),
            "nothing changed, nothing is said"
        );
        send(&engine, "m", Channel::Email, "all").await;
        ended(&engine, "m").await;
        sleep(1.0).await;
        let Since::Events(events) = engine.events().since(&instance, seen) else { panic!("they are kept") };
        assert!(!events.is_empty() && events.len() <= 20, "coalesced: {}", events.len());
        let log = events.last().unwrap().changes.log;
        assert!(log > events[0].changes.log || events.len() == 1);
        engine.stop_sending(&actor()).await.unwrap();
        sleep(1.0).await;
        let Since::Events(events) = engine.events().since(&instance, seen) else { panic!("they are kept") };
        assert!(events.last().unwrap().stopped);
    });
}

#[test]
fn a_restored_copy_sends_nothing_until_it_is_released() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_second = Some(5.0)).await;
        people(&engine, Channel::Email, "all", 0..50).await;
        send(&engine, "begun", Channel::Email, "all").await;
        sleep(3.0).await;
        let mut later = draft(&engine, "later", Channel::Email);
        later.topics = vec![TopicId::new("all").unwrap()];
        later.scheduled_at = Some(engine.now().plus(std::time::Duration::from_mins(5)));
        create(&engine, later).await;
        let flags = Flags { restored: Some(engine.now()), ..engine.flags() };
        engine.store().put_flags(flags, audit()).await.unwrap();
    });
    let before = world.post.tried().len();
    world.live(async |engine| {
        sleep(3_600.0).await;
        assert_eq!(world.post.tried().len(), before);
        assert_eq!(message(&engine, "later").await.state, MessageState::Held(Hold::Restored));
        assert_eq!(engine.why(&id("begun")).await.unwrap(), Some(Why::HeldRestored));
        engine.release_restored(&actor()).await.unwrap();
        sleep(600.0).await;
        assert_eq!(world.post.tried().len(), before, "each message is released for itself");
        engine.release(&id("later"), &actor()).await.unwrap();
        assert_eq!(ended(&engine, "later").await.progress.accepted, 50);
        engine.release(&id("begun"), &actor()).await.unwrap();
        let end = ended(&engine, "begun").await;
        assert_eq!(end.progress.accepted, 50);
    });
}

#[test]
fn a_paused_message_goes_on_where_it_stopped() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_second = Some(20.0)).await;
        people(&engine, Channel::Email, "all", 0..200).await;
        send(&engine, "m", Channel::Email, "all").await;
        sleep(3.0).await;
        engine.pause(&id("m"), &actor()).await.unwrap();
        sleep(1.0).await;
        let tried = world.post.tried().len();
        sleep(600.0).await;
        assert_eq!(world.post.tried().len(), tried);
        assert!(engine.pause(&id("m"), &actor()).await.is_err());
        engine.resume(&id("m"), &actor()).await.unwrap();
        assert_eq!(ended(&engine, "m").await.progress.accepted, 200);
        assert!(world.post.copies("m").values().all(|count| *count == 1));
    });
}

#[test]
fn a_cancelled_message_ends_with_what_was_sent() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        edit(&engine, "mail", |provider| provider.limits.per_second = Some(20.0)).await;
        people(&engine, Channel::Email, "all", 0..200).await;
        send(&engine, "m", Channel::Email, "all").await;
        sleep(3.0).await;
        engine.cancel(&id("m"), &actor()).await.unwrap();
        sleep(2.0).await;
        let end = message(&engine, "m").await;
        let tried = world.post.tried().len() as u64;
        assert!(matches!(end.state, MessageState::Cancelled { .. }));
        assert_eq!((end.progress.accepted, end.progress.accepted + end.progress.cancelled), (tried, 200));
        until("nothing is claimed", async || engine.store().open_windows().await.unwrap().is_empty()).await;
    });
}
