//! The loop of a console: events in, messages through `update`, frames out.
//!
//! A [`Program`] is pure: `update` changes the state and says what is to be done
//! as data, `view` draws the state. The loop runs it at any [`Seat`], draws when
//! something changed and never otherwise, and hands effects to a [`Performer`],
//! whose results come back as messages. So a console is tested whole without a
//! terminal, and several run in one process.

mod draw;
mod looper;
mod timers;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::Frame;
use tokio::sync::mpsc;

pub use looper::run;

use super::term::editor::EditError;
use super::term::{QuitSignal, Told};

/// Messages that wait for `update`; tasks with more of them wait themselves.
const ROOM: usize = 1024;

/// What the seat tells the program.
#[derive(Debug)]
pub enum Input {
    /// A key was pressed (or repeated; releases are left out).
    Key(KeyEvent),
    /// A text was pasted. Never a command.
    Paste(String),
    /// The mouse, where it is on.
    Mouse(MouseEvent),
    /// The terminal's window gained or lost the focus.
    Focus(bool),
    /// The screen has this many columns and rows. Told at the start as well.
    Resize(u16, u16),
    /// What time it is: at the start, before anything that happens a second or
    /// more after the last time, and as often as [`Program::clock`] asks.
    Clock(DateTime<Utc>),
    /// The timer of this number ran out.
    Timer(u64),
    /// The editor that was asked for has ended.
    Edited {
        /// The request's number.
        id: u64,
        /// The text as saved.
        text: Result<String, EditError>,
    },
    /// Whether the text that was to be copied was short enough.
    Copied(bool),
    /// The process could not be stopped from here, because this console runs the
    /// engine or its terminal belongs to another machine.
    CannotSuspend,
    /// The console is back from the background.
    Resumed,
    /// What the terminal says of itself.
    Told(Told),
}

/// What a performer asks of the seat and the loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Ends the console.
    Quit,
    /// Ends the console, and wants the engine of this process to end with it.
    QuitAndStop,
    /// Stops the process until the shell continues it.
    Suspend,
    /// Draws the whole screen again, because something else wrote on it.
    Redraw,
    /// Rings the bell.
    Bell,
    /// Puts a text into the clipboard of whoever sits there.
    Copy(String),
    /// Opens a text in the operator's editor; [`Input::Edited`] follows.
    Edit {
        /// Told back with the text.
        id: u64,
        /// The text.
        text: String,
        /// The file's extension, such as `html`.
        extension: &'static str,
    },
    /// [`Input::Timer`] follows after this time; replaces the timer of this number.
    Timer {
        /// Told back.
        id: u64,
        /// From now.
        after: Duration,
    },
    /// Forgets the timer.
    CancelTimer(u64),
}

/// How often a program wants to know the time when nothing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// Never: the loop does not wake.
    Off,
    /// When a minute begins.
    #[default]
    Minute,
    /// When a second begins: only while something on the screen counts seconds.
    Second,
}

/// Why a console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The program asked for it.
    Quit,
    /// The program asked for it, and wants the engine of this process to end as well.
    Stop,
    /// The process was told to end.
    Signal(QuitSignal),
    /// The terminal is gone.
    HungUp,
    /// No more events can come.
    Ended,
}

/// A console's program. Pure: no clock, no I/O, no tasks.
pub trait Program {
    /// All that it knows.
    type State;
    /// Facts and intents that change the state.
    type Msg: Send + 'static;
    /// Work to be done, as data.
    type Effect;

    /// Takes a message in; says what is to be done.
    fn update(state: &mut Self::State, msg: Self::Msg) -> Vec<Self::Effect>;

    /// Draws the state. The area is at least [`Program::needs`].
    fn view(state: &Self::State, frame: &mut Frame<'_>);

    /// What an input means now.
    fn input(state: &Self::State, input: Input) -> Option<Self::Msg>;

    /// How often to tell the time.
    fn clock(_: &Self::State) -> Clock {
        Clock::Minute
    }

    /// The fewest columns and rows that `view` draws on; on less the loop says so
    /// in one line, and the program goes on.
    fn needs() -> (u16, u16) {
        (60, 15)
    }

    /// What is to be done before the console ends, such as saving a draft.
    fn leaving(_: &mut Self::State, _: Exit) -> Vec<Self::Effect> {
        Vec::new()
    }
}

/// Does what a program wants done. Never blocks: it starts tasks, on the console's
/// own runtime, that send what came of it to the [`Outbox`].
pub trait Performer<P: Program> {
    /// Begins an effect; what concerns the seat or the loop is returned.
    fn perform(&mut self, effect: P::Effect, outbox: &Outbox<P::Msg>) -> Option<Request>;

    /// Waits for what must not be lost when the console ends. Cut off after
    /// [`Options::farewell`].
    fn settle(&mut self) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// Where tasks put the messages that came of effects.
#[derive(Debug)]
pub struct Outbox<M>(mpsc::Sender<M>);

impl<M> Clone for Outbox<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Send + 'static> Outbox<M> {
    /// Sends a message, waiting for room; false when the console has ended.
    pub async fn send(&self, msg: M) -> bool {
        self.0.send(msg).await.is_ok()
    }

    /// Sends a message if there is room; gives it back if not.
    pub fn offer(&self, msg: M) -> Result<(), M> {
        self.0.try_send(msg).map_err(|error| match error {
            mpsc::error::TrySendError::Full(msg) | mpsc::error::TrySendError::Closed(msg) => msg,
        })
    }
}

/// How a console runs.
#[derive(Clone)]
pub struct Options {
    /// What time it is.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// The editor's command.
    pub editor: String,
    /// Where drafts lie while they are in the editor.
    pub draft_dir: PathBuf,
    /// The least time between frames that a key caused.
    pub key_frame: Duration,
    /// The least time between frames that nobody pressed a key for.
    pub event_frame: Duration,
    /// How long the last effects may take.
    pub farewell: Duration,
}

impl Options {
    /// The console's usual options, with the real clock.
    pub fn new(editor: String, draft_dir: PathBuf) -> Self {
        Self {
            now: Arc::new(Utc::now),
            editor,
            draft_dir,
            key_frame: Duration::from_millis(16),
            event_frame: Duration::from_millis(100),
            farewell: Duration::from_millis(500),
        }
    }
}

/// Runs a console on a thread and a runtime of its own, so that a busy engine in
/// the same process never slows a key.
///
/// `console` opens the seat and calls [`run`]; tasks that it spawns run on the
/// same runtime.
pub fn on_own_thread<F, T>(
    console: impl FnOnce() -> F + Send + 'static,
) -> io::Result<std::thread::JoinHandle<T>>
where
    F: Future<Output = T>,
    T: Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("herald-console-tasks")
        .enable_all()
        .build()?;
    std::thread::Builder::new().name("herald-console".to_owned()).spawn(move || {
        let result = runtime.block_on(async { console().await });
        // Requests that nobody waits for any more must not hold the exit up.
        runtime.shutdown_timeout(Duration::from_millis(100));
        result
    })
}
