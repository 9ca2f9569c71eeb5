//! A mail of 4 KiB to each of many recipients, a mail of its own for everybody, through the whole
//! engine to Postfix's `smtp-sink`: intents and outcomes durable. Beside it `smtp-source -d` over as
//! many sessions to the same sink. Who got it is counted in a last run to the sandbox's SMTP server.
//!
//! `HERALD_BENCH_MAILS` (100000), `HERALD_BENCH_SESSIONS` (20) and `HERALD_BENCH_ROUNDS` (3) change
//! the size; `HERALD_BENCH_ONLY=engine` leaves the comparison out. Without Postfix's tools only the
//! run to the sandbox is made.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use herald::domain::channel::Channel;
use herald::domain::provider::Limits;
use herald::sandbox::Sandbox;
use rig::figures::{Bar, figure, median};
use rig::machine::Watch;
use rig::mta::Mta;
use rig::{size, world};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const BYTES: usize = 4096;

/// Mails a second through the engine, in each of the rounds; `between` is run after each.
fn engine(
    addr: SocketAddr,
    mails: usize,
    sessions: usize,
    rounds: usize,
    mut between: impl FnMut(usize, f64),
) {
    let runtime = world::runtime();
    let dir = world::directory();
    let store = world::store(dir.path());
    runtime.block_on(async {
        let limits = Limits { concurrency: Some(sessions as u16), ..Limits::default() };
        world::mail_provider(&store, "sink", addr, limits).await;
        world::people(&store, Channel::Email, "all", mails).await;
    });
    let engine = runtime.block_on(world::engine(&store));
    for round in 0..rounds {
        let begun = Instant::now();
        runtime.block_on(async {
            let message = world::mail(&format!("m{round}"), "all", world::now(), BYTES);
            let message = world::create(&store, message).await;
            world::sent(&store, message.no).await;
        });
        between(round, mails as f64 / begun.elapsed().as_secs_f64());
    }
    runtime.block_on(engine.drain(Duration::from_secs(5)));
}

fn main() {
    let mails = size("HERALD_BENCH_MAILS", 100_000);
    let sessions = size("HERALD_BENCH_SESSIONS", 20);
    let rounds = size("HERALD_BENCH_ROUNDS", 3);
    let only = std::env::var("HERALD_BENCH_ONLY").is_ok_and(|only| only == "engine");
    println!("mail: {mails} mails of {BYTES} bytes, {sessions} sessions");
    if let Some(sink) = Mta::start() {
        let (mut ours, mut ratios) = (vec![], vec![]);
        engine(sink.addr, mails, sessions, rounds, |round, rate| {
            ours.push(rate);
            if only {
                println!("  round {}: engine {rate:.0}/s", round + 1);
                return;
            }
            let watch = Watch::begin(&[sink.pid()]);
            let theirs = sink.source(mails, sessions, BYTES);
            ratios.push(rate / theirs);
            // The source itself has ended, so what it took counts as others'.
            let seen = watch.end();
            println!(
                "  round {}: engine {rate:.0}/s, smtp-source {theirs:.0}/s ({:.1} s)",
                round + 1,
                seen.wall
            );
        });
        figure("mails a second, median", median(&mut ours), "/s", Bar::None);
        if !only {
            figure("× smtp-source -d", median(&mut ratios), "", Bar::Least(0.6));
        }
    } else {
        println!("  smtp-sink is not in the path (it comes with Postfix): no comparison");
    }
    if only {
        return;
    }
    let few = mails.min(20_000);
    let server = world::runtime();
    let sandbox =
        server.block_on(Sandbox::builder().smtp("127.0.0.1:0".parse().unwrap()).keep(0).start()).unwrap();
    let addr = sandbox.smtp_addr().unwrap();
    engine(addr, few, sessions, 1, |_, rate| {
        let record = sandbox.record();
        assert_eq!(record.arrivals(), few as u64, "everybody gets a mail, nobody two");
        let missing = record.missing_recipients((0..few).map(|n| format!("u{n}@example.test")));
        assert_eq!(missing.len(), 0, "nobody is missing");
        figure("to the sandbox in this process, everybody counted", rate, "/s", Bar::None);
    });
}
