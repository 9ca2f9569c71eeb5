//! Records to test with, and stores to put them in.

use herald::domain::audit::{Actor, AuditEntry};
use herald::domain::channel::Channel;
use herald::domain::content::{Content, EmailContent};
use herald::domain::delivery::{LogDetail, LogRow, Outcome};
use herald::domain::ids::{
    LogSeq, MessageId, MessageNo, ProviderId, ProviderNo, Revision, SubscriberId, TargetId, TargetNo,
    TopicId, TopicNo, UserId, WaitNo,
};
use herald::domain::message::{Message, Progress};
use herald::domain::person::{Target, User};
use herald::domain::plan::{LaneCursor, LaneKey, PlanCursor, Planned, WaitReason, Waiting};
use herald::domain::provider::{Limits, Provider};
use herald::domain::state::MessageState;
use herald::domain::time::{Clock, Timestamp};
use herald::domain::topic::{Topic, Totals};
use herald::store::Store;
use herald::store::dispatch::{Candidates, Claim, ItemOutcome, JournalEntry, JournalReceipt, Next, PlanStep};
use herald::store::embedded::{Embedded, Memory, Options};
use herald::store::people::{NewTarget, NewUser};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub struct Still(pub i64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(self.0)
    }
}

/// Some instant.
pub const T0: Timestamp = Timestamp(1_790_000_000_000);

/// A store in memory.
pub fn store() -> Embedded {
    open(&Memory::default())
}

/// The store in this memory.
pub fn open(memory: &Memory) -> Embedded {
    let options = Options::in_memory(memory.clone(), Arc::new(Still(T0.0)));
    Embedded::open(Path::new("memory"), options).expect("a store in memory opens")
}

/// Who did what.
pub fn audit(event: &str, resource: &str) -> AuditEntry {
    AuditEntry {
        at: T0,
        actor: Actor { name: "tester".into(), ..Actor::default() },
        event: event.into(),
        resource: resource.into(),
        summary: String::new(),
    }
}

pub fn topic(id: &str) -> Topic {
    Topic {
        no: TopicNo(0),
        id: TopicId::new(id).unwrap(),
        name: id.to_owned(),
        subscribe: vec!["users".into()],
        description: String::new(),
        totals: Totals::default(),
        created: T0,
        updated: T0,
        revision: Revision(0),
    }
}

pub fn new_target(id: &str, channel: Channel, identifier: &str) -> NewTarget {
    NewTarget {
        id: TargetId::new(id).unwrap(),
        channel,
        identifier: identifier.into(),
        provider: None,
        name: String::new(),
    }
}

pub fn new_user(id: &str) -> NewUser {
    NewUser {
        id: UserId::new(id).unwrap(),
        name: format!("Name of {id}"),
        email: None,
        phone: None,
        labels: vec![],
        prefs: "{}".into(),
        targets: vec![],
    }
}

pub fn provider(id: &str) -> Provider {
    Provider {
        no: ProviderNo(0),
        id: ProviderId::new(id).unwrap(),
        name: id.into(),
        kind: "smtp".into(),
        channel: Channel::Email,
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

pub fn mail(id: &str) -> Message {
    Message {
        no: MessageNo(0),
        id: MessageId::new(id).unwrap(),
        content: Content::Email(EmailContent {
            subject: format!("Subject of {id}"),
            content: "Hello".into(),
            ..EmailContent::default()
        }),
        topics: vec![],
        users: vec![],
        targets: vec![],
        state: MessageState::Draft,
        scheduled_at: None,
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
        created_by: "tester".into(),
        created: T0,
        updated: T0,
        revision: Revision(0),
    }
}

/// A mail that is due at an instant.
pub fn due_mail(id: &str, at: Timestamp) -> Message {
    Message { state: MessageState::Scheduled, scheduled_at: Some(at), ..mail(id) }
}

/// A user with one mail target, subscribed to a topic if one is given.
pub async fn person(store: &impl Store, id: &str, topic: Option<&str>) -> (User, Target) {
    let mut new = new_user(id);
    let address = format!("{id}@example.com");
    new.email = Some(address.clone());
    new.targets = vec![new_target(&format!("t-{id}"), Channel::Email, &address)];
    let (user, mut targets) = store.create_user(new, audit("user.create", id)).await.unwrap();
    let target = targets.remove(0);
    if let Some(topic) = topic {
        let subscriber = SubscriberId::new(format!("s-{id}")).unwrap();
        let topic = TopicId::new(topic).unwrap();
        store.subscribe(&topic, subscriber, &target.id, audit("subscriber.create", id)).await.unwrap();
    }
    (user, target)
}

/// A message that is being sent, with this plan, written down as a whole.
pub async fn sending(store: &impl Store, id: &str, runs: Vec<(ProviderNo, Vec<Planned>)>) -> Message {
    let message = Message { topics: vec![TopicId::new("news").unwrap()], ..due_mail(id, T0) };
    let message = store.create_message(message, audit("message.create", id)).await.unwrap();
    let claimed = store.claim_due(T0, 10, None).await.unwrap();
    assert_eq!(claimed.messages.len(), 1);
    let step = PlanStep {
        message: message.no,
        run: 1,
        expect: PlanCursor::default(),
        cursor: PlanCursor { after: None, done: true },
        runs,
    };
    store.append_plan(step).await.unwrap()
}

/// Claims the next `limit` recipients of a lane.
pub async fn claim(store: &impl Store, lane: LaneKey, limit: usize) -> (Claim, Candidates) {
    let row = store.lanes_of(lane.message).await.unwrap().into_iter().find(|row| row.key == lane).unwrap();
    let candidates = store.candidates(lane, row.cursor, limit, false).await.unwrap().unwrap();
    (Claim { lane, run: row.run, source: candidates.source.clone(), of: candidates.of }, candidates)
}

/// A commit with only claims.
pub async fn claim_all(store: &impl Store, claims: Vec<Claim>) -> JournalReceipt {
    store.journal(JournalEntry { claims, at: T0, ..JournalEntry::default() }).await.unwrap()
}

/// An outcome after which a delivery is over.
pub fn over(index: usize, candidates: &Candidates, outcome: Outcome) -> ItemOutcome {
    let candidate = &candidates.list[index];
    ItemOutcome {
        index: index as u32,
        target: candidate.target,
        identifier: candidate.identifier,
        direct: candidate.direct,
        attempt: candidate.attempts + 1,
        outcome,
        bounced: false,
        detail: LogDetail { answer: format!("250 2.0.0 {outcome}"), ..LogDetail::default() },
        at: T0,
        next: Next::Over,
        traced: herald::domain::receipt::Traced::default(),
    }
}

/// The start of a lane.
pub const START: LaneCursor = LaneCursor { run: herald::domain::ids::RunNo(0), offset: 0 };

/// A row of the log that says that somebody was reached.
pub fn accepted_row(target: &Target) -> LogRow {
    LogRow {
        seq: LogSeq(0),
        at: T0,
        message: MessageNo(1),
        target: target.no,
        identifier: target.identifier_no,
        provider: SMTP,
        outcome: Outcome::Accepted,
        attempt: 1,
        run: 1,
        detail: LogDetail::default(),
    }
}

/// The provider of most tests.
pub const SMTP: ProviderNo = ProviderNo(1);

/// Planned through a topic.
pub fn by_topic(targets: impl IntoIterator<Item = TargetNo>) -> Vec<Planned> {
    targets.into_iter().map(|target| Planned { target, direct: false }).collect()
}

/// A store with a topic, a provider and so many people, and what a plan for them looks like.
pub async fn audience(store: &impl Store, people: usize) -> Vec<Planned> {
    store.create_provider(provider("smtp"), BTreeMap::new(), audit("provider.create", "smtp")).await.unwrap();
    store.create_topic(topic("news"), audit("topic.create", "news")).await.unwrap();
    for no in 0..people {
        person(store, &format!("p{no:04}"), Some("news")).await;
    }
    let news = store.topic(&TopicId::new("news").unwrap()).await.unwrap();
    assert_eq!(news.totals.email, people as u64);
    let members = store.members(news.no, None, 10_000).await.unwrap();
    by_topic(members.into_iter().map(|(target, _)| target))
}

/// An outcome after which somebody waits.
pub fn wait(index: usize, candidates: &Candidates, due: Timestamp, why: WaitReason) -> ItemOutcome {
    let candidate = &candidates.list[index];
    let waiting = Waiting {
        no: WaitNo(0),
        target: candidate.target,
        identifier: candidate.identifier,
        direct: candidate.direct,
        attempts: candidate.attempts + 1,
        possibly_twice: false,
        why,
        batch: None,
    };
    ItemOutcome {
        next: Next::Wait { due, waiting, log: true },
        ..over(index, candidates, Outcome::Transient)
    }
}
