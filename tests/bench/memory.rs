//! The most memory that the engine takes while it sends to 10,000, a million and, when asked, ten
//! million recipients. Each size runs in a process of its own, on a store that another process has
//! filled; the sink is a third one.
//!
//! `HERALD_BENCH_SIZES` (10000,1000000) lists the sizes: add 10000000 for the long run.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use herald::domain::channel::Channel;
use herald::domain::provider::Limits;
use rig::figures::{Bar, figure};
use rig::machine::{Watch, peak_mib, resident_mib};
use rig::sink::{Manner, Sink};
use rig::world;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const ROLE: &str = "HERALD_BENCH_PART";
/// What redb may cache, in MiB.
const CACHE: f64 = 64.0;
/// What the engine may take besides, in MiB.
const BESIDES: f64 = 64.0;

fn fill(dir: &Path, sink: &str, recipients: usize) {
    world::runtime().block_on(async {
        let store = world::store(dir);
        world::http_provider(&store, "sink", Channel::Push, sink.parse().unwrap(), Limits::default()).await;
        let rate = world::people(&store, Channel::Push, "all", recipients).await;
        println!("{rate} {}", peak_mib());
    });
}

fn send(dir: &Path) {
    world::runtime().block_on(async {
        let store = world::store(dir);
        let before = resident_mib();
        let engine = world::engine(&store).await;
        let begun = Instant::now();
        let message = world::create(&store, world::push("m", "all", world::now())).await;
        let planned = world::sent(&store, message.no).await.progress.planned;
        let rate = planned as f64 / begun.elapsed().as_secs_f64();
        engine.drain(Duration::from_secs(5)).await;
        println!("{rate} {} {before}", peak_mib());
    });
}

/// Runs a part of this bench in a process of its own; the numbers that it prints.
fn part(name: &str, dir: &Path, sink: &Sink, recipients: usize) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(ROLE, name)
        .args([dir.as_os_str(), sink.addr.to_string().as_ref(), recipients.to_string().as_ref()])
        .stderr(std::process::Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name} failed");
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn main() {
    Sink::serve_if_asked();
    if let Ok(role) = std::env::var(ROLE) {
        let args: Vec<_> = std::env::args().skip(1).collect();
        let dir = Path::new(&args[0]);
        return if role == "fill" { fill(dir, &args[1], args[2].parse().unwrap()) } else { send(dir) };
    }
    let sizes = std::env::var("HERALD_BENCH_SIZES").unwrap_or_else(|_| "10000,1000000".to_owned());
    let sizes: Vec<usize> = sizes.split(',').map(|size| size.trim().parse().unwrap()).collect();
    println!("memory: the most that the engine's process has, {CACHE} MiB of it cache");
    let mut last: Option<(usize, f64)> = None;
    for recipients in sizes {
        let mut sink = Sink::start(Manner::default());
        let dir = world::directory();
        let filled = part("fill", dir.path(), &sink, recipients);
        let watch = Watch::begin(&[]);
        let sent = part("send", dir.path(), &sink, recipients);
        sink.complete(recipients);
        println!(
            "  {recipients} recipients at {:.0}/s ({:.0} s; {:.0} MiB before); import {:.0}/s with {:.0} MiB",
            sent[0],
            watch.end().wall,
            sent[2],
            filled[0],
            filled[1]
        );
        figure(&format!("peak with {recipients} recipients"), sent[1], "MiB", Bar::Most(CACHE + BESIDES));
        if let Some((_, before)) = last.filter(|(size, _)| *size >= 1_000_000) {
            figure("growth from the size before", (sent[1] / before - 1.0) * 100.0, "%", Bar::Most(5.0));
        }
        last = Some((recipients, sent[1]));
    }
}
