//! How fast the embedded store is on a real disk: creates, claims, ticks, the
//! journal, imports, opening after a crash.
//!
//! `cargo bench --bench store [-- NAME…]`; names are those of the table that it
//! prints. `HERALD_BENCH_SCALE=0.1` makes everything a tenth as large.
//! `HERALD_BENCH_DIR` says where the store is put; else the temporary directory.

// A bench prints its figures and fails by panicking.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../store/fixture.rs"]
#[allow(dead_code, reason = "shared with the contract suite")]
mod fixture;

use fixture::{T0, audit, due_mail};
use herald::domain::channel::Channel;
use herald::domain::delivery::{LogDetail, Outcome};
use herald::domain::ids::{ImportId, ProviderNo, TopicId, TopicNo, UserId};
use herald::domain::message::Message;
use herald::domain::plan::{LaneKey, PlanCursor, Planned, RUN_LEN};
use herald::domain::time::Timestamp;
use herald::store::catalog::Catalog as _;
use herald::store::disk::sim::Seeded;
use herald::store::dispatch::{Claim, Dispatch as _, ItemOutcome, JournalEntry, Next, PlanStep};
use herald::store::embedded::{Embedded, Options};
use herald::store::history::History as _;
use herald::store::messages::Messages as _;
use herald::store::people::{ImportPerson, People as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn scaled(count: usize) -> usize {
    let scale = std::env::var("HERALD_BENCH_SCALE").ok().and_then(|text| text.parse::<f64>().ok());
    ((count as f64 * scale.unwrap_or(1.0)) as usize).max(100)
}

fn directory() -> tempfile::TempDir {
    match std::env::var_os("HERALD_BENCH_DIR") {
        Some(dir) => tempfile::tempdir_in(PathBuf::from(dir)).unwrap(),
        None => tempfile::tempdir().unwrap(),
    }
}

fn open_in(dir: &Path) -> Embedded {
    Embedded::open(dir, Options::default()).unwrap()
}

fn report(what: &str, count: usize, spent: Duration, rest: &str) {
    let rate = count as f64 / spent.as_secs_f64();
    println!("{what:<44} {count:>9} in {:>8.2} s  {rate:>10.0}/s  {rest}", spent.as_secs_f64());
}

/// Seconds that the process has computed, to a hundredth.
fn cpu() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields[11..13].iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// MiB that the process has written to disks.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).unwrap_or_default();
    line.trim().parse::<u64>().unwrap_or_default() >> 20
}

/// The most memory that the process has had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn latencies(mut all: Vec<Duration>) -> String {
    all.sort_unstable();
    let ms = |percent| percentile(&all, percent).as_secs_f64() * 1e3;
    format!("p50 {:.2} ms, p99 {:.2} ms", ms(50), ms(99))
}

fn message_of(no: usize, due: Timestamp) -> Message {
    due_mail(&herald::domain::ids::generate_id(1_790_000_000_000_000 + no as u64, no as u32), due)
}

/// `count` creates by 1,000 callers, each with one outstanding.
async fn create_many(
    store: &Arc<Embedded>,
    from: usize,
    count: usize,
    due: fn(usize) -> Timestamp,
) -> Vec<Duration> {
    const CALLERS: usize = 1000;
    let tasks: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut spent = Vec::with_capacity(count / CALLERS + 1);
                for no in (caller..count).step_by(CALLERS) {
                    let message = message_of(from + no, due(no));
                    let begun = Instant::now();
                    let resource = format!("message/{}", message.id);
                    store.create_message(message, audit("message.create", &resource)).await.unwrap();
                    spent.push(begun.elapsed());
                }
                spent
            })
        })
        .collect();
    let mut all = Vec::with_capacity(count);
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

async fn creates() {
    let dir = directory();
    let store = Arc::new(open_in(dir.path()));
    let count = scaled(200_000);
    let (begun, computed) = (Instant::now(), cpu());
    let spent = create_many(&store, 0, count, |no| Timestamp(T0.0 + no as i64)).await;
    let each = (cpu() - computed) * 1e6 / count as f64;
    report(
        "create, 1,000 waiting",
        count,
        begun.elapsed(),
        &format!("{}, {each:.1} us CPU each", latencies(spent)),
    );

    // Open loop: one every 100 us, whatever the store does.
    let count = scaled(50_000);
    let begun = Instant::now();
    let mut tasks = Vec::with_capacity(count);
    for no in 0..count {
        let at = begun + Duration::from_micros(100) * no as u32;
        let now = Instant::now();
        if at > now + Duration::from_millis(1) {
            tokio::time::sleep(at - now).await;
        }
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let message = message_of(10_000_000 + no, T0);
            store.create_message(message, audit("message.create", "message/x")).await.unwrap();
            at.elapsed()
        }));
    }
    let mut spent = Vec::with_capacity(count);
    for task in tasks {
        spent.push(task.await.unwrap());
    }
    report("create, open loop at 10,000/s", count, begun.elapsed(), &latencies(spent));
}

async fn claims() {
    let dir = directory();
    let store = Arc::new(open_in(dir.path()));
    let due = |_| T0;
    let tick = async |store: &Embedded| {
        const TICKS: u32 = 10_000;
        let begun = Instant::now();
        for _ in 0..TICKS {
            assert!(store.claim_due(Timestamp(T0.0 - 1), 5000, None).await.unwrap().messages.is_empty());
        }
        begun.elapsed() / TICKS
    };
    create_many(&store, 0, 1000, due).await;
    let few = tick(&store).await;
    let count = scaled(1_000_000);
    create_many(&store, 1000, count - 1000, due).await;
    let many = tick(&store).await;
    println!("tick with nothing due: {few:?} of 1,000 schedules, {many:?} of {count}");
    let (begun, computed, before) = (Instant::now(), cpu(), written());
    let mut claimed = 0;
    while let part = store.claim_due(Timestamp(T0.0 + 2000), 5000, None).await.unwrap()
        && !part.messages.is_empty()
    {
        claimed += part.messages.len();
    }
    assert_eq!(claimed, count);
    let each = (cpu() - computed) * 1e6 / count as f64;
    let rest = format!("{each:.1} us CPU each, {} MiB written", written() - before);
    report("claim, all due at once", count, begun.elapsed(), &rest);
}

fn people_of(from: usize, count: usize, random: bool) -> Vec<ImportPerson> {
    (from..from + count)
        .map(|no| {
            let name = if random { Seeded::new(no as u64).next_u64() } else { no as u64 };
            ImportPerson {
                derived: false,
                line: no as u64,
                user: UserId::new(format!("u{name:016x}")).unwrap(),
                name: format!("Person {no}"),
                addresses: vec![(Channel::Email, format!("{name:016x}@example.com"))],
                push_provider: None,
                topics: vec![TopicId::new("news").unwrap()],
            }
        })
        .collect()
}

async fn import(store: &Embedded, count: usize, random: bool) {
    const STEP: usize = 10_000;
    let id = ImportId::new("i").unwrap();
    store.begin_import(id.clone(), "bench".into(), audit("import.create", "")).await.unwrap();
    for from in (0..count).step_by(STEP) {
        store.import_people(&id, people_of(from, STEP.min(count - from), random), T0).await.unwrap();
    }
}

async fn imports() {
    for (what, random) in [("import, ascending ids", false), ("import, random ids", true)] {
        let dir = directory();
        let store = open_in(dir.path());
        let count = scaled(1_000_000);
        let (begun, computed, before) = (Instant::now(), cpu(), written());
        import(&store, count, random).await;
        let each = (cpu() - computed) * 1e6 / count as f64;
        let spent = begun.elapsed();
        let main = store.stats().await.unwrap().main_bytes >> 20;
        let rest = format!(
            "{each:.1} us CPU each, main file {main} MiB, {} MiB written, peak memory {} MiB",
            written() - before,
            peak()
        );
        report(what, count, spent, &rest);
    }
}

fn accepted(index: usize, candidate: &herald::store::dispatch::Candidate) -> ItemOutcome {
    ItemOutcome {
        index: index as u32,
        target: candidate.target,
        identifier: candidate.identifier,
        direct: candidate.direct,
        attempt: 1,
        outcome: Outcome::Accepted,
        bounced: false,
        detail: LogDetail {
            answer: "250 2.0.0 Ok: queued as 4XyZ0123456789".into(),
            code: 250,
            latency_us: 12_345,
            ..LogDetail::default()
        },
        at: T0,
        next: Next::Over,
        traced: herald::domain::receipt::Traced::default(),
    }
}

async fn journal() {
    let dir = directory();
    let store = open_in(dir.path());
    let count = scaled(500_000);
    import(&store, count, false).await;
    store
        .create_message(
            Message { topics: vec![TopicId::new("news").unwrap()], ..due_mail("m", T0) },
            audit("", ""),
        )
        .await
        .unwrap();
    let message = store.claim_due(T0, 1, None).await.unwrap().messages.remove(0);
    let begun = Instant::now();
    let mut cursor = PlanCursor::default();
    loop {
        let members = store.members(TopicNo(1), cursor.after, RUN_LEN).await.unwrap();
        let planned: Vec<_> =
            members.iter().map(|(target, _)| Planned { target: *target, direct: false }).collect();
        let after = members.last().map(|(target, _)| *target).or(cursor.after);
        let next = PlanCursor { after, done: members.is_empty() };
        let runs = vec![(ProviderNo(1), planned)];
        let runs = if next.done { vec![] } else { runs };
        store
            .append_plan(PlanStep { message: message.no, run: 1, expect: cursor, cursor: next, runs })
            .await
            .unwrap();
        cursor = next;
        if next.done {
            break;
        }
    }
    report("plan, one topic", count, begun.elapsed(), "");

    let lane = LaneKey { message: message.no, provider: ProviderNo(1) };
    for window in [128, 1000] {
        let half = count / 2;
        let (begun, computed) = (Instant::now(), cpu());
        let (mut reading, mut recording) = (Duration::ZERO, Duration::ZERO);
        let mut open: Option<(herald::domain::ids::WindowNo, Vec<ItemOutcome>)> = None;
        let mut done = 0;
        while done < half {
            let at = Instant::now();
            let row = store.lanes(ProviderNo(1)).await.unwrap();
            let candidates = match row.first() {
                Some(row) => store.candidates(lane, row.cursor, window, false).await.unwrap(),
                None => None,
            };
            reading += at.elapsed();
            let claims = candidates
                .as_ref()
                .map(|candidates| Claim {
                    lane,
                    run: 1,
                    source: candidates.source.clone(),
                    of: candidates.of,
                })
                .into_iter()
                .collect();
            let outcomes: Vec<_> = open.take().into_iter().collect();
            let last = candidates.is_none();
            done += outcomes.first().map_or(0, |(_, list)| list.len());
            let at = Instant::now();
            let receipt = store
                .journal(JournalEntry { outcomes: outcomes.into(), claims, usage: None, at: T0 })
                .await
                .unwrap();
            recording += at.elapsed();
            if let (Some(Some(no)), Some(candidates)) = (receipt.windows.first(), candidates) {
                let list = candidates.list.iter().enumerate().map(|(n, one)| accepted(n, one)).collect();
                open = Some((*no, list));
            }
            if last {
                break;
            }
        }
        let each = (cpu() - computed) * 1e6 / done as f64;
        let rest = format!(
            "{each:.1} us CPU each; reading {:.2} s, recording {:.2} s",
            reading.as_secs_f64(),
            recording.as_secs_f64()
        );
        report(&format!("journal, window {window}, one lane in turn"), done, begun.elapsed(), &rest);
    }
}

/// Fills a store in a process of its own, which dies without closing it.
fn crash_in(dir: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open_in(dir);
        import(&store, scaled(2_000_000), false).await;
        std::process::abort();
    });
}

fn crash() {
    let dir = directory();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .arg("crash-in")
        .arg(dir.path())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success());
    let bytes = std::fs::metadata(dir.path().join("herald.redb")).unwrap().len();
    let begun = Instant::now();
    let store = open_in(dir.path());
    let spent = begun.elapsed();
    println!("open after a kill: {spent:?} for {} MiB", bytes >> 20);
    drop(store);
}

fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with("--")).collect();
    if let [name, dir] = names.as_slice()
        && name == "crash-in"
    {
        crash_in(Path::new(dir));
        return;
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if wanted("creates") {
        runtime.block_on(creates());
    }
    if wanted("claims") {
        runtime.block_on(claims());
    }
    if wanted("journal") {
        runtime.block_on(journal());
    }
    if wanted("imports") {
        runtime.block_on(imports());
    }
    if wanted("crash") {
        crash();
    }
}
