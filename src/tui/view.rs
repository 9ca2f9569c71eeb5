//! How the console looks: header, body, footer. Pure.

mod footer;
mod header;
mod which_key;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::action::Action;
use super::screens;
use super::state::paged::{Keyed, Paged};
use super::state::{Focus, Overlay, State, Tab};
use super::theme::Role;
use super::widgets::pen::{Pen, inset};
use super::{sanitize, show};

/// Rows of the header, with its rule.
const HEADER: u16 = 3;
/// Rows of the footer, with its rule.
const FOOTER: u16 = 2;

/// Draws everything.
pub fn view(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    let mut pen = Pen { frame, theme: &state.theme, now: state.now, zone: state.zone };
    header::view(&mut pen, state, Rect { height: HEADER.min(area.height), ..area });
    let body = body((area.width, area.height));
    let at = area.height.saturating_sub(FOOTER).max(HEADER.min(area.height));
    let footer = Rect { y: area.y + at, height: area.height - at, ..area };
    // Before the body, which says on it how much is below.
    pen.rule(footer, 0);
    let covers = state.overlays.iter().any(|overlay| !matches!(overlay, Overlay::Filter(_)));
    if covers {
        overlay(&mut pen, state, body);
    } else {
        tab(&mut pen, state, body);
    }
    if !state.pending.is_empty() {
        which_key::view(&mut pen, state, body);
    }
    footer::view(&mut pen, state, footer);
}

/// The body of a screen of this size.
pub fn body((columns, rows): (u16, u16)) -> Rect {
    Rect { x: 0, y: HEADER.min(rows), width: columns, height: rows.saturating_sub(HEADER + FOOTER) }
}

/// The list and the detail: the detail has the whole body when it has the keys.
pub fn split(body: Rect, focus: Focus) -> (Rect, Rect) {
    let list = match focus {
        Focus::Detail => 0,
        Focus::List => (body.height * 2 / 5).max(5).min(body.height),
    };
    let rest = body.height - list;
    (Rect { height: list, ..body }, Rect { y: body.y + list, height: rest, ..body })
}

/// The tab whose title stands here.
pub fn tab_at(state: &State, column: u16, row: u16) -> Option<Tab> {
    header::tab_at(state, column, row)
}

/// The action whose hint stands here in the footer.
pub fn hint_at(state: &State, column: u16, row: u16) -> Option<Action> {
    footer::hint_at(state, column, row)
}

/// The rows that a list of a tab has: without its filter line and its heading.
pub fn list_rows(state: &State) -> usize {
    let (list, _) = split(body(state.size), Focus::List);
    usize::from(list.height.saturating_sub(2)).max(1)
}

/// The key of an action here, as it is written; its name where it has none.
pub fn key_of(state: &State, action: Action) -> String {
    let scopes = [state.tab.scope(), super::action::Scope::List, super::action::Scope::Global];
    let keys = state.keymap.keys_for(action, &scopes);
    keys.into_iter().next().unwrap_or_else(|| action.id().to_owned())
}

fn tab(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    match state.tab {
        Tab::Overview => screens::overview::view(pen, state, body),
        Tab::Messages => screens::messages::view(pen, state, body),
        Tab::Topics => screens::topics::view(pen, state, body),
        Tab::Targets => screens::targets::view(pen, state, body),
        Tab::Providers => screens::providers::view(pen, state, body),
        Tab::Live => screens::live::view(pen, state, body),
    }
}

fn overlay(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    match state.overlays.last() {
        Some(Overlay::Help(help)) => screens::help::view(pen, state, help, body),
        Some(Overlay::Dialogue(dialogue)) => screens::dialogue::view(pen, dialogue, body),
        Some(Overlay::Palette(palette)) => screens::palette::view(pen, state, palette, body),
        Some(Overlay::Review(review)) => screens::review::view(pen, state, review, body),
        Some(Overlay::Form(form)) => screens::form::view(pen, state, form, body),
        Some(Overlay::Compose) => screens::compose::view(pen, state, body),
        Some(Overlay::Pick(pick)) => screens::pick::view(pen, pick, body),
        Some(Overlay::Calendar(calendar)) => screens::pick::calendar::view(pen, calendar, body),
        Some(Overlay::Job) => screens::job::view(pen, state, body),
        Some(Overlay::Reading(reading)) => screens::pick::reading::view(pen, reading, body),
        Some(Overlay::Filter(_)) | None => {}
    }
}

/// The line above a list: its filter, and how much is shown.
pub fn filter_line<T: Keyed + Clone>(
    pen: &mut Pen<'_, '_>,
    state: &State,
    area: Rect,
    filter: &str,
    list: &Paged<T>,
    all: Option<u64>,
) {
    let area = inset(area, 1);
    let mut right = match (list.is_loaded(), all) {
        (false, _) => String::new(),
        (true, Some(all)) => {
            let more = if list.has_more() || !list.at_start() { "+" } else { "" };
            let n = list.rows().len() as u64;
            format!("{}{more} of {} shown", show::count(n.min(all)), show::count(all))
        }
        (true, None) => format!("{} shown", show::count(list.rows().len() as u64)),
    };
    if list.marks() > 0 {
        right = format!("{} marked · {right}", show::count(list.marks() as u64));
    }
    if list.cut_short {
        right.push_str(" · the search ended early");
    }
    let wide = sanitize::width(&right) as u16;
    let left = Rect { width: area.width.saturating_sub(wide + 2), ..area };
    typed_filter(pen, state, left, filter);
    let at = area.width.saturating_sub(wide);
    let line = Line::from(pen.span(right, Role::TEXT_DIM));
    pen.row_at(area, 0, at, &line);
}

/// The filter as it is, or as it is being typed.
pub fn typed_filter(pen: &mut Pen<'_, '_>, state: &State, area: Rect, filter: &str) {
    if let Some(Overlay::Filter(field)) = state.overlays.last() {
        pen.text(area, 0, "/", Role::KEY);
        let field_area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
        field.draw(pen, field_area, true);
    } else if filter.is_empty() {
        let key = key_of(state, Action::Filter);
        pen.text(area, 0, format!("{key} filters"), Role::TEXT_DIM);
    } else {
        let line = Line::from(vec![pen.span("/", Role::KEY), pen.span(filter, Role::TEXT)]);
        pen.row(area, 0, &line);
    }
}
