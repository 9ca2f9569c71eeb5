//! The schedule: what looking at it costs when nothing is due, how fast a million that are due at once
//! are claimed, and how soon a message is on the wire when it is due, with the engine idle and busy.
//!
//! `HERALD_BENCH_SCHEDULES` (1000000), `HERALD_BENCH_SAMPLES` (40) and `HERALD_BENCH_BACKLOG`
//! (200000 recipients of the message that keeps the engine busy) change the size.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use herald::domain::channel::Channel;
use herald::domain::ids::TargetId;
use herald::domain::message::Message;
use herald::domain::provider::Limits;
use herald::domain::time::Timestamp;
use herald::store::embedded::Embedded;
use herald::store::messages::Messages as _;
use herald::store::page::PageRequest;
use herald::store::people::People as _;
use rig::figures::{Bar, figure, millis, quantile};
use rig::machine::Watch;
use rig::sink::{Manner, Sink};
use rig::{size, world};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Puts messages on the schedule, all due at one instant.
async fn schedules(store: &Arc<Embedded>, from: usize, to: usize, due: Timestamp) {
    let next = Arc::new(AtomicUsize::new(from));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let (store, next) = (Arc::clone(store), Arc::clone(&next));
        tasks.spawn(async move {
            loop {
                let id = next.fetch_add(1, Ordering::Relaxed);
                if id >= to {
                    return;
                }
                let message = world::push(&format!("m{id}"), "all", due);
                store.create_message(message, world::audit("message.create")).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// What one look at the schedule costs when nothing is due: the median of many.
async fn tick(store: &Embedded) -> f64 {
    let mut times = Vec::new();
    for _ in 0..5_000 {
        let begun = Instant::now();
        let claimed = store.claim_due(world::now(), 2_000, None).await.unwrap();
        times.push(begun.elapsed());
        assert!(claimed.messages.is_empty());
    }
    times.sort();
    quantile(&times, 50.0).as_secs_f64() * 1e6
}

fn to_one(id: &str, target: &TargetId, due: Timestamp) -> Message {
    Message { topics: vec![], targets: vec![target.clone()], ..world::push(id, "all", due) }
}

/// From due to the request's arrival at the sink, for messages to one recipient each.
async fn first_bytes(
    store: &Embedded,
    sink: &mut Sink,
    target: &TargetId,
    what: &str,
    samples: usize,
) -> Vec<Duration> {
    let mut numbers = Vec::new();
    for sample in 0..samples {
        // At some time of the second, and never on the beat of anything.
        let due = world::now().plus(Duration::from_millis(150 + (sample as u64 * 37) % 97));
        let message = world::create(store, to_one(&format!("{what}{sample}"), target, due)).await;
        numbers.push((world::base36(message.no.0), due));
        tokio::time::sleep(Duration::from_millis(113)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let report = sink.report();
    let mut times: Vec<_> = numbers
        .iter()
        .map(|(no, due)| {
            let (count, first) = report.messages.get(no).copied().expect("it is sent");
            assert_eq!(count, 1, "nobody is sent to twice");
            let due = due.0 as u64 * 1000;
            assert!(first >= due, "nothing goes early");
            Duration::from_micros(first - due)
        })
        .collect();
    times.sort();
    times
}

fn main() {
    Sink::serve_if_asked();
    let many = size("HERALD_BENCH_SCHEDULES", 1_000_000);
    let (samples, backlog) = (size("HERALD_BENCH_SAMPLES", 40), size("HERALD_BENCH_BACKLOG", 200_000));
    println!("schedule: {many} schedules; {samples} messages to one recipient");
    let runtime = world::runtime();
    let dir = world::directory();
    let store = world::store(dir.path());
    runtime.block_on(async {
        let due = world::now().plus(Duration::from_hours(24));
        let watch = Watch::begin(&[]);
        schedules(&store, 0, 1_000, due).await;
        let few = tick(&store).await;
        schedules(&store, 1_000, many, due).await;
        let all = tick(&store).await;
        println!("  {}", watch.end().note());
        figure("a tick with nothing due, 1,000 schedules", few, "µs", Bar::None);
        figure(&format!("a tick with nothing due, {many} schedules"), all, "µs", Bar::Most(10.0));
        figure("× that with 1,000", all / few, "", Bar::Most(1.5));
        let watch = Watch::begin(&[]);
        let (begun, mut claimed) = (Instant::now(), 0);
        loop {
            let chunk = store.claim_due(due.plus(Duration::from_millis(1)), 2_000, None).await.unwrap();
            claimed += chunk.messages.len();
            if chunk.messages.is_empty() {
                break;
            }
        }
        assert_eq!(claimed, many);
        println!("  {}", watch.end().note());
        figure(
            "due at once, claimed a second",
            many as f64 / begun.elapsed().as_secs_f64(),
            "/s",
            Bar::Least(100_000.0),
        );
    });
    drop(store);
    let mut sink = Sink::start(Manner::default());
    let dir = world::directory();
    let store = world::store(dir.path());
    runtime.block_on(async {
        world::http_provider(&store, "sink", Channel::Push, sink.addr, Limits::default()).await;
        world::people(&store, Channel::Push, "all", backlog).await;
        let target = store.targets(PageRequest { limit: 1, ..PageRequest::default() }).await.unwrap().items
            [0]
        .id
        .clone();
        let engine = world::engine(&store).await;
        let watch = Watch::begin(&[sink.pid()]);
        let times = first_bytes(&store, &mut sink, &target, "idle", samples).await;
        println!("  idle: {}", watch.end().note());
        figure("due to first byte, p50", millis(quantile(&times, 50.0)), "ms", Bar::None);
        figure("due to first byte, most", millis(quantile(&times, 100.0)), "ms", Bar::Most(50.0));
        let mut busy = Vec::new();
        for n in 0..size("HERALD_BENCH_BUSY", 4) {
            busy.push(world::create(&store, world::push(&format!("busy{n}"), "all", world::now())).await.no);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let watch = Watch::begin(&[sink.pid()]);
        let times = first_bytes(&store, &mut sink, &target, "while", samples).await;
        println!("  busy: {}", watch.end().note());
        let last = store.message_by_no(*busy.last().unwrap()).await.unwrap();
        println!("  the engine was busy all the time: {}", !last.state.is_over());
        figure("engine busy, p50", millis(quantile(&times, 50.0)), "ms", Bar::None);
        figure("engine busy, most", millis(quantile(&times, 100.0)), "ms", Bar::Most(250.0));
        engine.drain(Duration::from_secs(5)).await;
    });
}
