//! The power fails at any moment: what was promised is there, nothing is half
//! there, and every disk that can be found afterwards opens.
//!
//! The store works on a simulated disk that keeps what was synced, and of the
//! rest a seeded subset, torn at sectors. `HERALD_SEEDS` sets how many cuts are
//! made (10,000 unless set); `HERALD_FIRST_SEED` where they begin.

// Helpers of tests: failing is what a panic is for.
#![allow(clippy::unwrap_used)]

#[path = "store/digest.rs"]
mod digest;
#[path = "store/fixture.rs"]
#[allow(dead_code, reason = "shared with the contract suite")]
mod fixture;

use digest::digest;
use fixture::*;
use herald::domain::delivery::Outcome;
use herald::domain::ids::{ImportId, ProviderNo, SubscriberId, TargetId, TopicId, UserId};
use herald::domain::message::{Message, Progress};
use herald::domain::plan::{LaneKey, PlanCursor, WaitReason};
use herald::domain::routing::MoveReason;
use herald::domain::state::Event;
use herald::domain::time::Timestamp;
use herald::store::catalog::Catalog as _;
use herald::store::disk::sim::{Disk, Image, Seeded};
use herald::store::dispatch::{Decision, JournalEntry, PlanStep, RetryStep, WaitingFilter};
use herald::store::embedded::{Embedded, Options, Storage, WriterMode};
use herald::store::history::{Flags, History as _};
use herald::store::people::ImportPerson;
use herald::store::seal::{KeySource, SealingKey};
use herald::store::{Store, StoreError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Cuts in one run of the workload.
const CUTS: u64 = 250;

fn open_on(disk: &Disk) -> Result<Embedded, StoreError> {
    let options = Options {
        cache_bytes: 1 << 20,
        clock: Arc::new(Still(T0.0)),
        writer: WriterMode::Inline,
        storage: Storage::Simulated(disk.clone()),
        key: KeySource::Given(SealingKey::fixed([1; 32])),
        reserve_bytes: 0,
        segment_rows: 50,
    };
    Embedded::open(Path::new("simulated"), options)
}

/// One promise after the other: each is one call that answers when it is durable.
/// `step` is a number; false where there is no further step.
async fn step(store: &impl Store, step: usize) -> bool {
    let news = TopicId::new("news").unwrap();
    let lane = |provider| LaneKey { message: herald::domain::ids::MessageNo(1), provider };
    let later = Timestamp(T0.0 + 1000);
    let import = ImportId::new("i1").unwrap();
    let nothing = JournalEntry { at: T0, ..JournalEntry::default() };
    match step {
        0 => drop(store.create_topic(topic("news"), audit("topic.create", "")).await.unwrap()),
        1 => {
            let secret = [("password".to_owned(), "hunter2".into())].into();
            store.create_provider(provider("smtp"), secret, audit("provider.create", "")).await.unwrap();
        }
        2..=9 => {
            let id = format!("p{step}");
            let mut new = new_user(&id);
            new.targets = vec![new_target(
                &format!("t-{id}"),
                herald::domain::channel::Channel::Email,
                &format!("{id}@example.com"),
            )];
            store.create_user(new, audit("user.create", &id)).await.unwrap();
        }
        10..=16 => {
            let id = SubscriberId::new(format!("s{step}")).unwrap();
            let target = TargetId::new(format!("t-p{}", step - 8)).unwrap();
            store.subscribe(&news, id, &target, audit("subscriber.create", "")).await.unwrap();
        }
        17 => {
            let message = Message { topics: vec![news], ..due_mail("m1", T0) };
            store.create_message(message, audit("message.create", "")).await.unwrap();
        }
        18..=22 => {
            let message = due_mail(&format!("m{step}"), Timestamp(T0.0 + step as i64));
            store.create_message(message, audit("message.create", "")).await.unwrap();
        }
        23 => assert_eq!(store.claim_due(T0, 10, None).await.unwrap().messages.len(), 1),
        24 | 25 => {
            let all = store.members(herald::domain::ids::TopicNo(1), None, 100).await.unwrap();
            let (first, second) = all.split_at(4);
            let part = if step == 24 { first } else { second };
            let planned: Vec<_> = by_topic(part.iter().map(|(no, _)| *no));
            let end = |after| PlanCursor { after: Some(after), done: step == 25 };
            let expect = if step == 24 {
                PlanCursor::default()
            } else {
                PlanCursor { after: Some(first[3].0), done: false }
            };
            let cursor = end(part.last().unwrap().0);
            let message = herald::domain::ids::MessageNo(1);
            let runs = vec![(SMTP, planned)];
            store.append_plan(PlanStep { message, run: 1, expect, cursor, runs }).await.unwrap();
        }
        26 | 27 => {
            let (claim, _) = claim(store, lane(SMTP), 3).await;
            assert!(claim_all(store, vec![claim]).await.windows[0].is_some());
        }
        28 | 29 => {
            let window = store.open_windows().await.unwrap().remove(0);
            let candidates = store.candidates(lane(SMTP), START, 3, false).await.unwrap().or(None);
            let targets =
                store.targets_by_no(&(1..=8).map(herald::domain::ids::TargetNo).collect::<Vec<_>>()).await;
            let first = if step == 28 { 0 } else { 3 };
            let list = targets.unwrap().into_iter().flatten().skip(first).take(window.source.len());
            let list: Vec<_> = list
                .map(|target| herald::store::dispatch::Candidate {
                    target: target.no,
                    direct: false,
                    identifier: target.identifier_no,
                    address: target.identifier,
                    skip: None,
                    attempts: 0,
                    possibly_twice: false,
                    moved: None,
                    person: None,
                })
                .collect();
            let known = herald::store::dispatch::Candidates { source: window.source.clone(), of: 0, list };
            drop(candidates);
            let mut outcomes: Vec<_> =
                (1..known.list.len()).map(|n| over(n, &known, Outcome::Accepted)).collect();
            if step == 28 {
                outcomes.push(wait(0, &known, later, WaitReason::Retry));
            } else {
                outcomes.push(over(0, &known, Outcome::TargetExpired));
            }
            let entry = JournalEntry { outcomes: vec![(window.no, outcomes)].into(), ..nothing };
            store.journal(entry).await.unwrap();
        }
        30 => {
            let due = store.due_waiting(lane(SMTP), later, 10, false).await.unwrap().unwrap();
            let claim =
                herald::store::dispatch::Claim { lane: lane(SMTP), run: 1, source: due.source, of: 0 };
            let usage = Some((SMTP, vec![9; 40]));
            let entry = JournalEntry { claims: vec![claim], usage, ..nothing };
            assert!(store.journal(entry).await.unwrap().windows[0].is_some());
        }
        31 => {
            let window = store.open_windows().await.unwrap().remove(0);
            let due = herald::store::dispatch::Candidates {
                source: window.source.clone(),
                of: 0,
                list: vec![herald::store::dispatch::Candidate {
                    target: herald::domain::ids::TargetNo(1),
                    direct: false,
                    identifier: herald::domain::ids::IdentifierNo(1),
                    address: String::new(),
                    skip: None,
                    attempts: 1,
                    possibly_twice: false,
                    moved: None,
                    person: None,
                }],
            };
            let outcomes = vec![wait(0, &due, Timestamp::NEVER, WaitReason::Uncertain)];
            store
                .journal(JournalEntry { outcomes: vec![(window.no, outcomes)].into(), ..nothing })
                .await
                .unwrap();
        }
        32 => {
            let all = WaitingFilter::default();
            let decision = Decision::FailOver(ProviderNo(2));
            assert_eq!(store.decide(all, decision, None, 9, later).await.unwrap().count, 1);
        }
        33 => assert_eq!(
            store.reassign_waiting(lane(ProviderNo(2)), SMTP, MoveReason::Gone, None, 9).await.unwrap().count,
            1
        ),
        34 => {
            let by = "tester".to_owned();
            let no = herald::domain::ids::MessageNo(1);
            let entry = Some(audit("message.cancel", "message/m1"));
            store.transition(no, Event::Cancel { by }, None, T0, entry).await.unwrap();
        }
        35 => store
            .put_flags(Flags { stopped: Some(("x".into(), T0)), restored: None }, audit("x", ""))
            .await
            .unwrap(),
        36 => drop(store.begin_import(import, "f".into(), audit("import.create", "")).await.unwrap()),
        37..=40 => {
            let people = (0..5).map(|no| ImportPerson {
                derived: false,
                line: no,
                user: UserId::new(format!("i{step}-{no}")).unwrap(),
                name: "I".into(),
                addresses: vec![(
                    herald::domain::channel::Channel::Email,
                    format!("i{step}-{no}@example.com"),
                )],
                push_provider: None,
                topics: vec![news.clone()],
            });
            store.import_people(&import, people.collect(), T0).await.unwrap();
        }
        41..=52 => {
            let target =
                store.targets_by_no(&[herald::domain::ids::TargetNo(2)]).await.unwrap().remove(0).unwrap();
            store.append_log(vec![accepted_row(&target); 20]).await.unwrap();
        }
        53 => store.delete_message(&due_mail("m1", T0).id, None, audit("message.delete", "")).await.unwrap(),
        54 => store.delete_topic(&news, None, audit("topic.delete", "")).await.unwrap(),
        55 => store.delete_user(&UserId::new("p3").unwrap(), None, audit("user.delete", "")).await.unwrap(),
        56 => {
            let email = herald::domain::channel::Channel::Email;
            store.erase_address(email, "p4@example.com", audit("person.erase", "")).await.unwrap();
        }
        57 => {
            let no = herald::domain::ids::MessageNo(2);
            store.transition(no, Event::Unschedule, None, T0, None).await.unwrap();
        }
        58 => assert!(store.hold_restored(T0).await.unwrap() > 0),
        59 => {
            let before = Progress::default();
            let no = herald::domain::ids::MessageNo(2);
            let refused = store
                .append_retry(RetryStep {
                    message: no,
                    run: 9,
                    expect: None,
                    row: None,
                    runs: vec![],
                    before,
                    done: true,
                })
                .await;
            assert!(matches!(refused, Err(StoreError::Moved)));
        }
        _ => return false,
    }
    true
}

/// How many images were as before the step that was cut, and as after it.
static FOUND: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// What one image must be: the state before the step that was cut, or after it.
async fn check(image: &Image, states: &[String], nested: Option<u64>) {
    let mark = image.mark as usize;
    let mut disk = image.disk.clone();
    if let Some(seed) = nested {
        // The power fails once more while the store is being opened.
        disk.power_off_after(seed % 12);
        drop(open_on(&disk));
        disk.heal();
        disk = disk.cut(seed);
    }
    let store = match open_on(&disk) {
        Ok(store) => store,
        Err(error) => panic!("seed {} after step {mark}: the disk does not open: {error}", image.seed),
    };
    let found = digest(&store).await;
    let before = &states[mark];
    let landed = states.get(mark + 1) == Some(&found) && found != *before;
    FOUND[usize::from(landed)].fetch_add(1, Ordering::Relaxed);
    if found != *before && !landed {
        let after = states.get(mark + 1).map_or("", String::as_str);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
        let (found, before, after) = (lines(&found), lines(before), lines(after));
        panic!(
            "seed {} after step {mark}: neither before nor after\nnot before: {:#?}\nmissing of after: {:#?}",
            image.seed,
            found.difference(&before).collect::<Vec<_>>(),
            after.difference(&found).collect::<Vec<_>>(),
        );
    }
    // And it works on.
    store.create_topic(topic("after-the-cut"), audit("topic.create", "")).await.unwrap();
}

/// Runs the workload once with some cuts; returns how many operations the disk saw.
async fn run(seeds: std::ops::Range<u64>, operations: u64) -> u64 {
    let disk = Disk::new();
    // Everything is mapped to the moment after the store exists: making it is no promise.
    let store = open_on(&disk).unwrap();
    let begun = disk.operations();
    for seed in seeds {
        disk.plan_cut(Seeded::new(seed).below(operations.max(1)), seed);
    }
    let mut states = vec![digest(&store).await];
    disk.mark(0);
    for no in 0.. {
        if !step(&store, no).await {
            break;
        }
        states.push(digest(&store).await);
        for image in disk.take_images() {
            let nested = image.seed.is_multiple_of(4).then_some(image.seed);
            check(&image, &states, nested).await;
        }
        disk.mark(no as u64 + 1);
    }
    let operations = disk.operations() - begun;
    assert!(store.stats().await.unwrap().segments > 0, "the workload seals segments of the log");
    store.close().await.unwrap();
    for image in disk.take_images() {
        check(&image, &states, None).await;
    }
    operations
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn every_cut_leaves_one_state_or_the_other() {
    let (first, count) = (number("HERALD_FIRST_SEED", 0), number("HERALD_SEEDS", 10_000));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let operations = runtime().block_on(run(0..0, 0));
    assert!(operations > 200, "the workload hardly writes: {operations}");
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let starts = (first..first + count).step_by(CUTS as usize);
                for start in starts.skip(thread as usize).step_by(threads as usize) {
                    let end = (start + CUTS).min(first + count);
                    runtime().block_on(run(start..end, operations));
                }
            });
        }
    });
    let [before, after] = FOUND.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(before + after >= count * 99 / 100, "of {count} cuts only {before} + {after} were made");
    assert!(count < 100 || before > 0 && after > 0, "cuts fall on both sides of a commit: {before}, {after}");
}
