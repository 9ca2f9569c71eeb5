//! Providers: whether each is well, and why not.

mod detail;

use ratatui::layout::Rect;

use super::form::{self, Purpose};
use super::{distance, review};
use crate::domain::ids::ProviderId;
use crate::tui::action::Action;
use crate::tui::message::{Command, Fetch, Slot};
use crate::tui::runtime::Request;
use crate::tui::show;
use crate::tui::state::{Focus, Parts, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below};
use crate::tui::widgets::table::{Cell, Column, Look, table_as};
use crate::wire::provider::ProviderHealth;
use crate::wire::routing::WriteRouting;

/// What the footer offers first.
pub const HINTS: &[Action] = &[
    Action::ProviderTest,
    Action::CreateProvider,
    Action::EditProvider,
    Action::ProviderPause,
    Action::ProviderResume,
    Action::Help,
];

/// The providers' tab. There are few: all are held.
#[derive(Debug, Default)]
pub struct Providers {
    /// All of them; nothing: not known yet.
    pub list: Option<Vec<ProviderHealth>>,
    /// Which one is selected.
    pub selected: usize,
    /// Which half has the keys.
    pub focus: Focus,
    wanted: Option<ProviderId>,
}

impl Providers {
    /// The provider that is selected.
    pub fn current(&self) -> Option<&ProviderHealth> {
        self.list.as_ref()?.get(self.selected)
    }

    /// Selects a provider, as soon as it is in the list.
    pub fn select(&mut self, id: &ProviderId) {
        let at = self.list.iter().flatten().position(|provider| provider.id == *id);
        match at {
            Some(at) => self.selected = at,
            None => self.wanted = Some(id.clone()),
        }
    }
}

/// Asks for what is shown of these parts.
pub fn ask(state: &mut State, parts: Parts) {
    if parts.providers || parts.log || parts.messages {
        state.ask(Slot::Providers, Fetch::Providers);
    }
}

/// Takes the list.
pub fn take(state: &mut State, list: Vec<ProviderHealth>) {
    let screen = &mut state.providers;
    let id = screen.wanted.take().or_else(|| screen.current().map(|provider| provider.id.clone()));
    screen.selected = screen.selected.min(list.len().saturating_sub(1));
    screen.list = Some(list);
    if let Some(id) = id {
        let at = screen.list.iter().flatten().position(|provider| provider.id == id);
        screen.selected = at.unwrap_or(screen.selected);
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    if let Some(by) = distance(action, layout::list_rows(state)) {
        let last = state.providers.list.as_ref().map_or(0, Vec::len).saturating_sub(1);
        state.providers.selected = state.providers.selected.saturating_add_signed(by).min(last);
        return true;
    }
    if action == Action::Countries {
        state.ask(Slot::Routing, Fetch::Routing);
        return true;
    }
    let Some(provider) = state.providers.current().cloned() else { return false };
    if let Some(why) = refused(&provider, action) {
        state.say(why);
        return true;
    }
    match action {
        Action::ProviderPause => state.command(Command::PauseProvider(provider.id)),
        Action::ProviderResume => review::open_resume_provider(state, &provider.id),
        Action::ProviderTest => test(state, provider.id),
        Action::FailOver => fail_over(state, &provider.id),
        Action::ProviderFailover => form::open(state, Purpose::Failover(Box::new(provider))),
        Action::ProviderRollback => state.command(Command::RollBackProvider(provider.id)),
        Action::ProviderEarlier => move_by(state, -1),
        Action::ProviderLater => move_by(state, 1),
        Action::ProviderEnable => review::open_enable(state, &provider, true),
        Action::ProviderDisable => review::open_enable(state, &provider, false),
        Action::EditProvider => {
            state.ask(Slot::Provider, Fetch::Provider(provider.id));
        }
        Action::DeleteProvider => review::open_delete_provider(state, &provider),
        Action::Copy => state.request(Request::Copy(provider.id.to_string())),
        Action::CopyCommand => state.request(Request::Copy(format!("herald provider show {}", provider.id))),
        _ => return false,
    }
    true
}

/// Why nothing of the kind can be done to a provider now.
pub fn refused(provider: &ProviderHealth, action: Action) -> Option<String> {
    let text = match action {
        Action::ProviderEnable if provider.enabled => "It is enabled already.",
        Action::ProviderDisable if !provider.enabled => "It is out of use already.",
        Action::FailOver if provider.retrying + provider.held == 0 => {
            "Nobody waits for it but in its queue: disable it, and the queue goes through another."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Moves the selected provider in the order in which they are chosen.
fn move_by(state: &mut State, by: isize) {
    let screen = &mut state.providers;
    let Some(list) = &mut screen.list else { return };
    let from = screen.selected;
    let to = from.saturating_add_signed(by).min(list.len().saturating_sub(1));
    if from == to {
        return;
    }
    list.swap(from, to);
    screen.selected = to;
    let order = list.iter().map(|provider| provider.id.clone()).collect();
    state.command(Command::Route(WriteRouting { order: Some(order), prefixes: None }));
}

/// Talks to a provider.
pub fn test(state: &mut State, id: ProviderId) {
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let known = list.chain(state.providers.list.iter().flatten()).find(|provider| provider.id == id);
    if let Some(channel) = known.map(|provider| provider.channel) {
        form::open(state, form::Purpose::TestProvider(id, channel));
    }
}

/// Opens the form that says what a provider hands on while it is down.
pub fn hands_on(state: &mut State, id: &ProviderId) {
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let known = list.chain(state.providers.list.iter().flatten()).find(|provider| provider.id == *id);
    if let Some(provider) = known.cloned() {
        form::open(state, Purpose::Failover(Box::new(provider)));
    }
}

/// Offers the providers that those who wait for this one can go through instead.
pub fn fail_over(state: &mut State, id: &ProviderId) {
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let known = list.chain(state.providers.list.iter().flatten()).find(|provider| provider.id == *id);
    let Some(provider) = known.cloned() else { return };
    match refused(&provider, Action::FailOver) {
        Some(why) => state.say(why),
        None => super::pick::open_fail_over(state, &provider),
    }
}

/// The columns of the list.
pub const COLUMNS: &[Column] = &[
    Column::text("Provider", 16),
    Column::text("Kind", 9),
    Column::text("Type", 5),
    Column::text("State", 12),
    Column::number("Waiting", 9),
    Column::number("Rate", 8),
    Column::number("p50", 8),
    Column::number("p99", 8).from(90),
    Column::fill(""),
];

/// The state of a provider: role and word.
pub fn stands(provider: &ProviderHealth) -> (Role, &'static str) {
    use crate::domain::reason::Why;
    match provider.why.as_ref().map(|why| &why.why) {
        _ if !provider.enabled => (Role::STATE_DISABLED, "out of use"),
        None | Some(Why::Sending) => (Role::STATE_OK, "ok"),
        Some(Why::ProviderPaused { .. } | Why::Paused { .. } | Why::Stopped { .. }) => {
            (Role::STATE_PAUSED, "paused")
        }
        Some(Why::BulkPaused { .. }) => (Role::STATE_PAUSED, "no bulk"),
        Some(Why::ProviderRefuses { .. }) => (Role::STATE_FAILED, "refuses us"),
        Some(Why::Breaker { .. }) => (Role::STATE_FAILED, "fails"),
        Some(Why::Quota { .. }) => (Role::STATE_WAITING, "quota"),
        Some(Why::RateLimit { .. }) => (Role::STATE_WAITING, "at its limit"),
        Some(_) => (Role::STATE_WAITING, "waits"),
    }
}

/// Draws the tab.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let (area, rest) = layout::split(body, state.providers.focus);
    if state.providers.focus == Focus::List {
        draw_list(pen, state, area);
    }
    detail::view(pen, state, rest);
}

fn draw_list(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let Some(list) = &state.providers.list else { return };
    if list.is_empty() {
        let key = layout::key_of(state, Action::CreateProvider);
        let text = format!("   No providers yet. {key} adds one: the account that delivers.");
        pen.text(below(area, 1), 0, text, Role::TEXT_DIM);
        return;
    }
    let height = usize::from(area.height).saturating_sub(1);
    let top = (state.providers.selected + 1).saturating_sub(height.max(1));
    let rows: Vec<Vec<Cell>> = list[top..]
        .iter()
        .take(height)
        .map(|provider| {
            vec![
                Cell::plain(provider.name.as_str()),
                Cell::dim(provider.kind.as_str()),
                Cell::dim(provider.channel.as_str()),
                Cell::state(pen, stands(provider)),
                Cell::plain(show::count(provider.waiting())),
                Cell::plain(show::rate(provider.rate)),
                Cell::plain(show::latency(provider.p50_ms)),
                Cell::plain(show::latency(provider.p99_ms)),
                Cell::plain(""),
            ]
        })
        .collect();
    let look = Look {
        selected: Some(state.providers.selected - top),
        hidden: state.hidden_here(),
        ..Look::default()
    };
    table_as(pen, area, COLUMNS, rows, look);
}
