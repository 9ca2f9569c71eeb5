//! How the log looks while it grows.

use ratatui::layout::Rect;
use ratatui::text::Line as Text;

use super::{Line, rates};
use crate::tui::action::Action;
use crate::tui::state::{Focus, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, first, inset};
use crate::tui::{sanitize, show};
use crate::wire::delivery::Delivery;

/// What the footer offers first.
pub const HINTS: &[Action] = &[
    Action::Follow,
    Action::NextFailure,
    Action::Open,
    Action::Filter,
    Action::Copy,
    Action::Palette,
    Action::Help,
];

/// Rows of the detail below the log.
const DETAIL: u16 = 5;

/// Draws the tab.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    if state.live.focus == Focus::Detail {
        detail(pen, state, body);
        return;
    }
    heading(pen, state, inset(first(body, 1), 1));
    let above = 1 + rates::height(state, body.height);
    rates::view(pen, state, inset(first(below(body, 1), above - 1), 1));
    let with_detail = !state.live.follows() && body.height > 12;
    let rows = body.height.saturating_sub(above + 1 + if with_detail { DETAIL } else { 0 });
    let log = Rect { height: rows, ..below(body, above) };
    lines(pen, state, log);
    let rest = below(body, above + rows);
    status(pen, state, rest);
    if with_detail {
        detail(pen, state, below(rest, 1));
    }
}

fn heading(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let word = if state.live.follows() { "following   " } else { "held still  " };
    let role = if state.live.follows() { Role::STATE_SENDING } else { Role::STATE_PAUSED };
    let line = Text::from(pen.state(role, word));
    pen.row(area, 0, &line);
    let at = 14.min(area.width);
    let rest = Rect { x: area.x + at, width: area.width - at, ..area };
    layout::typed_filter(pen, state, rest, &state.live.filter);
    let rate = state.overview.as_ref().map(|overview| show::rate(overview.rate)).unwrap_or_default();
    let x = area.width.saturating_sub(rate.len() as u16);
    let line = Text::from(pen.span(rate, Role::TEXT_DIM));
    pen.row_at(area, 0, x, &line);
}

fn lines(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let live = &state.live;
    if live.lines.is_empty() {
        let text = match (live.begun, live.filter.is_empty()) {
            (false, _) => "…".to_owned(),
            (true, false) => "Nothing in the log matches the filter; \\ shows all.".to_owned(),
            (true, true) => format!(
                "Nothing has been sent yet. {} writes a message; it shows here as it goes out.",
                layout::key_of(state, Action::Compose)
            ),
        };
        pen.paragraph(inset(area, 3), 0, &text, Role::TEXT_DIM);
        return;
    }
    let height = usize::from(area.height);
    let last = live.lines.len() - 1;
    // The selection stays in the middle while it moves; following, the newest is last.
    let top = match live.selected {
        Some(at) => at.saturating_sub(height / 2).min((last + 1).saturating_sub(height)),
        None => (last + 1).saturating_sub(height),
    };
    for (n, line) in live.lines[top..].iter().take(height).enumerate() {
        let chosen = live.selected == Some(top + n);
        let mut drawn = match *line {
            Line::Row(at) => row(pen, &live.rows[at], area.width),
            Line::Second(at, len) => second(pen, live.rows.range(at..at + len)),
        };
        if chosen {
            drawn = drawn.patch_style(pen.style(Role::ROW_SELECTED));
        }
        pen.row(area, n, &drawn);
    }
}

fn row(pen: &Pen<'_, '_>, delivery: &Delivery, columns: u16) -> Text<'static> {
    let (role, word) = show::outcome(delivery.outcome);
    let word = if delivery.attempt > 1 { format!("{word} {}", delivery.attempt) } else { word.to_owned() };
    let wide = columns >= 110;
    let dim = pen.style(Role::TEXT_DIM);
    let text = pen.style(Role::TEXT);
    let mut spans = vec![
        pen.span(format!(" {}  ", show::clock_millis(delivery.at, pen.zone)), Role::TEXT_DIM),
        pen.state(role, &format!("{word:<11} ")),
        sanitize::column(&delivery.address, if wide { 28 } else { 22 }, text),
        pen.span("  ", Role::TEXT),
    ];
    if wide {
        spans.push(sanitize::column(&delivery.headline, 24, text));
        spans.push(pen.span("  ", Role::TEXT));
    }
    let provider = delivery.provider_id.as_ref().map(ToString::to_string).unwrap_or_default();
    spans.push(sanitize::column(&provider, 9, dim));
    spans.push(pen.span(" ", Role::TEXT));
    let answer = show::answer(delivery, pen.now);
    let said = if show::is_good(delivery.outcome) { Role::TEXT_DIM } else { Role::TEXT };
    spans.push(pen.span(sanitize::fit(&answer, usize::from(columns)), said));
    Text::from(spans)
}

fn second<'a>(pen: &Pen<'_, '_>, rows: impl Iterator<Item = &'a Delivery>) -> Text<'static> {
    let (mut good, mut retry, mut other, mut at) = (0u64, 0u64, 0u64, None);
    for row in rows {
        at.get_or_insert(row.at);
        match row.outcome {
            outcome if show::is_good(outcome) => good += 1,
            crate::domain::delivery::Outcome::Transient => retry += 1,
            _ => other += 1,
        }
    }
    let clock = at.map(|at| show::clock(at, pen.zone)).unwrap_or_default();
    Text::from(vec![
        pen.span(format!(" {clock}      "), Role::TEXT_DIM),
        pen.span(format!("{} accepted", show::count(good)), Role::STATE_SENT),
        pen.span(format!(" · {} put off", show::count(retry)), Role::TEXT_DIM),
        pen.span(format!(" · {} refused or left out", show::count(other)), Role::TEXT_DIM),
    ])
}

fn status(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    pen.rule(area, 0);
    let live = &state.live;
    let mut text = String::new();
    if let Some(since) = live.held_since {
        text = format!(
            " held still {} · {} new · none dropped · {} goes on ",
            show::age(since, state.now),
            show::count(live.unseen()),
            layout::key_of(state, Action::End)
        );
    } else if live.passed > 0 {
        text = format!(" {} passed by too fast to show; the log has them ", show::count(live.passed));
    }
    if !text.is_empty() {
        let line = Text::from(pen.span(text, Role::TEXT_DIM));
        pen.row_at(area, 0, 2, &line);
    }
}

fn detail(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let area = inset(area, 1);
    let Some(row) = state.live.current() else { return };
    let (role, word) = show::outcome(row.outcome);
    let line = Text::from(vec![
        pen.state(role, word),
        pen.span(format!("  {}  ", row.address), Role::TEXT_STRONG),
        pen.span(&row.headline, Role::TEXT),
    ]);
    pen.row(area, 0, &line);
    let id = |id: Option<String>| id.unwrap_or_else(|| "–".to_owned());
    let facts = format!(
        "{} · attempt {} of run {} · {} · code {} · {} · message {} · id {}",
        show::exact(row.at, state.zone),
        row.attempt,
        row.run,
        id(row.provider_id.as_ref().map(ToString::to_string)),
        row.code,
        show::millis(f64::from(row.latency_us) / 1000.0),
        id(row.message_id.as_ref().map(show::id)),
        if row.service_id.is_empty() { "–" } else { &row.service_id },
    );
    let at = pen.paragraph(area, 1, &facts, Role::TEXT_DIM);
    pen.paragraph(area, at, &show::answer(row, state.now), Role::TEXT_CODE);
}
