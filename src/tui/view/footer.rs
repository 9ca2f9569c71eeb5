//! What can I do here: hints from the keymap, and what happened last.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::action::Action;
use crate::tui::screens;
use crate::tui::state::{Overlay, State, Tab};
use crate::tui::theme::Role;
use crate::tui::update::why_not;
use crate::tui::widgets::pen::{Pen, inset, wrapped};
use crate::tui::{sanitize, show};

/// The most rows of a notice.
const MOST: usize = 4;

/// Draws the footer: what happened last, over its rule, and the hints.
pub(super) fn view(pen: &mut Pen<'_, '_>, state: &State, area: Rect) {
    let inner = inset(area, 1);
    if let Some((text, role)) = notice(state) {
        let text = format!("{} {text}", pen.theme.glyph(role).trim());
        said(pen, inner, text.trim_start(), role);
    }
    let mut spans = Vec::new();
    let (scopes, mode) = state.keys();
    if !state.pending.is_empty() {
        spans.push(pen.span(format!("{} … ", state.pending.text()), Role::KEY));
        for hint in state.keymap.hints(&state.pending, &scopes, mode).into_iter().take(6) {
            spans.push(pen.span(format!("  {} ", hint.key), Role::KEY));
            spans.push(pen.span(hint.title, Role::FOOTER));
        }
        pen.row(inner, 1, &Line::from(spans));
        return;
    }
    let hints = state.keymap.footer(&scopes, mode, &works(state), usize::from(inner.width));
    for hint in hints {
        if !spans.is_empty() {
            spans.push(Span::raw("   "));
        }
        spans.push(pen.span(hint.key, Role::KEY));
        spans.push(pen.span(format!(" {}", hint.title), Role::FOOTER));
    }
    pen.row(inner, 1, &Line::from(spans));
}

/// A notice in place of the rule; a long one takes the rows above it, too.
fn said(pen: &mut Pen<'_, '_>, area: Rect, text: &str, role: Role) {
    let room = usize::from(area.width).saturating_sub(2);
    let rows = wrapped(text, room.max(1));
    let more = (rows.len().min(MOST) - 1).min(usize::from(area.y)) as u16;
    let from = Rect { y: area.y - more, height: area.height + more, ..area };
    for (n, row) in rows.iter().take(usize::from(more) + 1).enumerate() {
        if n < usize::from(more) {
            pen.clear(Rect { y: from.y + n as u16, height: 1, ..from });
        }
        let rest = n == usize::from(more) && rows.len() > n + 1;
        let row = if rest { format!("{row} …") } else { row.clone() };
        let cut = format!(" {} ", sanitize::fit(&row, room));
        pen.row(from, n, &Line::from(Span::styled(cut, pen.style(role))));
    }
}

/// The action whose hint stands here.
pub(super) fn hint_at(state: &State, column: u16, row: u16) -> Option<Action> {
    let (columns, rows) = state.size;
    if row + 1 != rows || !state.pending.is_empty() {
        return None;
    }
    let (scopes, mode) = state.keys();
    let mut from = 1;
    for hint in state.keymap.footer(&scopes, mode, &works(state), usize::from(columns.saturating_sub(2))) {
        let to = from + sanitize::width(&hint.key) + 1 + sanitize::width(&hint.title);
        if (from..to).contains(&usize::from(column)) {
            return hint.action;
        }
        from = to + 3;
    }
    None
}

fn notice(state: &State) -> Option<(String, Role)> {
    if let Some(undo) = &state.undo {
        let left = (undo.until.to_utc() - state.now).num_seconds().max(0);
        let key = state.keymap.keys_for(Action::UndoSend, &[crate::tui::action::Scope::Global]);
        let key = key.first().map_or("", String::as_str);
        let what = sanitize::fit(&undo.headline, 30).into_owned();
        let by = show::clock(undo.until, state.zone);
        return Some((format!("“{what}” leaves at {by}, in {left} s. {key} takes it back."), Role::NOTICE));
    }
    state.toast.as_ref().map(|toast| (toast.text.clone(), toast.role))
}

/// What is hinted at and does something now.
fn works(state: &State) -> Vec<Action> {
    let over = !state.overlays.is_empty();
    wanted(state).iter().copied().filter(|action| over || why_not(state, *action).is_none()).collect()
}

/// What is hinted at; the arrows go without saying.
fn wanted(state: &State) -> &'static [Action] {
    match state.overlays.last() {
        Some(Overlay::Help(_) | Overlay::Reading(_)) => &[Action::Back, Action::PageDown, Action::PageUp],
        Some(Overlay::Dialogue(_)) => &[Action::Back, Action::PageUp, Action::PageDown, Action::Copy],
        Some(Overlay::Palette(_) | Overlay::Filter(_)) => &[Action::Accept, Action::LeaveField],
        Some(Overlay::Form(_)) => &[Action::Accept, Action::NextField, Action::Submit, Action::LeaveField],
        // What has lapsed is read anew, or left; it is not confirmed.
        Some(Overlay::Review(review)) if review.anew().is_some() => &[Action::Refresh, Action::LeaveField],
        Some(Overlay::Review(review)) if review.is_dead() => &[Action::LeaveField],
        Some(Overlay::Review(review)) if review.command_line().is_none() && !review.has_samples() => {
            &[Action::Confirm, Action::LeaveField]
        }
        Some(Overlay::Review(review)) if review.has_samples() => {
            &[Action::Confirm, Action::LeaveField, Action::NextSample, Action::CopyCommand]
        }
        Some(Overlay::Review(_)) => &[Action::Confirm, Action::LeaveField, Action::CopyCommand],
        Some(Overlay::Compose) => &[
            Action::NextField,
            Action::Review,
            Action::LeaveField,
            Action::TestToMe,
            Action::Variables,
            Action::Editor,
        ],
        Some(Overlay::Pick(_)) => &[Action::Open, Action::Back],
        Some(Overlay::Calendar(_)) => &[Action::Open, Action::PageDown, Action::PageUp, Action::Back],
        Some(Overlay::Job) => state.job.as_ref().map_or(&[Action::Back], screens::job::Job::hints),
        None => match state.tab {
            Tab::Overview => screens::overview::hints(state),
            Tab::Messages => screens::messages::hints(state),
            Tab::Topics => screens::topics::hints(state),
            Tab::Targets => screens::targets::hints(state),
            Tab::Providers => screens::providers::HINTS,
            Tab::Live => screens::live::HINTS,
        },
    }
}
