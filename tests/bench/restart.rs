//! From the start of a new process to the first request that it sends, on a large store whose last
//! process was killed while it was sending. The sink answers slowly, so that the kill hits.
//!
//! `HERALD_BENCH_PEOPLE` (1000000: about a gibibyte) and `HERALD_BENCH_KILLS` (5) change the size.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use herald::domain::channel::Channel;
use herald::domain::provider::Limits;
use rig::figures::{Bar, figure, median};
use rig::machine::Watch;
use rig::sink::{Manner, Sink, wall_us};
use rig::{size, world};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const ROLE: &str = "HERALD_BENCH_DIRECTORY";

/// Sends what is there, until it is killed.
fn send(dir: &Path) {
    world::runtime().block_on(async {
        let store = world::store(dir);
        let _engine = world::engine(&store).await;
        std::future::pending::<()>().await;
    });
}

fn main() {
    Sink::serve_if_asked();
    if let Ok(dir) = std::env::var(ROLE) {
        return send(Path::new(&dir));
    }
    let (people, kills) = (size("HERALD_BENCH_PEOPLE", 1_000_000), size("HERALD_BENCH_KILLS", 5));
    let mut sink = Sink::start(Manner { delay_ms: 20, ..Manner::default() });
    let dir = world::directory();
    world::runtime().block_on(async {
        let store = world::store(dir.path());
        world::http_provider(&store, "sink", Channel::Push, sink.addr, Limits::default()).await;
        world::people(&store, Channel::Push, "all", people).await;
        world::create(&store, world::push("m", "all", world::now())).await;
    });
    let bytes: u64 = std::fs::read_dir(dir.path())
        .unwrap()
        .filter_map(|entry| entry.ok()?.metadata().ok().map(|data| data.len()))
        .sum();
    println!("restart: {people} people, {:.2} GiB, {kills} kills", bytes as f64 / f64::from(1 << 30));
    let mut times = Vec::new();
    let watch = Watch::begin(&[sink.pid()]);
    for _ in 0..=kills {
        let begun = wall_us();
        let mut process =
            Command::new(std::env::current_exe().unwrap()).env(ROLE, dir.path()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(3));
        process.kill().unwrap();
        process.wait().unwrap();
        let report = sink.report();
        assert!(report.taken > 0, "it sends again within 3 s");
        times.push((report.first_us - begun) as f64 / 1e3);
    }
    // The first start was no restart.
    times.remove(0);
    println!("  {}", watch.end().note());
    figure("kill to sending again, median", median(&mut times), "ms", Bar::None);
    figure("most", times.last().copied().unwrap_or_default(), "ms", Bar::Most(1_000.0));
}
