//! Where am I, who am I, is it well.

use std::fmt::Write as _;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::state::{State, Tab};
use crate::tui::theme::Role;
use crate::tui::widgets::bar::percent;
use crate::tui::widgets::pen::Pen;
use crate::tui::{sanitize, show};

/// Columns of the clock.
const CLOCK: usize = 5;

/// Draws the header.
pub(super) fn view(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    tabs(pen, state, area);
    let health = health(pen, state, area.width < 100);
    pen.row(area, 1, &Line::from(health));
    pen.rule(area, 2);
}

/// The titles of the tabs, as they fit, and where they begin.
fn titles(state: &State, columns: usize) -> (usize, Vec<(Tab, String)>, usize) {
    // A digit, a space and a gap for each; the clock, and who one is.
    let long: usize = Tab::ALL.iter().map(|tab| tab.title().len() + 3).sum();
    let short = columns < long + 24;
    let gap = if columns < 100 { 1 } else { 2 };
    let titles: Vec<(Tab, String)> = Tab::ALL
        .into_iter()
        .enumerate()
        .map(|(n, tab)| {
            let text = if short && tab != state.tab { n.to_string() } else { format!("{n} {}", tab.title()) };
            (tab, text)
        })
        .collect();
    let wide: usize = titles.iter().map(|(_, text)| text.len() + gap).sum();
    (columns.saturating_sub(wide + CLOCK + 2), titles, gap)
}

/// The tab whose title stands here.
pub(super) fn tab_at(state: &State, column: u16, row: u16) -> Option<Tab> {
    if row != 0 {
        return None;
    }
    let (mut from, titles, gap) = titles(state, usize::from(state.size.0));
    for (tab, text) in titles {
        if (from..from + text.len()).contains(&usize::from(column)) {
            return Some(tab);
        }
        from += text.len() + gap;
    }
    None
}

fn tabs(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let clock = state.now.with_timezone(&state.zone).format("%H:%M").to_string();
    let columns = usize::from(area.width);
    let (at, titles, gap) = titles(state, columns);
    let mut spans = Vec::new();
    for (tab, text) in titles {
        spans.push(pen.span(text, if tab == state.tab { Role::TAB_ACTIVE } else { Role::TAB }));
        spans.push(Span::raw(" ".repeat(gap)));
    }
    let room = at.saturating_sub(2);
    let (text, role) = place(state, room);
    let line = Line::from(vec![Span::raw(" "), pen.span(sanitize::fit(&text, room), role)]);
    pen.row(area, 0, &line);
    pen.row_at(area, 0, at as u16, &Line::from(spans));
    let line = Line::from(pen.span(clock.as_str(), Role::TEXT_DIM));
    pen.row_at(area, 0, columns.saturating_sub(clock.len() + 1) as u16, &line);
}

fn place(state: &State, room: usize) -> (String, Role) {
    let instance = state.overview.as_ref().map(|overview| &overview.instance);
    let label = state
        .place
        .label
        .clone()
        .or_else(|| instance.map(|instance| instance.label.clone()))
        .filter(|label| !label.is_empty());
    let role = match label.as_deref() {
        Some(label) if label.to_ascii_lowercase().starts_with("prod") => Role::HEADER_PLACE_PRODUCTION,
        _ => Role::HEADER_PLACE,
    };
    let mut text = match label {
        None => "Herald".to_owned(),
        Some(label) if room < 24 => label,
        Some(label) => format!("Herald {label}"),
    };
    if state.place.read_only {
        text.push_str(" read-only");
    }
    if let Some(instance) = instance.filter(|instance| !instance.operator.is_empty()) {
        text.push_str(" · ");
        text.push_str(&instance.operator);
        text.push_str(&others(state, &instance.operator));
    }
    if state.place.attached && room >= 24 {
        text.push_str(" · attached");
    }
    (text, role)
}

/// Who else follows, in brackets: ` (+bo, cy)`; how often oneself, if more than once.
fn others(state: &State, me: &str) -> String {
    let Some(overview) = &state.overview else { return String::new() };
    let mut names: Vec<String> = Vec::new();
    let mut mine = 0;
    for seat in &overview.present {
        if seat.name == me {
            mine += 1;
        } else if !names.contains(&seat.name) {
            names.push(seat.name.clone());
        }
    }
    let mut out = if mine > 1 { format!(" ×{mine}") } else { String::new() };
    let more = names.len().saturating_sub(3);
    names.truncate(3);
    if !names.is_empty() {
        let rest = if more > 0 { format!(" and {more}") } else { String::new() };
        let _ = write!(out, " (+{}{rest})", names.join(", "));
    }
    out
}

fn health(pen: &Pen<'_, '_>, state: &State, narrow: bool) -> Vec<Span<'static>> {
    let mut spans = vec![Span::raw(" ")];
    if let Some((since, why)) = &state.lost {
        // What it is called that does not answer is too long for a line, and the way out is not.
        let remedy = if why.starts_with("nobody answers at ") {
            why.rsplit_once(": ").map_or(why.as_str(), |(_, remedy)| remedy)
        } else {
            why
        };
        let text = format!(
            "nobody answers for {} · data as of {} · {remedy}",
            crate::domain::when::relative(state.now - *since),
            since.with_timezone(&state.zone).format("%H:%M:%S")
        );
        spans.push(pen.state(Role::NOTICE_ERROR, &text));
        return spans;
    }
    let Some(overview) = &state.overview else {
        spans.push(pen.span("connecting", Role::TEXT_DIM));
        return spans;
    };
    let quiet = |n: u64, role: Role| if n > 0 { role } else { Role::TEXT_DIM };
    let gap = || Span::raw(if narrow { "  " } else { "   " });
    if let Some(why) = &overview.suspended {
        spans.push(pen.state(Role::NOTICE_ERROR, &format!("nothing can be written: {why}")));
        return spans;
    }
    if let Some(stopped) = &overview.stopped {
        spans.push(pen.state(Role::STATE_PAUSED, &format!("all sending stopped by {}", stopped.by)));
        spans.push(gap());
    }
    let sending = overview.states.processing;
    let mut text = format!("sending {}", show::count(sending));
    if sending > 0 && overview.rate >= 0.1 && !narrow {
        text.push_str(" at ");
        text.push_str(&show::rate(overview.rate));
    }
    spans.push(pen.state(quiet(sending, Role::STATE_SENDING), &text));
    spans.push(gap());
    let mut text = format!("waiting {}", show::count(overview.waiting));
    let mut role = quiet(overview.waiting, Role::STATE_WAITING);
    if let Some(oldest) = overview.oldest.filter(|_| overview.waiting > 0) {
        text.push_str(if narrow { ", " } else { ", oldest " });
        text.push_str(&show::age(oldest, state.now));
        if state.now - oldest.to_utc() > chrono::TimeDelta::minutes(15) {
            role = Role::NOTICE_WARN;
        }
    }
    spans.push(pen.state(role, &text));
    spans.push(gap());
    let needs = overview.needs_you.len() as u64;
    spans.push(pen.state(quiet(needs, Role::STATE_UNCERTAIN), &format!("needs you {needs}")));
    spans.push(gap());
    if let Some(next) = overview.next.first() {
        let text = format!("next {}", show::relative_to(next.at, state.now));
        spans.push(pen.state(Role::STATE_SCHEDULED, &text));
        spans.push(gap());
    }
    let (free, total) = (overview.store.disk_free, overview.store.disk_total);
    if total > 0 {
        let used = percent(total - free.min(total), total);
        let role = if used >= 90 { Role::NOTICE_WARN } else { Role::TEXT_DIM };
        spans.push(pen.span(format!("disk {used} %"), role));
    }
    spans
}
