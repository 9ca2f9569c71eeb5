//! Targets: find an address, see what was sent to it, and why not.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::walk;
use crate::tui::action::Action;
use crate::tui::message::{Fetch, Page, Slot};
use crate::tui::runtime::Request;
use crate::tui::state::paged::Paged;
use crate::tui::state::{Focus, Parts, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, inset};
use crate::tui::widgets::table::{Cell, Column, table};
use crate::tui::{sanitize, show};
use crate::wire::delivery::{Delivery, DeliveryPage, DeliveryRequest};
use crate::wire::list::TargetList;
use crate::wire::person::{Target, User};

/// What the footer offers first.
pub const HINTS: &[Action] = &[
    Action::Filter,
    Action::Open,
    Action::Copy,
    Action::CreatePerson,
    Action::Compose,
    Action::Palette,
    Action::Help,
];

/// The targets' tab.
#[derive(Debug, Default)]
pub struct Targets {
    /// The list.
    pub list: Paged<Target>,
    /// Which of them.
    pub filter: String,
    /// Which half has the keys.
    pub focus: Focus,
    /// The user of the target that is selected.
    pub user: Option<Box<User>>,
    /// What was sent to its address, newest first.
    pub history: Paged<Delivery>,
    /// Since when the log is kept.
    since: Option<crate::domain::time::Timestamp>,
    of: Option<Target>,
}

fn page(state: &State, (after, limit): (Option<String>, usize)) -> Fetch {
    Fetch::Targets(Page { filter: state.targets.filter.clone(), after, limit })
}

fn history(target: &Target, (after, limit): (Option<String>, usize)) -> Fetch {
    Fetch::Deliveries(DeliveryRequest {
        address: Some(target.identifier.clone()),
        after: after.and_then(|after| after.parse().ok()),
        limit: Some(limit),
        ..DeliveryRequest::default()
    })
}

/// Asks for what is shown of these parts.
pub fn ask(state: &mut State, parts: Parts) {
    if parts.people {
        let fetch = page(state, state.targets.list.refresh());
        state.ask(Slot::Targets, fetch);
    }
    if let Some(target) = state.targets.of.clone() {
        if parts.people {
            state.ask(Slot::Person, Fetch::User(target.user_id.clone()));
        }
        if parts.log {
            let fetch = history(&target, state.targets.history.refresh());
            state.ask(Slot::History, fetch);
        }
    }
}

fn watch(state: &mut State) {
    let target = state.targets.list.selected().cloned();
    let same = match (&state.targets.of, &target) {
        (Some(old), Some(new)) => old.id == new.id && old.identifier == new.identifier,
        (old, new) => old.is_none() && new.is_none(),
    };
    state.targets.of = target;
    if same {
        return;
    }
    state.targets.user = None;
    state.targets.history.clear();
    if let Some(target) = state.targets.of.clone() {
        state.ask(Slot::Person, Fetch::User(target.user_id.clone()));
        let fetch = history(&target, state.targets.history.refresh());
        state.ask(Slot::History, fetch);
    }
}

/// The list continued after a row that is gone: shows its beginning.
pub fn begin_anew(state: &mut State) {
    state.targets.list.clear();
    let fetch = page(state, state.targets.list.refresh());
    state.ask(Slot::Targets, fetch);
}

/// Takes a page of the list.
pub fn take_list(state: &mut State, page: &Page, list: TargetList) {
    if page.filter == state.targets.filter {
        let more = list.next.is_some();
        state.targets.list.cut_short = list.cut_short;
        state.targets.list.take(page.after.as_deref(), list.into_items(), more);
        watch(state);
    }
}

/// Takes the selected target's user.
pub fn take_user(state: &mut State, user: Box<User>) {
    if state.targets.of.as_ref().is_some_and(|target| target.user_id == user.id) {
        state.targets.user = Some(user);
    }
}

/// Takes a page of what was sent to the selected target's address.
pub fn take_history(state: &mut State, request: &DeliveryRequest, page: DeliveryPage) {
    let of = state.targets.of.as_ref().map(|target| target.identifier.as_str());
    if request.address.as_deref() == of {
        let after = request.after.map(|after| after.to_string());
        let more = page.next.is_some();
        state.targets.since = page.since;
        state.targets.history.take(after.as_deref(), page.deliveries, more);
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = layout::list_rows(state);
    if state.targets.focus == Focus::List {
        let before = state.targets.list.at_start();
        if walk(&mut state.targets.list, action, height) {
            let ask = match state.targets.list.beyond(height) {
                _ if state.targets.list.at_start() && !before => Some(state.targets.list.refresh()),
                beyond => beyond,
            };
            if let Some(ask) = ask {
                let fetch = page(state, ask);
                state.ask(Slot::Targets, fetch);
            }
            watch(state);
            return true;
        }
    } else if walk(&mut state.targets.history, action, height) {
        if let (Some(target), Some(ask)) = (state.targets.of.clone(), state.targets.history.beyond(height)) {
            state.ask(Slot::History, history(&target, ask));
        }
        return true;
    }
    let Some(target) = &state.targets.of else { return false };
    match action {
        Action::Copy => {
            let chosen = state.targets.history.selected();
            let text = match chosen {
                Some(row) if state.targets.focus == Focus::Detail => show::sentence(row, state.zone),
                _ => target.identifier.clone(),
            };
            state.request(Request::Copy(text));
        }
        Action::CopyCommand => {
            let text = format!("herald log --to {}", target.identifier);
            state.request(Request::Copy(text));
        }
        _ => return false,
    }
    true
}

const COLUMNS: &[Column] = &[
    Column::text("Type", 5),
    Column::fill("Address"),
    Column::text("State", 10),
    Column::text("Name", 18).from(90),
    Column::text("User", 13),
    Column::number("Added", 12),
];

/// Draws the tab.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let (list, rest) = layout::split(body, state.targets.focus);
    if state.targets.focus == Focus::List {
        draw_list(pen, state, list);
    }
    draw_detail(pen, state, rest);
}

fn draw_list(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let all = state.overview.as_ref().map(|overview| overview.store.targets);
    layout::filter_line(pen, state, area, &state.targets.filter, &state.targets.list, all);
    let area = below(area, 1);
    let targets = &state.targets.list;
    if targets.rows().is_empty() {
        let text = match (targets.is_loaded(), state.targets.filter.is_empty()) {
            (false, _) => "…".to_owned(),
            (true, false) => "No target matches the filter; \\ shows all.".to_owned(),
            (true, true) => format!(
                "No people yet. {} adds one, `herald import people.csv` many.",
                layout::key_of(state, Action::CreatePerson)
            ),
        };
        pen.text(below(area, 1), 0, format!("   {text}"), Role::TEXT_DIM);
        return;
    }
    let height = usize::from(area.height).saturating_sub(1);
    let top = targets.top(height);
    let rows: Vec<Vec<Cell>> = targets.rows()[top..]
        .iter()
        .take(height)
        .map(|target| {
            vec![
                Cell::dim(target.provider_type.as_str()),
                Cell::plain(target.identifier.as_str()),
                Cell::state(pen, stands(target)),
                Cell::plain(target.name.as_str()),
                Cell::dim(show::id(&target.user_id)),
                Cell::dim(show::relative_to(target.created_at, pen.now)),
            ]
        })
        .collect();
    table(pen, area, COLUMNS, rows, Some(targets.selected_index() - top));
}

fn stands(target: &Target) -> (Role, &'static str) {
    if target.expired { (Role::STATE_EXPIRED, "gone") } else { (Role::STATE_OK, "ok") }
}

const HISTORY: &[Column] = &[
    Column::text("When", 23),
    Column::text("Outcome", 11),
    Column::text("Message", 18),
    Column::text("Provider", 10).from(100),
    Column::fill("Answer"),
];

fn draw_detail(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    pen.rule(area, 0);
    let Some(target) = &state.targets.of else { return };
    let area = below(area, 1);
    let inner = inset(area, 1);
    let name = state.targets.user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
    let (role, word) = match &state.targets.user {
        Some(user) if !user.status => (Role::STATE_DISABLED, "blocked: nothing is sent"),
        _ => stands(target),
    };
    let kept = state.targets.since.map(|since| format!("   log since {}", show::exact(since, state.zone)));
    let line = Line::from(vec![
        pen.span(&target.identifier, Role::TEXT_STRONG),
        pen.span(format!("  {name}  "), Role::TEXT),
        pen.state(role, word),
        pen.span(kept.unwrap_or_default(), Role::TEXT_DIM),
    ]);
    pen.row(inner, 0, &line);
    let list = &state.targets.history;
    if list.rows().is_empty() {
        let text =
            if list.is_loaded() { "Nothing was sent to it that the log still knows of." } else { "…" };
        pen.text(below(inner, 2), 0, text, Role::TEXT_DIM);
        return;
    }
    let focused = state.targets.focus == Focus::Detail;
    let chosen = list.selected().filter(|_| focused);
    if let Some(row) = chosen {
        let key = layout::key_of(state, Action::Copy);
        let text = format!("{key} copies  {}", show::sentence(row, state.zone));
        pen.text(inner, 1, text, Role::TEXT_DIM);
    }
    let area = below(area, 2);
    let height = usize::from(area.height).saturating_sub(1);
    let top = list.top(height);
    let rows: Vec<Vec<Cell>> = list.rows()[top..]
        .iter()
        .take(height)
        .map(|row| {
            vec![
                Cell::dim(show::exact(row.at, pen.zone)),
                Cell::state(pen, show::outcome(row.outcome)),
                Cell::plain(sanitize::line(&row.headline)),
                Cell::dim(row.provider_id.as_ref().map(ToString::to_string).unwrap_or_default()),
                Cell::plain(show::answer(row, pen.now)),
            ]
        })
        .collect();
    table(pen, area, HISTORY, rows, focused.then(|| list.selected_index() - top));
}
