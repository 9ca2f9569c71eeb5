//! The delivery log against a model, and under power cuts.

// Helpers of tests: failing is what a panic is for.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use herald::store::disk::Files;
use herald::store::disk::sim::{Disk, Fault, Image, Seeded, Strikes};
use herald::store::log::{
    BeginRead, Columns, Cursor, Entry, Log, LogError, Lookup, Options, Order, Query, Retention, Row,
};
use proptest::prelude::*;
use redb::{Database, ReadableDatabase, WriteTransaction};

const MAIN: &str = "main.redb";

/// A log on a simulated disk, with the main file it lives in.
struct Rig {
    disk: Disk,
    main: Main,
    log: Log,
}

/// The main file; closed for a moment while a failed one is opened again.
type Main = Arc<Mutex<Option<Database>>>;

fn options() -> Options {
    Options {
        seal_rows: 40,
        most_rows: 400,
        page_bytes: 128,
        rest_percent: 0,
        threads: false,
        ..Options::default()
    }
}

fn open_main(disk: &Disk) -> Result<Database, LogError> {
    Ok(redb::Builder::new().set_cache_size(1 << 20).create_with_backend(disk.backend(MAIN))?)
}

impl Rig {
    fn open(disk: Disk, options: Options) -> Result<Self, LogError> {
        let main = Main::default();
        *main.lock().unwrap() = Some(open_main(&disk)?);
        let shared = Arc::clone(&main);
        let begin: BeginRead = Arc::new(move || Ok(shared.lock().unwrap().as_ref().unwrap().begin_read()?));
        let log = Log::open(Arc::new(disk.clone()), begin, options)?;
        Ok(Self { disk, main, log })
    }

    fn reopen(self) -> Self {
        let Self { disk, main, log } = self;
        drop((log, main));
        Self::open(disk, options()).unwrap()
    }

    /// Opens the main file again under the same log, as after a failed commit.
    fn resume(&self) {
        let mut main = self.main.lock().unwrap();
        drop(main.take());
        self.disk.heal();
        *main = Some(open_main(&self.disk).unwrap());
        drop(main);
        self.log.reload().unwrap();
    }

    fn write(&self) -> Result<WriteTransaction, LogError> {
        let mut txn = self.main.lock().unwrap().as_ref().unwrap().begin_write()?;
        txn.set_quick_repair(true);
        Ok(txn)
    }

    fn commit(&self, rows: &[Entry<'_>]) -> Result<(), LogError> {
        let txn = self.write()?;
        let mut change = self.log.begin();
        change.append(&txn, rows)?;
        change.maintain(&txn)?;
        let prepared = change.finish(&txn)?;
        txn.commit()?;
        prepared.publish();
        Ok(())
    }

    fn append(&self, rows: &[(Columns, Vec<u8>)]) -> Result<(), LogError> {
        let entries: Vec<Entry<'_>> =
            rows.iter().map(|(columns, payload)| Entry { columns: *columns, payload }).collect();
        self.commit(&entries)
    }

    fn everything(&self) -> Vec<Row> {
        let mut query = Query::new(Lookup::All, 37);
        query.order = Order::OldestFirst;
        pages(&self.log, query)
    }
}

/// All rows of a listing, page by page.
fn pages(log: &Log, mut query: Query<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    loop {
        let page = log.snapshot().unwrap().page(&query).unwrap();
        assert!(page.rows.len() <= query.limit && page.examined <= query.examine);
        rows.extend(page.rows);
        match page.next {
            Some(next) => {
                assert_ne!(Some(next), query.after, "a page that gets nowhere");
                query.after = Some(next);
            }
            None => return rows,
        }
    }
}

fn matches(lookup: Lookup, row: &Row) -> bool {
    let columns = row.columns;
    match lookup {
        Lookup::All => true,
        Lookup::Message(message) => columns.message == message,
        Lookup::Target(target) => columns.target == target,
        Lookup::Identifier(identifier) => columns.identifier == identifier,
        Lookup::Provider(provider) => columns.provider == provider,
        Lookup::Outcome(outcome) => columns.outcome == outcome,
        Lookup::MessageOutcome(message, outcome) => (columns.message, columns.outcome) == (message, outcome),
        Lookup::Time { from, until } => (from..until).contains(&columns.at),
    }
}

fn expected(model: &BTreeMap<u64, Row>, query: &Query<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = model.values().filter(|row| matches(query.lookup, row)).cloned().collect();
    let by_time = matches!(query.lookup, Lookup::Time { .. });
    let key = |seq: u64, at: i64| if by_time { (at, seq) } else { (0, seq) };
    rows.sort_by_key(|row| key(row.seq, row.columns.at));
    if let Some(Cursor { seq, at }) = query.after {
        let back = query.order == Order::NewestFirst;
        rows.retain(|row| {
            let here = key(row.seq, row.columns.at);
            if back { here < key(seq, at) } else { here > key(seq, at) }
        });
    }
    if query.order == Order::NewestFirst {
        rows.reverse();
    }
    if let Some(filter) = query.filter {
        rows.retain(|row| filter(row.seq, &row.columns));
    }
    rows
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(Columns, Vec<u8>)>),
    Abort(Vec<(Columns, Vec<u8>)>),
    Work,
    Maintain,
    RequestSeal,
    Retain(Retention),
    Reload,
    Reopen,
    Look(Lookup, Order, Option<(u64, i64)>, usize, usize),
}

fn columns() -> impl Strategy<Value = Columns> {
    (
        prop_oneof![8 => 0..200i64, 1 => any::<i64>()],
        prop_oneof![0..4u64, 0..1u64 << 56],
        prop_oneof![0..30u64, any::<u64>()],
        0..30u64,
        0..3u32,
        0..5u8,
        any::<u16>(),
        any::<u16>(),
    )
        .prop_map(|(at, message, target, identifier, provider, outcome, attempt, run)| Columns {
            at,
            message,
            target,
            identifier,
            provider,
            outcome,
            attempt,
            run,
        })
}

fn lookup() -> impl Strategy<Value = Lookup> {
    prop_oneof![
        Just(Lookup::All),
        (0..4u64).prop_map(Lookup::Message),
        (0..30u64).prop_map(Lookup::Target),
        (0..30u64).prop_map(Lookup::Identifier),
        (0..3u32).prop_map(Lookup::Provider),
        (0..5u8).prop_map(Lookup::Outcome),
        (0..4u64, 0..5u8).prop_map(|(message, outcome)| Lookup::MessageOutcome(message, outcome)),
        (-5..200i64, 0..150i64).prop_map(|(from, span)| Lookup::Time { from, until: from + span }),
        Just(Lookup::Time { from: i64::MIN, until: i64::MAX }),
    ]
}

fn rows() -> impl Strategy<Value = Vec<(Columns, Vec<u8>)>> {
    prop::collection::vec((columns(), prop::collection::vec(any::<u8>(), 0..20)), 0..60)
}

fn step() -> impl Strategy<Value = Step> {
    let order = prop_oneof![Just(Order::NewestFirst), Just(Order::OldestFirst)];
    let after = prop::option::of((0..600u64, 0..200i64));
    prop_oneof![
        8 => rows().prop_map(Step::Append),
        1 => rows().prop_map(Step::Abort),
        4 => Just(Step::Work),
        2 => Just(Step::Maintain),
        1 => Just(Step::RequestSeal),
        1 => prop_oneof![
            (0..200i64).prop_map(|at| Retention { before: Some(at), bytes: None }),
            (0..60_000u64).prop_map(|bytes| Retention { before: None, bytes: Some(bytes) }),
        ].prop_map(Step::Retain),
        1 => Just(Step::Reload),
        1 => Just(Step::Reopen),
        8 => (lookup(), order, after, 1..60usize, 1..80usize)
            .prop_map(|(lookup, order, after, limit, examine)| Step::Look(lookup, order, after, limit, examine)),
    ]
}

fn check(rig: &Rig, model: &BTreeMap<u64, Row>, step: &Step) {
    let Step::Look(lookup, order, after, limit, examine) = step else { return };
    let after = after.map(|(seq, at)| Cursor { seq, at });
    let query =
        Query { lookup: *lookup, order: *order, after, limit: *limit, filter: None, examine: *examine };
    assert_eq!(pages(&rig.log, query), expected(model, &query), "{query:?}");
    let filter = |seq: u64, columns: &Columns| (seq + columns.identifier).is_multiple_of(3);
    let query = Query { filter: Some(&filter), ..query };
    assert_eq!(pages(&rig.log, query), expected(model, &query), "{query:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn look_ups_agree_with_a_model(steps in prop::collection::vec(step(), 1..60)) {
        let mut rig = Rig::open(Disk::new(), options()).unwrap();
        let mut model: BTreeMap<u64, Row> = BTreeMap::new();
        let mut next = 0;
        for step in &steps {
            match step {
                Step::Append(rows) => {
                    rig.append(rows).unwrap();
                    for (columns, payload) in rows {
                        model.insert(next, Row { seq: next, columns: *columns, payload: payload.clone() });
                        next += 1;
                    }
                }
                Step::Abort(rows) => {
                    let txn = rig.write().unwrap();
                    let mut change = rig.log.begin();
                    for (columns, payload) in rows {
                        change.append(&txn, &[Entry { columns: *columns, payload }]).unwrap();
                    }
                    change.maintain(&txn).unwrap();
                    drop(change.finish(&txn).unwrap());
                    txn.abort().unwrap();
                }
                Step::Work => { rig.log.work().unwrap(); }
                Step::Maintain => rig.commit(&[]).unwrap(),
                Step::RequestSeal => rig.log.request_seal(),
                Step::Retain(keep) => {
                    let txn = rig.write().unwrap();
                    let mut change = rig.log.begin();
                    for dropped in change.retain(&txn, *keep).unwrap() {
                        let before = model.len() as u64;
                        model.retain(|seq, _| !(dropped.first..dropped.end).contains(seq));
                        prop_assert_eq!(before - model.len() as u64, dropped.rows);
                    }
                    let prepared = change.finish(&txn).unwrap();
                    txn.commit().unwrap();
                    prepared.publish();
                }
                Step::Reload => rig.log.reload().unwrap(),
                Step::Reopen => rig = rig.reopen(),
                Step::Look(..) => check(&rig, &model, step),
            }
            let snapshot = rig.log.snapshot().unwrap();
            prop_assert_eq!((snapshot.next_seq(), snapshot.rows()), (next, model.len() as u64));
            if let Some(seq) = next.checked_sub(7) {
                prop_assert_eq!(snapshot.row(seq).unwrap(), model.get(&seq).cloned());
            }
        }
        let all: Vec<Row> = model.into_values().collect();
        prop_assert_eq!(rig.everything(), all);
    }
}

/// The row that a power-cut run appends as number `seq`: everything follows from it.
fn row_of(seq: u64) -> (Columns, Vec<u8>) {
    let mut seeded = Seeded::new(seq);
    let jump = if seeded.chance(5) { 3_600_000 } else { 0 };
    let columns = Columns {
        at: 1_700_000_000_000 + (seq * 10) as i64 - jump,
        message: seq / 50,
        target: seeded.below(20),
        identifier: seeded.below(20),
        provider: seeded.below(3) as u32,
        outcome: seeded.below(4) as u8,
        attempt: 1,
        run: seq as u16,
    };
    (columns, vec![seq as u8; seeded.below(30) as usize])
}

fn whole_row(seq: u64) -> Row {
    let (columns, payload) = row_of(seq);
    Row { seq, columns, payload }
}

/// What the workload of a run has done, for judging an image of it.
struct History {
    /// Numbers at which a commit may have ended, acknowledged or not.
    ends: Vec<u64>,
    /// Rows below may have been dropped by retention.
    floor: u64,
}

/// Opens what a power cut left and finds everything that was promised in it.
fn judge(disk: Disk, acknowledged: u64, history: &History) {
    let rig = Rig::open(disk, options()).expect("an image opens");
    let snapshot = rig.log.snapshot().unwrap();
    let next = snapshot.next_seq();
    assert!(next >= acknowledged, "{acknowledged} rows were acknowledged, {next} are there");
    assert!(history.ends.contains(&next), "half a commit is there: {next}");
    let rows = rig.everything();
    let first = rows.first().map_or(next, |row| row.seq);
    assert!(first <= history.floor, "rows before {first} are gone, retention reached {}", history.floor);
    assert!(rows.iter().map(|row| row.seq).eq(first..next), "rows are missing in the middle");
    let model: BTreeMap<u64, Row> = (first..next).map(|seq| (seq, whole_row(seq))).collect();
    assert!(rows.iter().eq(model.values()));
    let lookup = match next % 4 {
        0 => Lookup::Target(next % 20),
        1 => Lookup::Outcome(1),
        2 => Lookup::MessageOutcome(next / 100, 2),
        _ => Lookup::Time { from: 0, until: i64::MAX },
    };
    let query = Query::new(lookup, 50);
    assert_eq!(pages(&rig.log, query), expected(&model, &query));
    // It goes on from there, and what the cut left lying about is removed.
    rig.append(&[row_of(next)]).unwrap();
    while rig.log.work().unwrap() {
        rig.commit(&[]).unwrap();
    }
    assert_eq!(rig.everything().last(), Some(&whole_row(next)));
    let segments = rig.log.snapshot().unwrap().segments();
    assert_eq!(rig.disk.list().unwrap().len(), 1 + segments.len(), "files that nothing speaks of stay");
}

/// One commit of a power-cut run: appends, puts in what was sealed, at times drops the oldest.
fn commit_some(rig: &Rig, seeded: &mut Seeded, history: &mut History, rows: u64) -> Result<(), LogError> {
    let txn = rig.write()?;
    let mut change = rig.log.begin();
    let first = change.next_seq();
    let rows: Vec<_> = (first..first + rows).map(row_of).collect();
    let entries: Vec<_> =
        rows.iter().map(|(columns, payload)| Entry { columns: *columns, payload }).collect();
    let numbers = change.append(&txn, &entries)?;
    if seeded.chance(80) {
        change.maintain(&txn)?;
    }
    if seeded.chance(8) {
        let keep = Retention { before: None, bytes: Some(12_000) };
        for dropped in change.retain(&txn, keep)? {
            history.floor = history.floor.max(dropped.end);
        }
    }
    history.ends.push(numbers.end);
    let prepared = change.finish(&txn)?;
    txn.commit()?;
    prepared.publish();
    rig.disk.mark(numbers.end);
    Ok(())
}

/// Runs a seeded workload on a disk on which cuts are planned, and judges every
/// image. Now and then the disk fails from some operation on, and the process
/// starts again, or only the main file is opened again, on what was written but
/// maybe never synced.
fn cut_power(seed: u64, cuts: u64) -> u64 {
    let mut seeded = Seeded::new(seed);
    let mut rig = Rig::open(Disk::new(), options()).unwrap();
    for cut in 0..cuts {
        rig.disk.plan_cut(seeded.below(OPERATIONS), seed.wrapping_mul(1_000).wrapping_add(cut));
    }
    let mut history = History { ends: vec![0], floor: 0 };
    let mut acknowledged = 0;
    let until = rig.disk.operations() + OPERATIONS;
    while rig.disk.operations() < until {
        if seeded.chance(15) {
            rig.disk.power_off_after(seeded.below(60));
        }
        let rows = seeded.below(45);
        let mut failed = false;
        while !failed && seeded.chance(60) {
            match rig.log.work() {
                Ok(true) => {}
                Ok(false) => break,
                Err(_) => failed = true,
            }
        }
        failed |= commit_some(&rig, &mut seeded, &mut history, rows).is_err();
        if failed && seeded.chance(50) {
            let Rig { disk, main, log } = rig;
            drop((log, main));
            disk.heal();
            rig = Rig::open(disk, options()).unwrap();
        } else if failed {
            rig.resume();
        }
        let next = rig.log.snapshot().unwrap().next_seq();
        assert!(next >= acknowledged && history.ends.contains(&next));
        if !failed {
            acknowledged = next;
        }
    }
    rig.disk.heal();
    let mut images = rig.disk.take_images();
    images.push(Image { seed, mark: acknowledged, disk: rig.disk.cut(seed) });
    let judged = images.len() as u64;
    for image in images {
        judge(image.disk, image.mark, &history);
    }
    judged
}

/// How many images are judged: 10,000, or as many as `HERALD_SEEDS` says.
fn seeds() -> u64 {
    std::env::var("HERALD_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(10_000)
}

/// Writes and syncs of a power-cut run.
const OPERATIONS: u64 = 500;

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    const CUTS: u64 = 24;
    let runs = seeds().div_ceil(CUTS + 1);
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                for run in (half..runs).step_by(2) {
                    let judged = std::panic::catch_unwind(|| cut_power(run, CUTS)).ok();
                    assert_eq!(judged, Some(CUTS + 1), "run {run} failed");
                }
            });
        }
    });
}

#[test]
fn a_failing_disk_loses_nothing_and_sealing_resumes() {
    let rig = Rig::open(Disk::new(), options()).unwrap();
    let rows: Vec<_> = (0..100).map(row_of).collect();
    rig.append(&rows).unwrap();
    for after in 0..6 {
        for strikes in [Strikes::Write, Strikes::Sync] {
            rig.disk.inject(Fault { strikes, after, times: 1, error: io::ErrorKind::StorageFull });
            let mut failures = 0;
            while let Err(LogError::Disk { .. }) = rig.log.work() {
                failures += 1;
                assert!(rig.log.failure().is_some() && failures < 3);
            }
            rig.disk.heal();
            rig.commit(&[]).unwrap();
            assert!(rig.log.failure().is_none());
            let next = rig.log.snapshot().unwrap().next_seq();
            let more: Vec<_> = (next..next + 40).map(row_of).collect();
            rig.append(&more).unwrap();
        }
    }
    while rig.log.work().unwrap() {
        rig.commit(&[]).unwrap();
    }
    let names = rig.disk.list().unwrap();
    let snapshot = rig.log.snapshot().unwrap();
    assert_eq!(names.len(), 1 + snapshot.segments().len(), "{names:?}");
    let next = snapshot.next_seq();
    assert!(rig.everything().into_iter().eq((0..next).map(whole_row)));
}

#[test]
fn a_tail_that_cannot_be_sealed_refuses_at_its_limit_and_recovers() {
    let rig = Rig::open(Disk::new(), options()).unwrap();
    let mut next = 0;
    let mut append = |rig: &Rig| {
        let rows: Vec<_> = (next..next + 50).map(row_of).collect();
        rig.append(&rows).inspect(|()| next += 50)
    };
    append(&rig).unwrap();
    let refused = loop {
        rig.disk.inject(Fault { strikes: Strikes::Any, after: 0, times: 1, error: io::ErrorKind::Other });
        assert!(rig.log.work().is_err());
        rig.disk.heal();
        if let Err(error) = append(&rig) {
            break error;
        }
    };
    assert!(matches!(refused, LogError::Full { .. }), "{refused}");
    assert_eq!(rig.log.snapshot().unwrap().next_seq(), 400);
    assert!(rig.log.work().unwrap());
    append(&rig).unwrap();
    assert_eq!(rig.everything().len(), 450);
}

#[test]
fn snapshots_stay_as_they_are_while_the_log_goes_on() {
    let rig = Rig::open(Disk::new(), options()).unwrap();
    rig.append(&(0..90).map(row_of).collect::<Vec<_>>()).unwrap();
    let old = rig.log.snapshot().unwrap();
    for _ in 0..4 {
        while rig.log.work().unwrap() {
            rig.commit(&[]).unwrap();
        }
        let next = rig.log.snapshot().unwrap().next_seq();
        rig.append(&(next..next + 90).map(row_of).collect::<Vec<_>>()).unwrap();
    }
    let sealed = rig.log.snapshot().unwrap();
    let txn = rig.write().unwrap();
    let mut change = rig.log.begin();
    let keep = Retention { before: None, bytes: Some(0) };
    assert!(!change.retain(&txn, keep).unwrap().is_empty());
    let prepared = change.finish(&txn).unwrap();
    // Not seen before the commit, and not lost by it.
    assert_eq!(rig.log.snapshot().unwrap().rows(), 450);
    txn.commit().unwrap();
    assert!(rig.log.snapshot().unwrap().rows() < 450);
    prepared.publish();
    while rig.log.work().unwrap() {
        rig.commit(&[]).unwrap();
    }
    // A copy of the segments is whole, though their names are gone meanwhile.
    let copy = Disk::new();
    sealed.copy_segments(&copy).unwrap();
    assert_eq!(copy.cut(1).list().unwrap().len(), sealed.segments().len());
    assert_eq!(copy.used(), sealed.segments().iter().map(|segment| segment.bytes).sum::<u64>());
    let query = Query::new(Lookup::All, 1_000);
    assert!(old.page(&query).unwrap().rows.into_iter().rev().eq((0..90).map(whole_row)));
    assert!(sealed.page(&query).unwrap().rows.into_iter().rev().eq((0..450).map(whole_row)));
}

#[test]
fn threads_seal_and_merge_while_others_read() {
    let options = Options { threads: true, ..options() };
    let rig = Rig::open(Disk::new(), options).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut seen = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let snapshot = rig.log.snapshot().unwrap();
                assert!(snapshot.next_seq() >= seen);
                seen = snapshot.next_seq();
                let newest = snapshot.page(&Query::new(Lookup::All, 5)).unwrap().rows;
                assert!(newest.into_iter().eq((seen.saturating_sub(5)..seen).rev().map(whole_row)));
                let page = snapshot.page(&Query::new(Lookup::Target(3), 50)).unwrap().rows;
                assert!(page.iter().all(|row| *row == whole_row(row.seq) && row.columns.target == 3));
            }
        });
        for commit in 0..300u64 {
            rig.append(&(commit * 20..commit * 20 + 20).map(row_of).collect::<Vec<_>>()).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        rig.commit(&[]).unwrap();
        let snapshot = rig.log.snapshot().unwrap();
        if snapshot.next_seq() - snapshot.tail_seq() < 40 && snapshot.segments().len() <= 14 {
            break;
        }
        assert!(std::time::Instant::now() < until, "sealing or merging does not get done");
        std::thread::yield_now();
    }
    assert!(rig.everything().into_iter().eq((0..6_000).map(whole_row)));
}
