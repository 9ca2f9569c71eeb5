//! How the log looks while it grows.

use ratatui::layout::Rect;
use ratatui::text::Line as Text;

use super::{Line, rates};
use crate::domain::delivery::Outcome;
use crate::domain::gist::gist;
use crate::tui::action::Action;
use crate::tui::names::Names;
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
    let said = said(state);
    let below_log = u16::from(said.is_some()) + if with_detail { DETAIL } else { 0 };
    let rows = body.height.saturating_sub(above + below_log);
    let log = Rect { height: rows, ..below(body, above) };
    lines(pen, state, log);
    let rest = below(body, above + rows);
    if let Some(text) = said {
        pen.rule(rest, 0);
        let line = Text::from(pen.span(text, Role::TEXT_DIM));
        pen.row_at(rest, 0, 2, &line);
    }
    if with_detail {
        detail(pen, state, below(rest, 1));
    }
}

fn heading(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let word = if state.live.follows() { "following   " } else { "paused      " };
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
            (true, false) => match live.searched {
                Some(rows) => format!(
                    "None among the newest {} that were searched. An address is found at once: to=…",
                    show::counted(rows, "rows")
                ),
                None => "Nothing in the log matches the filter; \\ shows all.".to_owned(),
            },
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
            Line::Row(at) => row(pen, &live.rows[at], area.width, state.names()),
            Line::Second(at, len) => second(pen, live.rows.range(at..at + len)),
        };
        if chosen {
            drawn = drawn.patch_style(pen.style(Role::ROW_SELECTED));
        }
        pen.row(area, n, &drawn);
    }
}

fn row(pen: &Pen<'_, '_>, delivery: &Delivery, columns: u16, names: Names<'_>) -> Text<'static> {
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
    let provider = names.any(delivery.provider_id.as_ref());
    spans.push(sanitize::column(&provider, 9, dim));
    spans.push(pen.span(" ", Role::TEXT));
    let answer = show::answer(delivery, pen.now);
    let said = if show::is_good(delivery.outcome) { Role::TEXT_DIM } else { Role::TEXT };
    let used: usize = spans.iter().map(|span| sanitize::width(&span.content)).sum();
    let line = sanitize::line(&answer);
    spans.push(pen.span(sanitize::fit(&line, usize::from(columns).saturating_sub(used)), said));
    Text::from(spans)
}

/// The words of a second's line, and which outcomes are counted under each.
fn word(outcome: Outcome) -> usize {
    match outcome {
        outcome if show::is_good(outcome) => 0,
        Outcome::Transient | Outcome::SoftBounced => 1,
        Outcome::Uncertain => 3,
        Outcome::Skipped | Outcome::Expired => 4,
        _ => 2,
    }
}

fn second<'a>(pen: &Pen<'_, '_>, rows: impl Iterator<Item = &'a Delivery>) -> Text<'static> {
    const WORDS: [(&str, Role); 5] = [
        ("accepted", Role::STATE_SENT),
        ("put off", Role::STATE_RETRY),
        ("refused", Role::STATE_FAILED),
        ("uncertain", Role::STATE_UNCERTAIN),
        ("left out", Role::STATE_SKIPPED),
    ];
    let (mut counts, mut at) = ([0u64; WORDS.len()], None);
    for row in rows {
        at.get_or_insert(row.at);
        counts[word(row.outcome)] += 1;
    }
    let clock = at.map(|at| show::clock(at, pen.zone)).unwrap_or_default();
    let mut spans = vec![pen.span(format!(" {clock}      "), Role::TEXT_DIM)];
    for (n, (count, (word, role))) in counts.into_iter().zip(WORDS).enumerate() {
        if n == 0 || count > 0 {
            let dot = if n == 0 { "" } else { " · " };
            spans.push(pen.span(dot, Role::TEXT_DIM));
            spans.push(pen.span(format!("{} {word}", show::count(count)), role));
        }
    }
    Text::from(spans)
}

/// What the line below the log says, if there is anything to say.
fn said(state: &State) -> Option<String> {
    let live = &state.live;
    if let Some(since) = live.held_since {
        return Some(format!(
            " paused {} · {} new · none dropped · {} follows again ",
            show::age(since, state.now),
            show::count(live.unseen()),
            layout::key_of(state, Action::End)
        ));
    }
    let passed = format!(" {} passed by too fast to show; the log has them ", show::count(live.passed));
    (live.passed > 0).then_some(passed)
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
        id(row.provider_id.as_ref().map(|id| state.names().provider(id))),
        row.code,
        show::millis(f64::from(row.latency_us) / 1000.0),
        id(row.message_id.as_ref().map(show::id)),
        if row.service_id.is_empty() { "–" } else { &row.service_id },
    );
    let at = pen.paragraph(area, 1, &facts, Role::TEXT_DIM);
    let said = show::answer(row, state.now);
    // The id of the service stands there already.
    let at = if said == row.service_id { at } else { pen.paragraph(area, at, &said, Role::TEXT) };
    if gist(&row.answer) != row.answer {
        pen.paragraph(area, at, &row.answer, Role::TEXT_CODE);
    }
}
