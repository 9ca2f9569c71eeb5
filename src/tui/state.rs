//! All that a console knows.

pub mod kept;
pub mod paged;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::zone::Zone;
use chrono::{DateTime, Utc};

use super::action::Scope;
use super::keymap::{Keymap, Mode, Pending};
use super::message::{Command, Effect, Fault, Fetch, Slot};
use super::names::Names;
use super::runtime::Request;
use super::screens::compose::Compose;
use super::screens::dialogue::Dialogue;
use super::screens::form::Form;
use super::screens::help::Help;
use super::screens::job::Job;
use super::screens::live::Live;
use super::screens::messages::Messages;
use super::screens::overview::OverviewScreen;
use super::screens::palette::Palette;
use super::screens::pick::{Calendar, Pick, Reading};
use super::screens::providers::Providers;
use super::screens::review::Review;
use super::screens::targets::Targets;
use super::screens::topics::Topics;
use super::theme::{Role, Theme};
use super::widgets::field::LineField;
use crate::domain::ids::MessageId;
use crate::domain::time::Timestamp;
use crate::wire::draft::SavedDraft;
use crate::wire::event::Changes;
use crate::wire::overview::Overview;

/// The timers of the console.
pub mod timer {
    /// The screen may ask again.
    pub const REFRESH: u64 = 1;
    /// The toast goes.
    pub const TOAST: u64 = 2;
    /// The draft is written.
    pub const SAVE: u64 = 3;
    /// The last pace is looked at again: nothing tells that it has ended.
    pub const PACE: u64 = 4;
}

/// How long a pace is that of the last seconds, and after which it is looked at again.
pub const PACE: Duration = Duration::from_secs(11);

/// The least time between two questions for the same part of the screen.
pub const REFRESH: Duration = Duration::from_millis(250);
/// How long a toast stays.
const TOAST: Duration = Duration::from_secs(6);

/// A screen of the first level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Is it well, and what needs you.
    Overview,
    /// Messages.
    Messages,
    /// Topics.
    Topics,
    /// Targets.
    Targets,
    /// Providers.
    Providers,
    /// The delivery log as it grows.
    Live,
}

impl Tab {
    /// All of them, by their digit.
    pub const ALL: [Self; 6] =
        [Self::Overview, Self::Messages, Self::Topics, Self::Targets, Self::Providers, Self::Live];

    /// The title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Messages => "Messages",
            Self::Topics => "Topics",
            Self::Targets => "Targets",
            Self::Providers => "Providers",
            Self::Live => "Live",
        }
    }

    /// The scope of its keys.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Overview => Scope::Overview,
            Self::Messages => Scope::Messages,
            Self::Topics => Scope::Topics,
            Self::Targets => Scope::Targets,
            Self::Providers => Scope::Providers,
            Self::Live => Scope::Live,
        }
    }
}

/// Which half of a screen has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// The list.
    #[default]
    List,
    /// The detail, which then has the whole body.
    Detail,
}

/// What lies over the tab.
#[derive(Debug)]
pub enum Overlay {
    /// Every key.
    Help(Help),
    /// Any action by its name.
    Palette(Palette),
    /// The filter line.
    Filter(LineField),
    /// A review before something happens.
    Review(Box<Review>),
    /// A form.
    Form(Box<Form>),
    /// What a test of a provider found.
    Dialogue(Dialogue),
    /// Writing a message; what is written is in [`State::compose`].
    Compose,
    /// One of a few.
    Pick(Pick),
    /// A day.
    Calendar(Calendar),
    /// A message as its recipient reads it.
    Reading(Reading),
    /// The job: what becomes of each of many.
    Job,
}

/// A line that says what happened, and goes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// In one sentence.
    pub text: String,
    /// How it looks.
    pub role: Role,
}

/// A send that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// Which.
    pub message: MessageId,
    /// What it is called.
    pub headline: String,
    /// Until when.
    pub until: Timestamp,
}

/// Where the console is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "what holds of a place")]
pub struct Place {
    /// A name that the caller gives, such as `DEMO`; else the engine's own.
    pub label: Option<String>,
    /// Whether the engine is another process.
    pub attached: bool,
    /// Whether it only looks.
    pub read_only: bool,
    /// Whether the engine of this process goes on in another one when the console ends.
    pub hands_over: bool,
    /// Whether it takes the mouse.
    pub mouse: bool,
}

/// Which parts have changed since they were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a set of parts")]
pub struct Parts {
    /// Users and targets.
    pub people: bool,
    /// Topics and subscribers.
    pub topics: bool,
    /// Messages, the schedule and plans.
    pub messages: bool,
    /// Providers and what the engine says of them.
    pub providers: bool,
    /// The delivery log.
    pub log: bool,
    /// Anything.
    pub any: bool,
}

impl Parts {
    /// Everything.
    pub const ALL: Self =
        Self { people: true, topics: true, messages: true, providers: true, log: true, any: true };

    /// What differs between two sets of counts.
    pub fn between(old: &Changes, new: &Changes) -> Self {
        let messages = old.messages != new.messages || old.schedule != new.schedule || old.plans != new.plans;
        let providers = old.providers != new.providers || old.engine != new.engine;
        Self {
            people: old.people != new.people,
            topics: old.topics != new.topics,
            messages,
            providers,
            log: old.log != new.log,
            any: old != new,
        }
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            people: self.people || other.people,
            topics: self.topics || other.topics,
            messages: self.messages || other.messages,
            providers: self.providers || other.providers,
            log: self.log || other.log,
            any: self.any || other.any,
        }
    }
}

/// A question under way, and the one that is to follow it.
#[derive(Debug)]
struct Open {
    fetch: Fetch,
    again: Option<Fetch>,
}

/// All that a console knows.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what holds of a console")]
pub struct State {
    /// What time it is.
    pub now: DateTime<Utc>,
    /// The screen's columns and rows.
    pub size: (u16, u16),
    /// How it looks.
    pub theme: Theme,
    /// What keys mean.
    pub keymap: Keymap,
    /// The operator's zone.
    pub zone: Zone,
    /// Where it is.
    pub place: Place,
    /// The tab that is shown.
    pub tab: Tab,
    /// What lies over it; the last has the keys.
    pub overlays: Vec<Overlay>,
    /// The message being written; kept when its form is left.
    pub compose: Option<Compose>,
    /// What the attachments of a mail may be together, in bytes, once it is known.
    pub attachments_limit: Option<u64>,
    /// What the operator has begun to write, as the server keeps it: the newest first.
    pub drafts: Vec<SavedDraft>,
    /// Whether the list of drafts is to be opened when it comes.
    pub drafts_wanted: bool,
    /// Addresses of one's own, to which copies go, by type.
    pub own: BTreeMap<String, String>,
    /// What is done to many, or was last.
    pub job: Option<Job>,
    /// Columns that are hidden, by the tab's scope.
    pub hidden: BTreeMap<String, BTreeSet<String>>,
    /// Filters that have a name, by the tab's scope.
    pub views: BTreeMap<String, BTreeMap<String, String>>,
    /// The theme that was chosen; nothing: the one it started with.
    pub chosen_theme: Option<String>,
    /// Whether the theme follows the terminal's background, once that is known.
    pub follow_background: bool,
    /// The theme before one that is only looked at.
    pub theme_before: Option<Theme>,
    /// How things stood when a console ended here last.
    pub left: Option<kept::Left>,
    away: Option<kept::Left>,
    /// The keys of a sequence that has begun.
    pub pending: Pending,
    /// What happened last.
    pub toast: Option<Toast>,
    /// The last send, while it can be taken back.
    pub undo: Option<Undo>,
    /// Since when nobody answers, and why.
    pub lost: Option<(DateTime<Utc>, String)>,
    /// How things stand.
    pub overview: Option<Box<Overview>>,
    /// Tab 0.
    pub home: OverviewScreen,
    /// Tab 1.
    pub messages: Messages,
    /// Tab 2.
    pub topics: Topics,
    /// Tab 3.
    pub targets: Targets,
    /// Tab 4.
    pub providers: Providers,
    /// Tab 5.
    pub live: Live,
    /// The counts that the event stream said last.
    pub seen: Option<Changes>,
    /// What has changed since the screen was asked for.
    pub changed: Parts,
    /// Whether the refresh timer runs.
    pub resting: bool,
    /// Whether the first questions have been asked.
    pub begun: bool,
    open: BTreeMap<Slot, Open>,
    out: Vec<Effect>,
}

impl State {
    /// A console before its first frame.
    pub fn new(theme: Theme, keymap: Keymap, zone: Zone, place: Place) -> Self {
        Self {
            now: DateTime::UNIX_EPOCH,
            size: (80, 24),
            theme,
            keymap,
            zone,
            place,
            tab: Tab::Overview,
            overlays: Vec::new(),
            compose: None,
            attachments_limit: None,
            drafts: Vec::new(),
            drafts_wanted: false,
            own: BTreeMap::new(),
            job: None,
            hidden: BTreeMap::new(),
            views: BTreeMap::new(),
            chosen_theme: None,
            follow_background: false,
            theme_before: None,
            left: None,
            away: None,
            pending: Pending::default(),
            toast: None,
            undo: None,
            lost: None,
            overview: None,
            home: OverviewScreen::default(),
            messages: Messages::default(),
            topics: Topics::default(),
            targets: Targets::default(),
            providers: Providers::default(),
            live: Live::default(),
            seen: None,
            changed: Parts::default(),
            resting: false,
            begun: false,
            open: BTreeMap::new(),
            out: Vec::new(),
        }
    }

    /// Looks like the theme of this name from now on.
    pub fn show_theme(&mut self, name: &str) {
        if let Ok(theme) = Theme::shipped(name, self.theme.depth()) {
            self.theme = theme;
            self.chosen_theme = Some(name.to_owned());
        }
    }

    /// The columns of this tab that are hidden.
    pub fn hidden_here(&self) -> Option<&BTreeSet<String>> {
        self.hidden.get(self.tab.scope().name())
    }

    /// Wants something of the seat.
    pub fn request(&mut self, request: Request) {
        self.out.push(Effect::Ask(request));
    }

    /// Wants something done.
    pub fn command(&mut self, command: Command) {
        self.out.push(Effect::Do(command));
    }

    /// Wants what takes long to end.
    pub fn end_what_takes_long(&mut self) {
        self.out.push(Effect::Stop);
    }

    /// Wants to hear what changes.
    pub fn follow(&mut self) {
        self.out.push(Effect::Follow);
    }

    /// Asks for a part of the screen; if it is being asked for, afterwards.
    pub fn ask(&mut self, slot: Slot, fetch: Fetch) {
        if let Some(open) = self.open.get_mut(&slot) {
            open.again = Some(fetch);
        } else {
            self.out.push(Effect::Fetch(slot, fetch.clone()));
            self.open.insert(slot, Open { fetch, again: None });
        }
    }

    /// Takes note that an answer has come; says whether it is still wanted.
    pub fn answered(&mut self, slot: Slot) -> bool {
        let Some(Open { fetch, again }) = self.open.remove(&slot) else { return false };
        let Some(again) = again else { return true };
        let same = again == fetch;
        self.ask(slot, again);
        same
    }

    /// Whether an answer is under way.
    pub fn is_asking(&self, slot: Slot) -> bool {
        self.open.contains_key(&slot)
    }

    /// What is to be done, taken.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.out)
    }

    /// Says something that goes by itself.
    pub fn say(&mut self, text: impl Into<String>) {
        self.toast(text.into(), Role::NOTICE);
    }

    /// Says that something did not work.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.toast(text.into(), Role::NOTICE_ERROR);
    }

    fn toast(&mut self, text: String, role: Role) {
        self.toast = Some(Toast { text, role });
        self.request(Request::Timer { id: timer::TOAST, after: TOAST });
    }

    /// What providers are called.
    pub fn names(&self) -> Names<'_> {
        Names::of(self.overview.as_ref().map_or(&[], |overview| overview.providers.as_slice()))
    }

    /// Takes note of a fault of a question.
    pub fn fault(&mut self, fault: Fault) {
        if fault.unreachable {
            let since = self.lost.as_ref().map_or(self.now, |(since, _)| *since);
            self.lost = Some((since, fault.text));
        } else {
            self.complain(fault.text);
        }
    }

    /// The scopes that have the keys, innermost first, and whether text does.
    pub fn keys(&self) -> (Vec<Scope>, Mode) {
        match self.overlays.last() {
            None => {
                let inner = if self.focus() == Focus::Detail { Scope::Detail } else { Scope::List };
                (vec![self.tab.scope(), inner, Scope::Global], Mode::Normal)
            }
            Some(Overlay::Help(_)) => (vec![Scope::Help, Scope::Global], Mode::Normal),
            Some(
                Overlay::Pick(_)
                | Overlay::Calendar(_)
                | Overlay::Reading(_)
                | Overlay::Dialogue(_)
                | Overlay::Job,
            ) => (vec![Scope::Pick, Scope::Global], Mode::Normal),
            Some(Overlay::Palette(_)) => (vec![Scope::Palette, Scope::Global], Mode::Insert),
            Some(Overlay::Filter(_)) => (vec![Scope::Filter, Scope::Global], Mode::Insert),
            Some(Overlay::Form(_)) => (vec![Scope::Form, Scope::Global], Mode::Insert),
            Some(Overlay::Compose) => (vec![Scope::Compose, Scope::Global], Mode::Insert),
            Some(Overlay::Review(review)) => {
                let mode = if review.word().is_some() { Mode::Insert } else { Mode::Normal };
                (vec![Scope::Review, Scope::Global], mode)
            }
        }
    }

    /// Which half of the tab has the keys.
    pub fn focus(&self) -> Focus {
        match self.tab {
            Tab::Messages => self.messages.focus,
            Tab::Topics => self.topics.focus,
            Tab::Targets => self.targets.focus,
            Tab::Providers => self.providers.focus,
            Tab::Live => self.live.focus,
            Tab::Overview => Focus::List,
        }
    }

    /// Gives the keys to a half of the tab.
    pub fn set_focus(&mut self, focus: Focus) {
        match self.tab {
            Tab::Messages => self.messages.focus = focus,
            Tab::Topics => self.topics.focus = focus,
            Tab::Targets => self.targets.focus = focus,
            Tab::Providers => self.providers.focus = focus,
            Tab::Live => self.live.focus = focus,
            Tab::Overview => {}
        }
    }

    /// Whether something on the screen counts seconds.
    pub fn counts_seconds(&self) -> bool {
        let sending = self.overview.as_ref().is_some_and(|overview| overview.states.processing > 0);
        self.undo.is_some() || sending || self.lost.is_some()
    }

    /// The undo window's length in seconds, as the engine says it.
    pub fn undo_seconds(&self) -> u32 {
        self.overview.as_ref().map_or(10, |overview| overview.instance.undo_s)
    }
}
