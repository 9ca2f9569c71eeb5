//! Pages of 50 rows of the delivery log at the engine's door, through the store: by message, target,
//! outcome and time, and by a filter that no look-up serves. How the log itself does is in `log`.
//!
//! `HERALD_BENCH_ROWS` (2000000; the bar speaks of 10000000) changes the size.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use herald::domain::delivery::{LogDetail, LogRow, Outcome};
use herald::domain::ids::{IdentifierNo, LogSeq, MessageNo, ProviderNo, TargetNo};
use herald::domain::time::Timestamp;
use herald::store::dispatch::Dispatch as _;
use herald::store::history::{History as _, LogQuery};
use herald::store::page::Order;
use rig::figures::{Bar, figure, millis, quantile};
use rig::machine::Watch;
use rig::{size, world};
use std::sync::Arc;
use std::time::Instant;

/// What to look up, given a row that exists.
type Kind<'a> = &'a dyn Fn(&LogRow) -> LogQuery;

const GROUP: u64 = 4_000;
const LOOKS: u64 = 1_000;

fn row(n: u64) -> LogRow {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    LogRow {
        seq: LogSeq(0),
        at: Timestamp(1_790_000_000_000 + (n / 200) as i64),
        message: MessageNo(1 + n / 300_000),
        target: TargetNo(1 + mixed % 1_000_000),
        identifier: IdentifierNo(1 + mixed % 1_000_000),
        provider: ProviderNo(1),
        outcome: if mixed.is_multiple_of(50) { Outcome::Permanent } else { Outcome::Accepted },
        attempt: 1,
        run: 1,
        detail: LogDetail { answer: "250 2.0.0 Ok: queued as 0123456789AB".into(), ..LogDetail::default() },
    }
}

fn main() {
    let rows = size("HERALD_BENCH_ROWS", 2_000_000) as u64;
    let dir = world::directory();
    let store = world::store(dir.path());
    world::runtime().block_on(async {
        let (watch, begun) = (Watch::begin(&[]), Instant::now());
        let mut from = 0;
        while from < rows {
            store.append_log((from..from + GROUP).map(row).collect()).await.unwrap();
            from += GROUP;
        }
        println!("page: {rows} rows, written at {:.0}/s", rows as f64 / begun.elapsed().as_secs_f64());
        let base = LogQuery { order: Order::Descending, limit: 50, scan: 50_000, ..LogQuery::default() };
        let kinds: [(&str, Kind<'_>); 5] = [
            ("newest first", &|_| base.clone()),
            ("by message", &|row| LogQuery { message: Some(row.message), ..base.clone() }),
            ("by target", &|row| LogQuery { target: Some(row.target), ..base.clone() }),
            ("by outcome", &|_| LogQuery { outcomes: vec![Outcome::Permanent], ..base.clone() }),
            ("by time", &|row| LogQuery { until: Some(Timestamp(row.at.0 + 1)), ..base.clone() }),
        ];
        for (name, query) in kinds {
            let mut times = Vec::new();
            for look in 0..LOOKS {
                let here = row(look * 7_919 % rows);
                let query = query(&here);
                let begun = Instant::now();
                let page = store.log(query).await.unwrap();
                times.push(begun.elapsed());
                assert!(!page.rows.is_empty(), "{name}: there is such a row");
            }
            times.sort();
            figure(&format!("{name}, p50"), millis(quantile(&times, 50.0)), "ms", Bar::None);
            figure(&format!("{name}, p99"), millis(quantile(&times, 99.0)), "ms", Bar::Most(1.0));
        }
        let only = Arc::new(|row: &LogRow| row.attempt == 9);
        let begun = Instant::now();
        let page = store.log(LogQuery { only: Some(only), ..base.clone() }).await.unwrap();
        figure("a filter without a look-up", millis(begun.elapsed()), "ms", Bar::None);
        figure("rows that it looked at", page.scanned as f64, "", Bar::Most(50_000.0));
        assert!(page.cut_short, "it says that it has not seen all");
        println!("  {}", watch.end().note());
    });
}
