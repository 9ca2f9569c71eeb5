//! Messages created while the engine runs, each durable before its answer: as many as a thousand
//! waiting callers get in, and ten thousand a second whether or not the ones before are done.
//!
//! `HERALD_BENCH_CREATES` (200000), `HERALD_BENCH_CALLERS` (1000), `HERALD_BENCH_SECONDS` (5) of the
//! open loop, and `HERALD_BENCH_RATE` (10000) change the size.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use herald::store::embedded::Embedded;
use herald::store::messages::Messages as _;
use rig::figures::{Bar, figure, millis, quantile};
use rig::machine::{self, Watch};
use rig::{size, world};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

async fn create(store: &Embedded, id: usize) {
    // Tomorrow: it is written with its schedule, and nothing is sent.
    let due = world::now().plus(Duration::from_hours(24));
    let message = world::push(&format!("m{id}"), "all", due);
    store.create_message(message, world::audit("message.create")).await.unwrap();
}

async fn closed(store: &Arc<Embedded>, creates: usize, callers: usize) -> (f64, Vec<Duration>) {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (store, next) = (Arc::clone(store), Arc::clone(&next));
        tasks.spawn(async move {
            let mut times = Vec::new();
            loop {
                let id = next.fetch_add(1, Ordering::Relaxed);
                if id >= creates {
                    return times;
                }
                let begun = Instant::now();
                create(&store, id).await;
                times.push(begun.elapsed());
            }
        });
    }
    let mut times = Vec::with_capacity(creates);
    while let Some(done) = tasks.join_next().await {
        times.extend(done.unwrap());
    }
    let rate = creates as f64 / begun.elapsed().as_secs_f64();
    times.sort();
    (rate, times)
}

async fn open(store: &Arc<Embedded>, rate: usize, seconds: usize, first: usize) -> Vec<Duration> {
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for n in 0..rate * seconds {
        let due = begun + Duration::from_secs_f64(n as f64 / rate as f64);
        let now = Instant::now();
        if due > now {
            tokio::time::sleep(due - now).await;
        }
        let store = Arc::clone(store);
        tasks.spawn(async move {
            create(&store, first + n).await;
            // From when it should have begun, so that a stall counts for everybody behind it.
            due.elapsed()
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.push(done.unwrap());
    }
    times.sort();
    times
}

fn main() {
    let creates = size("HERALD_BENCH_CREATES", 200_000);
    let callers = size("HERALD_BENCH_CALLERS", 1_000);
    let (rate, seconds) = (size("HERALD_BENCH_RATE", 10_000), size("HERALD_BENCH_SECONDS", 5));
    println!("creates: {creates} by {callers} callers; then {rate}/s for {seconds} s");
    let dir = world::directory();
    let store = world::store(dir.path());
    world::runtime().block_on(async {
        let engine = world::engine(&store).await;
        let watch = Watch::begin(&[]);
        let (reached, times) = closed(&store, creates, callers).await;
        println!("  {}", watch.end().note());
        figure("created a second", reached, "/s", Bar::Least(40_000.0));
        figure("p50", millis(quantile(&times, 50.0)), "ms", Bar::None);
        figure("p99", millis(quantile(&times, 99.0)), "ms", Bar::Most(60.0));
        let syncs = machine::syncs(dir.path());
        figure("the disk alone, 4 KiB and a sync, p50", millis(quantile(&syncs, 50.0)), "ms", Bar::None);
        figure("the disk alone, p99", millis(quantile(&syncs, 99.0)), "ms", Bar::None);
        let watch = Watch::begin(&[]);
        let times = open(&store, rate, seconds, creates).await;
        println!("  {}", watch.end().note());
        figure("open loop, p50", millis(quantile(&times, 50.0)), "ms", Bar::None);
        figure("open loop, p99", millis(quantile(&times, 99.0)), "ms", Bar::Most(10.0));
        engine.drain(Duration::from_secs(5)).await;
    });
}
