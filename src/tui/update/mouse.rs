//! The mouse, where it is on: tabs, rows, hints, and the wheel.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::keys;
use crate::tui::action::Action;
use crate::tui::state::paged::{Keyed, Paged};
use crate::tui::state::{Focus, State, Tab};
use crate::tui::view as layout;

/// Rows that one notch of the wheel goes.
const NOTCH: usize = 3;

/// The mouse did something.
pub(super) fn mouse(state: &mut State, event: MouseEvent) {
    match event.kind {
        MouseEventKind::ScrollDown => wheel(state, Action::MoveDown),
        MouseEventKind::ScrollUp => wheel(state, Action::MoveUp),
        MouseEventKind::Down(MouseButton::Left) => click(state, event.column, event.row),
        _ => {}
    }
}

fn wheel(state: &mut State, action: Action) {
    for _ in 0..NOTCH {
        keys::act(state, action);
    }
}

fn click(state: &mut State, column: u16, row: u16) {
    if let Some(action) = layout::hint_at(state, column, row) {
        keys::act(state, action);
        return;
    }
    if !state.overlays.is_empty() {
        return;
    }
    if let Some(tab) = layout::tab_at(state, column, row) {
        super::show(state, tab);
        return;
    }
    if state.focus() == Focus::List
        && let Some(at) = row_at(state, row)
    {
        // A click selects; on what is selected it opens.
        let by = at as isize - selected(state) as isize;
        if by == 0 {
            keys::act(state, Action::Open);
        } else {
            let one = if by > 0 { Action::MoveDown } else { Action::MoveUp };
            for _ in 0..by.unsigned_abs() {
                keys::act(state, one);
            }
        }
    }
}

/// The place in the list of the row of the screen, if it is one of the list's.
fn row_at(state: &State, row: u16) -> Option<usize> {
    fn of<T: Keyed + Clone>(list: &Paged<T>, at: usize, height: usize) -> Option<usize> {
        let at = list.top(height) + at;
        (at < list.rows().len()).then_some(at)
    }
    let body = layout::body(state.size);
    let height = layout::list_rows(state);
    // The filter line and the heading stand above.
    let at = usize::from(row.checked_sub(body.y + 2)?);
    if at >= height {
        return None;
    }
    match state.tab {
        Tab::Messages => of(&state.messages.list, at, height),
        Tab::Topics => of(&state.topics.list, at, height),
        Tab::Targets => of(&state.targets.list, at, height),
        _ => None,
    }
}

fn selected(state: &State) -> usize {
    match state.tab {
        Tab::Messages => state.messages.list.selected_index(),
        Tab::Topics => state.topics.list.selected_index(),
        Tab::Targets => state.targets.list.selected_index(),
        _ => 0,
    }
}
