//! How fast the delivery log takes rows, and finds them, at one and at ten million.
//!
//! `cargo bench --bench log` fills a log in the target directory and prints
//! figures; `HERALD_LOG_ROWS` is the larger number of rows. Rows come as a busy
//! dispatcher writes them: three messages interleaved, targets ascending, people
//! at random, 60 bytes of answer, 4,000 rows a commit (20 ms at 200,000 rows/s),
//! every commit durable with quick repair.

// The figures are the output.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use herald::store::disk::Directory;
use herald::store::disk::sim::Seeded;
use herald::store::log::{BeginRead, Columns, Cursor, Entry, Log, Lookup, Options, Order, Query};
use redb::{Database, ReadableDatabase};

const GROUP: u64 = 4_000;
/// Rows over which a rate is taken.
const WINDOW: u64 = 2_000_000;
const LOOKS: usize = 1_000;

/// What to look up, given a row that exists.
type Kind = fn(&Columns) -> Lookup;

struct Bench {
    database: Arc<Database>,
    log: Log,
    next: u64,
}

fn columns(seq: u64) -> Columns {
    let mut seeded = Seeded::new(seq);
    // One in fifty is not accepted.
    let outcome = if seeded.chance(2) { 1 + seeded.below(6) as u8 } else { 0 };
    let run = seq / 3;
    Columns {
        at: 1_790_000_000_000 + (seq / 200) as i64,
        message: seq / 3_000_000 * 3 + seq % 3,
        target: run % 4_000_000,
        identifier: seeded.below(4_000_000),
        provider: (seq % 3) as u32,
        outcome,
        attempt: 1,
        run: (run / 10_000) as u16,
    }
}

impl Bench {
    fn open(dir: &Path) -> Result<Self> {
        let database = redb::Builder::new().set_cache_size(64 << 20).create(dir.join("main.redb"))?;
        let database = Arc::new(database);
        let main = Arc::clone(&database);
        let begin: BeginRead = Arc::new(move || main.begin_read().map_err(Into::into));
        let files = Arc::new(Directory::create(dir.join("log"))?);
        let log = Log::open(files, begin, Options::default())?;
        Ok(Self { database, log, next: 0 })
    }

    /// One commit; how long the log's part of it and all of it took.
    fn commit(&mut self) -> Result<(Duration, Duration)> {
        let columns: Vec<Columns> = (self.next..self.next + GROUP).map(columns).collect();
        let payload = [7; 60];
        let entries: Vec<Entry<'_>> =
            columns.iter().map(|columns| Entry { columns: *columns, payload: &payload }).collect();
        let start = Instant::now();
        let mut txn = self.database.begin_write()?;
        txn.set_quick_repair(true);
        let ours = Instant::now();
        let mut change = self.log.begin();
        change.append(&txn, &entries)?;
        change.maintain(&txn)?;
        let prepared = change.finish(&txn)?;
        let ours = ours.elapsed();
        txn.commit()?;
        prepared.publish();
        self.next += GROUP;
        Ok((ours, start.elapsed()))
    }

    /// Appends as fast as it goes, `rows` rows, and prints the rate.
    fn burst(&mut self, rows: u64) -> Result<f64> {
        let from = self.next;
        let (mut ours, mut commits) = (Duration::ZERO, Vec::new());
        let start = Instant::now();
        while self.next < from + rows {
            let (log, commit) = self.commit()?;
            ours += log;
            commits.push(commit);
        }
        // Making the rows is not counted.
        let busy: Duration = commits.iter().sum();
        let rate = rows as f64 / busy.as_secs_f64();
        println!(
            "append {:>5.1} M to {:>5.1} M at full speed: {rate:>9.0} rows/s, {:.2} µs a row in the log; commit {}; {:.1} s",
            from as f64 / 1e6,
            self.next as f64 / 1e6,
            ours.as_secs_f64() * 1e6 / rows as f64,
            spread(&mut commits),
            start.elapsed().as_secs_f64(),
        );
        Ok(rate)
    }

    /// Lets what the burst left to be sealed and merged be done.
    fn settle(&self) -> Result<()> {
        let (mut last, mut since) = (Vec::new(), Instant::now());
        while since.elapsed() < Duration::from_secs(1) {
            let txn = self.database.begin_write()?;
            let mut change = self.log.begin();
            change.maintain(&txn)?;
            let prepared = change.finish(&txn)?;
            txn.commit()?;
            prepared.publish();
            let now = self.log.snapshot()?.segments();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Appends 200,000 rows/s, a commit each 20 ms.
    fn paced(&mut self, rows: u64) -> Result<Duration> {
        let from = self.next;
        let mut commits = Vec::new();
        let mut due = Instant::now();
        while self.next < from + rows {
            commits.push(self.commit()?.1);
            due += Duration::from_millis(20);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        println!(
            "append {:>5.1} M to {:>5.1} M at 200,000/s:   commit {}",
            from as f64 / 1e6,
            self.next as f64 / 1e6,
            spread(&mut commits)
        );
        Ok(quantile(&commits, 99))
    }

    fn looks(&self) -> Result<()> {
        let snapshot = self.log.snapshot()?;
        println!(
            "pages of 50 rows of {:.1} M, {} segments and {} rows in the tail:",
            snapshot.rows() as f64 / 1e6,
            snapshot.segments().len(),
            snapshot.next_seq() - snapshot.tail_seq()
        );
        let next = self.next;
        let kinds: [(&str, Kind); 8] = [
            ("newest before", |_| Lookup::All),
            ("by message", |c| Lookup::Message(c.message)),
            ("by target", |c| Lookup::Target(c.target)),
            ("by identifier", |c| Lookup::Identifier(c.identifier)),
            ("by outcome", |_| Lookup::Outcome(3)),
            ("by provider", |c| Lookup::Provider(c.provider)),
            ("message and outcome", |c| Lookup::MessageOutcome(c.message, 3)),
            ("by time", |c| Lookup::Time { from: c.at - 60_000, until: c.at + 60_000 }),
        ];
        for (name, kind) in kinds {
            let mut seeded = Seeded::new(1);
            let (mut times, mut rows) = (Vec::new(), 0);
            for look in 0..LOOKS {
                let seq = seeded.below(next);
                let here = columns(seq);
                let mut query = Query::new(kind(&here), 50);
                // Half from the end, half from anywhere, and not only backwards.
                if look % 2 == 0 && !matches!(query.lookup, Lookup::Target(_) | Lookup::Identifier(_)) {
                    query.after = Some(Cursor { seq, at: here.at });
                }
                if look % 4 == 2 {
                    query.order = Order::OldestFirst;
                }
                let start = Instant::now();
                let page = self.log.snapshot()?.page(&query)?;
                times.push(start.elapsed());
                rows += page.rows.len();
            }
            println!("  {name:<20} {}; {:.1} rows", spread(&mut times), rows as f64 / LOOKS as f64);
        }
        let filter = |_: u64, columns: &Columns| columns.run == u16::MAX;
        let mut times = Vec::new();
        let mut seeded = Seeded::new(2);
        for _ in 0..50 {
            let mut query = Query::new(Lookup::All, 50);
            query.after = Some(Cursor { seq: seeded.below(next), at: 0 });
            query.filter = Some(&filter);
            let start = Instant::now();
            self.log.snapshot()?.page(&query)?;
            times.push(start.elapsed());
        }
        println!("  50,000 rows scanned  {}", spread(&mut times));
        Ok(())
    }
}

fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let [p50, p99, most] =
        [50, 99, 100].map(|percent| quantile(times, percent).as_secs_f64() * 1e6).map(|micros| {
            if micros < 1_000.0 { format!("{micros:.0} µs") } else { format!("{:.1} ms", micros / 1e3) }
        });
    format!("p50 {p50}, p99 {p99}, max {most}")
}

/// Memory of this process, as the system counts it, in MiB.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? >> 10)
}

fn main() -> Result<()> {
    let rows = std::env::var("HERALD_LOG_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(10_000_000);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut bench = Bench::open(dir.path())?;
    let mut rates = Vec::new();
    let mut waits = Vec::new();
    for million in [1_000_000, rows] {
        if million > bench.next {
            bench.burst(million - bench.next)?;
        }
        bench.settle()?;
        waits.push(bench.paced(WINDOW)?);
        bench.looks()?;
        bench.settle()?;
        rates.push(bench.burst(WINDOW)?);
        if let Some(resident) = resident() {
            println!("resident memory {resident} MiB, 64 of them the main file's cache");
        }
    }
    println!("rate at {rows} rows: {:.2} of that at 1 M", rates[1] / rates[0]);
    println!(
        "commit p99 at {rows} rows: {:.2} of that at 1 M",
        waits[1].as_secs_f64() / waits[0].as_secs_f64()
    );
    Ok(())
}
