//! Targets: find an address, see what was sent to it, and why not.

mod lookup;

pub use lookup::take as take_lookup;

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Walk, bulk, compose, form, log_page, of_log, pick, review, walk};
use crate::domain::channel::Channel;
use crate::tui::action::Action;
use crate::tui::message::{Command, Fetch, Page, Slot, Sort};
use crate::tui::runtime::Request;
use crate::tui::state::paged::Paged;
use crate::tui::state::{Focus, Parts, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, inset, wrapped};
use crate::tui::widgets::table::{Cell, Column, Look, table, table_as};
use crate::tui::{sanitize, show};
use crate::wire::delivery::{Delivery, DeliveryPage, DeliveryRequest};
use crate::wire::list::TargetList;
use crate::wire::person::{Target, UpdateTarget, User};
use crate::wire::suppression::{Suppression, SuppressionList, SuppressionParameters};

/// What the footer offers first: what can be done here with what is selected.
pub fn hints(state: &State) -> &'static [Action] {
    let targets = &state.targets;
    let Some(target) = targets.list.selected() else {
        return if targets.filter.is_empty() {
            &[Action::CreatePerson, Action::Import, Action::Find, Action::Palette, Action::Help]
        } else {
            &[Action::ClearFilter, Action::Filter, Action::Copy, Action::CreatePerson, Action::Help]
        };
    };
    match targets.focus {
        Focus::List if targets.list.marks() > 0 => {
            &[Action::Mark, Action::DeleteTarget, Action::Back, Action::Help]
        }
        Focus::List if target.expired => &[
            Action::Filter,
            Action::Copy,
            Action::Open,
            Action::Unexpire,
            Action::EditTarget,
            Action::CreatePerson,
            Action::Help,
        ],
        Focus::List => &[
            Action::Filter,
            Action::Copy,
            Action::Open,
            Action::EditTarget,
            Action::CreatePerson,
            Action::Import,
            Action::Help,
        ],
        Focus::Detail => &[Action::Back, Action::Copy, Action::EditTarget, Action::Why, Action::Help],
    }
}

/// The targets' tab.
#[derive(Debug, Default)]
pub struct Targets {
    /// The list.
    pub list: Paged<Target>,
    /// Which of them.
    pub filter: String,
    /// In which order; nothing: newest first.
    pub sort: Option<Sort>,
    /// Which half has the keys.
    pub focus: Focus,
    /// The user of the target that is selected.
    pub user: Option<Box<User>>,
    /// What was sent to its address, newest first.
    pub history: Paged<Delivery>,
    /// What was sent to an address that is no target's, as the filter names it.
    pub lookup: Option<lookup::Found>,
    /// What forbids writing to that address, or to the one that was looked up.
    pub suppressed: Vec<Suppression>,
    /// Since when the log is kept.
    since: Option<crate::domain::time::Timestamp>,
    of: Option<Target>,
}

fn page(state: &State, page: Page) -> Fetch {
    let filter = lookup::filter(&state.targets.filter);
    Fetch::Targets(Page { filter, sort: state.targets.sort.clone(), ..page })
}

fn history(target: &Target, page: &Page) -> Fetch {
    Fetch::Deliveries(DeliveryRequest { address: Some(target.identifier.clone()), ..log_page(page) })
}

/// Asks for what is shown of these parts.
pub fn ask(state: &mut State, parts: Parts) {
    if parts.people {
        let fetch = page(state, state.targets.list.refresh());
        state.ask(Slot::Targets, fetch);
    } else if parts.log {
        ask_outcomes(state);
    }
    if let Some(target) = state.targets.of.clone() {
        if parts.people {
            state.ask(Slot::Person, Fetch::User(target.user_id.clone()));
            ask_suppressed(state, target.identifier.clone(), Some(target.provider_type));
        }
        if parts.log {
            let fetch = history(&target, &state.targets.history.refresh());
            state.ask(Slot::History, fetch);
        }
    }
}

/// Asks what became last of what was sent to the targets in view: the log grows often, so what is
/// asked of it does not grow with what is loaded.
fn ask_outcomes(state: &mut State) {
    let list = &state.targets.list;
    let hidden = state.hidden_here().is_some_and(|hidden| hidden.contains(LAST_OUTCOME.title));
    if state.targets.focus != Focus::List || hidden || state.size.0 < LAST_OUTCOME.from {
        return;
    }
    let height = layout::list_rows(state);
    let rows = list.rows().iter().skip(list.top(height)).take(height);
    let ids: Vec<_> = rows.map(|target| target.id.clone()).collect();
    if !ids.is_empty() {
        state.ask(Slot::Outcomes, Fetch::Outcomes(ids));
    }
}

/// Takes what became last of what was sent to some targets.
pub fn take_outcomes(state: &mut State, targets: &[Target]) {
    state.targets.list.amend(|row| {
        if let Some(new) = targets.iter().find(|target| target.id == row.id) {
            row.last_outcome = new.last_outcome;
        }
    });
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
    state.targets.suppressed.clear();
    if let Some(target) = state.targets.of.clone() {
        ask_suppressed(state, target.identifier.clone(), Some(target.provider_type));
        state.ask(Slot::Person, Fetch::User(target.user_id.clone()));
        let fetch = history(&target, &state.targets.history.refresh());
        state.ask(Slot::History, fetch);
    }
}

/// Asks what forbids writing to an address.
fn ask_suppressed(state: &mut State, address: String, provider_type: Option<Channel>) {
    let asked =
        SuppressionParameters { address: Some(address), provider_type, ..SuppressionParameters::default() };
    state.ask(Slot::Suppressed, Fetch::Suppressions(asked));
}

/// Takes what forbids writing to an address.
pub fn take_suppressed(state: &mut State, asked: &SuppressionParameters, list: SuppressionList) {
    let screen = &mut state.targets;
    let shown = match &screen.of {
        Some(target) => Some(target.identifier.as_str()),
        None => lookup::word(&screen.filter),
    };
    if asked.address.as_deref() == shown {
        screen.suppressed = list.suppressions;
    }
}

/// What forbids writing to the address that is looked at, in one line; nothing: nothing does.
fn suppression(state: &State) -> Option<String> {
    let list = &state.targets.suppressed;
    let parts: Vec<String> = list
        .iter()
        .map(|record| format!("{} {}", record.reason(), show::relative_to(record.created_at, state.now)))
        .collect();
    (!parts.is_empty()).then(|| format!("suppressed: {}", parts.join(" · ")))
}

/// The list continued after a row that is gone: shows its beginning.
pub fn begin_anew(state: &mut State) {
    state.targets.list.clear();
    let fetch = page(state, state.targets.list.refresh());
    state.ask(Slot::Targets, fetch);
}

/// Takes a page of the list.
pub fn take_list(state: &mut State, page: &Page, list: TargetList) {
    if page.filter == lookup::filter(&state.targets.filter) && page.sort == state.targets.sort {
        let more = list.next.is_some();
        state.targets.list.cut_short = list.cut_short;
        state.targets.list.take(page, list.into_items(), more);
        watch(state);
        lookup::ask(state);
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
        state.targets.since = page.since;
        let (page, rows, more) = of_log(request, page.deliveries, page.next.is_some());
        state.targets.history.take(&page, rows, more);
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = layout::list_rows(state);
    if state.targets.focus == Focus::List {
        let walked = walk(&mut state.targets.list, action, height);
        if let Walk::Ask(ask) = &walked {
            let fetch = page(state, ask.clone());
            state.ask(Slot::Targets, fetch);
        }
        if !matches!(walked, Walk::Not) {
            watch(state);
            return true;
        }
    } else if let Some(target) = state.targets.of.clone() {
        match walk(&mut state.targets.history, action, height) {
            Walk::Not => {}
            Walk::There => return true,
            Walk::Ask(ask) => {
                state.ask(Slot::History, history(&target, &ask));
                return true;
            }
        }
    }
    match action {
        Action::Copy => {
            let text = answer(state);
            state.request(Request::Copy(text));
            return true;
        }
        Action::Import => {
            form::open(state, form::Purpose::Import(None));
            return true;
        }
        Action::Suppressions => {
            pick::ask_suppressions(state, None);
            return true;
        }
        Action::UndoSuppressions => {
            pick::open_undo_cause(state);
            return true;
        }
        Action::LiftSuppression if !state.targets.suppressed.is_empty() => {
            let records = state.targets.suppressed.clone();
            review::open_lift(state, &records);
            return true;
        }
        _ => {}
    }
    if state.targets.list.marks() > 0 && bulk::targets(state, action) {
        return true;
    }
    let Some(target) = state.targets.of.clone() else { return false };
    if let Some(why) = refused(state, action) {
        state.say(why);
        return true;
    }
    match action {
        Action::Why => {
            let text = answer(state);
            state.say(text);
        }
        Action::Compose => compose::open_to(state, &target),
        Action::CreateTarget => form::open(state, form::Purpose::Target(Box::new(target))),
        Action::EditTarget => form::open(state, form::Purpose::EditTarget(Box::new(target))),
        Action::Unexpire => {
            let change =
                UpdateTarget { identifier: Some(target.identifier.clone()), ..UpdateTarget::default() };
            state.command(Command::UpdateTarget(target.user_id.clone(), target.id.clone(), change));
        }
        Action::Suppress => review::open_suppress(state, &target),
        Action::DeleteTarget => review::open_delete_target(state, &target),
        Action::CopyCommand => {
            let text = format!("herald log --to {}", target.identifier);
            state.request(Request::Copy(text));
        }
        _ => return false,
    }
    true
}

/// Why nothing of the kind can be done to the target that is selected.
pub fn refused(state: &State, action: Action) -> Option<String> {
    let expired = state.targets.of.as_ref().is_some_and(|target| target.expired);
    match action {
        Action::Unexpire if !expired => Some("It has not expired.".to_owned()),
        Action::LiftSuppression if state.targets.suppressed.is_empty() => {
            Some("It is not on the suppression list.".to_owned())
        }
        _ => None,
    }
}

/// Did it arrive: one sentence to copy. Of the row that is selected, else of the
/// newest message; where nothing was sent, what was searched.
fn answer(state: &State) -> String {
    let screen = &state.targets;
    let (address, rows, since) = match (&screen.of, &screen.lookup) {
        (Some(target), _) => (target.identifier.as_str(), screen.history.rows(), screen.since),
        (None, Some(found)) => (found.address.as_str(), found.rows.as_slice(), found.since),
        (None, None) => return "Nothing is selected.".to_owned(),
    };
    let chosen = screen.history.selected_index();
    let rows = if screen.focus == Focus::Detail { rows.get(chosen..).unwrap_or_default() } else { rows };
    let text = show::whereabouts(address, rows, since, state.now, state.zone, state.names());
    match suppression(state) {
        Some(listed) => format!("{text}; {listed}"),
        None => text,
    }
}

/// The columns of the list.
pub const COLUMNS: &[Column] = &[
    Column::text("Type", 5),
    Column::fill("Address"),
    Column::text("State", 10),
    Column::text("Name", 18).from(140),
    Column::text("User", 13),
    Column::text("Provider", 10).from(100),
    LAST_OUTCOME,
    Column::number("Added", 12),
];

/// What became last of what was sent to the address, and how long ago.
const LAST_OUTCOME: Column = Column::text("Last outcome", 23).from(95);

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
            (true, false) if state.targets.lookup.is_some() => {
                "No target has this address now; below is what was sent to it.".to_owned()
            }
            (true, false) if targets.cut_short => {
                "None among the newest that were searched. An address is found at once: address=…".to_owned()
            }
            (true, false) => "No target matches the filter; \\ shows all.".to_owned(),
            (true, true) => format!(
                "No people yet. {} adds one, {} a file of them.",
                layout::key_of(state, Action::CreatePerson),
                layout::key_of(state, Action::Import)
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
                Cell::dim(
                    target
                        .provider_id
                        .as_ref()
                        .map_or_else(|| "default".to_owned(), |id| state.names().provider(id)),
                ),
                last_outcome(pen, target),
                Cell::dim(show::relative_to(target.created_at, pen.now)),
            ]
        })
        .collect();
    let marked: Vec<bool> =
        targets.rows()[top..].iter().take(height).map(|row| targets.is_marked(row)).collect();
    let look = Look {
        selected: Some(targets.selected_index() - top),
        marked: &marked,
        hidden: state.hidden_here(),
        sorted: sorted(state.targets.sort.as_ref()),
    };
    table_as(pen, area, COLUMNS, rows, look);
}

/// By which column, and whether the greatest stands first.
fn sorted(sort: Option<&Sort>) -> Option<(&'static str, bool)> {
    let sort = sort?;
    let title = match sort.by.as_str() {
        "identifier" => "Address",
        "providerType" => "Type",
        "userId" => "User",
        "expired" => "State",
        _ => "Added",
    };
    Some((title, sort.descending))
}

fn stands(target: &Target) -> (Role, &'static str) {
    if target.expired { (Role::STATE_EXPIRED, "gone") } else { (Role::STATE_OK, "ok") }
}

fn last_outcome(pen: &Pen<'_, '_>, target: &Target) -> Cell {
    let Some(last) = &target.last_outcome else { return Cell::dim("–") };
    let (role, word) = show::outcome(last.outcome);
    Cell::state(pen, (role, &format!("{word} {}", show::relative_to(last.at, pen.now))))
}

const HISTORY: &[Column] = &[
    Column::text("When", 23),
    Column::text("Outcome", 14),
    Column::text("Message", 18),
    Column::text("Provider", 10).from(100),
    Column::fill("Answer"),
];

fn draw_detail(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    pen.rule(area, 0);
    let Some(target) = &state.targets.of else {
        lookup::view(pen, state, below(area, 1));
        return;
    };
    let area = below(area, 1);
    let inner = inset(area, 1);
    let name = state.targets.user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
    let (role, word) = match &state.targets.user {
        Some(user) if !user.status => (Role::STATE_DISABLED, "blocked: nothing is sent"),
        _ => stands(target),
    };
    let kept = state.targets.since.map(|since| format!("   log since {}", show::exact(since, state.zone)));
    let listed = suppression(state).map(|text| format!("  {text}"));
    let rest = [
        pen.span(format!("  {name}  "), Role::TEXT),
        pen.state(role, word),
        pen.span(listed.unwrap_or_default(), Role::STATE_SKIPPED),
        pen.span(kept.unwrap_or_default(), Role::TEXT_DIM),
    ];
    // A device token gives way to what is said of it.
    let taken: usize = rest.iter().map(|span| sanitize::width(&span.content)).sum();
    let room = usize::from(inner.width).saturating_sub(taken).max(16);
    let mut line = Line::from(pen.span(sanitize::fit_middle(&target.identifier, room), Role::TEXT_STRONG));
    line.extend(rest);
    pen.row(inner, 0, &line);
    let list = &state.targets.history;
    if list.rows().is_empty() {
        let text =
            if list.is_loaded() { "Nothing was sent to it that the log still knows of." } else { "…" };
        pen.text(below(inner, 2), 0, text, Role::TEXT_DIM);
        return;
    }
    let focused = state.targets.focus == Focus::Detail;
    let key = layout::key_of(state, Action::Copy);
    let key = format!("{key} copies  ");
    let beside = u16::try_from(sanitize::width(&key)).unwrap_or(0).min(inner.width);
    let room = Rect { x: inner.x + beside, width: inner.width - beside, ..inner };
    pen.text(inner, 1, key, Role::KEY);
    // The whole answer, where the history below it keeps some rows.
    let rows = usize::from(inner.height.saturating_sub(5)).clamp(1, 3);
    let mut said = wrapped(&answer(state), usize::from(room.width));
    if said.len() > rows {
        let rest = said.split_off(rows - 1).join(" ");
        said.push(rest);
    }
    for (n, line) in said.iter().enumerate() {
        pen.text(room, 1 + n, line, Role::TEXT);
    }
    let area = below(area, u16::try_from(said.len()).unwrap_or(1) + 1);
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
                Cell::dim(state.names().any(row.provider_id.as_ref())),
                Cell::plain(show::answer(row, pen.now)),
            ]
        })
        .collect();
    table(pen, area, HISTORY, rows, focused.then(|| list.selected_index() - top));
}
