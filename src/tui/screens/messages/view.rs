//! How messages look.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::detail;
use crate::domain::reason::Why;
use crate::tui::action::Action;
use crate::tui::message::Sort;
use crate::tui::names::Names;
use crate::tui::state::{Focus, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::bar::{bar_text, percent};
use crate::tui::widgets::pen::{Pen, below};
use crate::tui::widgets::table::{Cell, Column, Look, table_as};
use crate::tui::{sanitize, show};
use crate::wire::message::{Message, State as Is};

/// What the footer offers first: what can be done with the message that is selected.
pub fn hints(state: &State) -> &'static [Action] {
    let Some(message) = state.messages.current() else {
        return &[Action::Compose, Action::Import, Action::Filter, Action::Palette, Action::Help];
    };
    if state.messages.list.marks() > 0 && state.messages.focus == Focus::List {
        return &[Action::Mark, Action::CancelMessage, Action::DeleteMessage, Action::Back, Action::Help];
    }
    match message.state {
        Is::Draft => &[
            Action::EditMessage,
            Action::SendMessage,
            Action::ScheduleMessage,
            Action::Compose,
            Action::NextPane,
            Action::Filter,
            Action::Help,
        ],
        Is::Scheduled => &[
            Action::Open,
            Action::EditMessage,
            Action::ScheduleMessage,
            Action::CancelMessage,
            Action::Compose,
            Action::NextPane,
            Action::Help,
        ],
        Is::Held => &[
            Action::Open,
            Action::ReleaseMessage,
            Action::EditMessage,
            Action::CancelMessage,
            Action::Compose,
            Action::NextPane,
            Action::Help,
        ],
        Is::Processing => &[
            Action::Open,
            Action::MessagePause,
            Action::CancelMessage,
            Action::Compose,
            Action::NextPane,
            Action::Filter,
            Action::Help,
        ],
        Is::Paused => &[
            Action::Open,
            Action::MessageResume,
            Action::CorrectRest,
            Action::CancelMessage,
            Action::NextPane,
            Action::Help,
        ],
        Is::Failed | Is::Cancelled => &[
            Action::Open,
            Action::RetryMessage,
            Action::NextFailure,
            Action::DuplicateMessage,
            Action::Compose,
            Action::NextPane,
            Action::Help,
        ],
        Is::Sent => &[
            Action::Open,
            Action::Compose,
            Action::DuplicateMessage,
            Action::NextPane,
            Action::Filter,
            Action::Help,
        ],
    }
}

/// The columns of the list.
pub const COLUMNS: &[Column] = &[
    Column::text("State", 11),
    Column::text("Type", 5),
    Column::fill("Subject or text"),
    Column::text("Audience", 16).from(100),
    Column::number("Progress", 15),
    Column::text("Provider", PROVIDER).from(110),
    Column::number("When", 10),
    Column::text("Id", 13).from(120),
];

/// How wide the column of providers is.
const PROVIDER: usize = 12;

/// Draws the tab.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let (list, rest) = layout::split(body, state.messages.focus);
    if state.messages.focus == Focus::List {
        draw_list(pen, state, list);
    }
    detail::view(pen, state, rest);
}

fn draw_list(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let all = state.overview.as_ref().map(|overview| overview.store.messages);
    layout::filter_line(pen, state, area, &state.messages.filter, &state.messages.list, all);
    let area = below(area, 1);
    let messages = &state.messages;
    if messages.list.rows().is_empty() {
        let text = match (messages.list.is_loaded(), messages.filter.is_empty()) {
            (false, _) => "…".to_owned(),
            (true, false) => "No message matches the filter; \\ shows all.".to_owned(),
            (true, true) => {
                format!("No messages yet. {} writes the first.", layout::key_of(state, Action::Compose))
            }
        };
        pen.text(below(area, 1), 0, format!("   {text}"), Role::TEXT_DIM);
        return;
    }
    let height = usize::from(area.height).saturating_sub(1);
    let top = messages.list.top(height);
    let rows: Vec<Vec<Cell>> =
        messages.list.rows()[top..].iter().take(height).map(|message| cells(pen, state, message)).collect();
    let marked: Vec<bool> =
        messages.list.rows()[top..].iter().take(height).map(|row| messages.list.is_marked(row)).collect();
    let look = Look {
        selected: Some(messages.list.selected_index() - top),
        marked: &marked,
        hidden: state.hidden_here(),
        sorted: sorted(state.messages.sort.as_ref()),
    };
    table_as(pen, area, COLUMNS, rows, look);
}

/// By which column, and whether the greatest stands first.
fn sorted(sort: Option<&Sort>) -> Option<(&'static str, bool)> {
    let sort = sort?;
    let title = match sort.by.as_str() {
        "status" => "State",
        "deliveredTotal" => "Progress",
        _ => "When",
    };
    Some((title, sort.descending))
}

fn cells(pen: &Pen<'_, '_>, state: &State, message: &Message) -> Vec<Cell> {
    vec![
        stands(pen, message),
        Cell::dim(message.provider_type.as_str()),
        Cell::plain(message.headline()),
        Cell::dim(audience(message)),
        progress(message),
        Cell::dim(through(state.names(), message)),
        Cell::dim(when(pen, message)),
        Cell::dim(show::id(&message.id)),
    ]
}

/// Through which provider it goes or went, and how many others; a dash where that is not planned yet:
/// each target's own provider and the rules for countries decide it.
fn through(names: Names<'_>, message: &Message) -> String {
    let Some((first, others)) = message.providers.split_first() else { return "–".to_owned() };
    let name = names.provider(first);
    if others.is_empty() {
        return name;
    }
    let more = format!(" +{}", others.len());
    format!("{}{more}", sanitize::fit(&name, PROVIDER.saturating_sub(more.len())))
}

/// The state; of one that is being edited, by whom.
fn stands(pen: &Pen<'_, '_>, message: &Message) -> Cell {
    match message.why.as_ref().map(|reason| &reason.why) {
        Some(Why::HeldEditing { by, .. }) if message.state == Is::Held => {
            let word = format!("{} edits", sanitize::line(by));
            Cell::state(pen, (Role::STATE_HELD, &word))
        }
        _ => Cell::state(pen, show::state(message.state)),
    }
}

/// The audience in a few words.
pub(super) fn audience(message: &Message) -> String {
    let mut parts: Vec<String> = message.topics.iter().map(show::id).collect();
    let direct = message.users.len() + message.targets.len();
    if direct > 0 {
        parts.push(show::people(direct as u64));
    }
    if parts.is_empty() { "nobody yet".to_owned() } else { parts.join(", ") }
}

fn progress(message: &Message) -> Cell {
    let counts = &message.progress;
    let done = counts.planned.saturating_sub(counts.open());
    match message.state {
        Is::Draft | Is::Scheduled => Cell::dim("–"),
        Is::Held if counts.planned == 0 => Cell::dim("–"),
        Is::Processing | Is::Paused | Is::Held => {
            let all = counts.planned;
            Cell::plain(format!("{} {:>3}%", bar_text(done, all, 9), percent(done, all)))
        }
        Is::Sent => Cell::plain(show::count(counts.accepted)),
        Is::Cancelled | Is::Failed => {
            Cell::plain(format!("{}/{}", show::count(counts.accepted), show::count(counts.planned)))
        }
    }
}

fn when(pen: &Pen<'_, '_>, message: &Message) -> String {
    let at = match message.state {
        Is::Draft => Some(message.updated_at),
        Is::Scheduled | Is::Held => message.scheduled_at,
        Is::Processing | Is::Paused => message.started_at.or(message.scheduled_at),
        Is::Cancelled | Is::Sent | Is::Failed => message.delivered_at.or(Some(message.updated_at)),
    };
    at.map_or_else(|| "–".to_owned(), |at| show::relative_to(at, pen.now))
}

/// The heading of a detail: what it is of, and its panes.
pub(super) fn heading(pen: &mut Pen<'_, '_>, state: &State, area: Rect, message: &Message) {
    let mut tabs = vec![pen.span("[ ", Role::TEXT_DIM)];
    let mut wide = 2;
    for pane in super::Pane::ALL {
        let active = pane == state.messages.pane;
        tabs.push(pen.span(pane.title(), if active { Role::TAB_ACTIVE } else { Role::TAB }));
        tabs.push(pen.span(" ", Role::TEXT));
        wide += pane.title().len() + 1;
    }
    tabs.push(pen.span("]", Role::TEXT_DIM));
    let left = usize::from(area.width).saturating_sub(wide + 4);
    let title = sanitize::fit(message.headline(), left).into_owned();
    let title = if title.is_empty() { "(nothing written yet)".to_owned() } else { title };
    pen.row(area, 0, &Line::from(vec![pen.span(" ", Role::TEXT), pen.span(title, Role::TEXT_STRONG)]));
    let at = usize::from(area.width).saturating_sub(wide + 2) as u16;
    pen.row_at(area, 0, at, &Line::from(tabs));
}
