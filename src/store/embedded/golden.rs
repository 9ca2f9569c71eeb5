//! The bytes of one sample of each record, so that a change of format cannot slip through: whoever
//! changes one raises the version of the tables and writes a migration.

use super::record::{
    AddressRow, Body, Cause, Chore, Counts, LaneRow, StateRow, SubscriptionRow, SuppressedAddress,
    SuppressionsHead, TargetRow, WaitRow, encode,
};
use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::channel::{Channel, InDoubt};
use crate::domain::content::{Content, SmsContent};
use crate::domain::delivery::{LogDetail, SkipReason, Stage};
use crate::domain::ids::{
    IdentifierNo, KeyId, LogSeq, MessageId, MessageNo, ProviderId, ProviderNo, Revision, RunNo, SubscriberId,
    SuppressionId, SuppressionNo, TargetId, TargetNo, TopicId, TopicNo, UserId, UserNo, WaitNo, WindowNo,
};
use crate::domain::message::{Progress, ScheduleWords};
use crate::domain::person::{Target, User};
use crate::domain::plan::{
    Again, BatchKey, LaneCursor, LaneKey, PackedRun, PlanCursor, Planned, RetryCursor, WaitReason, Waiting,
    Window, WindowSource,
};
use crate::domain::provider::{Door, Limits, Provider, ProviderHold};
use crate::domain::state::MessageState;
use crate::domain::suppression::{Mark, Suppression, SuppressionCause, SuppressionSource};
use crate::domain::time::Timestamp;
use crate::domain::topic::{Topic, Totals};
use crate::store::catalog::ApiKey;
use crate::store::history::Flags;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const AT: Timestamp = Timestamp(1_790_000_000_000);

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn progress() -> Progress {
    Progress {
        planned: 300,
        claimed: 290,
        accepted: 3,
        failed: 4,
        skipped: 5,
        expired: 6,
        retrying: 7,
        held: 8,
        uncertain: 9,
        cancelled: 10,
        undecided: 2,
    }
}

fn lane() -> LaneKey {
    LaneKey { message: MessageNo(7), provider: ProviderNo(2) }
}

fn waiting() -> Waiting {
    Waiting {
        no: WaitNo(11),
        target: TargetNo(12),
        identifier: IdentifierNo(13),
        direct: true,
        attempts: 3,
        possibly_twice: true,
        why: WaitReason::InDoubt,
        batch: Some(BatchKey { window: WindowNo(5), batch: 1, used: AT }),
    }
}

fn target() -> Target {
    Target {
        no: TargetNo(12),
        id: TargetId::new("t").unwrap(),
        user_no: UserNo(4),
        user_id: UserId::new("u").unwrap(),
        channel: Channel::Sms,
        identifier_no: IdentifierNo(13),
        identifier: "+4915".into(),
        provider: Some(ProviderId::new("p").unwrap()),
        name: "n".into(),
        expired: true,
        created: AT,
        updated: AT,
        revision: Revision(2),
    }
}

/// Each record's name and bytes, a line each.
fn samples() -> String {
    let mut text = String::new();
    let mut sample = |name: &str, bytes: Vec<u8>| {
        let hex = crate::domain::hex::hex(&bytes);
        writeln!(text, "{name} {hex}").unwrap();
    };
    sample(
        "counts",
        encode(&Counts {
            group: 1,
            user: 2,
            target: 3,
            identifier: 4,
            topic: 5,
            provider: 6,
            message: 7,
            window: 8,
            wait: 9,
            audit: 10,
            chore: 11,
            chores: 12,
            users: 13,
            targets: 14,
            topics: 15,
            states: [1, 2, 3, 4, 5, 6, 7, 8],
        }),
    );
    sample(
        "body",
        encode(&Body {
            id: MessageId::new("m").unwrap(),
            topics: vec![TopicId::new("a").unwrap()],
            users: vec![UserId::new("b").unwrap()],
            targets: vec![TargetId::new("c").unwrap()],
            content: Content::Sms(SmsContent { content: "hi".into() }),
            schedule_words: Some(ScheduleWords { words: "now".into(), zone: "UTC".into() }),
            lifetime_s: Some(60),
            variables: true,
            in_doubt: Some(InDoubt::Hold),
            confirmed: Some(9),
            created_by: "o".into(),
            created: AT,
        }),
    );
    sample(
        "state",
        encode(&StateRow {
            state: MessageState::Paused { by: "o".into(), since: AT },
            channel: Channel::Push,
            scheduled_at: Some(AT),
            expires_at: None,
            progress: progress(),
            run: 2,
            started_at: Some(AT),
            finished_at: None,
            updated: AT,
            revision: Revision(3),
            plan: PlanCursor { after: Some(TargetNo(12)), done: true },
            errors: true,
            retry: RetryCursor {
                again: Again { provider: Some(ProviderNo(2)), uncertain: true },
                row: Some(LogSeq(99)),
            },
        }),
    );
    let cursor = LaneCursor { run: RunNo(1), offset: 2 };
    sample("lane", encode(&LaneRow { cursor, runs: 3, progress: progress() }));
    sample("waiting", encode(&WaitRow { lane: lane(), due: Timestamp::NEVER, waiting: waiting() }));
    sample(
        "window",
        encode(&Window {
            no: WindowNo(5),
            lane: lane(),
            run: 1,
            source: WindowSource::Waiting(vec![waiting()]),
            claimed: AT,
            done: vec![1],
        }),
    );
    let source = WindowSource::Plan { run: RunNo(1), offset: 2, len: 3 };
    sample(
        "window of the plan",
        encode(&Window { no: WindowNo(6), lane: lane(), run: 1, source, claimed: AT, done: vec![] }),
    );
    let planned =
        [Planned { target: TargetNo(12), direct: true }, Planned { target: TargetNo(900), direct: false }];
    sample("run", encode(&PackedRun::pack(&planned)));
    sample("cause", encode(&vec![Cause { text: "no".into(), count: 2, first: TargetNo(12) }]));
    sample(
        "chores",
        encode(&[Chore::Subscriptions(TopicNo(1)), Chore::Plan(MessageNo(7)), Chore::Waiting(MessageNo(7))]),
    );
    sample("target", encode(&TargetRow { target: target(), blocked: true }));
    sample(
        "address",
        encode(&AddressRow {
            target: Some(TargetNo(12)),
            user: Some(UserNo(4)),
            identifiers: vec![IdentifierNo(13)],
        }),
    );
    sample(
        "subscription",
        encode(&SubscriptionRow {
            channel: Channel::Email,
            id: SubscriberId::new("s").unwrap(),
            created: AT,
        }),
    );
    sample(
        "user",
        encode(&User {
            no: UserNo(4),
            id: UserId::new("u").unwrap(),
            name: "N".into(),
            email: Some("a@b.example".into()),
            phone: None,
            enabled: true,
            labels: vec!["l".into()],
            prefs: "{}".into(),
            created: AT,
            updated: AT,
            revision: Revision(1),
        }),
    );
    sample(
        "topic",
        encode(&Topic {
            no: TopicNo(1),
            id: TopicId::new("a").unwrap(),
            name: "A".into(),
            subscribe: vec!["users".into()],
            description: String::new(),
            totals: Totals { email: 1, sms: 2, push: 3 },
            created: AT,
            updated: AT,
            revision: Revision(1),
        }),
    );
    sample(
        "provider",
        encode(&Provider {
            no: ProviderNo(2),
            id: ProviderId::new("p").unwrap(),
            name: "P".into(),
            kind: "smtp".into(),
            channel: Channel::Email,
            enabled: true,
            options: map(&[("fromEmail", "\"a@b.example\"")]),
            credentials: map(&[("host", "h")]),
            limits: Limits {
                per_second: Some(2.5),
                per_hour: Some(1),
                per_day: None,
                concurrency: Some(4),
                window: Some(8),
            },
            hold: Some(ProviderHold::Refused { answer: "no".into(), since: AT }),
            created: AT,
            updated: AT,
            revision: Revision(1),
            door: Door::Local,
            guard: None,
        }),
    );
    sample(
        "key",
        encode(&ApiKey {
            id: KeyId::new("k").unwrap(),
            name: "K".into(),
            hash: [7; 32],
            scopes: vec!["users.read".into()],
            expires: Some(AT),
            created: AT,
            accessed: None,
        }),
    );
    let actor =
        Actor { name: "o".into(), key: Some("k".into()), request: None, from: "socket".into(), once: None };
    sample(
        "audit",
        encode(&AuditEntry {
            at: AT,
            actor,
            event: "x.y".into(),
            resource: "x/1".into(),
            summary: "s".into(),
        }),
    );
    sample("flags", encode(&Flags { stopped: Some(("o".into(), AT)), restored: Some(AT) }));
    let detail = LogDetail {
        answer: "250 ok".into(),
        code: 250,
        provider_id: "q".into(),
        stage: Stage::Content,
        skip: Some(SkipReason::Unsubscribed),
        latency_us: 5,
        possibly_twice: true,
        retry_at: Some(AT),
        moved: None,
    };
    sample("log detail", encode(&detail));
    sample("suppressions", encode(&SuppressionsHead { last: 3, count: 2, secret: [7; 32] }));
    let topic = Some(TopicId::new("a").unwrap());
    let mark = Mark { cause: SuppressionCause::Unsubscribe, topic };
    let marks = vec![(SuppressionNo(3), mark)];
    sample("suppressed address", encode(&SuppressedAddress { target: Some(TargetNo(12)), marks }));
    sample(
        "suppression",
        encode(&Suppression {
            no: SuppressionNo(3),
            id: SuppressionId::new("s").unwrap(),
            channel: Channel::Email,
            address: "a@b.example".into(),
            cause: SuppressionCause::HardBounce,
            topic: None,
            since: AT,
            source: SuppressionSource {
                provider: Some(ProviderId::new("p").unwrap()),
                message: Some(MessageId::new("m").unwrap()),
                said: "no".into(),
                by: "o".into(),
            },
            note: "n".into(),
        }),
    );
    sample("suppressed target", encode(&vec![Mark { cause: SuppressionCause::HardBounce, topic: None }]));
    text
}

#[test]
fn records_keep_their_bytes() {
    if std::env::var_os("HERALD_UPDATE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/records.txt"), samples()).unwrap();
        return;
    }
    let expected = include_str!("../../../tests/store/records.txt");
    for (found, expected) in samples().lines().zip(expected.lines()) {
        assert_eq!(found, expected, "the format has changed: raise the version of the tables and migrate");
    }
    assert_eq!(samples().lines().count(), expected.lines().count());
}
