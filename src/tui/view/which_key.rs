//! What may follow the keys pressed so far.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::sanitize;
use crate::tui::state::State;
use crate::tui::theme::Role;
use crate::tui::widgets::pen::{Pen, below};

/// Columns of one key and its title.
const EACH: u16 = 26;

/// Draws it over the last rows of the body.
pub(super) fn view(pen: &mut Pen<'_, '_>, state: &State, body: Rect) {
    let (scopes, mode) = state.keys();
    let hints = state.keymap.hints(&state.pending, &scopes, mode);
    let across = (body.width / EACH).max(1) as usize;
    let rows = hints.len().div_ceil(across) as u16;
    let at = body.height.saturating_sub(rows + 1);
    let area = below(body, at);
    pen.clear(area);
    pen.rule(area, 0);
    let title = Line::from(pen.span(format!(" {} … ", state.pending.text()), Role::KEY));
    pen.row_at(area, 0, 2, &title);
    for (n, hint) in hints.iter().enumerate() {
        let (row, column) = (n / across, (n % across) as u16);
        let line = Line::from(vec![
            pen.span(format!(" {:>3} ", hint.key), Role::KEY),
            pen.span(sanitize::fit(&hint.title, usize::from(EACH) - 6), Role::TEXT),
        ]);
        pen.row_at(area, row + 1, column * EACH, &line);
    }
}
