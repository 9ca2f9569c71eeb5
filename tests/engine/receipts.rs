//! Receipts in the engine: timelines, the suppression list, and the guard.

use crate::world::{
    Sent, World, accept, actor, audit, create, crowd, draft, ended, log, message, people, provider, refuse,
    send, sleep, until,
};
use herald::domain::channel::Channel;
use herald::domain::delivery::{Outcome, SkipReason, Stage};
use herald::domain::guard::{GuardCause, GuardRule};
use herald::domain::ids::{ProviderId, TargetId};
use herald::domain::provider::Provider;
use herald::domain::reason::Why;
use herald::domain::suppression::SuppressionCause;
use herald::engine::Engine;
use herald::engine::receipts::Taken;
use herald::engine::usecases::Outcome as Done;
use herald::providers::adapter::Verdict;
use herald::wire::ErrorType;
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const TOKEN: &str = "0123456789abcdef0123";

/// A provider that takes receipts in Herald's own form.
async fn gateway(engine: &Engine) -> Provider {
    let mut record = provider("mail", "http", Channel::Email);
    record.limits.concurrency = Some(4);
    let credentials = BTreeMap::from([("receiptToken".to_owned(), SecretString::from(TOKEN))]);
    engine.store().create_provider(record, credentials, audit()).await.unwrap()
}

async fn tell(engine: &Engine, token: &str, events: &[Value]) -> Done<Taken> {
    let body = json!({ "events": events }).to_string();
    let id = ProviderId::new("mail").unwrap();
    engine.take_receipts(&id, "https://h.example/x", token, &HeaderMap::new(), body.as_bytes()).await
}

fn event(what: &str, sent: &Sent) -> Value {
    json!({"event": what, "permanent": true, "reference": sent.reference, "to": sent.address, "code": 550,
           "text": format!("550 5.1.1 <{}>: no such user", sent.address)})
}

fn recorded(n: u64) -> Taken {
    Taken { recorded: n, ..Taken::default() }
}

#[test]
fn receipts_complete_the_timeline_and_the_next_plan_leaves_out() {
    let world = World::default();
    world.live(async |engine| {
        gateway(&engine).await;
        people(&engine, Channel::Email, "news", 0..4).await;
        send(&engine, "first", Channel::Email, "news").await;
        ended(&engine, "first").await;
        let sent = world.post.taken();
        let to =
            |n: usize| sent.iter().find(|s| s.address == crate::world::address(Channel::Email, n)).unwrap();
        let events = [
            event("delivered", to(0)),
            event("bounced", to(1)),
            event("unsubscribed", to(2)),
            event("complained", to(3)),
        ];
        assert_eq!(
            tell(&engine, "another token, as long", &events).await.unwrap_err().kind,
            ErrorType::ReceiptRefused
        );
        assert_eq!(tell(&engine, TOKEN, &events).await.unwrap(), recorded(4));
        // The same again, and what is not ours, changes nothing.
        assert_eq!(tell(&engine, TOKEN, &events).await.unwrap(), Taken { known: 4, ..Taken::default() });
        let foreign = json!({"event": "bounced", "permanent": true, "id": "somebody-elses"});
        let opened = json!({"event": "opened", "reference": to(0).reference});
        let taken = tell(&engine, TOKEN, &[foreign, opened]).await.unwrap();
        assert_eq!(taken, Taken { unknown: 1, ignored: 1, ..Taken::default() });

        let rows = log(&engine, "first").await;
        assert_eq!(rows.len(), 8);
        let bounce = rows.iter().find(|row| row.outcome == Outcome::Bounced).unwrap();
        let before = rows.iter().find(|row| row.target == bounce.target).unwrap();
        assert_eq!((before.outcome, before.identifier), (Outcome::Accepted, bounce.identifier));
        assert_eq!((bounce.detail.stage, bounce.detail.code, bounce.attempt), (Stage::Receipt, 550, 1));
        assert_eq!(bounce.detail.answer, "550 5.1.1 <\u{fffc}>: no such user", "it names nobody");
        let no = message(&engine, "first").await.no;
        let counts = engine.store().receipt_counts(no).await.unwrap();
        assert_eq!((counts.delivered, counts.bounced, counts.complained, counts.unsubscribed), (1, 1, 1, 1));

        for (n, cause) in [
            (1, SuppressionCause::HardBounce),
            (2, SuppressionCause::Unsubscribe),
            (3, SuppressionCause::Complaint),
        ] {
            let address = crate::world::address(Channel::Email, n);
            let on = engine.store().suppressions_of(Channel::Email, &address).await.unwrap();
            assert_eq!(on.iter().map(|one| one.cause).collect::<Vec<_>>(), [cause]);
            assert_eq!(on[0].topic.is_some(), cause == SuppressionCause::Unsubscribe);
        }
    });
    // Also in the next life: the next message to the topic reaches one, and one straight to whoever
    // has left the topic reaches them.
    world.live(async |engine| {
        send(&engine, "second", Channel::Email, "news").await;
        ended(&engine, "second").await;
        let skips: Vec<_> = log(&engine, "second").await.iter().filter_map(|row| row.detail.skip).collect();
        assert_eq!(skips.len(), 3);
        assert!(skips.contains(&SkipReason::HardBounce) && skips.contains(&SkipReason::OptedOut));
        let mut straight = draft(&engine, "straight", Channel::Email);
        straight.targets = [1, 2].map(|n| TargetId::new(format!("t{n}")).unwrap()).to_vec();
        create(&engine, straight).await;
        ended(&engine, "straight").await;
        assert_eq!(world.post.copies("second").len(), 1);
        assert_eq!(world.post.copies("straight").len(), 1);
        // A delivery of the life before is still found; what was said before is not said again.
        let first: Vec<_> = world.post.taken().into_iter().filter(|sent| sent.headline == "first").collect();
        let all: Vec<_> = first.iter().map(|sent| event("delivered", sent)).collect();
        assert_eq!(
            tell(&engine, TOKEN, &all).await.unwrap(),
            Taken { recorded: 3, known: 1, ..Taken::default() }
        );
    });
}

#[test]
fn a_receipt_before_the_outcome_waits_or_comes_again() {
    let world = World::default();
    world.live(async |engine| {
        gateway(&engine).await;
        people(&engine, Channel::Email, "news", 0..1).await;
        world.post.script(|_| {
            let mut reply = accept();
            reply.after = Duration::from_secs(20);
            reply
        });
        send(&engine, "slow", Channel::Email, "news").await;
        until("it is under way", async || !world.post.tried().is_empty()).await;
        let sent = world.post.tried().remove(0);
        let early = tell(&engine, TOKEN, &[event("delivered", &sent)]).await;
        assert_eq!(early.unwrap_err().kind, ErrorType::ReceiptEarly, "twenty seconds are too long to wait");
        sleep(13.0).await;
        // Now the outcome comes while the request waits.
        assert_eq!(tell(&engine, TOKEN, &[event("delivered", &sent)]).await.unwrap(), recorded(1));
        ended(&engine, "slow").await;
        assert_eq!(log(&engine, "slow").await.len(), 2);
    });
}

#[test]
fn soft_bounces_suppress_nobody() {
    let world = World::default();
    world.live(async |engine| {
        gateway(&engine).await;
        people(&engine, Channel::Email, "news", 0..1).await;
        send(&engine, "one", Channel::Email, "news").await;
        ended(&engine, "one").await;
        let mut soft = event("bounced", &world.post.taken()[0]);
        soft["permanent"] = false.into();
        assert_eq!(tell(&engine, TOKEN, &[soft]).await.unwrap(), recorded(1));
        assert_eq!(log(&engine, "one").await[1].outcome, Outcome::SoftBounced);
        let address = crate::world::address(Channel::Email, 0);
        assert!(engine.store().suppressions_of(Channel::Email, &address).await.unwrap().is_empty());
    });
}

#[test]
fn too_many_dead_addresses_stop_the_bulk_until_somebody_resumes() {
    let world = World::default();
    let id = ProviderId::new("mail").unwrap();
    world.live(async |engine| {
        gateway(&engine).await;
        crowd(&engine, "all", 0..3000).await;
        people(&engine, Channel::Email, "vip", 9000..9001).await;
        let mut n = 0;
        world.post.script(move |_| {
            n += 1;
            if n % 10 == 0 {
                let mut no = refuse(Verdict::Permanent, Stage::Recipient, 550, "550 5.1.1 no such user");
                no.answer.bounced = true;
                return no;
            }
            accept()
        });
        send(&engine, "bulk", Channel::Email, "all").await;
        until("the guard trips", async || engine.store().provider(&id).await.unwrap().guard.is_some()).await;
        sleep(30.0).await;
        let taken = world.post.tried().len();
        assert!((100..1500).contains(&taken), "{taken} were tried");
        let tripped = engine.store().provider(&id).await.unwrap().guard.unwrap();
        assert_eq!(tripped.cause, GuardCause::Bounces);
        let bulk = message(&engine, "bulk").await;
        let why = engine.why_of(&bulk).await.unwrap().unwrap();
        assert!(matches!(&why, Why::BulkPaused { .. }), "{why}");
        assert!(why.to_string().contains("hard bounces in"), "{why}");
        // What goes straight to somebody goes on.
        let mut straight = draft(&engine, "straight", Channel::Email);
        straight.targets = vec![TargetId::new("t9000").unwrap()];
        create(&engine, straight).await;
        ended(&engine, "straight").await;
        assert_eq!(world.post.tried().len(), taken + 1);
    });
    world.live(async |engine| {
        // It survives a restart.
        sleep(60.0).await;
        let before = world.post.tried().len();
        assert!(engine.store().provider(&id).await.unwrap().guard.is_some());
        world.post.script(|_| accept());
        engine.resume_provider(&id, &actor()).await.unwrap();
        ended(&engine, "bulk").await;
        assert!(world.post.tried().len() > before + 1000);
        let state = engine.store().guard(engine.store().provider(&id).await.unwrap().no).await.unwrap();
        assert_eq!((state.tripped, state.bounced), (None, 0), "it counts anew");
        // Nobody was lost, and nobody sent to twice.
        assert!(world.post.copies("bulk").values().all(|copies| *copies == 1));
        let progress = message(&engine, "bulk").await.progress;
        assert_eq!(progress.accepted + progress.failed, 3000);
    });
}

#[test]
fn late_complaints_stop_the_bulk_and_a_rule_of_its_own_does_not() {
    for (percent, stops) in [(0.1, true), (0.5, false)] {
        let world = World::default();
        let id = ProviderId::new("mail").unwrap();
        world.live(async |engine| {
            let mut record = gateway(&engine).await;
            let rule = GuardRule { complaint_percent: percent, ..GuardRule::default() };
            record.options.insert("guard".into(), serde_json::to_string(&rule).unwrap());
            let expect = record.revision;
            engine.store().put_provider(record, None, expect, audit()).await.unwrap();
            crowd(&engine, "all", 0..2500).await;
            send(&engine, "bulk", Channel::Email, "all").await;
            ended(&engine, "bulk").await;
            let sent = world.post.taken();
            // They are of the first thousand, and come when many more were sent.
            let events = [event("complained", &sent[5]), event("complained", &sent[700])];
            assert_eq!(tell(&engine, TOKEN, &events).await.unwrap(), recorded(2));
            let tripped = engine.store().provider(&id).await.unwrap().guard;
            assert_eq!(tripped.map(|tripped| tripped.cause), stops.then_some(GuardCause::Complaints));
        });
    }
}
