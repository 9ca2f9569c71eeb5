//! A console at a fake seat: keys in, a screen out, the real loop between.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use herald::domain::zone::Zone;
use herald::tui::console::{self, Options};
use herald::tui::keymap::Keymap;
use herald::tui::runtime::{self, Exit};
use herald::tui::state::Place;
use herald::tui::term::{Extent, Frames, Modes, Output, StreamSeat, TermEvent};
use herald::tui::theme::{Depth, Theme};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;

use super::service::Api;
use super::world::now;

/// Runs a test under paused time, on one thread, as a console runs.
pub fn paused(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}

pub struct Seat {
    keys: mpsc::Sender<TermEvent>,
    frames: Frames,
    screen: vt100::Parser,
    console: JoinHandle<std::io::Result<Exit>>,
    pub bytes: Vec<u8>,
}

fn whole(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

impl Seat {
    pub fn at(api: &Api, columns: u16, rows: u16) -> Self {
        Self::with(api, columns, rows, options())
    }

    /// A seat whose console keeps where it was in a file.
    pub fn kept(api: &Api, columns: u16, rows: u16, keep: Option<PathBuf>) -> Self {
        Self::with(api, columns, rows, Options { keep, ..options() })
    }

    /// A seat whose console only looks.
    pub fn looking(api: &Api, columns: u16, rows: u16) -> Self {
        let place = Place { read_only: true, ..Place::default() };
        Self::with(api, columns, rows, Options { place, ..options() })
    }

    /// A seat whose console runs the engine, which goes on in another process.
    pub fn running(api: &Api, columns: u16, rows: u16) -> Self {
        let place = Place { hands_over: true, ..Place::default() };
        Self::with(api, columns, rows, Options { place, ..options() })
    }

    fn with(api: &Api, columns: u16, rows: u16, options: Options) -> Self {
        let (keys, events) = mpsc::channel(256);
        let (output, frames) = Output::frames();
        let extent = Extent::new(columns, rows);
        let client = api.client();
        let console = tokio::task::spawn_local(async move {
            let mut seat = StreamSeat::new(ReceiverStream::new(events), output, extent, Modes::default())?;
            Box::pin(console::run(client, &mut seat, options)).await
        });
        let screen = vt100::Parser::new(whole(rows), whole(columns), 0);
        Self { keys, frames, screen, console, bytes: Vec::new() }
    }

    /// Presses keys, written as in a keymap file.
    pub async fn press(&self, keys: &str) {
        for chord in parse_sequences(keys) {
            self.keys.send(TermEvent::Key(chord)).await.unwrap();
        }
    }

    /// Types a text.
    pub async fn type_text(&self, text: &str) {
        for c in text.chars() {
            let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
            let key = KeyEvent::new(code, KeyModifiers::NONE);
            self.keys.send(TermEvent::Key(key)).await.unwrap();
        }
    }

    pub async fn send(&self, event: TermEvent) {
        self.keys.send(event).await.unwrap();
    }

    /// Reads a frame within the time given; whether there was one.
    pub async fn frame(&mut self, within: Duration) -> bool {
        match timeout(within, self.frames.next()).await {
            Ok(Some(frame)) => {
                self.screen.process(&frame);
                self.bytes.extend_from_slice(&frame);
                true
            }
            _ => false,
        }
    }

    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Reads frames until the screen has this text.
    pub async fn shows(&mut self, text: &str) {
        for _ in 0..300 {
            if self.text().contains(text) {
                return;
            }
            if !self.frame(Duration::from_secs(20)).await {
                break;
            }
        }
        panic!("the screen does not show “{text}”:\n{}", self.text());
    }

    /// Reads frames until the screen has this text no more.
    pub async fn hides(&mut self, text: &str) {
        for _ in 0..300 {
            if !self.text().contains(text) {
                return;
            }
            if !self.frame(Duration::from_secs(20)).await {
                break;
            }
        }
        panic!("the screen still shows “{text}”:\n{}", self.text());
    }

    pub async fn quit(mut self) -> Exit {
        self.press("q").await;
        while self.frame(Duration::from_secs(1)).await {}
        timeout(Duration::from_mins(1), self.console).await.expect("it ends").unwrap().unwrap()
    }

    /// Waits for the end.
    pub async fn ended(mut self) -> Exit {
        while self.frame(Duration::from_secs(1)).await {}
        timeout(Duration::from_mins(1), self.console).await.expect("it ends").unwrap().unwrap()
    }

    /// Hangs up and waits for the end.
    pub async fn hang_up(self) -> Exit {
        self.keys.send(TermEvent::HangUp).await.unwrap();
        timeout(Duration::from_mins(1), self.console).await.expect("it ends").unwrap().unwrap()
    }
}

fn parse_sequences(keys: &str) -> Vec<KeyEvent> {
    keys.split(' ').map(key).collect()
}

/// A key as a keymap file writes it.
pub fn key(text: &str) -> KeyEvent {
    let (modifiers, name) = match text.split_once('-') {
        Some(("alt", rest)) => (KeyModifiers::ALT, rest),
        Some(("ctrl", rest)) => (KeyModifiers::CONTROL, rest),
        _ => (KeyModifiers::NONE, text),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "space" => KeyCode::Char(' '),
        "backspace" => KeyCode::Backspace,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        _ => KeyCode::Char(name.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

pub fn options() -> Options {
    let (began, start) = (Instant::now(), now());
    let mut run = runtime::Options::new("false".to_owned(), std::env::temp_dir());
    run.now = Arc::new(move || start + began.elapsed());
    Options {
        theme: Theme::shipped("mono", Depth::None).unwrap(),
        follow_background: false,
        keymap: Keymap::shipped("default").unwrap(),
        zone: Zone::UTC,
        place: Place::default(),
        notices: Vec::new(),
        keep: None,
        run,
    }
}
