//! Who is on the suppression list, how they get there, and the links of mail to topics.

use crate::world::{World, accept, actor, create, draft, ended, log, people, refuse, send, smtp};
use herald::domain::channel::Channel;
use herald::domain::delivery::{Outcome, SkipReason, Stage};
use herald::domain::ids::{TargetId, TopicId};
use herald::domain::state::MessageState;
use herald::domain::suppression::{Suppress, SuppressionCause, SuppressionSource};
use herald::domain::time::Timestamp;
use herald::engine::Engine;
use herald::engine::usecases::suppressions::Undo;
use herald::providers::adapter::Verdict;
use herald::store::page::PageRequest;
use std::collections::BTreeSet;

async fn suppress(engine: &Engine, n: usize, cause: SuppressionCause, topics: &[&str]) {
    let request = Suppress {
        channel: Channel::Email,
        address: crate::world::address(Channel::Email, n),
        cause,
        topics: topics.iter().map(|id| TopicId::new(id).unwrap()).collect(),
        source: SuppressionSource { by: "tester".into(), ..SuppressionSource::default() },
        note: String::new(),
    };
    assert_eq!(engine.suppress(&actor(), vec![request]).await.unwrap().added.len(), 1);
}

fn everything(cause: SuppressionCause) -> Undo {
    Undo { cause, provider: None, from: Timestamp(0), to: Timestamp::NEVER }
}

#[test]
fn straight_to_somebody_passes_over_an_unsubscribe_and_no_bounce() {
    let world = World::default();
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..6).await;
        suppress(&engine, 0, SuppressionCause::HardBounce, &[]).await;
        suppress(&engine, 1, SuppressionCause::Complaint, &[]).await;
        suppress(&engine, 2, SuppressionCause::Unsubscribe, &["all"]).await;
        suppress(&engine, 3, SuppressionCause::Unsubscribe, &["other"]).await;
        suppress(&engine, 4, SuppressionCause::Manual, &[]).await;
        let mut topical = draft(&engine, "topical", Channel::Email);
        topical.topics = vec![TopicId::new("all").unwrap()];
        let preview = engine.preview_of(&topical, 3).await.unwrap();
        let left_out = preview.suppressed.values().sum::<u64>();
        assert_eq!((preview.recipients, left_out), (6, 4));
        // What is told adds up: who goes through a provider gets it, and so do the samples.
        let through: u64 = preview.providers.iter().map(|(_, count)| count).sum();
        assert_eq!(through, preview.recipients - left_out);
        let samples: Vec<_> = preview.samples.iter().map(|sample| sample.target.as_str()).collect();
        assert_eq!(samples, ["t3", "t5"]);
        create(&engine, topical).await;
        let end = ended(&engine, "topical").await;
        assert_eq!((end.progress.accepted, end.progress.skipped), (2, 4));
        assert_eq!(end.state, MessageState::Sent);
        let mut reasons: Vec<_> =
            log(&engine, "topical").await.into_iter().filter_map(|row| row.detail.skip).collect();
        reasons.sort();
        assert_eq!(
            reasons,
            [SkipReason::Suppressed, SkipReason::HardBounce, SkipReason::Complaint, SkipReason::OptedOut]
        );

        let mut direct = draft(&engine, "direct", Channel::Email);
        direct.targets = (0..5).map(|n| TargetId::new(format!("t{n}")).unwrap()).collect();
        create(&engine, direct).await;
        let end = ended(&engine, "direct").await;
        assert_eq!((end.progress.accepted, end.progress.skipped), (2, 3), "both who unsubscribed get it");

        let by = actor();
        let undo = everything(SuppressionCause::HardBounce);
        assert_eq!(engine.preview_undo(&undo).await.unwrap().count, 1);
        assert!(engine.undo_suppressions(&by, &undo, 2, "").await.is_err());
        assert_eq!(engine.undo_suppressions(&by, &undo, 1, "").await.unwrap().count, 1);
        send(&engine, "again", Channel::Email, "all").await;
        assert_eq!(ended(&engine, "again").await.progress.accepted, 3);
    });
}

#[test]
fn a_hard_bounce_suppresses_and_can_be_taken_back() {
    let world = World::default();
    world.post.script(|sent| {
        let mut reply = match sent.address.as_str() {
            address if address == crate::world::address(Channel::Email, 1) => {
                refuse(Verdict::TargetExpired, Stage::Recipient, 550, "5.1.1 no such user")
            }
            address if address == crate::world::address(Channel::Email, 2) => {
                refuse(Verdict::TargetExpired, Stage::Recipient, 550, "no such user")
            }
            _ => return accept(),
        };
        reply.answer.bounced = sent.address == crate::world::address(Channel::Email, 1);
        reply
    });
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..4).await;
        send(&engine, "first", Channel::Email, "all").await;
        let end = ended(&engine, "first").await;
        assert_eq!((end.progress.accepted, end.progress.failed), (2, 2));
        let list = engine.store().suppressions(PageRequest::default()).await.unwrap().items;
        assert_eq!(list.len(), 1, "the other was refused without a code that says so");
        let record = &list[0].suppression;
        assert_eq!(record.address, crate::world::address(Channel::Email, 1));
        assert_eq!(record.source.message.as_ref().unwrap().as_str(), "first");
        assert_eq!(record.source.provider.as_ref().unwrap().as_str(), "mail");
        let outcomes = |rows: Vec<herald::domain::delivery::LogRow>| {
            rows.iter().filter(|row| row.outcome == Outcome::TargetExpired).count()
        };
        assert_eq!(outcomes(log(&engine, "first").await), 2);
        send(&engine, "second", Channel::Email, "all").await;
        assert_eq!(ended(&engine, "second").await.progress.skipped, 2);
        let undo = everything(SuppressionCause::HardBounce);
        engine.undo_suppressions(&actor(), &undo, 1, "").await.unwrap();
        send(&engine, "third", Channel::Email, "all").await;
        let end = ended(&engine, "third").await;
        assert_eq!((end.progress.skipped, end.progress.failed), (1, 1), "tried again, and bounced again");
    });
}

#[test]
fn mail_to_topics_has_a_link_of_each_recipients_own() {
    let mut world = World::default();
    world.config.files.public_url = Some("https://herald.example/v1".into());
    world.live(async |engine| {
        smtp(&engine).await;
        people(&engine, Channel::Email, "all", 0..20).await;
        let mut mixed = draft(&engine, "mixed", Channel::Email);
        mixed.topics = vec![TopicId::new("all").unwrap()];
        mixed.targets = vec![TargetId::new("t3").unwrap()];
        mixed.variables = true;
        let herald::domain::content::Content::Email(mail) = &mut mixed.content else { panic!("a mail") };
        mail.content = "Hello{% if unsubscribe %} {{ unsubscribe }}{% endif %}".into();
        create(&engine, mixed).await;
        ended(&engine, "mixed").await;
    });
    let sent = world.post.taken();
    assert_eq!(sent.len(), 20);
    let named = crate::world::address(Channel::Email, 3);
    let links: BTreeSet<_> = sent.iter().filter_map(|sent| sent.unsubscribe.clone()).collect();
    assert_eq!(links.len(), 19, "who is named gets it as such, and the others a link each");
    for sent in &sent {
        match &sent.unsubscribe {
            Some(link) => {
                assert!(link.starts_with("https://herald.example/v1/herald/unsubscribe/"), "{link}");
                assert_eq!(sent.body, format!("Hello {link}"));
            }
            None => assert_eq!((&sent.address, sent.body.as_str()), (&named, "Hello")),
        }
    }
    // The key is the store's: after a restart the links are the same, and still hold.
    let first = sent.iter().find_map(|sent| sent.unsubscribe.clone()).unwrap();
    let token = first.rsplit('/').next().unwrap().to_owned();
    world.live(async |engine| {
        let leaving = engine.leaving(&token).await.unwrap().unwrap();
        assert_eq!(leaving.topics.len(), 1);
        assert!(!leaving.left);
        let by = actor();
        for _ in 0..2 {
            assert!(engine.leave(&by, &token, true).await.unwrap().unwrap().left);
        }
        let list = engine.store().suppressions(PageRequest::default()).await.unwrap().items;
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].suppression.topic.as_ref().unwrap().as_str(), "all");
        send(&engine, "next", Channel::Email, "all").await;
        let end = ended(&engine, "next").await;
        assert_eq!((end.progress.accepted, end.progress.skipped), (19, 1));
        assert!(!engine.leave(&by, &token, false).await.unwrap().unwrap().left);
    });
}
