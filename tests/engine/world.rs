//! A world for the engine: a store in memory, a clock driven by hand, providers that
//! follow a script and keep a record.

use async_trait::async_trait;
use herald::domain::audit::{Actor, AuditEntry};
use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent, PushContent, SmsContent};
use herald::domain::delivery::{LogRow, Stage};
use herald::domain::ids::{
    MessageId, MessageNo, ProviderId, ProviderNo, Revision, SubscriberId, TargetId, TopicId, TopicNo, UserId,
};
use herald::domain::message::{Message, Progress};
use herald::domain::provider::{Kind, Limits, Provider, kind};
use herald::domain::state::MessageState;
use herald::domain::time::{Clock, Timestamp};
use herald::domain::topic::{Topic, Totals};
use herald::engine::{Engine, EngineConfig};
use herald::providers::adapter::{
    Account, AccountError, Adapter, Adapters, Answer, Answers, Batch, CompileError, Compiled, Rendition,
    TestReport, Verdict,
};
use herald::store::Store;
use herald::store::embedded::{Embedded, Memory, Options};
use herald::store::history::LogQuery;
use herald::store::people::{NewTarget, NewUser};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// Where the wall clock stands at the beginning: half a minute past a full one.
pub const T0: Timestamp = Timestamp(1_790_000_010_000 / 60_000 * 60_000 + 30_000);

/// A wall clock that follows tokio's, and can be made to jump.
pub struct TestClock {
    wall: AtomicI64,
    anchor: Mutex<Option<Instant>>,
}

impl TestClock {
    /// The clock goes on from where it stood, under another runtime.
    fn carry_over(&self) {
        let now = self.now();
        *self.anchor.lock().unwrap() = None;
        self.wall.store(now.0, SeqCst);
    }

    /// Makes the clock jump, in seconds.
    pub fn jump(&self, seconds: i64) {
        self.wall.fetch_add(seconds * 1000, SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let passed = match *self.anchor.lock().unwrap() {
            Some(anchor) => Instant::now().saturating_duration_since(anchor),
            None => Duration::ZERO,
        };
        Timestamp(self.wall.load(SeqCst)).plus(passed)
    }
}

/// What a provider got.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub at: Timestamp,
    pub provider: String,
    pub address: String,
    pub reference: String,
    pub headline: String,
    pub body: String,
    /// The link to leave the topics.
    pub unsubscribe: Option<String>,
    /// The idempotency key, as text.
    pub key: Option<String>,
    /// Which time this address is tried with this headline, from 1.
    pub attempt: usize,
}

/// What a provider does with a recipient.
#[derive(Debug, Clone)]
pub struct Reply {
    pub after: Duration,
    /// Whether the service takes it, whatever it answers.
    pub taken: bool,
    pub answer: Answer,
}

pub fn accept() -> Reply {
    Reply {
        after: Duration::from_millis(2),
        taken: true,
        answer: Answer::new(Verdict::Accepted, Stage::Content, 250, "2.0.0 ok"),
    }
}

pub fn refuse(verdict: Verdict, stage: Stage, code: u16, text: &str) -> Reply {
    let taken = verdict == Verdict::Uncertain;
    Reply { after: Duration::from_millis(2), taken, answer: Answer::new(verdict, stage, code, text) }
}

type Script = Box<dyn FnMut(&Sent) -> Reply + Send>;

/// All services together: what they do, and what they got.
pub struct Post {
    clock: Arc<TestClock>,
    script: Mutex<Script>,
    /// Everything that reached a service, also what it refused.
    pub tried: Mutex<Vec<Sent>>,
    /// What services took; a batch that is repeated under its key is taken once.
    pub taken: Mutex<Vec<Sent>>,
    attempts: Mutex<HashMap<(String, String), usize>>,
    keys: Mutex<HashMap<String, Vec<String>>>,
    pub tests_ok: Mutex<bool>,
    /// How long services take to answer a test.
    pub tests_take: Mutex<Duration>,
    pub trains: Mutex<Vec<(Timestamp, usize)>>,
}

impl Post {
    pub fn script(&self, script: impl FnMut(&Sent) -> Reply + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    pub fn taken(&self) -> Vec<Sent> {
        self.taken.lock().unwrap().clone()
    }

    pub fn tried(&self) -> Vec<Sent> {
        self.tried.lock().unwrap().clone()
    }

    /// How often each address got a message.
    pub fn copies(&self, headline: &str) -> BTreeMap<String, usize> {
        let mut copies = BTreeMap::new();
        for sent in self.taken().into_iter().filter(|sent| sent.headline == headline) {
            *copies.entry(sent.address).or_default() += 1;
        }
        copies
    }
}

struct Scripted {
    post: Arc<Post>,
    provider: String,
    kind: &'static Kind,
    train: usize,
}

#[async_trait]
impl Adapter for Scripted {
    fn kind(&self) -> &'static Kind {
        self.kind
    }

    fn train(&self) -> usize {
        self.train
    }

    fn compile(&self, rendition: &Rendition) -> Result<Compiled, CompileError> {
        if rendition.content.headline().contains("uncompilable") {
            return Err(CompileError("this service takes no such content".into()));
        }
        let body = match &rendition.content {
            Content::Email(mail) => mail.content.clone(),
            Content::Sms(sms) => sms.content.clone(),
            Content::Push(push) => push.body.clone().unwrap_or_default(),
        };
        Ok(Arc::new((rendition.content.headline().to_owned(), body)))
    }

    async fn send(&self, batch: &Batch, answers: Answers<'_>) {
        let (headline, body) = batch.compiled.downcast_ref::<(String, String)>().unwrap().clone();
        let key = batch.key.map(|key| format!("{}-{}", key.window, key.batch));
        let post = &self.post;
        post.trains.lock().unwrap().push((post.clock.now(), batch.recipients.len()));
        if let Some(key) = &key {
            let members: Vec<_> = batch.recipients.iter().map(|to| to.reference.clone()).collect();
            let seen = post.keys.lock().unwrap().get(key).cloned();
            if let Some(seen) = seen {
                assert_eq!(seen, members, "a key is used again with exactly the same members");
                for place in 0..batch.recipients.len() {
                    answers(place, accept().answer);
                }
                return;
            }
        }
        let mut taken_all = true;
        for (place, to) in batch.recipients.iter().enumerate() {
            let attempt = {
                let mut attempts = post.attempts.lock().unwrap();
                let count = attempts.entry((headline.clone(), to.address.clone())).or_default();
                *count += 1;
                *count
            };
            let body = to.rendered.as_ref().map_or(body.clone(), |rendered| rendered.body.clone());
            let sent = Sent {
                at: post.clock.now(),
                provider: self.provider.clone(),
                address: to.address.clone(),
                reference: to.reference.clone(),
                headline: headline.clone(),
                body,
                unsubscribe: to.unsubscribe.clone(),
                key: key.clone(),
                attempt,
            };
            let reply = (post.script.lock().unwrap())(&sent);
            post.tried.lock().unwrap().push(sent.clone());
            if key.is_none() {
                tokio::time::sleep(reply.after / 2).await;
            }
            if reply.taken {
                post.taken.lock().unwrap().push(Sent { at: post.clock.now(), ..sent });
            }
            taken_all &= reply.taken;
            if key.is_none() {
                tokio::time::sleep(reply.after / 2).await;
                answers(place, reply.answer);
            } else if place + 1 == batch.recipients.len() {
                if taken_all && let Some(key) = &key {
                    let members = batch.recipients.iter().map(|to| to.reference.clone()).collect();
                    post.keys.lock().unwrap().insert(key.clone(), members);
                }
                tokio::time::sleep(reply.after).await;
                for place in 0..batch.recipients.len() {
                    answers(place, reply.answer.clone());
                }
            }
        }
    }

    async fn test(&self) -> TestReport {
        let takes = *self.post.tests_take.lock().unwrap();
        tokio::time::sleep(takes).await;
        let ok = *self.post.tests_ok.lock().unwrap();
        TestReport { ok, refused: !ok, dialogue: vec![], finding: "no".into() }
    }

    async fn close(&self) {}
}

/// Makes scripted providers.
pub struct ScriptedAdapters(pub Arc<Post>, pub usize);

impl Adapters for ScriptedAdapters {
    fn connect(&self, account: &Account, _: Channel) -> Result<Arc<dyn Adapter>, AccountError> {
        let kind =
            kind(&account.provider.kind).ok_or(AccountError::NoAdapter(account.provider.kind.clone()))?;
        if account.provider.name == "unconnectable" {
            return Err(AccountError::Missing {
                provider: account.provider.id.to_string(),
                field: "host".into(),
            });
        }
        let train = if kind.batch > 1 { 10 } else { self.1 };
        Ok(Arc::new(Scripted {
            post: Arc::clone(&self.0),
            provider: account.provider.id.to_string(),
            kind,
            train,
        }))
    }
}

/// Everything that outlives an engine.
pub struct World {
    pub memory: Memory,
    pub clock: Arc<TestClock>,
    pub post: Arc<Post>,
    pub config: EngineConfig,
    pub train: usize,
    seed: AtomicU64,
}

pub fn actor() -> Actor {
    Actor { name: "tester".into(), ..Actor::default() }
}

pub fn audit() -> AuditEntry {
    AuditEntry {
        at: T0,
        actor: actor(),
        event: "test".into(),
        resource: "test".into(),
        summary: String::new(),
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new(1)
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(TestClock { wall: AtomicI64::new(T0.0), anchor: Mutex::new(None) });
        let post = Post {
            clock: Arc::clone(&clock),
            script: Mutex::new(Box::new(|_| accept())),
            tried: Mutex::default(),
            taken: Mutex::default(),
            attempts: Mutex::default(),
            keys: Mutex::default(),
            tests_ok: Mutex::new(false),
            tests_take: Mutex::default(),
            trains: Mutex::default(),
        };
        Self {
            memory: Memory::default(),
            clock,
            post: Arc::new(post),
            config: EngineConfig::default(),
            train: 4,
            seed: AtomicU64::new(seed),
        }
    }

    /// Opens the store.
    pub fn store(&self) -> Arc<dyn Store> {
        let options = Options::in_memory(self.memory.clone(), Arc::clone(&self.clock) as Arc<dyn Clock>);
        Arc::new(Embedded::open(Path::new("memory"), options).expect("a store in memory opens"))
    }

    /// One life of an engine: from its start to the end of `story`, when everything that is still
    /// running is dropped where it stands, as a crash would.
    pub fn live<T>(&self, story: impl AsyncFnOnce(Engine) -> T) -> T {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let result = runtime.block_on(async {
            *self.clock.anchor.lock().unwrap() = Some(Instant::now());
            let adapters = ScriptedAdapters(Arc::clone(&self.post), self.train);
            let engine = Engine::start(
                self.store(),
                Arc::new(adapters),
                Arc::clone(&self.clock) as Arc<dyn Clock>,
                self.config.clone(),
                self.seed.fetch_add(1, SeqCst),
            )
            .await
            .unwrap();
            let result = story(engine).await;
            self.clock.carry_over();
            result
        });
        drop(runtime);
        result
    }
}

impl World {
    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Waits until something holds; fails after a virtual day.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        let passed = begin.elapsed();
        assert!(passed < Duration::from_hours(24 * 5), "never: {what}");
        // Closely at first, and then less so.
        tokio::time::sleep((passed / 200).clamp(Duration::from_millis(5), Duration::from_mins(5))).await;
    }
}

/// Waits until a message has ended.
pub async fn ended(engine: &Engine, id: &str) -> Message {
    let id = MessageId::new(id).unwrap();
    until(&format!("{id} ends"), async || engine.store().message(&id).await.unwrap().state.is_over()).await;
    engine.store().message(&id).await.unwrap()
}

pub async fn message(engine: &Engine, id: &str) -> Message {
    engine.store().message(&MessageId::new(id).unwrap()).await.unwrap()
}

pub async fn sleep(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

pub fn provider(id: &str, kind: &str, channel: Channel) -> Provider {
    Provider {
        no: ProviderNo(0),
        id: ProviderId::new(id).unwrap(),
        name: id.into(),
        kind: kind.into(),
        channel,
        enabled: true,
        options: BTreeMap::new(),
        credentials: BTreeMap::new(),
        limits: Limits::default(),
        hold: None,
        created: T0,
        updated: T0,
        revision: Revision(0),
        door: herald::domain::provider::Door::Local,
        guard: None,
    }
}

pub async fn add(engine: &Engine, provider: Provider) -> Provider {
    engine.store().create_provider(provider, BTreeMap::new(), audit()).await.unwrap()
}

pub async fn smtp(engine: &Engine) -> Provider {
    add(engine, provider("mail", "smtp", Channel::Email)).await
}

/// Changes a provider's record as an operator would.
pub async fn edit(engine: &Engine, id: &str, change: impl FnOnce(&mut Provider)) -> Provider {
    let store = engine.store();
    let mut provider = store.provider(&ProviderId::new(id).unwrap()).await.unwrap();
    let expect = provider.revision;
    change(&mut provider);
    store.put_provider(provider, None, expect, audit()).await.unwrap()
}

pub fn address(channel: Channel, n: usize) -> String {
    match channel {
        Channel::Email => format!("a{n}@d{}.example", n % 7),
        Channel::Sms => format!("+49151{n:07}"),
        Channel::Push => format!("token-{n}"),
    }
}

/// Creates users `u0…` with a target `t0…` each, all in a topic.
pub async fn people(engine: &Engine, channel: Channel, topic: &str, numbers: std::ops::Range<usize>) {
    let store = engine.store();
    let topic = TopicId::new(topic).unwrap();
    if store.topic(&topic).await.is_err() {
        let record = Topic {
            no: TopicNo(0),
            id: topic.clone(),
            name: topic.to_string(),
            subscribe: vec!["users".into()],
            description: String::new(),
            totals: Totals::default(),
            created: T0,
            updated: T0,
            revision: Revision(0),
        };
        store.create_topic(record, audit()).await.unwrap();
    }
    for n in numbers {
        let target = TargetId::new(format!("t{n}")).unwrap();
        if store.target(&target).await.is_err() {
            person(engine, n, channel, None).await;
        }
        let id = SubscriberId::new(format!("{topic}-{n}")).unwrap();
        store.subscribe(&topic, id, &target, audit()).await.unwrap();
    }
}

/// Creates a user `u{n}` with one target `t{n}`.
pub async fn person(engine: &Engine, n: usize, channel: Channel, pin: Option<&str>) {
    let user = NewUser {
        id: UserId::new(format!("u{n}")).unwrap(),
        name: format!("Name {n}"),
        email: None,
        phone: None,
        labels: vec![],
        prefs: "{}".into(),
        targets: vec![NewTarget {
            id: TargetId::new(format!("t{n}")).unwrap(),
            channel,
            identifier: address(channel, n),
            provider: pin.map(|pin| ProviderId::new(pin).unwrap()),
            name: String::new(),
        }],
    };
    engine.store().create_user(user, audit()).await.unwrap();
}

/// A message that is due now, to nobody yet.
pub fn draft(engine: &Engine, id: &str, channel: Channel) -> Message {
    let now = engine.now();
    let content = match channel {
        Channel::Email => Content::Email(EmailContent {
            subject: id.into(),
            content: "Hello".into(),
            ..EmailContent::default()
        }),
        Channel::Sms => Content::Sms(SmsContent { content: id.into() }),
        Channel::Push => {
            Content::Push(Box::new(PushContent { title: Some(id.into()), ..PushContent::default() }))
        }
    };
    Message {
        no: MessageNo(0),
        id: MessageId::new(id).unwrap(),
        content,
        topics: vec![],
        users: vec![],
        targets: vec![],
        state: MessageState::Scheduled,
        scheduled_at: Some(now),
        schedule_words: None,
        expires_at: Some(now.plus(channel.default_lifetime())),
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
    }
}

pub async fn create(engine: &Engine, message: Message) -> Message {
    engine.store().create_message(message, audit()).await.unwrap()
}

/// Sends a message to a topic now.
pub async fn send(engine: &Engine, id: &str, channel: Channel, topic: &str) -> Message {
    let mut message = draft(engine, id, channel);
    message.topics.push(TopicId::new(topic).unwrap());
    create(engine, message).await
}

/// All log rows of a message, in order.
pub async fn log(engine: &Engine, id: &str) -> Vec<LogRow> {
    let no = message(engine, id).await.no;
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let query =
            LogQuery { message: Some(no), after, limit: 1000, scan: 1_000_000, ..LogQuery::default() };
        let page = engine.store().log(query).await.unwrap();
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

/// Creates many people at once, in a topic: targets have ids of the store's own.
pub async fn crowd(engine: &Engine, topic: &str, numbers: std::ops::Range<usize>) {
    use herald::domain::ids::ImportId;
    use herald::store::people::ImportPerson;
    let import = ImportId::new(format!("i-{topic}-{}", numbers.start)).unwrap();
    let store = engine.store();
    store.begin_import(import.clone(), "test".into(), audit()).await.unwrap();
    let all: Vec<_> = numbers.collect();
    for (step, chunk) in all.chunks(2000).enumerate() {
        let people = chunk.iter().map(|n| ImportPerson {
            derived: false,
            line: (step * 2000) as u64 + *n as u64,
            user: UserId::new(format!("u{n}")).unwrap(),
            name: format!("Name {n}"),
            addresses: vec![(Channel::Email, address(Channel::Email, *n))],
            push_provider: None,
            topics: vec![TopicId::new(topic).unwrap()],
        });
        store.import_people(&import, people.collect(), engine.now()).await.unwrap();
    }
}

/// What a strict service counts as too much: GCRA with a burst of one per cent of a second's worth, at
/// least one.
pub fn too_many(times: &[Timestamp], rate: f64) -> usize {
    let interval = 1000.0 / rate;
    // The record is in whole milliseconds.
    let tolerance = interval * (rate / 100.0).max(1.0) + 1.0;
    let (mut due, mut refused) = (f64::MIN, 0);
    for at in times {
        let now = at.0 as f64;
        if due - now > tolerance {
            refused += 1;
        } else {
            due = due.max(now) + interval;
        }
    }
    refused
}

/// A small generator for scripts and stories.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}
