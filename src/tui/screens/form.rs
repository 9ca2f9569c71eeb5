//! Forms: topics, people, providers; a time; a decision; a copy to oneself.

mod entry;
mod opening;
mod paths;
mod provider;
mod ready;
mod view;

pub use entry::Entry;
pub use opening::{Purpose, open, open_looked_at};
pub use paths::take_folder;
pub use view::view;

use crossterm::event::{KeyCode, KeyEvent};

use super::choices::{self, Choice, Chosen, Found, Kind, Wanted};
use super::finder::Finder;
use super::{job, pick, review};
use crate::domain::entries::entries;
use crate::domain::ids::MessageId;
use crate::domain::time::Timestamp;
use crate::domain::validate;
use crate::domain::when;
use crate::tui::action::Action;
use crate::tui::runtime::Request;
use crate::tui::state::{Overlay, State};
use crate::tui::watch::Watch;
use crate::wire::message::ScheduleWords;

/// Who can be in a topic: of every type.
const PEOPLE: Wanted = Wanted { topics: None, users: true, channel: None };

/// The name of the field that says when.
const WHEN: &str = "When";

/// A form.
#[derive(Debug)]
pub struct Form {
    purpose: Purpose,
    title: String,
    fields: Vec<Entry>,
    at: usize,
    problem: Option<String>,
    busy: bool,
    /// Something was typed: esc asks before it is lost.
    touched: bool,
    /// Esc was pressed once.
    leaving: bool,
    /// Who can be chosen into the list that is typed, and who was.
    found: Found,
    chosen: Vec<Chosen>,
    /// What it is about. Once that has changed, it cannot be submitted any more.
    watch: Watch,
}

impl Form {
    fn new(purpose: Purpose, title: impl Into<String>, fields: Vec<Entry>) -> Self {
        let watch = Watch::of_purpose(&purpose);
        Self {
            purpose,
            title: title.into(),
            fields,
            at: 0,
            problem: None,
            busy: false,
            touched: false,
            leaving: false,
            found: Found::default(),
            chosen: Vec::new(),
            watch,
        }
    }

    /// What it is about, while it can be submitted.
    pub fn watch_mut(&mut self) -> Option<&mut Watch> {
        (!self.busy).then_some(&mut self.watch)
    }

    /// What it is about is not what it was: what was typed stays to be read, and is not done.
    pub fn lapse(&mut self, text: String) {
        self.watch.lapse();
        self.problem = Some(text);
    }

    /// What it is for.
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// The words with which somebody is looked for: the last entry of the list that has the keys.
    fn typed(&self) -> Option<&str> {
        self.fields.get(self.at).filter(|field| field.takes_people()).map(Entry::last)
    }

    /// Who can be chosen. Nobody once a whole address or id is typed, which stands for itself: another
    /// one may end like it.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let Some(typed) = self.typed() else { return Vec::new() };
        if validate::email(typed) || validate::phone(typed) {
            return Vec::new();
        }
        let list = self.found.list(PEOPLE, typed);
        let is_whole = |choice: &Choice| choice.chosen.id == typed || choice.chosen.name == typed;
        if list.iter().any(is_whole) { Vec::new() } else { list }
    }

    /// Takes the one that is pointed at into the list; says whether there was one.
    fn choose(&mut self) -> bool {
        let Some(choice) = self.choices().into_iter().nth(self.found.at) else { return false };
        let Choice { chosen, .. } = choice;
        if let Some(field) = self.fields.get_mut(self.at) {
            field.complete(if chosen.kind == Kind::Target { &chosen.name } else { &chosen.id });
        }
        self.touched = true;
        self.found.at = 0;
        self.chosen.push(chosen);
        true
    }

    /// Who stands in the list, each by the name that is known of it.
    pub(super) fn named(&self) -> Vec<String> {
        let Some(field) = self.fields.get(self.at).filter(|field| field.takes_people()) else {
            return Vec::new();
        };
        let name = |entry: String| {
            let known = self.chosen.iter().find(|chosen| chosen.id == entry);
            known.map_or(entry, |chosen| chosen.name.clone())
        };
        entries(field.text()).into_iter().map(name).collect()
    }

    /// Whether somebody stands in the list already.
    pub(super) fn has(&self, one: &Chosen) -> bool {
        let Some(field) = self.fields.get(self.at) else { return false };
        let stands_for = if one.kind == Kind::Target { &one.name } else { &one.id };
        entries(field.text()).contains(stands_for)
    }

    /// What is looked for, and where what is found goes.
    pub fn seeks(&mut self) -> Option<(&mut Found, Wanted, String)> {
        let typed = self.typed()?.to_owned();
        Some((&mut self.found, PEOPLE, typed))
    }

    /// Whether what it asks for is under way.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// It was refused.
    pub fn fail(&mut self, text: String) {
        self.busy = false;
        self.problem = Some(text);
    }

    /// What the field that says when says, if there is one.
    pub fn when(&self) -> Option<&str> {
        self.fields.iter().find(|field| field.name == WHEN).map(Entry::text)
    }

    fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map_or("", |field| field.text().trim())
    }

    fn fill(&mut self, name: &str, text: &str) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == name) {
            field.set(text);
        }
    }

    fn step(&mut self, by: isize) {
        self.at = self.at.saturating_add_signed(by).min(self.fields.len().saturating_sub(1));
    }
}

/// A paste.
pub fn paste(state: &mut State, text: &str) {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    form.touched = true;
    if form.path().is_some() {
        paths::paste(state, text);
    } else if let Some(field) = form.fields.get_mut(form.at) {
        field.paste(text);
    }
}

/// A key that edits.
pub fn key(state: &mut State, key: KeyEvent) {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    form.leaving = false;
    if paths::key(state, key) {
        return;
    }
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    let choices = form.choices().len();
    match key.code {
        KeyCode::Down if choices > 0 => form.found.at = (form.found.at + 1).min(choices - 1),
        KeyCode::Up if choices > 0 => form.found.at = form.found.at.saturating_sub(1),
        KeyCode::Down => form.step(1),
        KeyCode::Up => form.step(-1),
        _ => {
            if let Some(field) = form.fields.get_mut(form.at)
                && field.key(key)
            {
                form.touched = true;
                if !form.watch.has_lapsed() {
                    form.problem = None;
                }
                form.found.at = 0;
                if let Some(typed) = form.typed().map(str::to_owned) {
                    choices::ask(state, PEOPLE, &typed);
                }
            }
        }
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return false };
    match action {
        Action::NextField => form.step(1),
        Action::PreviousField => form.step(-1),
        Action::Accept | Action::Submit if form.busy => {}
        Action::Accept if form.choose() => {}
        Action::Accept if form.path().is_some_and(Finder::has_looked) => paths::choose(state),
        Action::Accept if form.at + 1 < form.fields.len() => form.step(1),
        // What was said of it stays on the screen.
        Action::Accept | Action::Submit if form.watch.has_lapsed() => {}
        Action::Accept | Action::Submit => submit(state),
        // What the path can become goes first.
        Action::LeaveField if form.path_mut().is_some_and(Finder::shut) => {}
        Action::LeaveField | Action::Back => {
            // What was typed is not lost by one key.
            if form.touched && !form.leaving && form.fields.len() > 1 {
                form.leaving = true;
            } else {
                state.overlays.pop();
            }
        }
        Action::Calendar if form.when().is_some() => pick::open_calendar(state),
        Action::Editor => match form.fields.get(form.at) {
            Some(field) if field.takes_lines() => {
                let text = field.text().to_owned();
                state.request(Request::Edit { id: 0, text, extension: "txt" });
            }
            _ => state.say("This field is short; it is edited here."),
        },
        _ => return false,
    }
    true
}

/// The text that came back from the editor.
pub fn edited(state: &mut State, text: Result<String, String>) {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    match text {
        Ok(text) => {
            if let Some(field) = form.fields.get_mut(form.at) {
                field.set(text.trim_end());
                form.touched = true;
            }
        }
        Err(why) => state.complain(why),
    }
}

/// Says when, in words.
pub fn set_when(state: &mut State, words: &str) {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return };
    if let Some(field) = form.fields.iter_mut().find(|field| field.name == WHEN) {
        field.set(words);
    }
}

fn submit(state: &mut State) {
    let Some(Overlay::Form(form)) = state.overlays.last() else { return };
    match (form.purpose.clone(), ready::ready(form, state)) {
        (_, Err((at, problem))) => {
            if let Some(Overlay::Form(form)) = state.overlays.last_mut() {
                form.at =
                    at.and_then(|name| form.fields.iter().position(|f| f.name == name)).unwrap_or(form.at);
                form.problem = Some(problem);
            }
        }
        (Purpose::Schedule(id), Ok(_)) => schedule(state, &id),
        (Purpose::View, Ok(_)) => {
            let (name, filter) = (form.text("Name").to_owned(), form.text("Filter").to_owned());
            state.overlays.pop();
            let views = state.views.entry(state.tab.scope().name().to_owned()).or_default();
            if filter.is_empty() {
                views.remove(&name);
            } else {
                views.insert(name, filter);
            }
            state.keep();
        }
        (_, Ok(Some(command))) => {
            if command.takes_long() && job::is_busy(state) {
                return;
            }
            if let Some(Overlay::Form(form)) = state.overlays.last_mut() {
                form.busy = true;
                if let Purpose::Test(channel) | Purpose::TestProvider(_, channel) = form.purpose {
                    let address = form.text("Address").to_owned();
                    state.own.insert(channel.to_string(), address);
                    state.keep();
                }
            }
            state.command(command);
        }
        (_, Ok(None)) => {
            state.overlays.pop();
        }
    }
}

/// Goes on to the review with the time that was said.
fn schedule(state: &mut State, id: &MessageId) {
    let Some(Overlay::Form(form)) = state.overlays.last() else { return };
    let words = form.text(WHEN).to_owned();
    let Ok(said) = when::parse(&words, state.now, state.zone) else { return };
    let at = (Timestamp::from_utc(said.at), ScheduleWords { words, zone: said.zone.name().to_owned() });
    state.overlays.pop();
    if let Some(message) = state.messages.current().filter(|message| message.id == *id).cloned() {
        review::open_send(state, &message, Some(at));
    }
}
