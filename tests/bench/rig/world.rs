//! A store on a real directory with people in it, and an engine that sends to them.

use herald::domain::audit::{Actor, AuditEntry};
use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent, PushContent};
use herald::domain::ids::{
    ImportId, MessageId, MessageNo, ProviderId, ProviderNo, Revision, TopicId, UserId,
};
use herald::domain::message::{Message, Progress};
use herald::domain::provider::{Limits, Provider};
use herald::domain::state::MessageState;
use herald::domain::time::{Clock as _, SystemClock, Timestamp};
use herald::engine::{Engine, EngineConfig};
use herald::providers::registry::Registry;
use herald::store::Store;
use herald::store::catalog::Catalog as _;
use herald::store::embedded::{Embedded, Options};
use herald::store::messages::Messages as _;
use herald::store::people::{ImportPerson, People as _};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest that a run may make no progress before it counts as stuck.
pub const LIMIT: Duration = Duration::from_mins(5);

/// A runtime as the program's own: a thread for each core.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// A directory on the disk of the build, not in memory.
pub fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The store in a directory.
pub fn store(dir: &Path) -> Arc<Embedded> {
    Arc::new(Embedded::open(dir, Options::default()).unwrap())
}

/// The engine on a store, as the program runs it, for providers on loopback.
pub async fn engine(store: &Arc<Embedded>) -> Engine {
    let config = EngineConfig::default();
    let clock = Arc::new(SystemClock);
    let store = Arc::clone(store) as Arc<dyn Store>;
    Engine::start(store, Arc::new(Registry::default()), clock, config, 7).await.unwrap()
}

/// Now.
pub fn now() -> Timestamp {
    SystemClock.now()
}

pub fn audit(event: &str) -> AuditEntry {
    AuditEntry {
        at: now(),
        actor: Actor { name: "bench".into(), ..Actor::default() },
        event: event.into(),
        resource: "bench".into(),
        summary: String::new(),
    }
}

/// One person of an import, with one address and a topic.
pub fn person(n: u64, channel: Channel, topic: &TopicId) -> ImportPerson {
    let address = match channel {
        Channel::Email => format!("u{n}@example.test"),
        Channel::Sms => format!("+49151{n:08}"),
        Channel::Push => format!("token-{n:012}"),
    };
    ImportPerson {
        derived: false,
        line: n,
        user: UserId::new(format!("u{n:010}")).unwrap(),
        name: String::new(),
        addresses: vec![(channel, address)],
        push_provider: None,
        topics: vec![topic.clone()],
    }
}

/// Puts people into a topic; says how many rows a second went in.
pub async fn people(store: &Arc<Embedded>, channel: Channel, topic: &str, count: usize) -> f64 {
    let topic = TopicId::new(topic).unwrap();
    let import = ImportId::new(format!("import-{topic}")).unwrap();
    store.begin_import(import.clone(), "bench".into(), audit("import.begin")).await.unwrap();
    let begun = Instant::now();
    let mut from = 0;
    while from < count {
        let to = count.min(from + 2_000);
        let step: Vec<_> = (from..to).map(|n| person(n as u64, channel, &topic)).collect();
        store.import_people(&import, step, now()).await.unwrap();
        from = to;
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

fn blank(id: &str, kind: &str, channel: Channel, limits: Limits) -> Provider {
    Provider {
        no: ProviderNo(0),
        id: ProviderId::new(id).unwrap(),
        name: id.to_owned(),
        kind: kind.to_owned(),
        channel,
        enabled: true,
        options: BTreeMap::new(),
        credentials: BTreeMap::new(),
        limits,
        hold: None,
        created: now(),
        updated: now(),
        revision: Revision::default(),
        door: herald::domain::provider::Door::Local,
        guard: None,
    }
}

/// A provider of push or SMS whose service is the sink at an address.
pub async fn http_provider(store: &Embedded, id: &str, channel: Channel, addr: SocketAddr, limits: Limits) {
    let mut provider = blank(id, "sandbox", channel, limits);
    provider.options.insert("endpoint".into(), format!("\"http://{addr}\""));
    let secrets = BTreeMap::from([("token".to_owned(), SecretString::from("sandbox"))]);
    store.create_provider(provider, secrets, audit("provider.create")).await.unwrap();
}

/// A provider of mail whose server is at an address.
pub async fn mail_provider(store: &Embedded, id: &str, addr: SocketAddr, limits: Limits) {
    let mut provider = blank(id, "smtp", Channel::Email, limits);
    provider.options.insert("fromEmail".into(), "\"a@example.test\"".into());
    let secrets = BTreeMap::from([
        ("host".to_owned(), SecretString::from(addr.ip().to_string())),
        ("port".to_owned(), SecretString::from(addr.port().to_string())),
    ]);
    store.create_provider(provider, secrets, audit("provider.create")).await.unwrap();
}

/// A notification to a topic.
pub fn push(id: &str, topic: &str, due: Timestamp) -> Message {
    let content = PushContent {
        title: Some("A short title".into()),
        body: Some("Some words for the one who looks at the screen.".into()),
        ..PushContent::default()
    };
    message(id, Content::Push(Box::new(content)), topic, due)
}

/// A mail of so many bytes to a topic.
pub fn mail(id: &str, topic: &str, due: Timestamp, bytes: usize) -> Message {
    let line = "x".repeat(78);
    let content = vec![line.as_str(); bytes / 80].join("\n");
    let mail = EmailContent { subject: "Bench".into(), content, ..EmailContent::default() };
    message(id, Content::Email(mail), topic, due)
}

/// A message that is due at an instant.
pub fn message(id: &str, content: Content, topic: &str, due: Timestamp) -> Message {
    Message {
        no: MessageNo(0),
        id: MessageId::new(id).unwrap(),
        content,
        topics: vec![TopicId::new(topic).unwrap()],
        users: vec![],
        targets: vec![],
        state: MessageState::Scheduled,
        scheduled_at: Some(due),
        schedule_words: None,
        expires_at: None,
        lifetime_s: None,
        variables: false,
        in_doubt: None,
        confirmed: None,
        progress: Progress::default(),
        run: 0,
        started_at: None,
        finished_at: None,
        errors: vec![],
        created_by: "bench".into(),
        created: now(),
        updated: now(),
        revision: Revision::default(),
    }
}

/// Creates a message.
pub async fn create(store: &Embedded, message: Message) -> Message {
    store.create_message(message, audit("message.create")).await.unwrap()
}

/// Waits until a message has ended as sent.
pub async fn sent(store: &Embedded, no: MessageNo) -> Message {
    let (mut moved, mut last) = (Instant::now(), None);
    loop {
        let message = store.message_by_no(no).await.unwrap();
        if last.as_ref() != Some(&message.progress) {
            (moved, last) = (Instant::now(), Some(message.progress));
        }
        match &message.state {
            MessageState::Sent => return message,
            MessageState::Failed | MessageState::Held(_) | MessageState::Cancelled { .. } => {
                panic!(
                    "the message ended as {:?}: {:?}, {:?}",
                    message.state, message.errors, message.progress
                )
            }
            _ => assert!(moved.elapsed() < LIMIT, "stuck: {:?}", message.progress),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A number as references have it.
pub fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize]);
        number /= 36;
        if number == 0 {
            break;
        }
    }
    digits.reverse();
    String::from_utf8(digits).unwrap()
}
