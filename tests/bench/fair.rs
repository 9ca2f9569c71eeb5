//! Limits and sharing, measured at a sink that counts as a strict service does (GCRA, a burst of one
//! per cent): one recipient through a provider limited to 100/s with a large backlog, three messages
//! that share a limit, and a provider limited to 10,000/s, alone and beside one that is dead.
//!
//! `HERALD_BENCH_BACKLOG` (1000000), `HERALD_BENCH_SAMPLES` (60), `HERALD_BENCH_SECONDS` (10) of each
//! limited run change the size.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use herald::domain::channel::Channel;
use herald::domain::message::Message;
use herald::domain::provider::Limits;
use herald::store::page::PageRequest;
use herald::store::people::People as _;
use rig::figures::{Bar, figure, millis, quantile};
use rig::machine::Watch;
use rig::sink::{Manner, Sink};
use rig::{size, world};
use std::time::Duration;

/// A sink that refuses what is beyond a limit.
fn strict(rate: f64) -> Manner {
    Manner { per_second: Some(rate), burst: (rate / 100.0).max(1.0), ..Manner::default() }
}

fn limited(rate: f64) -> Limits {
    Limits { per_second: Some(rate), ..Limits::default() }
}

/// One recipient through a provider limited to 100/s, with a large backlog queued.
fn one_behind_many(runtime: &tokio::runtime::Runtime, backlog: usize, samples: usize) {
    let rate = 100.0;
    let mut sink = Sink::start(strict(rate));
    let dir = world::directory();
    let store = world::store(dir.path());
    runtime.block_on(async {
        world::http_provider(&store, "sink", Channel::Push, sink.addr, limited(rate)).await;
        world::people(&store, Channel::Push, "all", backlog).await;
        let page = PageRequest { limit: 1, ..PageRequest::default() };
        let target = store.targets(page).await.unwrap().items[0].id.clone();
        let engine = world::engine(&store).await;
        world::create(&store, world::push("backlog", "all", world::now())).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let watch = Watch::begin(&[sink.pid()]);
        let mut numbers = Vec::new();
        for sample in 0..samples {
            let one = world::push(&format!("one{sample}"), "all", world::now());
            let one = Message { topics: vec![], targets: vec![target.clone()], ..one };
            let due = one.scheduled_at.unwrap_or_default().0 as u64 * 1000;
            numbers.push((world::base36(world::create(&store, one).await.no.0), due));
            tokio::time::sleep(Duration::from_millis(143)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let report = sink.report();
        assert_eq!(report.different, report.taken, "nobody is sent to twice");
        let mut times: Vec<_> = numbers
            .iter()
            .map(|(no, due)| Duration::from_micros(report.messages.get(no).expect("it is sent").1 - due))
            .collect();
        times.sort();
        println!("one behind {backlog} at {rate}/s: {}", watch.end().note());
        let token = 1e3 / rate;
        figure("due to first byte, p50", millis(quantile(&times, 50.0)), "ms", Bar::None);
        figure("beyond the next token, p99", millis(quantile(&times, 99.0)) - token, "ms", Bar::Most(50.0));
        figure("refused by the sink", report.refused as f64, "", Bar::Most(0.0));
        engine.drain(Duration::from_secs(2)).await;
    });
}

/// Three messages through one limit.
fn three_share(runtime: &tokio::runtime::Runtime, seconds: usize) {
    let rate = 1_000.0;
    let mut sink = Sink::start(strict(rate));
    let dir = world::directory();
    let store = world::store(dir.path());
    runtime.block_on(async {
        world::http_provider(&store, "sink", Channel::Push, sink.addr, limited(rate)).await;
        world::people(&store, Channel::Push, "all", (rate as usize) * (seconds + 4)).await;
        let engine = world::engine(&store).await;
        for n in 0..3 {
            world::create(&store, world::push(&format!("m{n}"), "all", world::now())).await;
        }
        // Until all of them have begun.
        tokio::time::sleep(Duration::from_secs(1)).await;
        sink.report();
        let watch = Watch::begin(&[sink.pid()]);
        tokio::time::sleep(Duration::from_secs(seconds as u64)).await;
        let report = sink.report();
        let counts: Vec<_> = report.messages.values().map(|(count, _)| *count as f64).collect();
        assert_eq!(counts.len(), 3, "every message goes on");
        let (least, most) = counts.iter().fold((f64::MAX, 0.0f64), |(a, b), c| (a.min(*c), b.max(*c)));
        println!("three share {rate}/s for {seconds} s: {}", watch.end().note());
        figure("the most beyond the least", (most / least - 1.0) * 100.0, "%", Bar::Most(5.0));
        engine.drain(Duration::from_secs(2)).await;
    });
}

/// How much of a limit of 10,000/s is used, in per cent.
fn limit_used(runtime: &tokio::runtime::Runtime, seconds: usize, dead: bool) -> f64 {
    let rate = 10_000.0;
    let mut sink = Sink::start(strict(rate));
    let mute = Sink::start(Manner { mute: true, ..Manner::default() });
    let dir = world::directory();
    let store = world::store(dir.path());
    runtime.block_on(async {
        world::http_provider(&store, "sink", Channel::Push, sink.addr, limited(rate)).await;
        world::people(&store, Channel::Push, "all", (rate as usize) * (seconds + 3)).await;
        if dead {
            let nobody = if seconds.is_multiple_of(2) { "127.0.0.1:9".parse().unwrap() } else { mute.addr };
            world::http_provider(&store, "dead", Channel::Sms, nobody, Limits::default()).await;
            world::people(&store, Channel::Sms, "sms", 20_000).await;
        }
        let engine = world::engine(&store).await;
        if dead {
            let content = herald::domain::content::SmsContent { content: "Hello".into() };
            let sms = herald::domain::content::Content::Sms(content);
            world::create(&store, world::message("dead", sms, "sms", world::now())).await;
        }
        world::create(&store, world::push("m", "all", world::now())).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        sink.report();
        let watch = Watch::begin(&[sink.pid()]);
        let begun = std::time::Instant::now();
        tokio::time::sleep(Duration::from_secs(seconds as u64)).await;
        let report = sink.report();
        let used = report.taken as f64 / (begun.elapsed().as_secs_f64() * rate) * 100.0;
        let beside = if dead { ", another provider dead" } else { "" };
        println!("{rate}/s for {seconds} s{beside}: {}", watch.end().note());
        figure("of the limit used", used, "%", Bar::Least(98.0));
        let refused = report.refused as f64 / (report.refused + report.taken).max(1) as f64 * 100.0;
        figure("refused by the sink", refused, "%", Bar::Most(0.1));
        assert_eq!(report.different, report.taken, "nobody is sent to twice");
        engine.drain(Duration::from_secs(2)).await;
        used
    })
}

fn main() {
    Sink::serve_if_asked();
    let runtime = world::runtime();
    let seconds = size("HERALD_BENCH_SECONDS", 10);
    let alone = limit_used(&runtime, seconds, false);
    let beside = limit_used(&runtime, seconds, true);
    figure("slower beside the dead one", (1.0 - beside / alone) * 100.0, "%", Bar::Most(2.0));
    three_share(&runtime, seconds);
    one_behind_many(&runtime, size("HERALD_BENCH_BACKLOG", 1_000_000), size("HERALD_BENCH_SAMPLES", 60));
}
