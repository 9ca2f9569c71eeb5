//! Why an action does nothing here, now: help and the palette show it, footers leave it out.

use super::keys::{changes, undoable};
use crate::tui::action::{Action, Scope};
use crate::tui::screens::{self, messages, overview, providers, targets};
use crate::tui::state::{Focus, State, Tab};

/// Why an action does nothing on this tab; nothing if it does something, or moves only.
pub fn why_not(state: &State, action: Action) -> Option<String> {
    let row = action.row();
    let title = row.title.trim_end_matches('…');
    if state.place.read_only && changes(action) {
        return Some("This console only looks.".to_owned());
    }
    if let Some(why) = everywhere(state, action) {
        return Some(why);
    }
    if !row.is_in(state.tab.scope()) && !of_lists(state, action) {
        let tabs = Tab::ALL.into_iter().filter(|tab| row.scopes.contains(&tab.scope()));
        let places: Vec<&str> = tabs.map(Tab::title).collect();
        return (!places.is_empty()).then(|| format!("{title} works on {}.", listed(&places)));
    }
    if !row.needs_selection {
        return None;
    }
    let marked = state.messages.list.marks();
    match state.tab {
        Tab::Overview => overview::refused(state, action),
        // An address that no target has can be asked about, too.
        Tab::Targets if action == Action::Copy => None,
        _ if !screens::has_selection(state) => Some(format!("{title}: nothing is selected.")),
        Tab::Messages if marked > 0 && state.messages.focus == Focus::List => None,
        Tab::Messages => messages::refused(state, action, state.messages.current()?),
        Tab::Topics if action == Action::Unsubscribe && state.topics.focus == Focus::List => {
            Some("Open the topic and select who leaves it.".to_owned())
        }
        Tab::Targets => targets::refused(state, action),
        Tab::Providers => providers::refused(state.providers.current()?, action),
        Tab::Topics | Tab::Live => None,
    }
}

/// What does not depend on what is selected.
fn everywhere(state: &State, action: Action) -> Option<String> {
    let stopped = state.overview.as_ref().map(|overview| overview.stopped.is_some());
    let text = match action {
        Action::UndoSend if state.undo.is_none() && undoable(state).is_none() => {
            "Nothing can be taken back now."
        }
        Action::Jobs if state.job.is_none() => "No job has been done yet.",
        Action::StopSending if stopped == Some(true) => "It is stopped already.",
        Action::ResumeSending if stopped == Some(false) => "Sending is not stopped.",
        Action::RetryThese | Action::CancelThese | Action::HoldThese
            if state.tab == Tab::Live && state.live.filter.trim().is_empty() =>
        {
            "Filter the log first: it is done to all that the filter finds."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Whether it belongs to lists, or to details, and this tab has one.
fn of_lists(state: &State, action: Action) -> bool {
    let row = action.row();
    let list = state.tab != Tab::Overview && row.scopes.contains(&Scope::List);
    list || row.scopes.contains(&Scope::Detail)
}

fn listed(places: &[&str]) -> String {
    match places {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
