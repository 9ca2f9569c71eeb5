//! The console on a large store: from its start to the first frame, attached and with the
//! engine in its process; from a key to the last byte of its frame while the engine sends;
//! and the memory of an attached console. The real program on a pseudo-terminal.
//!
//! `HERALD_BENCH_TARGETS` (100000), `HERALD_BENCH_ROWS` (1000000) and `HERALD_BENCH_RATE`
//! (10000 recipients a second; 0: as fast as it goes) change the sizes; the bars speak of
//! 1000000 targets, 10000000 rows and half of the engine's full rate.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports and fails by panicking")]

#[path = "../support/house.rs"]
#[allow(dead_code, clippy::print_stderr, reason = "shared with the tests of the commands")]
mod house;
mod rig;

use herald::domain::channel::Channel;
use herald::domain::delivery::{LogDetail, LogRow, Outcome};
use herald::domain::ids::{IdentifierNo, LogSeq, MessageNo, ProviderNo, TargetNo};
use herald::domain::provider::Limits;
use herald::domain::time::Timestamp;
use herald::store::dispatch::Dispatch as _;
use house::House;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rig::figures::{Bar, figure, median, millis, quantile};
use rig::machine::Watch;
use rig::sink::{Manner, Sink};
use rig::{size, world};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What ends a frame: the end of synchronized output.
const END: &[u8] = b"\x1b[?2026l";
const SIZE: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
const GROUP: u64 = 4_000;
const STARTS: usize = 15;
const KEYS: usize = 400;
const PATIENCE: Duration = Duration::from_secs(20);

/// A console on a terminal of its own; each read of the terminal with when it came.
struct Seat {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    reads: Receiver<(Instant, Vec<u8>)>,
    held: Vec<u8>,
    began: Instant,
    _master: Box<dyn MasterPty + Send>,
}

impl Seat {
    fn open(house: &House) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_herald"));
        command.env_clear();
        for (name, value) in house.surroundings() {
            command.env(name, value);
        }
        command.cwd(house.path(""));
        let mut from = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let (to, reads) = channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                if to.send((Instant::now(), bytes[..n].to_vec())).is_err() {
                    return;
                }
            }
        });
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        Self { child, writer, reads, held: Vec::new(), began, _master: pair.master }
    }

    /// When the next frame was whole.
    fn frame(&mut self) -> Instant {
        loop {
            let (at, bytes) = self.reads.recv_timeout(PATIENCE).expect("a frame comes");
            self.held.extend_from_slice(&bytes);
            if let Some(end) = self.held.windows(END.len()).position(|window| window == END) {
                self.held.drain(..end + END.len());
                return at;
            }
        }
    }

    /// Takes in what comes until nothing has come for a while.
    fn settle(&mut self, quiet: Duration) {
        while self.reads.recv_timeout(quiet).is_ok() {}
        self.held.clear();
    }

    fn press(&mut self, keys: &[u8]) {
        // A console that has ended reads nothing more.
        let _ = self.writer.write_all(keys);
    }

    /// Leaves, and ends the engine if it runs in this process: the next start finds all as it was.
    fn leave(mut self) {
        self.settle(Duration::from_millis(300));
        self.press(b"q");
        self.settle(Duration::from_millis(300));
        self.press(b"stop\r");
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.process_id().unwrap()));
        let status = status.unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn row(n: u64, targets: u64) -> LogRow {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    LogRow {
        seq: LogSeq(0),
        at: Timestamp(world::now().0 - 3_600_000 + (n / 4_000) as i64),
        message: MessageNo(1),
        target: TargetNo(1 + mixed % targets),
        identifier: IdentifierNo(1 + mixed % targets),
        provider: ProviderNo(1),
        outcome: if mixed.is_multiple_of(50) { Outcome::Permanent } else { Outcome::Accepted },
        attempt: 1,
        run: 1,
        detail: LogDetail { answer: "250 2.0.0 Ok: queued as 0123456789AB".into(), ..LogDetail::default() },
    }
}

/// Fills the store: people, a log, and a message to all that is due soon after.
fn fill(dir: &Path, sink: &Sink, targets: u64, rows: u64, rate: f64) {
    world::runtime().block_on(async {
        let store = world::store(dir);
        let limits = Limits { per_second: (rate > 0.0).then_some(rate), ..Limits::default() };
        world::http_provider(&store, "sink", Channel::Push, sink.addr, limits).await;
        world::people(&store, Channel::Push, "all", targets as usize).await;
        let far = Timestamp(world::now().0 + 86_400_000);
        world::create(&store, world::push("m0", "all", far)).await;
        let mut from = 0;
        while from < rows {
            store.append_log((from..from + GROUP).map(|n| row(n, targets)).collect()).await.unwrap();
            from += GROUP;
        }
    });
}

/// The times from the start of a console to its first frame, in milliseconds.
fn starts(house: &House) -> Vec<f64> {
    (0..STARTS)
        .map(|_| {
            let mut seat = Seat::open(house);
            let began = seat.began;
            let took = millis(seat.frame() - began);
            seat.leave();
            took
        })
        .collect()
}

/// From a key to the last byte of its frame.
fn keys(seat: &mut Seat, keys: &[&[u8]]) -> Vec<Duration> {
    let mut took: Vec<Duration> = (0..KEYS)
        .map(|n| {
            // What the engine's events draw is taken in first, so that the next frame is the key's.
            while let Ok((_, bytes)) = seat.reads.try_recv() {
                drop(bytes);
            }
            seat.held.clear();
            let began = Instant::now();
            seat.press(keys[n % keys.len()]);
            let at = seat.frame();
            std::thread::sleep(Duration::from_millis(30));
            at - began
        })
        .collect();
    took.sort();
    took
}

/// The id of a message in this state.
fn message(house: &House, state: &str) -> String {
    let said = house.run(["message", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let rows = list.as_array().or_else(|| list["messages"].as_array()).unwrap();
    let found = rows.iter().find(|row| row["state"] == state);
    found.unwrap_or_else(|| panic!("no message is {state}: {list}"))["$id"].as_str().unwrap().to_owned()
}

fn main() {
    Sink::serve_if_asked();
    let targets = size("HERALD_BENCH_TARGETS", 100_000) as u64;
    let rows = size("HERALD_BENCH_ROWS", 1_000_000) as u64;
    let rate = size("HERALD_BENCH_RATE", 10_000) as f64;
    let sink = Sink::start(Manner::default());
    let place = world::directory();
    let data = place.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    let house = House::new().set("outgoing.allow_private", "true").data_at(data.clone());
    let watch = Watch::begin(&[]);
    let store = data.join("store");
    std::fs::create_dir(&store).unwrap();
    fill(&store, &sink, targets, rows, rate);
    println!("console: {targets} targets, {rows} rows of the log");
    let mut embedded = starts(&house);
    figure(
        "start to first frame, engine in the process, median",
        median(&mut embedded),
        "ms",
        Bar::Most(60.0),
    );
    world::runtime().block_on(async {
        let serve = house.serve().await;
        let mut attached = starts(&house);
        figure("start to first frame, attached, median", median(&mut attached), "ms", Bar::Most(30.0));
        let mut seat = Seat::open(&house);
        seat.settle(Duration::from_secs(1));
        for tab in [b"1", b"2", b"3", b"4", b"5", b"3", b"G", b"1", b"0"] {
            seat.press(tab);
            seat.settle(Duration::from_millis(300));
        }
        figure("memory of an attached console", seat.resident_mib(), "MiB", Bar::Most(20.0));
        // A message to everybody: what follows is measured while it is sent.
        let client = house.client();
        let scheduled = message(&house, "scheduled");
        client.duplicate_message(&scheduled).await.unwrap();
        let draft = message(&house, "draft");
        let send = herald::wire::message::WritePush {
            envelope: herald::wire::message::Envelope { draft: Some(false), ..Default::default() },
            ..Default::default()
        };
        client.update_push(&draft, &send).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let moving = client.message_detail(&draft).await.unwrap();
        println!(
            "  sending at {:.0} a second, {} of {} left",
            moving.rate,
            moving.message.progress.open(),
            targets
        );
        // The help screen needs no data; pages of targets do.
        seat.press(b"?");
        seat.settle(Duration::from_millis(200));
        let plain = keys(&mut seat, &[b"j", b"k"]);
        figure("key to last byte, no data needed, p50", millis(quantile(&plain, 50.0)), "ms", Bar::None);
        figure(
            "key to last byte, no data needed, p99",
            millis(quantile(&plain, 99.0)),
            "ms",
            Bar::Most(10.0),
        );
        seat.press(b"\x1b");
        seat.settle(Duration::from_millis(200));
        seat.press(b"3");
        seat.settle(Duration::from_millis(200));
        let pages = keys(&mut seat, &[b"\x1b[6~", b"\x1b[6~", b"\x1b[5~"]);
        figure("key to last byte, a page, p50", millis(quantile(&pages, 50.0)), "ms", Bar::None);
        figure("key to last byte, a page, p99", millis(quantile(&pages, 99.0)), "ms", Bar::Most(50.0));
        let after = client.message_detail(&draft).await.unwrap();
        println!("  still sending: {}", after.message.progress.open() > 0);
        drop(seat);
        serve.kill();
    });
    println!("  {}", watch.end().note());
}
