//! What the console costs: bytes, frames, time. Under paused time the figures of
//! bytes and frames are exact; `-- --nocapture` prints them.
//!
//! `cargo test --release --locked --test console numbers -- --include-ignored --nocapture`
//! measures the times as well.

use std::time::{Duration, Instant};

use herald::domain::delivery::Outcome;
use herald::wire::message::State;

use super::seat::{Seat, paused};
use super::service::Api;
use super::world::{World, delivery, message};

/// A list longer than the screen.
fn long() -> World {
    let mut world = World::busy();
    world.messages =
        (0..300).map(|n| message(&format!("m{n:04}"), State::Sent, &format!("Message {n}"))).collect();
    for row in &mut world.log {
        row.message_id = Some(world.messages[1].id.clone());
    }
    world.overview.states.processing = 0;
    world.overview.rate = 0.0;
    world
}

async fn settle(seat: &mut Seat) {
    while seat.frame(Duration::from_millis(400)).await {}
}

#[test]
fn a_row_move_is_small_and_a_redraw_is_bounded() {
    paused(async {
        let api = Api::new(long());
        let mut seat = Seat::at(&api, 200, 50);
        seat.press("1").await;
        seat.shows("Message 0").await;
        settle(&mut seat).await;
        let before = seat.bytes.len();
        seat.press("j").await;
        assert!(seat.frame(Duration::from_secs(1)).await);
        let with_detail = seat.bytes.len() - before;
        // The log of a message: rows alone, without a detail that goes with them.
        seat.press("] enter").await;
        settle(&mut seat).await;
        let before = seat.bytes.len();
        seat.press("j").await;
        assert!(seat.frame(Duration::from_secs(1)).await);
        let moved = seat.bytes.len() - before;
        eprintln!("row move with another detail below: {with_detail} bytes");
        assert!(with_detail <= 600, "{with_detail} bytes for a row and its detail");
        settle(&mut seat).await;
        let before = seat.bytes.len();
        seat.press("ctrl-l").await;
        assert!(seat.frame(Duration::from_secs(1)).await);
        let redrawn = seat.bytes.len() - before;
        eprintln!("row move at 200x50: {moved} bytes; full redraw: {redrawn} bytes");
        assert!(moved <= 600, "{moved} bytes for a row");
        assert!(redrawn <= 12_000, "{redrawn} bytes for all");
    });
}

#[test]
fn nothing_changes_and_nothing_is_written() {
    paused(async {
        let api = Api::new(long());
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("Needs you").await;
        while seat.frame(Duration::from_secs(5)).await {}
        // The clock on the screen changes once a minute, and nothing else does.
        assert!(seat.frame(Duration::from_mins(1)).await);
        while seat.frame(Duration::from_secs(5)).await {}
        let before = seat.bytes.len();
        seat.frame(Duration::from_secs(30)).await;
        let written = seat.bytes.len() - before;
        eprintln!("idle for 30 s: {written} bytes");
        assert_eq!(written, 0);
    });
}

#[test]
fn a_dashboard_with_counters_once_a_second_is_cheap() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.shows("backup refuses us").await;
        settle(&mut seat).await;
        let before = seat.bytes.len();
        for n in 0..30 {
            api.change(|world| {
                world.overview.rate = 1180.0 + f64::from(n);
                world.overview.waiting += 7;
            });
            tokio::time::sleep(Duration::from_secs(1)).await;
            while seat.frame(Duration::from_millis(1)).await {}
        }
        let each = (seat.bytes.len() - before) / 30;
        eprintln!("a dashboard with counters once a second: {each} B/s");
        assert!(each <= 300, "{each} bytes a second");
    });
}

#[test]
fn following_the_log_at_full_rate_is_a_few_frames() {
    paused(async {
        let api = Api::new(World::busy());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("5").await;
        seat.shows("reader19@example.com").await;
        settle(&mut seat).await;
        let (before, mut frames, mut seq) = (seat.bytes.len(), 0u32, 20u64);
        for step in 0..300u64 {
            api.change(|world| {
                world
                    .log
                    .extend((seq..seq + 50).map(|n| delivery(n, (step / 100) as i64, Outcome::Accepted)));
            });
            seq += 50;
            tokio::time::sleep(Duration::from_millis(10)).await;
            while seat.frame(Duration::ZERO).await {
                frames += 1;
            }
        }
        let each = (seat.bytes.len() - before) / 3;
        eprintln!("following 5,000 rows a second: {} frames and {each} bytes a second", frames / 3);
        assert!(frames <= 33, "{frames} frames in three seconds");
        assert!(each <= 40_000, "{each} bytes a second");
    });
}

/// From a key to the last byte of its frame, in real time, while the log grows by
/// 5,000 rows a second. The console's own part: the API answers from memory.
#[test]
#[ignore = "measures time: in a release build, with nothing else running"]
fn keys_are_answered_at_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let api = Api::new(long());
        let mut seat = Seat::at(&api, 120, 40);
        seat.press("1").await;
        seat.shows("Message 0").await;
        settle(&mut seat).await;
        let mut took = Vec::new();
        let mut seq = 20u64;
        for n in 0..500u64 {
            api.change(|world| {
                world.log.extend((seq..seq + 100).map(|n| delivery(n, 0, Outcome::Accepted)));
            });
            seq += 100;
            let key = if n % 60 < 30 { "j" } else { "k" };
            let began = Instant::now();
            seat.press(key).await;
            assert!(seat.frame(Duration::from_secs(1)).await);
            took.push(began.elapsed());
            while seat.frame(Duration::from_millis(20)).await {}
        }
        took.sort();
        let at = |part: usize| took[took.len() * part / 100 - 1];
        eprintln!("key to last byte: p50 {:?}, p99 {:?}, most {:?}", at(50), at(99), at(100));
        // A frame that a key asked for may wait 16 ms behind the one before it.
        assert!(at(99) <= Duration::from_millis(26), "{:?}", at(99));
    });
}
