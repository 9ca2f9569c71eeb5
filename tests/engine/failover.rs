//! Who steps in for a provider that cannot send, and where numbers go.

use crate::world::{
    World, accept, actor, add, create, draft, ended, log, message, people, person, provider, refuse, send,
    sleep, until,
};
use herald::domain::channel::Channel;
use herald::domain::delivery::{Outcome, Stage};
use herald::domain::ids::{ProviderId, TargetId};
use herald::domain::routing::{Allowance, Failover, MoveReason, PrefixRule};
use herald::engine::Engine;
use herald::engine::routing::RoutingEdit;
use herald::providers::adapter::Verdict;
use std::time::Duration;

fn id(text: &str) -> ProviderId {
    ProviderId::new(text).unwrap()
}

const YES: Allowance = Allowance { allowed: true, until: None };
const NO: Allowance = Allowance { allowed: false, until: None };

async fn allow(engine: &Engine, provider: &str, bulk: Allowance, direct: Allowance) {
    let failover = Some((id(provider), Failover { bulk, direct }));
    engine.edit_routing(&actor(), RoutingEdit { failover, ..RoutingEdit::default() }).await.unwrap();
}

fn world() -> World {
    let mut world = World::default();
    world.config.breaker_failures = 2;
    world.config.breaker_base = Duration::from_hours(10);
    world.config.breaker_cap = Duration::from_hours(10);
    world
}

/// Providers `a` and `b`; the first fails on the way.
async fn a_is_down(world: &World, engine: &Engine) {
    add(engine, provider("a", "smtp", Channel::Email)).await;
    add(engine, provider("b", "smtp", Channel::Email)).await;
    world.post.script(|sent| match sent.provider.as_str() {
        "a" => refuse(Verdict::Transient, Stage::Connect, 0, "connection refused"),
        _ => accept(),
    });
}

async fn straight(engine: &Engine, name: &str, to: std::ops::Range<usize>) {
    let mut straight = draft(engine, name, Channel::Email);
    straight.targets = to.map(|n| TargetId::new(format!("t{n}")).unwrap()).collect();
    create(engine, straight).await;
}

#[test]
fn who_is_down_hands_on_and_the_log_says_why() {
    let world = world();
    world.live(async |engine| {
        a_is_down(&world, &engine).await;
        people(&engine, Channel::Email, "all", 0..50).await;
        allow(&engine, "a", YES, NO).await;
        send(&engine, "news", Channel::Email, "all").await;
        let done = ended(&engine, "news").await;
        assert_eq!(done.progress.accepted, 50);
        assert!(world.post.copies("news").values().all(|copies| *copies == 1));
        let a = engine.store().provider(&id("a")).await.unwrap();
        for row in log(&engine, "news").await {
            if row.outcome == Outcome::Accepted {
                let moved = row.detail.moved.unwrap();
                assert_eq!((moved.from, moved.why), (a.no, MoveReason::Down));
            } else {
                assert_eq!((row.provider, row.detail.moved), (a.no, None));
            }
        }
        let health = engine.health().await.unwrap();
        let on = health[0].handing_on.unwrap();
        assert_eq!((on.to, on.why, on.bulk, on.direct), (health[1].no, MoveReason::Down, true, false));
        let audit = engine.store().audit(Some("provider/a"), None, 50).await.unwrap();
        assert!(audit.iter().any(|(_, entry)| entry.event == "provider.failover"));
    });
}

#[test]
fn nothing_is_handed_on_unasked_and_bulk_and_direct_are_apart() {
    let world = world();
    world.live(async |engine| {
        a_is_down(&world, &engine).await;
        people(&engine, Channel::Email, "all", 0..5).await;
        send(&engine, "news", Channel::Email, "all").await;
        straight(&engine, "code", 0..5).await;
        sleep(60.0).await;
        assert_eq!(
            (
                message(&engine, "news").await.progress.accepted,
                message(&engine, "code").await.progress.accepted
            ),
            (0, 0)
        );
        allow(&engine, "a", NO, YES).await;
        assert_eq!(ended(&engine, "code").await.progress.accepted, 5);
        sleep(60.0).await;
        assert_eq!(message(&engine, "news").await.progress.accepted, 0);
        allow(&engine, "a", YES, YES).await;
        assert_eq!(ended(&engine, "news").await.progress.accepted, 5);
    });
}

#[test]
fn bulk_is_what_the_guard_calls_bulk() {
    let world = world();
    world.live(async |engine| {
        a_is_down(&world, &engine).await;
        people(&engine, Channel::Email, "all", 0..101).await;
        allow(&engine, "a", NO, YES).await;
        straight(&engine, "many", 0..101).await;
        straight(&engine, "few", 0..100).await;
        assert_eq!(ended(&engine, "few").await.progress.accepted, 100);
        sleep(60.0).await;
        assert_eq!(message(&engine, "many").await.progress.accepted, 0, "many who are named are bulk");
        allow(&engine, "a", YES, NO).await;
        assert_eq!(ended(&engine, "many").await.progress.accepted, 101);
    });
}

#[test]
fn a_permission_ends() {
    let world = world();
    world.live(async |engine| {
        a_is_down(&world, &engine).await;
        people(&engine, Channel::Email, "all", 0..5).await;
        let until = engine.now().plus(Duration::from_mins(2));
        allow(&engine, "a", Allowance { allowed: true, until: Some(until) }, NO).await;
        send(&engine, "first", Channel::Email, "all").await;
        assert_eq!(ended(&engine, "first").await.progress.accepted, 5);
        sleep(180.0).await;
        send(&engine, "second", Channel::Email, "all").await;
        sleep(60.0).await;
        assert_eq!(message(&engine, "second").await.progress.accepted, 0);
        assert!(engine.health().await.unwrap()[0].handing_on.is_none());
    });
}

#[test]
fn a_lost_answer_stays_where_it_was() {
    let world = world();
    world.live(async |engine| {
        add(&engine, provider("a", "smtp", Channel::Email)).await;
        add(&engine, provider("b", "smtp", Channel::Email)).await;
        world.post.script(|sent| match sent.provider.as_str() {
            "a" => refuse(Verdict::Uncertain, Stage::Response, 0, "connection reset"),
            _ => accept(),
        });
        people(&engine, Channel::Email, "all", 0..4).await;
        allow(&engine, "a", YES, YES).await;
        send(&engine, "news", Channel::Email, "all").await;
        sleep(600.0).await;
        let tried = |provider: &str| -> Vec<_> {
            let all = world.post.tried().into_iter();
            all.filter(|sent| sent.provider == provider).map(|sent| sent.address).collect()
        };
        let (lost, by_b) = (tried("a"), tried("b"));
        assert!(!lost.is_empty());
        assert!(by_b.iter().all(|address| !lost.contains(address)), "{lost:?} {by_b:?}");
    });
}

#[test]
fn refused_credentials_hand_on_and_a_bad_name_hands_on_no_bulk() {
    for (stage, code, text, bulk) in
        [(Stage::Authentication, 535, "5.7.8 bad credentials", 5), (Stage::Greeting, 554, "5.7.1 listed", 0)]
    {
        let world = world();
        world.live(async |engine| {
            add(&engine, provider("a", "smtp", Channel::Email)).await;
            add(&engine, provider("b", "smtp", Channel::Email)).await;
            world.post.script(move |sent| match sent.provider.as_str() {
                "a" => refuse(Verdict::Refused, stage, code, text),
                _ => accept(),
            });
            people(&engine, Channel::Email, "all", 0..5).await;
            allow(&engine, "a", YES, YES).await;
            send(&engine, "news", Channel::Email, "all").await;
            straight(&engine, "code", 0..5).await;
            assert_eq!(ended(&engine, "code").await.progress.accepted, 5);
            sleep(60.0).await;
            assert_eq!(message(&engine, "news").await.progress.accepted, bulk, "{text}");
        });
    }
}

#[test]
fn a_token_stays_with_its_service_and_a_sick_neighbour_is_passed_over() {
    let world = world();
    world.live(async |engine| {
        for (name, kind) in [("a", "fcm"), ("b", "apns"), ("c", "fcm"), ("d", "fcm")] {
            add(&engine, provider(name, kind, Channel::Push)).await;
        }
        engine.pause_provider(&id("c"), &actor()).await.unwrap();
        world.post.script(|sent| match sent.provider.as_str() {
            "a" => refuse(Verdict::Transient, Stage::Connect, 0, "connection refused"),
            _ => accept(),
        });
        for n in 0..5 {
            person(&engine, n, Channel::Push, Some("a")).await;
        }
        allow(&engine, "a", NO, YES).await;
        let mut ping = draft(&engine, "ping", Channel::Push);
        ping.targets = (0..5).map(|n| TargetId::new(format!("t{n}")).unwrap()).collect();
        create(&engine, ping).await;
        assert_eq!(ended(&engine, "ping").await.progress.accepted, 5);
        assert!(world.post.taken().iter().all(|sent| sent.provider == "d"));
    });
}

#[test]
fn a_provider_that_comes_back_gets_its_own_again() {
    let mut world = world();
    world.config.breaker_base = Duration::from_secs(30);
    world.live(async |engine| {
        a_is_down(&world, &engine).await;
        people(&engine, Channel::Email, "all", 0..20).await;
        allow(&engine, "a", YES, YES).await;
        send(&engine, "first", Channel::Email, "all").await;
        ended(&engine, "first").await;
        world.post.script(|_| accept());
        sleep(120.0).await;
        send(&engine, "second", Channel::Email, "all").await;
        ended(&engine, "second").await;
        let by = |name: &str| {
            let taken = world.post.taken();
            taken.iter().filter(|sent| sent.headline == "second" && sent.provider == name).count()
        };
        assert_eq!((by("a"), by("b")), (20, 0));
        until("nobody is handed on", async || engine.health().await.unwrap()[0].handing_on.is_none()).await;
    });
}

#[test]
fn numbers_go_by_their_country_and_the_order_counts() {
    let world = world();
    world.live(async |engine| {
        for name in ["a", "b", "c"] {
            add(&engine, provider(name, "twilio", Channel::Sms)).await;
        }
        let rule = |prefix: &str, to: &str| PrefixRule { prefix: prefix.into(), provider_id: id(to) };
        let edit = RoutingEdit {
            order: Some(vec![id("c")]),
            prefixes: Some(vec![rule("+4915", "a"), rule("+49", "b")]),
            failover: None,
        };
        let routing = engine.edit_routing(&actor(), edit).await.unwrap();
        assert_eq!(routing.order, [id("c"), id("a"), id("b")]);
        people(&engine, Channel::Sms, "all", 0..3).await;
        send(&engine, "hello", Channel::Sms, "all").await;
        ended(&engine, "hello").await;
        for sent in world.post.taken() {
            let expected = if sent.address.starts_with("+4915") {
                "a"
            } else if sent.address.starts_with("+49") {
                "b"
            } else {
                "c"
            };
            assert_eq!(sent.provider, expected, "{}", sent.address);
        }
        let bad = RoutingEdit { prefixes: Some(vec![rule("49", "a")]), ..RoutingEdit::default() };
        assert!(engine.edit_routing(&actor(), bad).await.is_err());
        let gone = RoutingEdit { order: Some(vec![id("nobody")]), ..RoutingEdit::default() };
        assert!(engine.edit_routing(&actor(), gone).await.is_err());
    });
}

fn keyed(password: &str) -> herald::engine::usecases::providers::ProviderEdit {
    let fields = [("password", serde_json::json!(password))].into();
    herald::engine::usecases::providers::ProviderEdit { fields, ..Default::default() }
}

#[test]
fn a_key_is_checked_kept_rolled_back_and_wiped() {
    let mut world = world();
    world.config.upkeep = Some(Duration::from_mins(1));
    world.live(async |engine| {
        let smtp = herald::domain::provider::kind("smtp").unwrap();
        let mut first = keyed("the first of passwords");
        first.fields.insert("host", "127.0.0.1".into());
        first.fields.insert("fromEmail", "a@example.com".into());
        first.enabled = Some(true);
        let made = engine.create_provider(&actor(), smtp, "a", first).await.unwrap();
        let held = async || {
            let held = engine.store().credentials(made.no).await.unwrap();
            secrecy::ExposeSecret::expose_secret(&held["password"]).to_owned()
        };
        // What the scripted services say of a key.
        *world.post.tests_ok.lock().unwrap() = false;
        let refused = engine.edit_provider(&actor(), smtp, &id("a"), keyed("a mistyped password")).await;
        assert_eq!(refused.unwrap_err().kind, herald::wire::ErrorType::ProviderKeyRefused);
        assert_eq!(held().await, "the first of passwords");
        assert!(engine.roll_back_provider(&actor(), &id("a")).await.is_err(), "nothing is kept");
        let mut forced = keyed("the second password");
        forced.unchecked = true;
        engine.edit_provider(&actor(), smtp, &id("a"), forced).await.unwrap();
        *world.post.tests_ok.lock().unwrap() = true;
        engine.edit_provider(&actor(), smtp, &id("a"), keyed("the third password")).await.unwrap();
        let back = engine.roll_back_provider(&actor(), &id("a")).await.unwrap();
        assert_eq!(held().await, "the second password");
        assert_eq!(back.credentials["password"], "••••word");
        // Back and forth: what was replaced by the rollback is kept in turn.
        engine.roll_back_provider(&actor(), &id("a")).await.unwrap();
        assert_eq!(held().await, "the third password");
        let now = engine.store().provider(&id("a")).await.unwrap();
        assert!(engine.rollback_until(&now).await.unwrap().is_some());
        sleep(26.0 * 3600.0).await;
        assert!(engine.store().replaced(made.no).await.unwrap().is_none(), "wiped");
        assert!(engine.roll_back_provider(&actor(), &id("a")).await.is_err());
        assert_eq!(held().await, "the third password");
        let audit = engine.store().audit(Some("provider/a"), None, 50).await.unwrap();
        assert!(audit.iter().any(|(_, entry)| entry.event == "provider.rollback"));
        assert!(audit.iter().all(|(_, entry)| !entry.summary.contains("password")), "{audit:?}");
    });
}

#[test]
fn what_is_in_flight_ends_on_the_old_key() {
    let world = world();
    world.live(async |engine| {
        let smtp = herald::domain::provider::kind("smtp").unwrap();
        let mut first = keyed("the first of passwords");
        first.fields.insert("host", "127.0.0.1".into());
        first.fields.insert("fromEmail", "a@example.com".into());
        first.enabled = Some(true);
        engine.create_provider(&actor(), smtp, "a", first).await.unwrap();
        *world.post.tests_ok.lock().unwrap() = true;
        world.post.script(|_| {
            let mut reply = accept();
            reply.after = Duration::from_secs(2);
            reply
        });
        people(&engine, Channel::Email, "all", 0..40).await;
        send(&engine, "news", Channel::Email, "all").await;
        sleep(1.0).await;
        engine.edit_provider(&actor(), smtp, &id("a"), keyed("the second password")).await.unwrap();
        let done = ended(&engine, "news").await;
        assert_eq!(done.progress.accepted, 40);
        assert!(world.post.copies("news").values().all(|copies| *copies == 1));
    });
}
