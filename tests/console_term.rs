//! The console's loop at a fake seat: no terminal, no clock, the real loop.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use herald::tui::runtime::{Clock, Exit, Input, Options, Outbox, Performer, Program, Request, run};
use herald::tui::term::{Extent, Frames, Modes, Output, QuitSignal, StreamSeat, TermEvent};
use ratatui::Frame;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;

/// A program small enough to be wrong only where the loop is.
struct Counter;

#[derive(Debug, Default)]
struct State {
    keys: String,
    facts: usize,
    seen: Vec<String>,
    clock: Clock,
    left: Option<Exit>,
}

enum Msg {
    Typed(char),
    Fact,
    Seen(String),
}

enum Effect {
    Ask(Request),
    Work(usize),
    SaveDraft,
}

impl Program for Counter {
    type State = State;
    type Msg = Msg;
    type Effect = Effect;

    fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
        match msg {
            Msg::Fact => state.facts += 1,
            Msg::Seen(what) => state.seen.push(what),
            Msg::Typed(c) => {
                state.keys.push(c);
                return match c {
                    'q' => vec![Effect::Ask(Request::Quit)],
                    'w' => vec![Effect::Work(1)],
                    'W' => vec![Effect::Work(5_000)],
                    't' => vec![Effect::Ask(Request::Timer { id: 7, after: Duration::from_millis(300) })],
                    'y' => vec![Effect::Ask(Request::Copy("id-1".to_owned())), Effect::Ask(Request::Bell)],
                    'e' => vec![Effect::Ask(Request::Edit { id: 3, text: String::new(), extension: "txt" })],
                    'z' => vec![Effect::Ask(Request::Suspend)],
                    's' => {
                        state.clock = Clock::Second;
                        Vec::new()
                    }
                    _ => Vec::new(),
                };
            }
        }
        Vec::new()
    }

    fn view(state: &State, frame: &mut Frame<'_>) {
        let area = frame.area();
        let recent = &state.keys[state.keys.len().saturating_sub(20)..];
        frame.render_widget(format!("keys {recent} facts {} ticks {}", state.facts, state.seen.len()), area);
    }

    fn input(_: &State, input: Input) -> Option<Msg> {
        match input {
            Input::Key(KeyEvent { code: KeyCode::Char(c), .. }) => Some(Msg::Typed(c)),
            Input::Key(_) => None,
            other => Some(Msg::Seen(format!("{other:?}"))),
        }
    }

    fn clock(state: &State) -> Clock {
        state.clock
    }

    fn needs() -> (u16, u16) {
        (20, 2)
    }

    fn leaving(state: &mut State, exit: Exit) -> Vec<Effect> {
        state.left = Some(exit);
        vec![Effect::SaveDraft]
    }
}

#[derive(Default)]
struct Hands {
    drafts: Arc<Mutex<usize>>,
    slow_farewell: bool,
}

impl Performer<Counter> for Hands {
    fn perform(&mut self, effect: Effect, outbox: &Outbox<Msg>) -> Option<Request> {
        match effect {
            Effect::Ask(request) => return Some(request),
            Effect::Work(facts) => {
                let outbox = outbox.clone();
                tokio::spawn(async move {
                    for _ in 0..facts {
                        outbox.send(Msg::Fact).await;
                    }
                });
            }
            Effect::SaveDraft => *self.drafts.lock().unwrap() += 1,
        }
        None
    }

    async fn settle(&mut self) {
        if self.slow_farewell {
            std::future::pending::<()>().await;
        }
    }
}

/// A console at a fake seat, and the other end of its line.
struct Bench {
    keys: mpsc::Sender<TermEvent>,
    frames: Frames,
    screen: vt100::Parser,
    console: JoinHandle<std::io::Result<(State, Exit)>>,
}

const START: &str = "2026-03-01T10:00:30Z";

fn options() -> Options {
    let (began, start) = (Instant::now(), START.parse::<DateTime<Utc>>().unwrap());
    let mut options = Options::new("false".to_owned(), std::env::temp_dir());
    options.now = Arc::new(move || start + began.elapsed());
    options
}

fn whole(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

impl Bench {
    fn start(state: State, hands: Hands) -> Self {
        let (keys, events) = mpsc::channel(64);
        let (output, frames) = Output::frames();
        let extent = Extent::new(60, 4);
        let console = tokio::task::spawn_local(async move {
            let mut seat = StreamSeat::new(ReceiverStream::new(events), output, extent, Modes::default())?;
            run::<Counter, _, _>(state, &mut seat, hands, options()).await
        });
        Self { keys, frames, screen: vt100::Parser::new(whole(4), whole(60), 0), console }
    }

    async fn press(&self, c: char) {
        self.keys.send(TermEvent::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))).await.unwrap();
    }

    /// Reads one frame within the time given; its bytes.
    async fn frame(&mut self, within: Duration) -> Option<usize> {
        let frame = timeout(within, self.frames.next()).await.ok()??;
        self.screen.process(&frame);
        Some(frame.len())
    }

    /// Reads frames until the first row begins so.
    async fn shows(&mut self, text: &str) {
        for _ in 0..1000 {
            if self.row().starts_with(text) {
                return;
            }
            if self.frame(Duration::from_secs(90)).await.is_none() {
                break;
            }
        }
        panic!("the screen shows “{}” and not “{text}”", self.row());
    }

    fn row(&self) -> String {
        self.screen.screen().rows(0, 60).next().unwrap_or_default()
    }

    async fn end(self) -> (State, Exit) {
        timeout(Duration::from_mins(1), self.console).await.expect("it ends").unwrap().unwrap()
    }
}

/// Runs a test under paused time, on one thread, as a console runs.
fn paused(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn keys_are_shown_at_once_and_quitting_restores_the_terminal() {
    paused(async {
        let mut bench = Bench::start(State::default(), Hands::default());
        bench.shows("keys  facts 0").await;
        assert!(bench.screen.screen().alternate_screen());
        let before = Instant::now();
        bench.press('a').await;
        bench.shows("keys a facts 0").await;
        assert!(before.elapsed() <= Duration::from_millis(16), "{:?}", before.elapsed());
        bench.press('q').await;
        while bench.frame(Duration::from_secs(1)).await.is_some() {}
        assert!(!bench.screen.screen().alternate_screen() && !bench.screen.screen().bracketed_paste());
        let (state, exit) = bench.end().await;
        assert_eq!((state.keys.as_str(), exit, state.left), ("aq", Exit::Quit, Some(Exit::Quit)));
    });
}

#[test]
fn an_idle_console_writes_nothing_and_does_not_wake() {
    paused(async {
        let mut bench = Bench::start(State { clock: Clock::Off, ..State::default() }, Hands::default());
        bench.shows("keys").await;
        // Under paused time an hour passes at once, unless something keeps waking.
        assert_eq!(bench.frame(Duration::from_hours(1)).await, None);
        bench.press('a').await;
        bench.shows("keys a").await;
    });
}

#[test]
fn the_clock_ticks_on_the_minute_or_second_as_asked() {
    paused(async {
        let mut bench = Bench::start(State::default(), Hands::default());
        bench.shows("keys").await;
        let began = Instant::now();
        bench.shows("keys  facts 0 ticks 3").await;
        let passed = began.elapsed();
        assert!(
            passed >= Duration::from_secs(29) && passed <= Duration::from_secs(31),
            "the minute began after {passed:?}"
        );
        bench.press('s').await;
        bench.shows("keys s").await;
        let began = Instant::now();
        sleep(Duration::from_millis(3500)).await;
        bench.press('q').await;
        let (state, _) = bench.end().await;
        let ticks = state.seen.iter().filter(|seen| seen.starts_with("Clock")).count();
        assert!((5..=7).contains(&ticks), "{ticks} in {:?}: {:?}", began.elapsed(), state.seen);
    });
}

#[test]
fn a_flood_of_keys_is_a_frame_each_16_ms_at_most() {
    paused(async {
        let mut bench = Bench::start(State { clock: Clock::Off, ..State::default() }, Hands::default());
        bench.shows("keys").await;
        bench.press('w').await;
        bench.shows("keys w facts 1").await;
        let began = Instant::now();
        let (outbox, mut frames) = (bench.keys.clone(), 0);
        let flood = tokio::spawn(async move {
            for n in 0..200 {
                outbox
                    .send(TermEvent::Key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::NONE)))
                    .await
                    .unwrap();
                sleep(Duration::from_millis(if n % 2 == 0 { 0 } else { 10 })).await;
            }
        });
        while !bench.row().contains("facts 201 ") {
            bench.frame(Duration::from_secs(5)).await.expect("a frame");
            frames += 1;
        }
        flood.await.unwrap();
        let limit = began.elapsed().as_millis() / 16 + 2;
        assert!(frames <= limit, "{frames} frames in {:?}", began.elapsed());
        bench.end_soon().await;
    });
}

#[test]
fn facts_are_drawn_ten_times_a_second_at_most() {
    paused(async {
        let mut bench = Bench::start(State { clock: Clock::Off, ..State::default() }, Hands::default());
        bench.shows("keys").await;
        bench.press('W').await;
        let (began, mut frames) = (Instant::now(), 0);
        while !bench.row().contains("facts 5000 ") {
            bench.frame(Duration::from_secs(5)).await.expect("a frame");
            frames += 1;
        }
        let limit = began.elapsed().as_millis() / 100 + 3;
        assert!(frames <= limit, "{frames} frames in {:?}", began.elapsed());
    });
}

impl Bench {
    async fn end_soon(self) -> (State, Exit) {
        self.press('q').await;
        self.end().await
    }
}

#[test]
fn a_line_that_does_not_drain_gets_the_newest_frame_and_no_queue() {
    paused(async {
        let mut bench = Bench::start(State { clock: Clock::Off, ..State::default() }, Hands::default());
        bench.shows("keys").await;
        // Nobody reads: the line is blocked, and keys go on being taken.
        for c in "abcdefghij".chars() {
            bench.press(c).await;
            sleep(Duration::from_millis(50)).await;
        }
        let mut frames = 0;
        while !bench.row().starts_with("keys abcdefghij") {
            bench.frame(Duration::from_secs(5)).await.expect("a frame");
            frames += 1;
        }
        assert!(frames <= 2, "{frames} frames were queued");
    });
}

#[test]
fn hanging_up_ends_within_a_second_and_writes_nothing() {
    paused(async {
        let hands = Hands { slow_farewell: true, ..Hands::default() };
        let drafts = Arc::clone(&hands.drafts);
        let mut bench = Bench::start(State::default(), hands);
        bench.shows("keys").await;
        let began = Instant::now();
        bench.keys.send(TermEvent::HangUp).await.unwrap();
        assert_eq!(bench.frame(Duration::from_secs(5)).await, None);
        let (_, exit) = bench.end().await;
        assert_eq!(exit, Exit::HungUp);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(*drafts.lock().unwrap(), 1, "the draft is saved first");
    });
}

#[test]
fn a_line_that_breaks_is_a_hang_up() {
    paused(async {
        let mut bench = Bench::start(State::default(), Hands::default());
        bench.shows("keys").await;
        drop(std::mem::replace(&mut bench.frames, Output::frames().1));
        bench.press('a').await;
        assert_eq!(bench.end().await.1, Exit::HungUp);
    });
}

#[test]
fn signals_end_it_in_order() {
    paused(async {
        let mut bench = Bench::start(State::default(), Hands::default());
        bench.shows("keys").await;
        bench.keys.send(TermEvent::Quit(QuitSignal::Terminate)).await.unwrap();
        while bench.frame(Duration::from_secs(1)).await.is_some() {}
        assert!(!bench.screen.screen().alternate_screen());
        assert_eq!(bench.end().await.1, Exit::Signal(QuitSignal::Terminate));
    });
}

#[test]
fn requests_reach_the_terminal_and_come_back_as_inputs() {
    paused(async {
        let mut bench = Bench::start(State { clock: Clock::Off, ..State::default() }, Hands::default());
        bench.shows("keys").await;
        for c in "tyez".chars() {
            bench.press(c).await;
        }
        sleep(Duration::from_secs(1)).await;
        let mut bytes = Vec::new();
        while let Ok(Some(frame)) = timeout(Duration::from_secs(1), bench.frames.next()).await {
            bytes.extend_from_slice(&frame);
        }
        let bytes = String::from_utf8(bytes).unwrap();
        assert!(bytes.contains("\x1b]52;c;aWQtMQ==\x07"), "{bytes:?}");
        bench.press('q').await;
        let (state, _) = bench.end().await;
        for wanted in ["Timer(7)", "Copied(true)", "Edited { id: 3, text: Err(NoEditor) }", "CannotSuspend"] {
            assert!(state.seen.iter().any(|seen| seen == wanted), "{wanted} is not in {:?}", state.seen);
        }
    });
}

#[test]
fn every_size_is_survived_and_a_small_screen_says_what_it_needs() {
    paused(async {
        let mut bench = Bench::start(State { clock: Clock::Off, ..State::default() }, Hands::default());
        bench.shows("keys").await;
        for (columns, rows) in [(0, 0), (1, 1), (0, 9), (9, 0), (500, 1), (19, 4), (u16::MAX, u16::MAX)] {
            bench.keys.send(TermEvent::Resize(columns, rows)).await.unwrap();
            while bench.frame(Duration::from_millis(500)).await.is_some() {}
        }
        bench.screen.screen_mut().set_size(whole(1), whole(60));
        bench.keys.send(TermEvent::Resize(60, 1)).await.unwrap();
        bench.shows("Herald needs 20×2, this is 60×1").await;
        bench.screen.screen_mut().set_size(whole(4), whole(60));
        bench.keys.send(TermEvent::Resize(60, 4)).await.unwrap();
        bench.shows("keys").await;
    });
}

#[test]
fn a_paste_is_no_key() {
    paused(async {
        let mut bench = Bench::start(State::default(), Hands::default());
        bench.shows("keys").await;
        bench.keys.send(TermEvent::Paste("q\nq".to_owned())).await.unwrap();
        bench.press('q').await;
        let (state, _) = bench.end().await;
        assert_eq!(state.keys, "q");
        assert!(state.seen.contains(&"Paste(\"q\\nq\")".to_owned()), "{:?}", state.seen);
    });
}

#[test]
fn several_consoles_run_in_one_process() {
    paused(async {
        let mut benches: Vec<_> = (0..5).map(|_| Bench::start(State::default(), Hands::default())).collect();
        for (n, bench) in benches.iter_mut().enumerate() {
            bench.press(char::from(b'a' + n as u8)).await;
        }
        for (n, bench) in benches.iter_mut().enumerate() {
            bench.shows(&format!("keys {}", char::from(b'a' + n as u8))).await;
        }
        for bench in benches {
            assert_eq!(bench.end_soon().await.1, Exit::Quit);
        }
    });
}

#[test]
fn a_seat_whose_events_end_ends_the_console() {
    paused(async {
        let mut bench = Bench::start(State::default(), Hands::default());
        bench.shows("keys").await;
        let (keys, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut bench.keys, keys));
        assert_eq!(bench.end().await.1, Exit::Ended);
    });
}

#[test]
fn a_closed_output_refuses_what_comes_after() {
    let (mut output, _frames) = Output::frames();
    output.close(true);
    assert!(output.write(b"late").is_err());
}
