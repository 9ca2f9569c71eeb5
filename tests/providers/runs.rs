//! A message through the whole engine for every kind, against the side of the sandbox that plays it:
//! nobody is lost and nobody gets it twice, also when the service is busy, forgets to answer, or does
//! not want one of them.

use super::account::registry;
use super::services::{TOKEN, fields_of};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use herald::domain::audit::{Actor, AuditEntry};
use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent, PushContent, SmsContent};
use herald::domain::delivery::Outcome;
use herald::domain::ids::{MessageId, MessageNo, ProviderId, Revision, TargetId, UserId};
use herald::domain::message::{Message, Progress};
use herald::domain::provider::{Door, KINDS, Kind};
use herald::domain::state::MessageState;
use herald::domain::time::{Clock, SystemClock, Timestamp};
use herald::engine::usecases::providers::ProviderEdit;
use herald::engine::{Engine, EngineConfig};
use herald::sandbox::push::{APNS_KEY, APNS_KEY_ID, APNS_TEAM, APNS_TOPIC, fcm_account};
use herald::sandbox::{Effect, RecipientRule, Rule, Sandbox, Stage, When};
use herald::store::embedded::{Embedded, Memory, Options};
use herald::store::history::LogQuery;
use herald::store::people::{NewTarget, NewUser};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey};
use ring::rand::SystemRandom;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PEOPLE: usize = 7;
const PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";

/// What the provider of a kind is made of, at this sandbox.
fn fields(kind: &'static Kind, sandbox: &Sandbox) -> BTreeMap<&'static str, Value> {
    let origin = format!("http://{}", sandbox.http_addr().unwrap());
    let smtp = sandbox.smtp_addr().unwrap();
    match kind.name {
        "smtp" => [
            ("host", json!(smtp.ip().to_string())),
            ("port", json!(smtp.port())),
            ("encryption", json!("none")),
            ("autoTLS", json!(false)),
            ("fromEmail", json!("news@sender.example")),
        ]
        .into(),
        "fcm" => [
            ("serviceAccountJSON", json!(fcm_account(&origin))),
            ("endpoint", json!(format!("{origin}/fcm"))),
        ]
        .into(),
        "apns" => [
            ("authKey", json!(APNS_KEY)),
            ("authKeyId", json!(APNS_KEY_ID)),
            ("teamId", json!(APNS_TEAM)),
            ("bundleId", json!(APNS_TOPIC)),
            ("endpoint", json!(format!("{origin}/apns"))),
        ]
        .into(),
        "webpush" => [
            ("publicKey", json!(PUBLIC)),
            ("privateKey", json!(PRIVATE)),
            ("subject", json!("mailto:push@sender.example")),
        ]
        .into(),
        "http" => [
            ("endpoint", json!(format!("{origin}/send/sms"))),
            ("headers", json!(r#"{"authorization": "Bearer {{ secret }}"}"#)),
            (
                "body",
                json!(
                    r#"{"recipients": [{"to": {{ recipient.to }}, "reference": {{ recipient.reference }}, "text": {{ recipient.body }}}]}"#
                ),
            ),
            ("successPath", json!("/results/0/status")),
            ("successValue", json!("accepted")),
            ("secret", json!(TOKEN)),
        ]
        .into(),
        "sandbox" => [("endpoint", json!(origin)), ("token", json!(TOKEN)), ("batch", json!(true))].into(),
        name => fields_of(name, &format!("{origin}/{name}"), TOKEN),
    }
}

fn channel_of(kind: &Kind) -> Channel {
    if kind.name == "http" { Channel::Sms } else { kind.channels[0] }
}

/// The address of somebody, and the name by which the sandbox's record knows it.
fn address(kind: &Kind, sandbox: &Sandbox, n: usize) -> (String, String) {
    let both = |text: String| (text.clone(), text);
    match (kind.name, channel_of(kind)) {
        ("apns", _) => both(format!("{n:08x}{}", "ab".repeat(28))),
        ("webpush", _) => {
            let key = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
            let point = key.compute_public_key().unwrap();
            let keys = json!({"p256dh": B64.encode(point.as_ref()), "auth": B64.encode(b"0123456789abcdef")});
            let endpoint = format!("http://{}/webpush/person-{n}", sandbox.http_addr().unwrap());
            let text = json!({"endpoint": endpoint, "expirationTime": null, "keys": keys}).to_string();
            (text, format!("person-{n}"))
        }
        (_, Channel::Email) => both(format!("person-{n}@example.com")),
        (_, Channel::Sms) => both(format!("+9198{n:08}")),
        (_, Channel::Push) => both(format!("device-token-{n:06}")),
    }
}

fn audit() -> AuditEntry {
    let actor = Actor { name: "tester".into(), ..Actor::default() };
    let (event, resource) = ("test".to_owned(), "test".to_owned());
    AuditEntry { at: Timestamp(0), actor, event, resource, summary: String::new() }
}

fn content(channel: Channel) -> Content {
    match channel {
        Channel::Email => Content::Email(EmailContent {
            subject: "Hello".into(),
            content: "Good morning".into(),
            ..EmailContent::default()
        }),
        Channel::Sms => Content::Sms(SmsContent { content: "Good morning".into() }),
        Channel::Push => {
            Content::Push(Box::new(PushContent { title: Some("Hello".into()), ..PushContent::default() }))
        }
    }
}

/// What became of a run.
struct Run {
    message: Message,
    /// How often each has arrived.
    copies: Vec<u32>,
    /// The last outcome of each, and whether it may be the second copy.
    last: BTreeMap<u64, (Outcome, bool)>,
}

/// One message to everybody, until it has ended or somebody must decide.
async fn run(kind: &'static Kind, faults: impl FnOnce(&Sandbox)) -> Run {
    let any = "127.0.0.1:0".parse().unwrap();
    let sandbox = Sandbox::builder().smtp(any).http(any).token(TOKEN).start().await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = Options::in_memory(Memory::default(), Arc::clone(&clock));
    let store = Arc::new(Embedded::open(Path::new("memory"), options).unwrap());
    let config = EngineConfig {
        allow_private: true,
        retry_cap: Duration::from_millis(200),
        breaker_base: Duration::from_millis(50),
        ..EngineConfig::default()
    };
    let engine = Engine::start(store, Arc::new(registry()), clock, config, 7).await.unwrap();
    let actor = Actor { name: "tester".into(), ..Actor::default() };
    let channel = channel_of(kind);
    let edit = ProviderEdit {
        name: Some("Main".into()),
        enabled: Some(true),
        channel: Some(channel),
        fields: fields(kind, &sandbox),
        door: Door::Local,
        ..ProviderEdit::default()
    };
    let provider = engine.create_provider(&actor, kind, "main", edit).await.unwrap();
    assert!(provider.enabled, "{}: {provider:?}", kind.name);
    let mut names = Vec::new();
    for n in 0..PEOPLE {
        let (identifier, name) = address(kind, &sandbox, n + 1);
        names.push(name);
        let target = NewTarget {
            id: TargetId::new(format!("t{n}")).unwrap(),
            channel,
            identifier,
            provider: Some(ProviderId::new("main").unwrap()),
            name: String::new(),
        };
        let user = NewUser {
            id: UserId::new(format!("u{n}")).unwrap(),
            name: String::new(),
            email: None,
            phone: None,
            labels: vec![],
            prefs: "{}".into(),
            targets: vec![target],
        };
        engine.store().create_user(user, audit()).await.unwrap();
    }
    faults(&sandbox);
    let id = MessageId::new("hello").unwrap();
    let now = engine.now();
    let message = Message {
        no: MessageNo(0),
        id: id.clone(),
        content: content(channel),
        topics: vec![],
        users: vec![],
        targets: (0..PEOPLE).map(|n| TargetId::new(format!("t{n}")).unwrap()).collect(),
        state: MessageState::Scheduled,
        scheduled_at: Some(now),
        schedule_words: None,
        expires_at: Some(now.plus(Duration::from_hours(1))),
        lifetime_s: None,
        variables: false,
        in_doubt: None,
        confirmed: None,
        progress: Progress::default(),
        run: 0,
        started_at: None,
        finished_at: None,
        errors: vec![],
        created_by: "tester".into(),
        created: now,
        updated: now,
        revision: Revision(0),
    };
    engine.store().create_message(message, audit()).await.unwrap();
    let begun = std::time::Instant::now();
    let message = loop {
        let message = engine.store().message(&id).await.unwrap();
        let p = message.progress;
        let settled = message.state.is_over()
            || (p.planned == PEOPLE as u64 && p.undecided > 0 && p.open() == p.undecided);
        if settled {
            break message;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{}: {message:?}", kind.name);
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let query = LogQuery { message: Some(message.no), limit: 1000, scan: 100_000, ..LogQuery::default() };
    let rows = engine.store().log(query).await.unwrap().rows;
    let last = rows.iter().map(|row| (row.target.0, (row.outcome, row.detail.possibly_twice))).collect();
    let copies = names.iter().map(|name| sandbox.record().recipient(name)).collect();
    engine.drain(Duration::from_secs(5)).await;
    sandbox.shutdown().await;
    Run { message, copies, last }
}

fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(|kind| kind.adapter)
}

/// A fault of the side that plays the kind, the next so many times.
fn next(sandbox: &Sandbox, kind: &Kind, times: u64, http: Effect, smtp: Effect) {
    let when = When::Next(times);
    let (side, rule) = if kind.name == "smtp" {
        (&sandbox.faults().smtp, Rule { at: Stage::Content, when, effect: smtp })
    } else {
        (&sandbox.faults().http, Rule { at: Stage::Request, when, effect: http })
    };
    side.change(|plan| plan.rules = vec![rule]).unwrap();
}

#[tokio::test]
async fn every_kind_delivers_to_everybody_once() {
    for kind in kinds() {
        let run = run(kind, |_| {}).await;
        assert_eq!(run.message.state, MessageState::Sent, "{}: {:?}", kind.name, run.message);
        assert_eq!(run.copies, [1; PEOPLE], "{}", kind.name);
    }
}

#[tokio::test]
async fn a_busy_service_gets_them_later_and_once() {
    for kind in kinds() {
        let busy = |code, retry_after| Effect::Reply { code, text: None, retry_after, reason: None };
        let run = run(kind, |sandbox| next(sandbox, kind, 2, busy(429, Some(1)), busy(451, None))).await;
        assert_eq!(run.message.state, MessageState::Sent, "{}: {:?}", kind.name, run.message);
        assert_eq!(run.copies, [1; PEOPLE], "{}", kind.name);
    }
}

#[tokio::test]
async fn a_lost_answer_loses_nobody_and_hides_no_second_copy() {
    for kind in kinds() {
        let run = run(kind, |sandbox| next(sandbox, kind, 1, Effect::LoseAnswer, Effect::LoseAnswer)).await;
        assert!(run.copies.iter().all(|copies| *copies >= 1), "{}: {:?}", kind.name, run.copies);
        let twice = run.copies.iter().filter(|copies| **copies > 1).count();
        let said = run.last.values().filter(|(_, twice)| *twice).count();
        assert!(run.copies.iter().all(|copies| *copies <= 2) && twice <= said, "{}", kind.name);
        if channel_of(kind) == Channel::Sms || kind.idempotency.is_some() {
            // It costs money, or the service knows the key: nobody gets it twice.
            assert_eq!(twice, 0, "{}: {:?}", kind.name, run.copies);
        }
        assert_eq!(run.last.len(), PEOPLE, "{}: everybody has a row", kind.name);
    }
}

#[tokio::test]
async fn one_who_is_not_wanted_fails_alone() {
    for kind in kinds() {
        let run = run(kind, |sandbox| {
            let (_, name) = address(kind, sandbox, 3);
            let side = if kind.name == "smtp" { &sandbox.faults().smtp } else { &sandbox.faults().http };
            side.change(|plan| plan.recipients.push(RecipientRule::reject(&name))).unwrap();
        })
        .await;
        let mut expected = [1; PEOPLE];
        expected[2] = 0;
        assert_eq!(run.copies, expected, "{}: {:?}", kind.name, run.message);
        let p = run.message.progress;
        assert_eq!((p.accepted, p.failed), (PEOPLE as u64 - 1, 1), "{}: {:?}", kind.name, run.message);
    }
}
