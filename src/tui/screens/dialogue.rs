//! What a test of a provider found: its conversation, line by line.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::scroll;
use crate::tui::action::Action;
use crate::tui::runtime::Request;
use crate::tui::sanitize;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::Role;
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, inset, wrapped};
use crate::wire::provider::ProviderTest;

/// Columns before what was said.
const MARK: usize = 2;

/// A conversation, and which part of it is shown.
#[derive(Debug)]
pub struct Dialogue {
    test: ProviderTest,
    /// The first line that is shown; nothing: as many as fit before the end.
    top: Option<usize>,
}

/// A line of the screen: its mark, and what was said.
struct Said {
    ours: bool,
    first: bool,
    text: String,
}

/// How the screen is shared out: rows of the finding, and of the conversation.
struct Layout {
    finding: Vec<String>,
    said: Vec<Said>,
    height: usize,
}

impl Dialogue {
    /// What this test found; its end is shown first, where the fault is.
    pub fn new(test: ProviderTest) -> Self {
        Self { test, top: None }
    }

    fn lay_out(&self, area: Rect) -> Layout {
        let columns = usize::from(area.width);
        let finding = wrapped(&self.test.finding, columns.saturating_sub(MARK).max(1));
        let mut said = Vec::new();
        for line in &self.test.dialogue {
            for (n, text) in broken(&line.text, columns.saturating_sub(MARK).max(1)).into_iter().enumerate() {
                said.push(Said { ours: line.ours, first: n == 0, text });
            }
        }
        // The finding, whether a message was taken, an empty row, and one that says where this is.
        let taken = finding.len() + usize::from(is_not_taken(&self.test)) + 2;
        Layout { finding, said, height: usize::from(area.height).saturating_sub(taken).max(1) }
    }

    /// The first line that is shown.
    fn first(&self, lines: usize, height: usize) -> usize {
        let last = lines.saturating_sub(height);
        self.top.map_or(last, |top| top.min(last))
    }
}

/// Whether that no test message was taken has to be said; that one was says the finding.
fn is_not_taken(test: &ProviderTest) -> bool {
    test.sent == Some(false)
}

/// A line that is shown whole, over as many rows as it needs.
fn broken(text: &str, columns: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut wide = 0;
    for c in sanitize::line(text).chars() {
        let columns_of = sanitize::width(c.encode_utf8(&mut [0; 4]));
        if wide + columns_of > columns {
            rows.push(String::new());
            wide = 0;
        }
        wide += columns_of;
        if let Some(row) = rows.last_mut() {
            row.push(c);
        }
    }
    rows
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let area = inset(layout::body(state.size), 1);
    let Some(Overlay::Dialogue(dialogue)) = state.overlays.last_mut() else { return false };
    match action {
        Action::Back | Action::Open | Action::Quit => {
            state.overlays.pop();
            true
        }
        Action::Copy => {
            let lines = dialogue.test.dialogue.iter().map(|said| {
                let mark = if said.ours { "→" } else { "←" };
                format!("{mark} {}", sanitize::line(&said.text))
            });
            let text = lines.chain([sanitize::line(&dialogue.test.finding).into_owned()]);
            let text = text.collect::<Vec<_>>().join("\n");
            state.request(Request::Copy(text));
            true
        }
        _ => {
            let Layout { said, height, .. } = dialogue.lay_out(area);
            let mut top = dialogue.first(said.len(), height);
            let moved = scroll(&mut top, action, height, said.len());
            if moved {
                dialogue.top = Some(top);
            }
            moved
        }
    }
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, dialogue: &Dialogue, body: Rect) {
    let area = inset(body, 1);
    let test = &dialogue.test;
    let Layout { finding, said, height } = dialogue.lay_out(area);
    let role = if test.ok { Role::STATE_OK } else { Role::STATE_FAILED };
    let mut at = 0;
    for line in &finding {
        let spans =
            if at == 0 { vec![pen.state(role, line)] } else { vec![pen.span(format!("  {line}"), role)] };
        pen.row(area, at, &Line::from(spans));
        at += 1;
    }
    if is_not_taken(test) {
        let line = Line::from(pen.state(Role::STATE_FAILED, "no test message was taken"));
        pen.row(area, at, &line);
        at += 1;
    }
    let top = dialogue.first(said.len(), height);
    let rows = below(area, at as u16 + 1);
    for (n, said) in said.iter().skip(top).take(height).enumerate() {
        let (mark, role) = match (said.ours, said.first) {
            (true, true) => ("→ ", Role::TEXT_DIM),
            (false, true) => ("← ", Role::TEXT_CODE),
            (true, false) => ("  ", Role::TEXT_DIM),
            (false, false) => ("  ", Role::TEXT_CODE),
        };
        let line = Line::from(vec![pen.span(mark, Role::TEXT_DIM), pen.span(&said.text, role)]);
        pen.row(rows, n, &line);
    }
    if said.len() > height {
        let last = (top + height).min(said.len());
        let text = format!("lines {}–{last} of {}", top + 1, said.len());
        pen.text(area, usize::from(area.height).saturating_sub(1), text, Role::TEXT_DIM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_whole() {
        assert_eq!(broken("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(broken("日本語", 4), ["日本", "語"]);
        assert_eq!(broken("", 4), [""]);
    }
}
