//! Every key that works here, and what it does.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::distance;
use crate::tui::action::{Action, Scope, entries};
use crate::tui::sanitize;
use crate::tui::show;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::update::why_not;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, inset};

/// The help screen.
#[derive(Debug, Default)]
pub struct Help {
    /// Where it was opened.
    scopes: Vec<Scope>,
    top: usize,
}

impl Help {
    /// Help for these scopes.
    pub fn new(scopes: Vec<Scope>) -> Self {
        Self { scopes, top: 0 }
    }
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = usize::from(layout::body(state.size).height);
    match action {
        Action::Back | Action::Help | Action::Quit => {
            state.overlays.pop();
        }
        _ => {
            let Some(by) = distance(action, height) else { return false };
            let keymap = &state.keymap;
            if let Some(Overlay::Help(help)) = state.overlays.last_mut() {
                let lines = entries(keymap, &help.scopes).len();
                help.top = help.top.saturating_add_signed(by).min(lines.saturating_sub(height / 2));
            }
        }
    }
    true
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, help: &Help, body: Rect) {
    let area = inset(body, 1);
    let mut scope = None;
    let mut n = 0;
    for entry in entries(&state.keymap, &help.scopes).into_iter().skip(help.top) {
        if n >= usize::from(area.height) {
            break;
        }
        if scope != Some(entry.scope) {
            scope = Some(entry.scope);
            pen.text(area, n, heading(entry.scope), Role::TEXT_STRONG);
            n += 1;
        }
        let keys = if entry.keys.is_empty() { "–".to_owned() } else { entry.keys.join(" ") };
        // In a form, an action is for the form, whatever the tab below it says.
        let over = help.scopes.first() != Some(&state.tab.scope());
        let why = if over { None } else { why_not(state, entry.row.action) };
        let title = entry.row.title.trim_end_matches('…');
        let role = if why.is_some() { Role::TEXT_DIM } else { Role::TEXT };
        let line = Line::from(vec![
            sanitize::column(&keys, 16, pen.style(Role::KEY)),
            pen.span(" ", Role::TEXT),
            sanitize::column(title, 18, pen.style(role)),
            pen.span(format!(" {}", why.as_deref().unwrap_or(entry.row.help)), Role::TEXT_DIM),
        ]);
        pen.row(area, n, &line);
        n += 1;
    }
}

fn heading(scope: Scope) -> String {
    let name = if scope == Scope::Global { "everywhere" } else { scope.name() };
    show::capital(name)
}
