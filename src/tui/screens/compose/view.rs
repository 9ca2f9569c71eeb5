//! How the form looks.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Compose, Finding, Part, Stage, Weight, audience, findings, lint};
use crate::domain::channel::Channel;
use crate::domain::gsm::Segments;
use crate::domain::when;
use crate::tui::action::{Action, Scope};
use crate::tui::screens::choices::{self, Chosen};
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, inset};
use crate::tui::{conflict, sanitize, show};

/// Columns of the labels.
const LABEL: u16 = 11;
/// Choices that are shown at once.
const CHOICES: usize = 6;
/// Rows below the body: when; what it means and what is found, in three.
const BELOW: usize = 4;

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let Some(compose) = &state.compose else { return };
    let area = inset(body, 1);
    heading(pen, compose, state, area);
    let mut at = 1;
    let parts = compose.parts();
    let fields: Vec<Part> = parts.iter().copied().filter(|p| !matches!(p, Part::Body | Part::When)).collect();
    let folded = fields.iter().filter(|part| part.is_folded()).count();
    // The body keeps some rows; of the fields that few need, those around the
    // one that has the keys are shown.
    let room = usize::from(area.height).saturating_sub(BELOW + 5 + fields.len() - folded).max(2);
    let first = fields
        .iter()
        .filter(|part| part.is_folded())
        .position(|part| *part == compose.part)
        .map_or(0, |n| (n + 1).saturating_sub(room));
    let mut seen = 0;
    for part in fields {
        if part.is_folded() {
            seen += 1;
            if seen <= first || seen > first + room {
                continue;
            }
        }
        at = field(pen, compose, state, area, at, part);
    }
    label(pen, compose, area, at, Part::Body);
    pen.text(value(area, at), 0, about_body(compose), Role::TEXT_DIM);
    fold_hint(pen, compose, state, area, at);
    at += 1;
    let room = usize::from(area.height).saturating_sub(at + BELOW);
    let text = Rect { y: area.y + at as u16, height: room as u16, ..area }.intersection(area);
    compose.body.draw(pen, text, compose.part == Part::Body);
    at += room;
    label(pen, compose, area, at, Part::When);
    let line = value(area, at);
    if let Some(when) = compose.line(Part::When) {
        when.draw(pen, Rect { width: line.width.min(26), ..line }, compose.part == Part::When);
    }
    let at = said(pen, compose, state, area, at);
    found(pen, compose, state, area, at);
}

fn value(area: Rect, at: usize) -> Rect {
    let columns = LABEL.min(area.width);
    Rect { x: area.x + columns, y: area.y + at as u16, width: area.width - columns, height: 1 }
        .intersection(area)
}

fn label(pen: &mut Pen<'_, '_>, compose: &Compose, area: Rect, at: usize, part: Part) {
    let role = if compose.part == part { Role::ACCENT } else { Role::TEXT_DIM };
    pen.text(area, at, part.label(compose.channel), role);
}

fn heading(pen: &mut Pen<'_, '_>, compose: &Compose, state: &State, area: Rect) {
    let new = match (compose.held, &compose.id) {
        (true, _) => "Scheduled, held while you edit it",
        (false, Some(_)) => "Draft",
        (false, None) => "New message",
    };
    pen.text(area, 0, new, Role::TEXT_STRONG);
    let saved = match compose.saved_at {
        _ if compose.saving => "saving".to_owned(),
        Some(at) if compose.saved == compose.edit => {
            format!("draft saved {}", at.with_timezone(&state.zone).format("%H:%M"))
        }
        None if compose.id.is_some() && compose.saved == compose.edit => "as it was".to_owned(),
        _ if compose.is_blank() => String::new(),
        _ if !compose.is_whole() => "kept in this console".to_owned(),
        _ => "not saved yet".to_owned(),
    };
    let at = area.width.saturating_sub(saved.len() as u16);
    let line = Line::from(pen.span(saved, Role::TEXT_DIM));
    pen.row_at(area, 0, at, &line);
}

fn field(
    pen: &mut Pen<'_, '_>,
    compose: &Compose,
    state: &State,
    area: Rect,
    at: usize,
    part: Part,
) -> usize {
    label(pen, compose, area, at, part);
    let line = value(area, at);
    let focused = compose.part == part;
    if part == Part::Type {
        types(pen, compose, line);
    } else if part.is_files() {
        files(pen, compose, state, line);
        if focused {
            return folder(pen, compose, area, at + 1);
        }
    } else if part.is_people() {
        people(pen, compose, line, part);
        if focused {
            return found_people(pen, compose, area, at + 1);
        }
    } else if let Some(text) = compose.line(part) {
        let count = match part {
            Part::Subject => format!("{:>4} characters", text.text().chars().count()),
            _ => part.help().to_owned(),
        };
        let wide = (sanitize::width(&count) as u16 + 2).min(line.width / 2);
        let left = line.width.saturating_sub(wide);
        text.draw(pen, Rect { width: left, ..line }, focused);
        let count = Line::from(pen.span(sanitize::fit(&count, usize::from(wide)), Role::TEXT_DIM));
        pen.row_at(line, 0, left + 2, &count);
    }
    at + 1
}

fn types(pen: &mut Pen<'_, '_>, compose: &Compose, area: Rect) {
    let mut spans = Vec::new();
    for channel in Channel::ALL {
        let chosen = channel == compose.channel;
        let role = if chosen { Role::TAB_ACTIVE } else { Role::TAB };
        spans.push(pen.span(channel.as_str(), role));
        spans.push(pen.span("  ", Role::TEXT));
    }
    if compose.part == Part::Type {
        spans.push(pen.span("◂ ▸ changes it", Role::TEXT_DIM));
        pen.frame.set_cursor_position((area.x, area.y));
    }
    pen.row(area, 0, &Line::from(spans));
}

fn people(pen: &mut Pen<'_, '_>, compose: &Compose, area: Rect, part: Part) {
    let people = compose.people(part);
    let bound = match compose.bound() {
        Some(n) if part == Part::Audience && !people.is_empty() => format!("at most {}", show::people(n)),
        _ => String::new(),
    };
    let right = bound.len() as u16;
    // The newest stand in view; how many stand before them is said.
    let room = usize::from(area.width.saturating_sub(right + 14));
    let names: Vec<String> =
        people.iter().map(|chosen| format!("{} × ", sanitize::fit(&chosen.name, 24))).collect();
    let mut wide = 0;
    let shown = names
        .iter()
        .rev()
        .take_while(|name| {
            wide += sanitize::width(name);
            wide <= room
        })
        .count();
    let mut text: String = names[names.len() - shown..].concat();
    if shown < names.len() {
        text = format!("{} more, {text}", names.len() - shown);
    }
    if compose.part == part {
        let x = (sanitize::width(&text) as u16).min(area.width);
        let width = area.width.saturating_sub(x + right + 1);
        compose.picker.field.draw(pen, Rect { x: area.x + x, width, ..area }, true);
        pen.row(area, 0, &Line::from(pen.span(text, Role::TEXT)));
    } else if people.is_empty() {
        pen.text(area, 0, if part == Part::Audience { "nobody yet" } else { "–" }, Role::TEXT_DIM);
    } else {
        pen.text(area, 0, text, Role::TEXT);
    }
    let line = Line::from(pen.span(bound, Role::TEXT_DIM));
    pen.row_at(area, 0, area.width.saturating_sub(right), &line);
}

fn found_people(pen: &mut Pen<'_, '_>, compose: &Compose, area: Rect, at: usize) -> usize {
    let height = CHOICES.min(usize::from(area.height).saturating_sub(14).max(3));
    let list = audience::choices(compose);
    if list.is_empty() {
        let text = match (compose.part, compose.picker.is_empty()) {
            (Part::Audience, true) => "No topics yet; type to find people.",
            (_, true) => "Type to find people by their address.",
            (_, false) => "Nobody and nothing is called that.",
        };
        pen.text(value(area, at), 0, text, Role::TEXT_DIM);
    }
    let rows = Rect { height: height as u16, ..value(area, at) };
    let taken = |one: &Chosen| compose.people(compose.part).iter().any(|other| other.id == one.id);
    choices::draw(pen, rows, &list, compose.picker.found.at, height, taken);
    at + height
}

/// The files, each with its size and how far it is on its way; then the path that
/// is typed.
fn files(pen: &mut Pen<'_, '_>, compose: &Compose, state: &State, area: Rect) {
    let focused = compose.part.is_files();
    let limit = state.attachments_limit.filter(|_| compose.part == Part::Files);
    let right = match (compose.files.len(), limit) {
        (0, _) => String::new(),
        (_, Some(limit)) => {
            format!("{} of {}", show::bytes(compose.files_bytes()), show::bytes(limit))
        }
        (_, None) => show::bytes(compose.files_bytes()),
    };
    let wide = sanitize::width(&right) as u16;
    let room = usize::from(area.width.saturating_sub(wide + if focused { 20 } else { 2 }));
    let mut spans = Vec::new();
    let mut used = 0;
    for file in compose.files.iter().rev() {
        let (role, glyph) = match &file.stage {
            Stage::There => (Role::TEXT, "×"),
            Stage::Waiting | Stage::Coming => (Role::STATE_SENDING, "…"),
            Stage::Failed(_) => (Role::FIELD_ERROR, "▲"),
        };
        let text = format!("{} {glyph}  ", sanitize::fit(&file.name, 28));
        used += sanitize::width(&text);
        if used > room && !spans.is_empty() {
            spans.push(pen.span("… ", Role::TEXT_DIM));
            break;
        }
        spans.push(pen.span(text, role));
    }
    spans.reverse();
    let line = Line::from(spans);
    let x = (line.width() as u16).min(area.width);
    let rest = Rect { x: area.x + x, width: area.width.saturating_sub(x + wide + 1), ..area };
    pen.row(area, 0, &line);
    if focused {
        compose.finder.field.draw(pen, rest, true);
    } else if compose.files.is_empty() {
        pen.text(area, 0, "–", Role::TEXT_DIM);
    }
    let line = Line::from(pen.span(right, Role::TEXT_DIM));
    pen.row_at(area, 0, area.width.saturating_sub(wide), &line);
}

/// Why a file is not there, else how one is found.
fn about_files(compose: &Compose) -> String {
    let failed = compose.files.iter().find_map(|file| match &file.stage {
        Stage::Failed(why) => Some(format!("{}: {why}", file.name)),
        _ => None,
    });
    failed.unwrap_or_else(|| "A path on this machine, as ~/price.pdf; down shows this folder.".to_owned())
}

/// What the path that is typed can become.
fn folder(pen: &mut Pen<'_, '_>, compose: &Compose, area: Rect, at: usize) -> usize {
    let height = CHOICES.min(usize::from(area.height).saturating_sub(14).max(3));
    let finder = &compose.finder;
    let line = value(area, at);
    if finder.entries().is_empty() {
        pen.text(line, 0, finder.said(&about_files(compose)), Role::TEXT_DIM);
    }
    let rows = Rect { height: height as u16, ..line }.intersection(area);
    finder.view(pen, rows, height);
    at + height
}

fn about_body(compose: &Compose) -> String {
    let variables = match (compose.has_braces(), compose.has_variables()) {
        (_, true) => ", with variables",
        (true, false) => ", braces as typed",
        (false, false) => "",
    };
    match compose.channel {
        Channel::Email => format!("{}{variables}", if compose.is_html() { "HTML" } else { "plain text" }),
        Channel::Sms => {
            let found = Segments::of(&compose.body.text());
            let parts = if found.parts == 1 { "part" } else { "parts" };
            let left = if variables.is_empty() { format!(", {} left", found.left) } else { String::new() };
            format!("{} {parts} of {}{left}{variables}", found.parts, found.alphabet)
        }
        Channel::Push => {
            format!("{} of 4,096 bytes{variables}", show::count(lint::payload_bytes(compose) as u64))
        }
    }
}

fn fold_hint(pen: &mut Pen<'_, '_>, compose: &Compose, state: &State, area: Rect, at: usize) {
    let what = match compose.channel {
        _ if compose.unfolded => return,
        Channel::Email => "Cc, Bcc, files",
        Channel::Push => "data, image, sound, …",
        Channel::Sms => return,
    };
    let Some(key) = state.keymap.keys_for(Action::Fold, &[Scope::Compose]).into_iter().next() else { return };
    let text = format!("{key} {what}");
    let line = value(area, at);
    let x = line.width.saturating_sub(sanitize::width(&text) as u16);
    let drawn = Line::from(pen.span(text, Role::TEXT_DIM));
    pen.row_at(line, 0, x, &drawn);
}

/// What the words for when mean; says the row below, which leaves two for what is found.
fn said(pen: &mut Pen<'_, '_>, compose: &Compose, state: &State, area: Rect, at: usize) -> usize {
    let below = value(area, at + 1);
    match when::parse(compose.text(Part::When), state.now, state.zone) {
        Ok(said) if said.at <= state.now => {
            let line = value(area, at);
            let beside =
                Rect { x: line.x + 28.min(line.width), width: line.width.saturating_sub(28), ..line };
            let undo = state.undo_seconds();
            pen.text(beside, 0, format!("as you confirm, {undo} s to take it back"), Role::TEXT_DIM);
        }
        Ok(said) => pen.text(below, 0, said.echo.to_string(), Role::TEXT),
        Err(error) => pen.text(below, 0, error.to_string(), Role::FIELD_ERROR),
    }
    at + 2
}

/// What stops it, else the first warning, else that all is well.
fn found(pen: &mut Pen<'_, '_>, compose: &Compose, state: &State, area: Rect, at: usize) {
    if let Some(record) = &compose.conflict {
        let key =
            |action| state.keymap.keys_for(action, &[Scope::Compose]).into_iter().next().unwrap_or_default();
        let text = format!(
            "{}; {} keeps yours, {} keeps both",
            conflict::who(record, state.zone),
            key(Action::KeepMine),
            key(Action::KeepBoth)
        );
        let fields: Vec<String> =
            record.difference.iter().map(|one| conflict::field(one, state.zone)).collect();
        pen.text(area, at - 1, fields.join(", "), Role::NOTICE_WARN);
        pen.text(area, at, text, Role::FIELD_ERROR);
        return;
    }
    // What is wrong with the words for when stands below them already.
    let mut findings = findings(compose, state);
    let wrong_when =
        findings.extract_if(.., |finding| finding.part == Part::When && finding.weight == Weight::Stops);
    let said: Vec<String> = wrong_when.map(|finding| finding.text).collect();
    if let Some(problem) = compose.problem.as_ref().filter(|problem| !said.contains(problem)) {
        pen.paragraph(area, at, problem, Role::FIELD_ERROR);
        return;
    }
    if let Some(told) = &compose.overtaken {
        pen.paragraph(area, at, told, Role::NOTICE_WARN);
        return;
    }
    if compose.is_blank() || (findings.is_empty() && !said.is_empty()) {
        return;
    }
    let test = super::sending::about_test(compose, state);
    let (role, text) = match findings.split_first() {
        None => (Role::STATE_OK, format!("all checks passed · {test}")),
        Some((Finding { weight, text, .. }, rest)) => {
            let more = if rest.is_empty() { String::new() } else { format!(" And {} more.", rest.len()) };
            let role = if *weight == Weight::Stops { Role::TEXT_DIM } else { Role::NOTICE_WARN };
            (role, format!("{text}{more}"))
        }
    };
    let text = format!("{} {text}", pen.theme.glyph(role));
    pen.paragraph(area, at, &text, role);
}
