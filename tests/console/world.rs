//! A small world that answers what a console asks, at a fixed time.

use chrono::{DateTime, Utc};
use herald::domain::channel::Channel;
use herald::domain::delivery::{Outcome, SkipReason, Stage};
use herald::domain::ids::{MessageId, ProviderId, Revision, SubscriberId, TargetId, TopicId, UserId};
use herald::domain::message::Progress;
use herald::domain::provider::Limits;
use herald::domain::reason::Why;
use herald::domain::suppression::SuppressionCause;
use herald::domain::time::Timestamp;
use herald::wire::delivery::{Delivery, DeliveryPage, DeliveryRequest};
use herald::wire::history::{Audit, AuditPage};
use herald::wire::list::{MessageList, SubscriberList, TargetList, TopicList};
use herald::wire::message::{Data, EmailData, Lane, Message, MessageDetail, Reason, SmsData, State, Status};
use herald::wire::overview::{
    Cause, Concern, Instance, NeedsYou, Overview, StateCounts, StoreStats, Upcoming,
};
use herald::wire::person::{LastOutcome, Target, User};
use herald::wire::preview::{LeftOut, Preview, ProviderShare, Sample, TopicShare};
use herald::wire::provider::{BreakerState, ProviderHealth};
use herald::wire::suppression::{
    Suppression, SuppressionList, SuppressionParameters, UndoSuppressions, UndoneSuppressions,
};
use herald::wire::topic::{Subscriber, Topic};

/// The present.
pub const NOW: &str = "2026-11-20T14:05:30Z";

pub fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

/// So many seconds from now; before it if negative.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp(Timestamp::from_utc(now()).0 + seconds * 1000)
}

/// All that the API knows.
#[derive(Debug, Clone)]
pub struct World {
    pub overview: Overview,
    pub messages: Vec<Message>,
    pub topics: Vec<Topic>,
    pub targets: Vec<Target>,
    pub providers: Vec<ProviderHealth>,
    /// Oldest first; its place is its number.
    pub log: Vec<Delivery>,
    /// How many a message would go to; nothing: many.
    pub recipients: Option<u64>,
    /// What the operator has begun to write.
    pub drafts: Vec<herald::wire::draft::SavedDraft>,
    /// The suppression list.
    pub suppressed: Vec<Suppression>,
    /// Mail to topics carries no link to leave them.
    pub without_unsubscribe: bool,
    /// How often providers have been changed.
    pub provider_revision: u32,
    /// The rules for countries, and who steps in.
    pub routing: herald::domain::routing::Routing,
    /// Files that messages name which the console does not see.
    pub named: std::collections::BTreeSet<String>,
    /// Who changed a resource last, just now.
    pub changed: std::collections::BTreeMap<String, String>,
}

fn id<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub fn message(name: &str, state: State, subject: &str) -> Message {
    Message {
        id: id(name),
        created_at: at(-7200),
        updated_at: at(-3600),
        provider_type: Channel::Email,
        topics: vec![id("news")],
        users: Vec::new(),
        targets: Vec::new(),
        scheduled_at: None,
        delivered_at: None,
        delivery_errors: Vec::new(),
        delivered_total: 0,
        data: Data::Email(EmailData {
            subject: subject.to_owned(),
            content: "Dear reader,\n\nthe news of November.\n".to_owned(),
            ..EmailData::default()
        }),
        status: Status::Draft,
        state,
        why: None,
        providers: Vec::new(),
        progress: Progress::default(),
        receipts: herald::domain::receipt::ReceiptCounts::default(),
        expires_at: None,
        revision: Revision(1),
        run: 0,
        started_at: None,
        variables: false,
        in_doubt: herald::domain::channel::InDoubt::Resend,
        confirmed: None,
        schedule_words: None,
        created_by: "op".to_owned(),
    }
}

fn messages() -> Vec<Message> {
    let mut sending = message("68a1f0c2d3e4f5", State::Processing, "November newsletter");
    sending.progress = Progress {
        planned: 49_788,
        claimed: 31_100,
        accepted: 30_912,
        failed: 12,
        retrying: 80,
        ..Progress::default()
    };
    sending.started_at = Some(at(-120));
    sending.scheduled_at = Some(at(-121));
    sending.expires_at = Some(at(3 * 86_400));
    sending.why = Some(Reason::from(Why::Sending));
    sending.providers = vec![id("main"), id("backup")];
    let mut failed = message("68a1f0c2d3e400", State::Failed, "");
    failed.provider_type = Channel::Sms;
    failed.data = Data::Sms(SmsData { content: "Your code expires at 18:00".to_owned() });
    failed.topics = vec![id("customers")];
    failed.progress =
        Progress { planned: 5_000, claimed: 5_000, accepted: 4_988, failed: 12, ..Progress::default() };
    failed.delivered_at = Some(at(-3600));
    failed.providers = vec![id("main")];
    let mut scheduled = message("68a1f0c2d3e401", State::Scheduled, "Week 48");
    scheduled.scheduled_at = Some(at(4 * 3600));
    scheduled.why = Some(Reason::from(Why::Scheduled { at: at(4 * 3600) }));
    let mut draft = message("68a1f0c2d3e402", State::Draft, "An escape \u{1b}[2J and \u{202e}bidi");
    draft.why = Some(Reason::from(Why::Draft));
    vec![sending, failed, scheduled, draft]
}

pub fn topic(name: &str, email: u64, sms: u64, push: u64) -> Topic {
    Topic {
        id: id(name),
        created_at: at(-90 * 86_400),
        updated_at: at(-86_400),
        name: format!("The {name}"),
        description: String::new(),
        email_total: email,
        sms_total: sms,
        push_total: push,
        subscribe: vec!["users".to_owned()],
        revision: Revision(1),
    }
}

pub fn target(n: usize) -> Target {
    Target {
        id: id::<TargetId>(&format!("target{n}")),
        created_at: at(-86_400),
        updated_at: at(-86_400),
        name: String::new(),
        user_id: id::<UserId>(&format!("user{n}")),
        provider_id: None,
        provider_type: Channel::Email,
        identifier: format!("reader{n}@example.com"),
        expired: n == 2,
        revision: Revision(1),
        last_outcome: None,
    }
}

pub fn delivery(seq: u64, seconds: i64, outcome: Outcome) -> Delivery {
    let (code, answer) = match outcome {
        Outcome::Accepted => (250, "250 2.0.0 queued as 4XyZ"),
        Outcome::Transient => (451, "451 4.7.1 greylisted"),
        Outcome::Permanent => (550, "550 5.1.1 no such user"),
        _ => (0, ""),
    };
    Delivery {
        seq,
        at: at(seconds),
        message_id: Some(id("68a1f0c2d3e4f5")),
        headline: "November newsletter".to_owned(),
        channel: Some(Channel::Email),
        target_id: Some(id::<TargetId>(&format!("target{seq}"))),
        user_id: None,
        address: format!("reader{seq}@example.com"),
        provider_id: Some(id("main")),
        outcome,
        attempt: 1,
        run: 1,
        code,
        answer: answer.to_owned(),
        service_id: String::new(),
        stage: Stage::Recipient,
        skip: (outcome == Outcome::Skipped).then_some(SkipReason::Unsubscribed),
        latency_us: 11_000,
        possibly_twice: false,
        retry_at: (outcome == Outcome::Transient).then(|| at(40)),
        moved: None,
        planned_provider_id: None,
    }
}

fn provider(name: &str, why: Option<Why>) -> ProviderHealth {
    let refused = why.is_some();
    ProviderHealth {
        id: id::<ProviderId>(name),
        name: name.to_owned(),
        kind: "smtp".to_owned(),
        channel: Channel::Email,
        enabled: true,
        why: why.map(Reason::from),
        rate: if refused { 0.0 } else { 900.0 },
        success: (!refused).then_some(0.99),
        limits: Limits { per_second: Some(1000.0), ..Limits::default() },
        p50_ms: 11.0,
        p99_ms: 48.0,
        in_flight: if refused { 0 } else { 96 },
        queued: if refused { 9_120 } else { 0 },
        retrying: if refused { 0 } else { 12 },
        held: 0,
        undecided: 0,
        oldest: Some(at(-41 * 60)),
        next_try: (!refused).then(|| at(40)),
        accepted: 24_100,
        failed: 212,
        put_off: 40,
        bounced: 3,
        hour: None,
        day: None,
        breaker: BreakerState::Closed,
        breaker_until: None,
        breaker_since: None,
        last_problem: if refused { "401 key revoked".to_owned() } else { String::new() },
        failover: herald::wire::routing::FailoverState::default(),
        slow_start: false,
        guard: herald::wire::provider::GuardHealth::default(),
        receipts: herald::wire::provider::ReceiptHealth::default(),
    }
}

impl World {
    /// A store that nobody has used yet.
    pub fn empty() -> Self {
        let overview = Overview {
            now: at(0),
            instance: Instance {
                version: "0.1.0".to_owned(),
                label: "TEST".to_owned(),
                store: "00000000".to_owned(),
                pid: 1,
                started: at(-3600),
                running: true,
                listen: String::new(),
                operator: "op".to_owned(),
                zone: "UTC".to_owned(),
                undo_s: 10,
            },
            states: StateCounts::default(),
            stopped: None,
            restored: None,
            suspended: None,
            rate: 0.0,
            waiting: 0,
            oldest: None,
            needs_you: Vec::new(),
            providers: Vec::new(),
            next: Vec::new(),
            causes: Vec::new(),
            store: StoreStats { disk_free: 39, disk_total: 100, ..StoreStats::default() },
            present: Vec::new(),
        };
        Self {
            overview,
            messages: Vec::new(),
            topics: Vec::new(),
            targets: Vec::new(),
            providers: Vec::new(),
            log: Vec::new(),
            recipients: None,
            drafts: Vec::new(),
            suppressed: Vec::new(),
            without_unsubscribe: false,
            provider_revision: 0,
            routing: herald::domain::routing::Routing::default(),
            named: std::collections::BTreeSet::new(),
            changed: std::collections::BTreeMap::new(),
        }
    }

    /// A busy afternoon.
    pub fn busy() -> Self {
        let mut world = Self::empty();
        world.messages = messages();
        world.topics = vec![topic("news", 48_200, 0, 12), topic("customers", 3_100, 5_000, 0)];
        world.targets = (0..5).map(target).collect();
        let refuses = Why::ProviderRefuses {
            provider: id("backup"),
            answer: "401 key revoked".to_owned(),
            since: at(-41 * 60),
        };
        world.providers = vec![provider("main", None), provider("backup", Some(refuses.clone()))];
        let outcomes =
            [Outcome::Accepted, Outcome::Accepted, Outcome::Transient, Outcome::Permanent, Outcome::Skipped];
        world.log =
            (0..20).map(|n| delivery(n, n as i64 * 2 - 60, outcomes[n as usize % outcomes.len()])).collect();
        let overview = &mut world.overview;
        overview.states =
            StateCounts { processing: 1, failed: 1, scheduled: 1, draft: 1, ..StateCounts::default() };
        overview.rate = 1180.0;
        overview.waiting = 9_132;
        overview.oldest = Some(at(-41 * 60));
        overview.needs_you = vec![NeedsYou {
            concern: Concern::ProviderRefuses,
            text: "backup refuses us: 401 key revoked".to_owned(),
            waiting: 9_120,
            since: Some(at(-41 * 60)),
            message_id: None,
            provider_id: Some(id("backup")),
            reason: Some(Reason::from(refuses)),
        }];
        overview.providers.clone_from(&world.providers);
        overview.next = vec![Upcoming {
            message_id: id("68a1f0c2d3e401"),
            headline: "Week 48".to_owned(),
            channel: Channel::Email,
            at: at(4 * 3600),
            audience: Some(31_000),
        }];
        overview.causes = vec![Cause {
            provider_id: Some(id("backup")),
            code: 401,
            text: "401 key revoked".to_owned(),
            count: 212,
            spans: vec![0, 0, 0, 0, 0, 0, 1, 2, 40, 80, 60, 29],
            first: at(-29 * 60),
            last: at(-20),
        }];
        let store = &mut overview.store;
        (store.messages, store.topics, store.targets) = (4, 2, 5);
        world
    }

    /// The same, with half a thought from another console.
    pub fn writing() -> Self {
        let mut world = Self::busy();
        let document = serde_json::json!({
            "type": "email", "id": null, "revision": null, "audience": [],
            "lines": ["Half a thought from elsewhere", "", "", "", "", "", "", "", "", "", "", "now"],
            "body": "Dear", "variables": null, "saved": false,
        });
        world.drafts = vec![herald::wire::draft::SavedDraft {
            id: id("form-1"),
            created_at: at(-600),
            updated_at: at(-90),
            revision: Revision(4),
            document: document.as_object().unwrap().clone(),
        }];
        world
    }

    /// The same, with the newsletter paused.
    pub fn paused() -> Self {
        let mut world = Self::busy();
        world.messages[0].state = State::Paused;
        world.messages[0].why = Some(Reason::from(Why::Paused { by: "op".to_owned(), since: at(-60) }));
        world
    }

    /// The same; receipts have come for some.
    pub fn receipts() -> Self {
        let mut world = Self::busy();
        world.messages[0].receipts = herald::domain::receipt::ReceiptCounts {
            delivered: 30_100,
            bounced: 12,
            complained: 3,
            ..Default::default()
        };
        let of = |seq: u64, seconds, outcome, answer: &str| Delivery {
            target_id: Some(id("target0")),
            address: "reader0@example.com".to_owned(),
            outcome,
            code: 0,
            answer: answer.to_owned(),
            ..delivery(seq, seconds, Outcome::Accepted)
        };
        let at = world.log.len() as u64;
        world.log.push(of(at, -20, Outcome::Accepted, "250 2.0.0 queued as 4XyZ"));
        world.log.push(of(at + 1, -12, Outcome::Delivered, "delivered to the mailbox"));
        world.log.push(of(at + 2, -4, Outcome::Complained, "marked as unwanted"));
        world
    }

    /// The same; the guard of a provider has stopped its bulk.
    pub fn guarded() -> Self {
        use herald::domain::guard::{GuardCause, Tripped};
        let mut world = Self::busy();
        let tripped = Tripped { cause: GuardCause::Bounces, count: 57, of: 1000, since: at(-600) };
        let why = Why::BulkPaused { provider: id("main"), cause: tripped.to_string(), since: tripped.since };
        let main = &mut world.providers[0];
        main.why = Some(Reason::from(why.clone()));
        main.queued = 4_200;
        main.guard = herald::wire::provider::GuardHealth {
            of: 1000,
            bounced: 57,
            complained: 0,
            tripped: Some(tripped),
        };
        main.receipts.taken = true;
        main.receipts.last = Some(at(-30));
        world.overview.providers.clone_from(&world.providers);
        world.overview.needs_you.push(NeedsYou {
            concern: Concern::BulkPaused,
            text: "main sends no bulk: 57 hard bounces in 1000 deliveries".to_owned(),
            waiting: 4_200,
            since: Some(at(-600)),
            message_id: None,
            provider_id: Some(id("main")),
            reason: Some(Reason::from(why)),
        });
        world
    }

    /// Why a message failed for some.
    pub fn errors() -> herald::wire::overview::ErrorGroups {
        use herald::wire::overview::{ErrorGroup, ErrorGroups};
        let group = |code: u16, text: &str, count: u64| ErrorGroup {
            provider_id: Some(id("main")),
            code,
            text: text.to_owned(),
            count,
            first: at(-3000),
            last: at(-20),
            trend: vec![0, 0, 0, 1, 2, 4, 8, 4, 2, 1, 0, 1],
        };
        ErrorGroups {
            errors: vec![group(550, "5.1.1 no such user", 20_000), group(451, "4.7.1 greylisted", 12)],
            rows: 20_012,
            cut_short: true,
        }
    }

    /// The same, with answers that were lost.
    pub fn lost() -> Self {
        let mut world = Self::busy();
        let progress = &mut world.messages[1].progress;
        (progress.failed, progress.uncertain, progress.undecided) = (9, 3, 3);
        world
    }

    /// The same, with others at work: one of them edits what is scheduled.
    pub fn together() -> Self {
        use herald::wire::draft::Attached;
        let mut world = Self::busy();
        let seat = |name: &str, you| Attached {
            name: name.to_owned(),
            from: "socket, user 1000".to_owned(),
            since: at(-300),
            you,
        };
        world.overview.present = vec![seat("op", true), seat("bo", false), seat("cy", false)];
        let edited = &mut world.messages[2];
        edited.state = State::Held;
        edited.why = Some(Reason::from(Why::HeldEditing { by: "bo".to_owned(), since: at(-120) }));
        world
    }

    fn page<T: Clone>(
        rows: &[T],
        key: impl Fn(&T) -> String,
        after: Option<&str>,
        limit: usize,
    ) -> (Vec<T>, Option<String>) {
        let from = after.map_or(0, |after| rows.iter().position(|row| key(row) == after).unwrap() + 1);
        let page: Vec<T> = rows[from..].iter().take(limit).cloned().collect();
        let next = (from + page.len() < rows.len()).then(|| key(page.last().unwrap()));
        (page, next)
    }

    pub fn messages(&self, after: Option<&str>, limit: usize) -> MessageList {
        let (messages, next) = Self::page(&self.messages, |row| row.id.to_string(), after, limit);
        MessageList { total: 0, messages, next, cut_short: false }
    }

    pub fn topics(&self, after: Option<&str>, limit: usize) -> TopicList {
        let (topics, next) = Self::page(&self.topics, |row| row.id.to_string(), after, limit);
        TopicList { total: 0, topics, next, cut_short: false }
    }

    pub fn targets(&self, after: Option<&str>, limit: usize) -> TargetList {
        let (mut targets, next) = Self::page(&self.targets, |row| row.id.to_string(), after, limit);
        self.tell_outcomes(&mut targets);
        TargetList { total: 0, targets, next, cut_short: false }
    }

    /// Says of targets what became last of what was sent to them.
    pub fn tell_outcomes(&self, targets: &mut [Target]) {
        for target in targets {
            let last = self.log.iter().rev().find(|row| row.address == target.identifier);
            target.last_outcome =
                last.map(|row| LastOutcome { outcome: row.outcome, at: row.at, skip: row.skip });
        }
    }

    pub fn subscribers(&self, topic: &TopicId, after: Option<&str>, limit: usize) -> SubscriberList {
        let all: Vec<Subscriber> = self
            .targets
            .iter()
            .map(|target| Subscriber {
                id: id::<SubscriberId>(&format!("sub-{}", target.id)),
                created_at: at(-86_400),
                updated_at: at(-86_400),
                target_id: target.id.clone(),
                target: target.clone(),
                user_id: target.user_id.clone(),
                user_name: String::new(),
                topic_id: topic.clone(),
                provider_type: target.provider_type,
            })
            .collect();
        let (subscribers, next) = Self::page(&all, |row| row.id.to_string(), after, limit);
        SubscriberList { total: 0, subscribers, next, cut_short: false }
    }

    pub fn detail(&self, message: &MessageId) -> Option<MessageDetail> {
        let message = self.messages.iter().find(|row| row.id == *message)?.clone();
        let moving = message.state == State::Processing;
        Some(MessageDetail {
            lanes: vec![Lane {
                provider_id: Some(id("main")),
                progress: message.progress,
                why: None,
                next_try: None,
            }],
            planned: true,
            rate: if moving { 1180.0 } else { 0.0 },
            eta_s: moving.then_some(16.0),
            message,
        })
    }

    pub fn deliveries(&self, request: &DeliveryRequest) -> DeliveryPage {
        let wanted = |row: &&Delivery| {
            let of = request.message.as_ref().is_none_or(|id| row.message_id.as_ref() == Some(id));
            let to = request.address.as_ref().is_none_or(|address| row.address == *address);
            let good = matches!(row.outcome, Outcome::Accepted | Outcome::Delivered);
            let bad_only =
                request.filter.as_deref().is_some_and(|filter| filter.contains("outcome!=accepted"));
            of && to && !(bad_only && good)
        };
        let mut rows: Vec<&Delivery> = self.log.iter().filter(wanted).collect();
        if request.ascending != Some(true) {
            rows.reverse();
        }
        let past = |row: &&Delivery| match (request.after, request.ascending == Some(true)) {
            (None, _) => true,
            (Some(after), true) => row.seq > after,
            (Some(after), false) => row.seq < after,
        };
        let rows: Vec<&Delivery> = rows.into_iter().filter(past).collect();
        let limit = request.limit.unwrap_or(50);
        let page: Vec<Delivery> = rows.iter().take(limit).map(|row| (*row).clone()).collect();
        DeliveryPage {
            next: (rows.len() > limit).then(|| page.last().unwrap().seq),
            scanned: page.len() as u64,
            cut_short: false,
            head: self.log.last().map_or(0, |row| row.seq + 1),
            since: self.log.first().map(|row| row.at),
            deliveries: page,
        }
    }

    pub fn audit() -> AuditPage {
        let actor = herald::domain::audit::Actor {
            name: "op".to_owned(),
            from: "process".to_owned(),
            ..Default::default()
        };
        let entry = Audit {
            no: 1,
            at: at(-7200),
            actor,
            event: "message.create".to_owned(),
            resource: "message/68a1f0c2d3e4f5".to_owned(),
            summary: "email to news".to_owned(),
        };
        AuditPage { entries: vec![entry], next: None }
    }

    /// A folder of the machine at which the console is.
    pub fn folder(typed: &str) -> herald::tui::message::Folder {
        use herald::tui::message::FolderEntry;
        let entry = |name: &str, folder, bytes| FolderEntry { name: name.to_owned(), folder, bytes };
        let all = [
            entry("pictures", true, 0),
            entry("lunch.png", false, 80_000),
            entry("prices.pdf", false, 120_000),
            entry("prices-\u{202e}old.pdf", false, 9),
        ];
        let begins = typed.rsplit('/').next().unwrap();
        let fits = |one: &FolderEntry| one.name.starts_with(begins);
        herald::tui::message::Folder {
            typed: typed.to_owned(),
            at: "/home/op".into(),
            entries: all.into_iter().filter(fits).collect(),
            problem: None,
        }
    }

    pub fn settings() -> Vec<herald::wire::overview::SettingRow> {
        vec![herald::wire::overview::SettingRow {
            name: "send.attachments".to_owned(),
            value: "25MiB".to_owned(),
            origin: "default".to_owned(),
            help: String::new(),
        }]
    }

    pub fn user(id: &UserId) -> User {
        let json = serde_json::json!({
            "$id": id.to_string(), "$createdAt": at(-86_400), "$updatedAt": at(-86_400),
            "name": "", "status": true, "email": "", "phone": "",
        });
        serde_json::from_value(json).unwrap()
    }

    pub fn operation(asked: herald::wire::operation::CreateOperation) -> herald::wire::operation::Operation {
        use herald::wire::operation::{Operation, OperationPreview, OperationState};
        Operation {
            id: id("op1"),
            action: asked.action,
            filter: asked.filter,
            provider_id: asked.provider_id,
            uncertain: asked.uncertain,
            reason: asked.reason,
            by: "op".to_owned(),
            created: at(0),
            state: OperationState::Previewed,
            preview: OperationPreview {
                count: 30,
                messages: 1,
                uncertain: 0,
                oldest: Some(at(-2400)),
                newest: Some(at(-60)),
                left_out: vec![LeftOut { reason: "past their deadline".to_owned(), count: 182 }],
                sample: vec![delivery(3, -60, Outcome::Permanent)],
                scanned: 226,
            },
            confirmed: None,
            finished: None,
            done: 0,
            moved_on: 0,
        }
    }

    pub fn provider(id: &ProviderId) -> herald::wire::provider::Provider {
        let json = serde_json::json!({
            "$id": id.to_string(), "$createdAt": at(-86_400), "$updatedAt": at(-86_400),
            "name": "main", "provider": "smtp", "enabled": true, "type": "email",
            "credentials": {"host": "mx.example.com", "port": 587, "username": "op", "password": "••••1234"},
            "options": {"encryption": "tls", "fromEmail": "news@example.com"},
        });
        serde_json::from_value(json).unwrap()
    }

    pub fn preview(&self) -> Preview {
        if let Some(recipients) = self.recipients {
            return Preview { recipients, in_audience: recipients, ..Preview::default() };
        }
        Preview {
            recipients: 49_788,
            in_audience: 51_300,
            topics: vec![TopicShare { topic_id: id("news"), name: "The news".to_owned(), count: 48_200 }],
            duplicates: 1_300,
            left_out: vec![LeftOut { reason: "suppressed".to_owned(), count: 212 }],
            providers: vec![ProviderShare {
                prefixes: vec![],
                provider_id: Some(id("main")),
                name: "main".to_owned(),
                recipients: 49_788,
                batches: 49_788,
                seconds: Some(43.0),
            }],
            seconds: Some(43.0),
            samples: vec![Sample {
                target_id: id("target1"),
                address: "reader1@example.com".to_owned(),
                subject: "November newsletter".to_owned(),
                body: "Dear reader,".to_owned(),
                problem: String::new(),
            }],
            cut_short: false,
            suppressed: 0,
            without_unsubscribe: self.without_unsubscribe,
        }
    }

    pub fn suppressions(&self, asked: &SuppressionParameters) -> SuppressionList {
        let mut list = self.suppressed.clone();
        list.retain(|record| asked.address.as_ref().is_none_or(|address| record.address == *address));
        SuppressionList { total: Some(list.len() as u64), suppressions: list, ..SuppressionList::default() }
    }

    pub fn undoable(&self, asked: &UndoSuppressions) -> UndoneSuppressions {
        let takes = |record: &&Suppression| record.cause == asked.cause && record.created_at >= asked.from;
        let found: Vec<_> = self.suppressed.iter().filter(takes).cloned().collect();
        UndoneSuppressions {
            count: found.len() as u64,
            done: asked.count.is_some(),
            suppressions: found,
            to: at(1),
            operation: None,
        }
    }
}

/// A mailbox that is not there.
pub fn bounced(n: usize) -> Suppression {
    Suppression {
        id: id(&format!("sup{n}")),
        created_at: at(-600),
        provider_type: Channel::Email,
        address: format!("reader{n}@example.com"),
        target_id: Some(id(&format!("target{n}"))),
        cause: SuppressionCause::HardBounce,
        topic_id: None,
        provider_id: Some(id("main")),
        message_id: None,
        said: "550 5.1.1 no such user".to_owned(),
        by: "herald".to_owned(),
        note: String::new(),
    }
}
