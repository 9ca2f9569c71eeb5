//! How a form looks.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::entry::{Input, UNSAID, unsaid};
use super::{Entry, Form, Purpose};
use crate::domain::entries::entries;
use crate::domain::when;
use crate::tui::screens::choices;
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, below, first, inset};
use crate::tui::{sanitize, show};

/// Columns of the names and of the fields.
const NAME: u16 = 17;
const FIELD: u16 = 30;

/// Choices that are shown at once.
const CHOICES: usize = 8;

/// The most rows of what a path can become.
const FOUND: usize = 6;

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, form: &Form, body: Rect) {
    let area = inset(body, 1);
    pen.text(area, 0, &form.title, Role::TEXT_STRONG);
    // The field that has the keys is in view; its whole help stands below.
    let room = usize::from(area.height.saturating_sub(6)).max(1);
    let top = (form.at + 1).saturating_sub(room);
    if form.fields.len() > room {
        let text = format!("field {} of {}", form.at + 1, form.fields.len());
        let at = area.width.saturating_sub(text.len() as u16);
        let line = Line::from(pen.span(text, Role::TEXT_DIM));
        pen.row_at(area, 0, at, &line);
    }
    let mut row = 2;
    for (n, field) in form.fields.iter().enumerate().skip(top).take(room) {
        draw(pen, area, row, field, n == form.at, form.busy);
        row += 1;
        if n == form.at && !form.busy {
            row = found(pen, area, row, field);
        }
    }
    let after = row;
    if let Some(field) = form.fields.get(form.at).filter(|field| !is_beside(area, field)) {
        pen.text(area, after, &field.help, Role::TEXT_DIM);
    }
    if let Purpose::Subscribe(_) = form.purpose {
        found_people(pen, form, area, after + 1);
    }
    if let Purpose::Schedule(_) = form.purpose {
        let words = form.when().unwrap_or_default().trim();
        if !words.is_empty() {
            match when::parse(words, state.now, state.zone) {
                Ok(said) => {
                    let shift = said.shift.as_ref().map(|shift| format!(" · {shift}")).unwrap_or_default();
                    pen.text(area, after + 1, format!("{}{shift}", said.echo), Role::TEXT);
                }
                Err(error) => pen.text(area, after + 1, error.to_string(), Role::FIELD_ERROR),
            }
        }
    }
    let at = after + 2;
    match (&form.problem, form.busy) {
        _ if form.leaving => {
            pen.text(
                area,
                at,
                "Esc again leaves it and what you typed; any other key goes on.",
                Role::NOTICE_WARN,
            );
        }
        (Some(problem), _) => drop(pen.paragraph(area, at, problem, Role::FIELD_ERROR)),
        (None, true) => pen.text(area, at, "…", Role::TEXT_DIM),
        (None, false) => {}
    }
}

/// Whether a field has the whole line.
fn is_wide(field: &Entry) -> bool {
    matches!(field.input, Input::List(_) | Input::Path(_))
}

/// What a path that is being typed can become, below it; says the row after.
fn found(pen: &mut Pen<'_, '_>, area: Rect, row: usize, field: &Entry) -> usize {
    let Input::Path(path) = &field.input else { return row };
    if !path.has_looked() {
        return row;
    }
    let from = Rect { x: area.x + NAME, width: area.width.saturating_sub(NAME), ..area };
    let area = below(from, row as u16).intersection(area);
    if path.entries().is_empty() {
        return row + pen.paragraph(area, 0, &path.said(""), Role::TEXT_DIM);
    }
    // The other fields stay in view.
    let rows = FOUND.min(usize::from(area.height).saturating_sub(8).max(3));
    path.view(pen, first(area, rows as u16), rows);
    row + rows.min(path.entries().len())
}

/// Whether the help of a field has room beside it.
fn is_beside(area: Rect, field: &Entry) -> bool {
    let room = usize::from(area.width.saturating_sub(NAME + FIELD + 2));
    !is_wide(field) && sanitize::width(&field.help) <= room
}

/// Who is in the list so far, and who can be chosen into it. Says of nothing where nothing is typed.
fn found_people(pen: &mut Pen<'_, '_>, form: &Form, area: Rect, at: usize) {
    let named = form.named();
    let known = named.iter().rev().map(|name| sanitize::line(name)).collect::<Vec<_>>().join(", ");
    if form.chosen.iter().any(|chosen| named.contains(&chosen.name)) {
        pen.text(area, at, sanitize::fit(&known, usize::from(area.width)), Role::TEXT);
    }
    let list = form.choices();
    let rows = Rect { y: area.y + at as u16 + 3, height: area.height.saturating_sub(at as u16 + 3), ..area };
    let rows = rows.intersection(area);
    let height = usize::from(rows.height).min(CHOICES);
    choices::draw(pen, rows, &list, form.found.at, height, |one| form.has(one));
}

/// The end of a foreign line, of at most so many columns.
fn end_of(line: &str, columns: usize) -> String {
    let line = sanitize::line(line);
    let cut = line.char_indices().map(|(at, _)| &line[at..]).find(|rest| sanitize::width(rest) <= columns);
    cut.unwrap_or_default().to_owned()
}

fn draw(pen: &mut Pen<'_, '_>, area: Rect, row: usize, field: &Entry, focused: bool, busy: bool) {
    pen.text(area, row, field.name, if focused { Role::TEXT_STRONG } else { Role::TEXT_DIM });
    let list = is_wide(field);
    let width = if list { area.width.saturating_sub(NAME) } else { FIELD };
    let line = Rect { x: area.x + NAME, y: area.y + row as u16, width, height: 1 }.intersection(area);
    match &field.input {
        Input::Line(text) => text.draw(pen, line, focused && !busy),
        Input::Path(path) => path.field.draw(pen, line, focused && !busy),
        Input::OneOf(words, at) => {
            let mut spans = Vec::new();
            // No stands beside yes; that nothing is said stands there as long as that is so.
            let unsaid_shown = *at == 0 || unsaid(words) != UNSAID;
            for n in (1..words.len()).chain(unsaid_shown.then_some(0)) {
                let word = if n == 0 { unsaid(words) } else { words[n] };
                let role = if n == *at { Role::TAB_ACTIVE } else { Role::TAB };
                spans.push(pen.span(word, role));
                spans.push(pen.span("  ", Role::TEXT));
            }
            pen.row(line, 0, &Line::from(spans));
            if focused && !busy {
                pen.frame.set_cursor_position((line.x, line.y));
            }
        }
        Input::List(text) => {
            // Its end is where one types.
            let entries = entries(text).len();
            let last = text.rsplit('\n').next().unwrap_or_default();
            let count = match entries {
                0 | 1 => String::new(),
                n => format!("{} · … ", show::count(n as u64)),
            };
            let room = usize::from(line.width).saturating_sub(sanitize::width(&count) + 1);
            let shown = format!("{count}{}", end_of(last, room));
            let said = if text.is_empty() && !focused { "–" } else { &shown };
            pen.text(line, 0, said, Role::FIELD);
            if focused && !busy {
                let at = line.x + (sanitize::width(&shown) as u16).min(line.width.saturating_sub(1));
                pen.frame.set_cursor_position((at, line.y));
            }
        }
        Input::Lines(text) => {
            let n = text.lines().count();
            let said = match n {
                0 => "–".to_owned(),
                1 => text.clone(),
                n => format!("{n} lines"),
            };
            let hint = if focused { "  paste, or alt-e" } else { "" };
            pen.text(line, 0, format!("{said}{hint}"), Role::FIELD);
            if focused && !busy {
                pen.frame.set_cursor_position((line.x, line.y));
            }
        }
    }
    if list {
        return;
    }
    let width = area.width.saturating_sub(NAME + FIELD + 2);
    let help = Rect { x: line.right() + 2, width, ..line };
    // That of the field that has the keys stands below otherwise.
    if is_beside(area, field) {
        pen.text(help.intersection(area), 0, &field.help, Role::TEXT_DIM);
    }
}
