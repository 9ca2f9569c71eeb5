//! Keys, and the actions that they mean.

use crossterm::event::KeyEvent;

use crate::domain::ids::MessageId;
use crate::domain::reason::Why;
use crate::tui::action::{Action, Danger};
use crate::tui::keymap::Resolved;
use crate::tui::message::{Command, Fetch, Slot};
use crate::tui::runtime::Request;
use crate::tui::screens::{self, compose, form, help, palette, pick, review};
use crate::tui::state::{Focus, Overlay, Parts, State, Tab};
use crate::tui::widgets::field::LineField;
use crate::wire::message::Message;

/// A key was pressed.
pub(super) fn press(state: &mut State, key: KeyEvent) {
    let (scopes, mode) = state.keys();
    let mut pending = std::mem::take(&mut state.pending);
    let resolved = state.keymap.resolve(&mut pending, &scopes, mode, key);
    state.pending = pending;
    match resolved {
        Resolved::Action(action) => act(state, action),
        Resolved::Text(key) => text(state, key),
        Resolved::Pending | Resolved::Nothing => {}
    }
}

/// A key for the text field that has the focus.
fn text(state: &mut State, key: KeyEvent) {
    match state.overlays.last_mut() {
        Some(Overlay::Filter(field)) => {
            field.key(key);
        }
        Some(Overlay::Palette(palette)) => {
            palette.key(key);
            palette::preview(state);
        }
        Some(Overlay::Form(_)) => form::key(state, key),
        Some(Overlay::Review(review)) => review.key(key),
        Some(Overlay::Compose) => compose::key(state, key),
        _ => {}
    }
}

/// A paste: text for a field, and never a command.
pub(super) fn paste(state: &mut State, text: &str) {
    match state.overlays.last_mut() {
        Some(Overlay::Filter(field)) => field.paste(text),
        Some(Overlay::Palette(palette)) => palette.paste(text),
        Some(Overlay::Form(_)) => form::paste(state, text),
        Some(Overlay::Review(review)) => review.paste(text),
        Some(Overlay::Compose) => compose::paste(state, text),
        _ => state.say("What is pasted goes into a field; there is none here."),
    }
}

/// What begins a change, or makes one, beside what says so by its danger.
const CHANGES: &[Action] = &[
    Action::Compose,
    Action::EditMessage,
    Action::DuplicateMessage,
    Action::CorrectRest,
    Action::ThoseReached,
    Action::CreateTopic,
    Action::RenameTopic,
    Action::Subscribe,
    Action::Import,
    Action::CreatePerson,
    Action::CreateTarget,
    Action::EditTarget,
    Action::CreateProvider,
    Action::EditProvider,
    Action::ProviderTest,
    Action::ProviderFailover,
    Action::Countries,
];

/// Whether an action changes something, or begins to.
pub(super) fn changes(action: Action) -> bool {
    action.row().danger != Danger::None || CHANGES.contains(&action)
}

/// Does what an action means here.
pub(super) fn act(state: &mut State, action: Action) {
    if state.place.read_only && changes(action) {
        state.complain("This console only looks: it was started read-only.");
        return;
    }
    let over = state.overlays.len();
    let taken = match state.overlays.last() {
        Some(Overlay::Help(_)) => help::act(state, action),
        Some(Overlay::Dialogue(_)) => screens::dialogue::act(state, action),
        Some(Overlay::Palette(_)) => match palette::act(state, action) {
            palette::Chosen::Nothing => true,
            palette::Chosen::Run(action) => {
                act(state, action);
                true
            }
            palette::Chosen::Pass => false,
        },
        Some(Overlay::Filter(_)) => filter(state, action),
        Some(Overlay::Job) => screens::job::act(state, action),
        Some(Overlay::Pick(_)) => pick::act(state, action),
        Some(Overlay::Calendar(_)) => pick::calendar::act(state, action),
        Some(Overlay::Reading(_)) => pick::reading::act(state, action),
        Some(Overlay::Review(_)) => review::act(state, action),
        Some(Overlay::Form(_)) => form::act(state, action),
        Some(Overlay::Compose) => compose::act(state, action),
        None => match state.tab {
            Tab::Overview => screens::overview::act(state, action),
            Tab::Messages => screens::messages::act(state, action),
            Tab::Topics => screens::topics::act(state, action),
            Tab::Targets => screens::targets::act(state, action),
            Tab::Providers => screens::providers::act(state, action),
            Tab::Live => screens::live::act(state, action),
        },
    };
    if !taken {
        everywhere(state, action);
    }
    if state.overlays.len() > over
        && changes(action)
        && let Some(Overlay::Review(review)) = state.overlays.last_mut()
    {
        review.opened_by(action);
    }
}

/// Opens a review anew, over what there is now.
pub fn anew(state: &mut State, by: Action) {
    super::ask(state, Parts::ALL);
    act(state, by);
}

/// What actions mean on every screen.
fn everywhere(state: &mut State, action: Action) {
    let over = !state.overlays.is_empty();
    match action {
        Action::Refresh => {
            state.request(Request::Redraw);
            state.ask(Slot::Overview, Fetch::Overview);
            super::ask(state, Parts::ALL);
        }
        Action::Suspend => state.request(Request::Suspend),
        Action::Help => {
            let (scopes, _) = state.keys();
            state.overlays.push(Overlay::Help(help::Help::new(scopes)));
        }
        // Under something that lies over the tabs, nothing below it moves.
        _ if over => {
            if action == Action::Back {
                state.overlays.pop();
            }
        }
        Action::Quit => {
            let work = state.overview.as_deref().is_some_and(review::has_work);
            if state.place.hands_over && work {
                review::open_leave(state);
            } else {
                state.request(Request::Quit);
            }
        }
        Action::GoOverview => super::show(state, Tab::Overview),
        Action::GoMessages => super::show(state, Tab::Messages),
        Action::GoTopics => super::show(state, Tab::Topics),
        Action::GoTargets => super::show(state, Tab::Targets),
        Action::GoProviders => super::show(state, Tab::Providers),
        Action::GoLive => super::show(state, Tab::Live),
        Action::GoNextTab => super::show(state, beside(state.tab, 1)),
        Action::GoPreviousTab => super::show(state, beside(state.tab, Tab::ALL.len() - 1)),
        Action::Palette => state.overlays.push(Overlay::Palette(palette::Palette::default())),
        Action::Back if state.focus() == Focus::Detail => state.set_focus(Focus::List),
        Action::Open => state.set_focus(Focus::Detail),
        Action::Filter => open_filter(state),
        Action::Back if unmark(state) => {}
        Action::Back | Action::ClearFilter => clear_filter(state),
        Action::Compose => compose::open_new(state, None),
        Action::Drafts => compose::ask_drafts(state),
        Action::CreateTopic => form::open(state, form::Purpose::Topic),
        Action::CreateProvider => pick::open_kinds(state),
        Action::Jobs if state.job.is_some() => state.overlays.push(Overlay::Job),
        Action::Jobs => state.say("No job has been done yet."),
        Action::Sort => pick::open_sort(state),
        Action::Columns => pick::open_columns(state),
        Action::Views => pick::open_views(state),
        Action::SaveView => form::open(state, form::Purpose::View),
        Action::Find => {
            super::show(state, Tab::Targets);
            state.set_focus(Focus::List);
            state.targets.filter.clear();
            open_filter(state);
        }
        Action::Import => form::open(state, form::Purpose::Import(None)),
        Action::Theme => pick::open_themes(state),
        Action::CreatePerson => form::open(state, form::Purpose::Person),
        Action::UndoSend => match state.undo.take() {
            Some(undo) => state.command(Command::Undo(undo.message)),
            None => match undoable(state) {
                Some(id) => state.command(Command::Undo(id)),
                None => state.say("Nothing can be taken back now."),
            },
        },
        Action::StopSending => review::open_stop(state),
        Action::ResumeSending => review::open_resume(state),
        _ => say_why_not(state, action),
    }
}

/// A message that can still be taken back, whoever sent it: the one that is
/// selected first.
pub(super) fn undoable(state: &State) -> Option<MessageId> {
    let open = |message: &&Message| matches!(&message.why, Some(reason) if matches!(reason.why, Why::UndoWindow { .. }));
    let messages = &state.messages;
    let selected = messages.current().filter(open);
    selected.or_else(|| messages.list.rows().iter().find(open)).map(|message| message.id.clone())
}

fn say_why_not(state: &mut State, action: Action) {
    let title = action.title().trim_end_matches('…');
    match super::why_not(state, action) {
        Some(why) => state.say(why),
        None if action.row().needs_selection => state.say(format!("{title}: not for what is selected.")),
        None => {}
    }
}

fn beside(tab: Tab, steps: usize) -> Tab {
    let at = Tab::ALL.iter().position(|other| *other == tab).unwrap_or(0);
    Tab::ALL[(at + steps) % Tab::ALL.len()]
}

fn open_filter(state: &mut State) {
    let Some(filter) = filter_of(state) else { return };
    let field = LineField::new(filter);
    state.overlays.push(Overlay::Filter(field));
}

/// The filter of the tab's list, if it has one.
pub fn filter_of(state: &mut State) -> Option<&mut String> {
    Some(match state.tab {
        Tab::Messages => &mut state.messages.filter,
        Tab::Topics => &mut state.topics.filter,
        Tab::Targets => &mut state.targets.filter,
        Tab::Live => &mut state.live.filter,
        Tab::Overview | Tab::Providers => return None,
    })
}

/// What actions mean in the filter line.
fn filter(state: &mut State, action: Action) -> bool {
    match action {
        Action::Accept => {
            let Some(Overlay::Filter(field)) = state.overlays.last() else { return false };
            let text = field.text().trim().to_owned();
            if let Some(table) = screens::filter_table(state.tab)
                && let Err(error) = screens::check_filter(&text, table, state.zone)
            {
                // The list stays as it was; the line says what is wrong with it.
                state.complain(error);
                return true;
            }
            state.overlays.pop();
            set_filter(state, text);
            true
        }
        Action::LeaveField | Action::Back => {
            // What was wrong with what was typed went with it.
            state.toast = None;
            state.overlays.pop();
            true
        }
        _ => false,
    }
}

fn clear_filter(state: &mut State) {
    if filter_of(state).is_some_and(|filter| !filter.is_empty()) {
        set_filter(state, String::new());
    }
}

fn unmark(state: &mut State) -> bool {
    match state.tab {
        Tab::Messages => state.messages.list.unmark(),
        Tab::Topics => state.topics.list.unmark() | state.topics.subscribers.unmark(),
        Tab::Targets => state.targets.list.unmark(),
        _ => false,
    }
}

/// Shows this of the tab's list from now on.
pub fn set_filter(state: &mut State, text: String) {
    let Some(filter) = filter_of(state) else { return };
    *filter = text;
    match state.tab {
        Tab::Messages => state.messages.list.clear(),
        Tab::Topics => state.topics.list.clear(),
        Tab::Targets => {
            state.targets.list.clear();
            state.targets.lookup = None;
        }
        Tab::Live => screens::live::reset(state),
        Tab::Overview | Tab::Providers => {}
    }
    super::ask(state, Parts::ALL);
    state.keep();
}
