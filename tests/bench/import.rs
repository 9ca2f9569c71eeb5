//! A CSV file of people, each with a target and a topic, read and written durably: in the order of
//! the ids, and in random order. Each order runs in a process of its own, so that its memory is known.
//!
//! `HERALD_BENCH_PEOPLE` (1000000) changes the size.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

mod rig;

use herald::domain::channel::Channel;
use herald::domain::ids::ImportId;
use herald::domain::import::{Decoder, ImportOptions, Outcome};
use herald::store::embedded::Embedded;
use herald::store::history::History as _;
use herald::store::people::{ImportPerson, People as _};
use rig::figures::{Bar, figure};
use rig::machine::{Watch, peak_mib, resident_mib};
use rig::{size, world};
use std::fmt::Write as _;
use std::process::Command;
use std::time::Instant;

const ROLE: &str = "HERALD_BENCH_ORDER";
/// People in a step.
const STEP: usize = 2_000;

/// A number for the place of a line: all of them once, far apart (an odd factor modulo a power of two).
fn shuffled(place: u64, bits: u32) -> u64 {
    let mask = (1 << bits) - 1;
    let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask;
    let mixed = mixed ^ (mixed >> (bits / 2));
    mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) & mask
}

async fn write(store: &Embedded, import: &ImportId, step: &mut Vec<ImportPerson>) {
    store.import_people(import, std::mem::take(step), world::now()).await.unwrap();
}

async fn import(people: u64, random: bool) {
    let dir = world::directory();
    let store = world::store(dir.path());
    let import = ImportId::new("bench").unwrap();
    store.begin_import(import.clone(), "bench.csv".into(), world::audit("import.begin")).await.unwrap();
    let bits = people.next_power_of_two().trailing_zeros();
    let before = resident_mib();
    let (begun, mut decoder) = (Instant::now(), Decoder::new(ImportOptions::default()));
    decoder.push(b"userId,name,email,topics\n").unwrap();
    let (mut step, mut text, mut rows, mut place) = (Vec::new(), String::new(), 0, 0);
    loop {
        text.clear();
        while text.len() < 64 << 10 && rows < people {
            let n = if random { shuffled(place, bits) } else { place };
            place += 1;
            if n < people {
                rows += 1;
                let _ = writeln!(text, "u{n:010},Person {n},u{n:010}@example.com,everybody");
            }
        }
        if text.is_empty() {
            decoder.finish().unwrap();
        } else {
            decoder.push(text.as_bytes()).unwrap();
        }
        while let Some(outcome) = decoder.next_outcome() {
            let Outcome::Row(row) = outcome else { panic!("a line is refused: {outcome:?}") };
            step.push(ImportPerson {
                derived: false,
                line: row.line,
                user: row.user_id,
                name: row.name.unwrap_or_default(),
                addresses: row.email.into_iter().map(|email| (Channel::Email, email)).collect(),
                push_provider: None,
                topics: row.topics,
            });
            if step.len() == STEP {
                write(&store, &import, &mut step).await;
            }
        }
        if text.is_empty() {
            break;
        }
    }
    if !step.is_empty() {
        write(&store, &import, &mut step).await;
    }
    let rate = people as f64 / begun.elapsed().as_secs_f64();
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.users, stats.targets), (people, people), "everybody is there");
    println!("{rate} {} {before} {}", peak_mib(), stats.main_bytes as f64 / people as f64);
}

fn main() {
    let people = size("HERALD_BENCH_PEOPLE", 1_000_000) as u64;
    if let Ok(order) = std::env::var(ROLE) {
        return world::runtime().block_on(import(people, order == "random"));
    }
    println!("import: {people} people with a target and a topic each, from CSV");
    for (order, bar) in [("ascending", 40_000.0), ("random", 20_000.0)] {
        let watch = Watch::begin(&[]);
        let output = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, order)
            .stderr(std::process::Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
        // The process has ended, so what it took counts as others'.
        println!("  {order}: {:.1} s, {:.0} bytes of store each", watch.end().wall, numbers[3]);
        figure(&format!("rows a second, {order}"), numbers[0], "/s", Bar::Least(bar));
        figure("peak memory", numbers[1], "MiB", Bar::Most(128.0));
    }
}
