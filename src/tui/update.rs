//! What every message does to the state. Pure.

mod answers;
mod done;
mod keys;
mod mouse;
mod why_not;

pub use keys::{anew, filter_of, set_filter};
pub use why_not::why_not;

use super::message::{Effect, Fetch, Msg, Slot};
use super::runtime::Request;
use super::screens;
use super::state::{Overlay, Parts, REFRESH, State, Tab, timer};
use super::term::Told;
use super::theme::Theme;
use super::watch;
use crate::wire::event::Event;

/// Takes a message in; says what is to be done.
pub fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Clock(now) => {
            state.now = now;
            if !state.begun {
                begin(state);
            }
            if state.undo.as_ref().is_some_and(|undo| undo.until.to_utc() <= now) {
                state.undo = None;
            }
        }
        Msg::Resize(columns, rows) => {
            state.size = (columns, rows);
            screens::messages::lay_out(state);
        }
        Msg::Key(key) => keys::press(state, key),
        Msg::Mouse(event) => mouse::mouse(state, event),
        Msg::Paste(text) => keys::paste(state, &text),
        Msg::Timer(timer::REFRESH) => {
            state.resting = false;
            refresh(state);
        }
        Msg::Timer(timer::TOAST) => state.toast = None,
        Msg::Timer(timer::SAVE) => screens::compose::save(state),
        Msg::Timer(timer::PACE) => state.ask(Slot::Overview, Fetch::Overview),
        Msg::Timer(_) => {}
        Msg::Edited(id, text) => match state.overlays.last() {
            Some(Overlay::Form(_)) => screens::form::edited(state, text),
            _ => screens::compose::edited(state, id, text),
        },
        Msg::Copied(true) => state.say("Copied."),
        Msg::Copied(false) => state.complain("It is too long to be copied through this terminal."),
        Msg::CannotSuspend => state.complain("This console cannot be suspended: it runs the engine."),
        Msg::Answer(slot, answer) => {
            if state.answered(slot) {
                match answer {
                    Ok(answer) => {
                        state.lost = None;
                        answers::take(state, slot, answer);
                    }
                    Err(fault) => answers::fail(state, slot, fault),
                }
            }
        }
        Msg::Done(command, result) => done::done(state, command, result),
        Msg::Progress(progress) => screens::job::progress(state, progress),
        Msg::Event(event) => heard(state, event),
        Msg::Told(told) => told_by_terminal(state, told),
        Msg::Lost(fault) => state.fault(fault),
    }
    state.take_effects()
}

/// The theme follows the background, unless one was chosen.
fn told_by_terminal(state: &mut State, told: Told) {
    let Told::Background { dark } = told else { return };
    if !state.follow_background || state.chosen_theme.is_some() {
        return;
    }
    let name = if dark { "dark" } else { "light" };
    if state.theme.name() != name
        && let Ok(theme) = Theme::shipped(name, state.theme.depth())
    {
        state.theme = theme;
    }
}

/// What is to be saved before the console ends.
pub fn leaving(state: &mut State) -> Vec<Effect> {
    screens::compose::save(state);
    state.keep();
    let kept = |effect: &Effect| matches!(effect, Effect::Do(_) | Effect::Keep(_));
    state.take_effects().into_iter().filter(kept).collect()
}

fn begin(state: &mut State) {
    state.begun = true;
    state.follow();
    state.ask(Slot::Overview, Fetch::Overview);
    show(state, state.tab);
    state.ask(Slot::Drafts, Fetch::Drafts);
}

/// Shows a tab, and asks for what it shows.
pub fn show(state: &mut State, tab: Tab) {
    state.tab = tab;
    state.pending.clear();
    ask(state, Parts::ALL);
}

/// Asks for what the tab shows of these parts.
pub fn ask(state: &mut State, parts: Parts) {
    match state.tab {
        Tab::Overview => screens::overview::ask(state, parts),
        Tab::Messages => screens::messages::ask(state, parts),
        Tab::Topics => screens::topics::ask(state, parts),
        Tab::Targets => screens::targets::ask(state, parts),
        Tab::Providers => screens::providers::ask(state, parts),
        Tab::Live => screens::live::ask(state, parts),
    }
}

fn heard(state: &mut State, event: Event) {
    state.lost = None;
    let parts = match (event, &state.seen) {
        (Event::Changed(new), Some(old)) => Parts::between(old, &new),
        _ => Parts::ALL,
    };
    let (Event::Changed(new) | Event::Reset(new)) = event;
    if matches!(event, Event::Reset(_)) && state.seen.is_some() {
        screens::live::reset(state);
    }
    state.seen = Some(new);
    state.changed = state.changed.or(parts);
    screens::live::heard(state, new.log);
    if !state.resting {
        refresh(state);
    }
}

/// Asks again for what has changed, and then rests for a while.
fn refresh(state: &mut State) {
    let parts = std::mem::take(&mut state.changed);
    if parts == Parts::default() {
        return;
    }
    state.ask(Slot::Overview, Fetch::Overview);
    ask(state, parts);
    watch::ask(state);
    state.resting = true;
    state.request(Request::Timer { id: timer::REFRESH, after: REFRESH });
}
