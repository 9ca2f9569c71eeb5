//! Forgetting a person goes on in the background, and after a crash from where it was.

use crate::world::*;
use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent};
use herald::domain::ids::MessageId;
use herald::domain::state::MessageState;
use herald::engine::Engine;
use herald::store::documents::Shelf;
use herald::store::page::Order;
use herald::wire::transfer::{Erasure, ErasurePart};

/// Drafts that name somebody: more than one step looks through.
const DRAFTS: usize = 2_000;

async fn drafts(engine: &Engine) {
    person(engine, 7, Channel::Email, None).await;
    for n in 0..DRAFTS {
        let mut message = draft(engine, &format!("draft{n}"), Channel::Email);
        message.state = MessageState::Draft;
        let content = format!("Dear {}", address(Channel::Email, 7));
        message.content = Content::Email(EmailContent {
            subject: format!("number {n}"),
            content,
            ..EmailContent::default()
        });
        create(engine, message).await;
    }
}

async fn over(engine: &Engine, erasure: &Erasure) -> Erasure {
    until("it is over", async || engine.erasure(&erasure.id).await.unwrap().is_over()).await;
    engine.erasure(&erasure.id).await.unwrap()
}

async fn named(engine: &Engine) -> usize {
    let mut count = 0;
    for n in 0..DRAFTS {
        let message = engine.store().message(&MessageId::new(format!("draft{n}")).unwrap()).await.unwrap();
        let Content::Email(mail) = &message.content else { panic!("it is a mail") };
        count += usize::from(mail.content.contains(&address(Channel::Email, 7)));
    }
    count
}

#[test]
fn an_erasure_answers_before_it_is_through_and_says_how_far_it_is() {
    let world = World::default();
    world.live(async |engine| {
        drafts(&engine).await;
        let begun = engine.erase_person(&actor(), &address(Channel::Email, 7)).await.unwrap();
        assert!(!begun.is_over() && begun.part > ErasurePart::Addresses, "{begun:?}");
        assert_eq!(begun.count, 1);
        assert!(engine.dossier(&address(Channel::Email, 7)).await.unwrap().users.is_empty(), "at once");
        let mut seen = vec![begun.looked];
        for _ in 0..1_000_000 {
            let now = engine.erasure(&begun.id).await.unwrap();
            seen.push(now.looked);
            if now.is_over() {
                break;
            }
            tokio::task::yield_now().await;
        }
        seen.dedup();
        assert!(seen.len() > 2 && seen.is_sorted(), "{seen:?}");
        let end = over(&engine, &begun).await;
        assert_eq!((end.part, end.changed), (ErasurePart::Done, DRAFTS as u64));
        assert_eq!(named(&engine).await, 0);
        let kept = engine.store().documents(Shelf::Erasures, "", None, Order::Ascending, 10).await.unwrap();
        let text = String::from_utf8(kept[0].1.clone()).unwrap();
        assert!(text.contains("\"sealed\":[]") && !text.contains("a7@"), "it no longer says of whom: {text}");
        let again = engine.erase_person(&actor(), &address(Channel::Email, 7)).await.unwrap_err();
        assert!(again.message.contains("Nothing is held"), "{again}");
    });
}

#[test]
fn an_erasure_goes_on_after_a_crash() {
    for stop in [0, 1, 3, 8, 20, 60] {
        let world = World::new(stop + 1);
        let begun = world.live(async |engine| {
            drafts(&engine).await;
            let begun = engine.erase_person(&actor(), &address(Channel::Email, 7)).await.unwrap();
            for _ in 0..stop {
                tokio::task::yield_now().await;
            }
            begun
        });
        world.live(async |engine| {
            let end = over(&engine, &begun).await;
            assert_eq!(end.count, 1, "stopped after {stop}");
            assert_eq!(named(&engine).await, 0, "stopped after {stop}");
            let audit = engine.store().audit(None, None, 10_000).await.unwrap();
            let said = audit.iter().filter(|(_, entry)| entry.event == "person.erase").count();
            assert_eq!(said, 1, "stopped after {stop}");
        });
    }
}
