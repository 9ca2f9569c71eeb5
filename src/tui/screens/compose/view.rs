//! How the form looks.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{CHOICES, Compose, Part};
use crate::domain::channel::Channel;
use crate::domain::when;
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, inset};
use crate::tui::{sanitize, show};

/// Columns of the labels.
const LABEL: u16 = 11;

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let Some(compose) = &state.compose else { return };
    let area = inset(body, 1);
    heading(pen, compose, state, area);
    let mut at = 1;
    label(pen, compose, area, at, Part::Type, "Type");
    types(pen, compose, value(area, at));
    at += 1;
    label(pen, compose, area, at, Part::Audience, "Audience");
    audience(pen, compose, value(area, at));
    at += 1;
    if compose.part == Part::Audience {
        at = choices(pen, compose, area, at);
    }
    if compose.channel != Channel::Sms {
        let name = if compose.channel == Channel::Email { "Subject" } else { "Title" };
        label(pen, compose, area, at, Part::Subject, name);
        let line = value(area, at);
        let count = format!("{:>4} characters", compose.subject.text().chars().count());
        let wide = count.len() as u16 + 2;
        let field = Rect { width: line.width.saturating_sub(wide), ..line };
        compose.subject.draw(pen, field, compose.part == Part::Subject);
        let text = Line::from(pen.span(count, Role::TEXT_DIM));
        pen.row_at(line, 0, line.width.saturating_sub(wide - 2), &text);
        at += 1;
    }
    label(pen, compose, area, at, Part::Body, "Body");
    pen.text(value(area, at), 0, about_body(compose), Role::TEXT_DIM);
    at += 1;
    let room = usize::from(area.height).saturating_sub(at + 3);
    let text = Rect { y: area.y + at as u16, height: room as u16, ..area }.intersection(area);
    compose.body.draw(pen, text, compose.part == Part::Body);
    at += room;
    label(pen, compose, area, at, Part::When, "When");
    let line = value(area, at);
    let field = Rect { width: line.width.min(26), ..line };
    compose.when.draw(pen, field, compose.part == Part::When);
    said(pen, compose, state, area, at);
    if let Some(problem) = &compose.problem {
        pen.text(area, at + 2, problem, Role::FIELD_ERROR);
    }
}

fn value(area: Rect, at: usize) -> Rect {
    let columns = LABEL.min(area.width);
    Rect { x: area.x + columns, y: area.y + at as u16, width: area.width - columns, height: 1 }
        .intersection(area)
}

fn label(pen: &mut Pen<'_, '_>, compose: &Compose, area: Rect, at: usize, part: Part, text: &str) {
    let role = if compose.part == part { Role::ACCENT } else { Role::TEXT_DIM };
    pen.text(area, at, text, role);
}

fn heading(pen: &mut Pen<'_, '_>, compose: &Compose, state: &State, area: Rect) {
    let new = if compose.id.is_some() { "Draft" } else { "New message" };
    pen.text(area, 0, new, Role::TEXT_STRONG);
    let saved = match compose.saved_at {
        _ if compose.saving => "saving".to_owned(),
        Some(at) if compose.saved == compose.edit => {
            format!("draft saved {}", at.with_timezone(&state.zone).format("%H:%M"))
        }
        _ if compose.is_blank() => String::new(),
        _ => "not saved yet".to_owned(),
    };
    let at = area.width.saturating_sub(saved.len() as u16);
    let line = Line::from(pen.span(saved, Role::TEXT_DIM));
    pen.row_at(area, 0, at, &line);
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

fn audience(pen: &mut Pen<'_, '_>, compose: &Compose, area: Rect) {
    let mut spans = Vec::new();
    let mut wide = 0;
    for topic in &compose.topics {
        let name = format!("{} × ", sanitize::fit(&topic.name, 20));
        wide += sanitize::width(&name);
        spans.push(pen.span(name, Role::TEXT));
    }
    if compose.direct > 0 {
        let text = format!("and {} by name ", show::people(compose.direct as u64));
        wide += text.len();
        spans.push(pen.span(text, Role::TEXT));
    }
    let bound = match compose.bound() {
        _ if compose.topics.is_empty() => String::new(),
        Some(n) => format!("at most {}", show::people(n)),
        None => String::new(),
    };
    let right = bound.len() as u16;
    if compose.part == Part::Audience {
        let x = (wide as u16).min(area.width);
        let width = area.width.saturating_sub(x + right + 1);
        compose.audience.draw(pen, Rect { x: area.x + x, width, ..area }, true);
    } else if compose.topics.is_empty() && compose.direct == 0 {
        spans.push(pen.span("nobody yet", Role::TEXT_DIM));
    }
    // The field is drawn first: chips stand before it.
    pen.row(area, 0, &Line::from(spans));
    let line = Line::from(pen.span(bound, Role::TEXT_DIM));
    pen.row_at(area, 0, area.width.saturating_sub(right), &line);
}

fn choices(pen: &mut Pen<'_, '_>, compose: &Compose, area: Rect, at: usize) -> usize {
    let height = CHOICES.min(usize::from(area.height).saturating_sub(14).max(3));
    if compose.choices.is_empty() {
        pen.text(value(area, at), 0, "No topic is called that; a on Topics makes one.", Role::TEXT_DIM);
    }
    let top = (compose.choice + 1).saturating_sub(height);
    for (n, topic) in compose.choices.iter().skip(top).take(height).enumerate() {
        let chosen = top + n == compose.choice;
        let taken = compose.topics.iter().any(|other| other.id == topic.id.as_str());
        let mark = if chosen { "▸ " } else { "  " };
        let tick = if taken { "✓ " } else { "  " };
        let mut line = Line::from(vec![
            pen.span(mark, Role::ACCENT),
            pen.span(tick, Role::STATE_OK),
            sanitize::column(&topic.name, 30, pen.style(Role::TEXT)),
            pen.span(format!("{:>11}", show::count(topic.of(compose.channel))), Role::TEXT),
        ]);
        if chosen {
            line = line.patch_style(pen.style(Role::ROW_SELECTED));
        }
        pen.row(value(area, at + n), 0, &line);
    }
    at + height
}

fn about_body(compose: &Compose) -> String {
    let kind = match compose.channel {
        Channel::Email if compose.is_html() => "HTML",
        _ => "plain text",
    };
    let variables = if compose.has_variables() { ", with variables" } else { "" };
    let length = match compose.channel {
        Channel::Sms => format!(" · {} characters", compose.body.text().chars().count()),
        _ => String::new(),
    };
    format!("{kind}{variables}{length}")
}

fn said(pen: &mut Pen<'_, '_>, compose: &Compose, state: &State, area: Rect, at: usize) {
    let words = compose.when.text();
    let line = value(area, at);
    let beside = Rect { x: line.x + 28.min(line.width), width: line.width.saturating_sub(28), ..line };
    match when::parse(words, state.now, state.zone) {
        Ok(said) if said.at <= state.now => {
            let undo = state.undo_seconds();
            pen.text(beside, 0, format!("as you confirm, {undo} s to take it back"), Role::TEXT_DIM);
        }
        Ok(said) => {
            pen.text(value(area, at + 1), 0, said.echo.to_string(), Role::TEXT);
            if let Some(shift) = &said.shift {
                pen.text(beside, 0, shift.to_string(), Role::NOTICE_WARN);
            } else if let Some(warning) = said.warnings.first() {
                pen.text(beside, 0, warning.to_string(), Role::NOTICE_WARN);
            }
        }
        Err(error) => pen.text(value(area, at + 1), 0, error.to_string(), Role::FIELD_ERROR),
    }
}
