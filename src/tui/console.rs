//! The console: its program, and the entrance for whoever has a client and a seat.

use std::io;
use std::path::PathBuf;

use crate::domain::zone::Zone;
use ratatui::Frame;

use super::effects::{Hands, read_kept};
use super::keymap::Keymap;
use super::message::{Effect, Msg};
use super::runtime::{self, Clock, Exit, Input, Program};
use super::state::{Place, State};
use super::term::Seat;
use super::theme::Theme;
use super::{update, view};
use crate::client::Client;

/// How a console looks and where it is.
#[derive(Clone)]
pub struct Options {
    /// How it looks.
    pub theme: Theme,
    /// Whether the theme follows the terminal's background, once that is known.
    pub follow_background: bool,
    /// What keys mean.
    pub keymap: Keymap,
    /// The zone in which the operator reads times.
    pub zone: Zone,
    /// Where it is.
    pub place: Place,
    /// What to say when it starts, such as what is wrong with a keymap file.
    pub notices: Vec<String>,
    /// The file in which it keeps where one was; nothing: it forgets.
    pub keep: Option<PathBuf>,
    /// How its loop runs.
    pub run: runtime::Options,
}

/// Runs a console at a seat until it ends. The client reaches the engine, in this
/// process or another; the console cannot tell.
///
/// Await it on the console's own thread (see [`runtime::on_own_thread`]).
pub async fn run<S: Seat>(client: Client, seat: &mut S, options: Options) -> io::Result<Exit> {
    let mut state = State::new(options.theme, options.keymap, options.zone, options.place);
    state.follow_background = options.follow_background;
    if let Some(kept) = options.keep.as_deref().and_then(read_kept) {
        state.restore(kept);
    }
    if !options.notices.is_empty() {
        state.complain(options.notices.join(" · "));
    }
    let hands = Hands::new(client, options.keep);
    let (_, exit) = runtime::run::<Console, _, _>(state, seat, hands, options.run).await?;
    Ok(exit)
}

/// The console's program.
#[derive(Debug)]
pub struct Console;

impl Program for Console {
    type State = State;
    type Msg = Msg;
    type Effect = Effect;

    fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
        update::update(state, msg)
    }

    fn view(state: &State, frame: &mut Frame<'_>) {
        view::view(state, frame);
    }

    fn input(_: &State, input: Input) -> Option<Msg> {
        Some(match input {
            Input::Key(key) => Msg::Key(key),
            Input::Paste(text) => Msg::Paste(text),
            Input::Resize(columns, rows) => Msg::Resize(columns, rows),
            Input::Clock(now) => Msg::Clock(now),
            Input::Timer(id) => Msg::Timer(id),
            Input::Edited { id, text } => Msg::Edited(id, text.map_err(|error| error.to_string())),
            Input::Copied(copied) => Msg::Copied(copied),
            Input::CannotSuspend => Msg::CannotSuspend,
            Input::Mouse(event) => Msg::Mouse(event),
            Input::Told(told) => Msg::Told(told),
            Input::Focus(_) | Input::Resumed => return None,
        })
    }

    fn clock(state: &State) -> Clock {
        if state.counts_seconds() { Clock::Second } else { Clock::Minute }
    }

    fn leaving(state: &mut State, _: Exit) -> Vec<Effect> {
        update::leaving(state)
    }
}
