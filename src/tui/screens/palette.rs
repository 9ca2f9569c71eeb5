//! The palette: any action, by its name.

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;
use ratatui::text::Line as TextLine;

use super::{check_filter, distance, filter_table};
use crate::domain::filter::fuzzy_match;
use crate::tui::action::{Action, Danger, Row, Scope, TABLE};
use crate::tui::sanitize;
use crate::tui::state::{Overlay, State, Tab};
use crate::tui::theme::{Role, SHIPPED};
use crate::tui::update::{set_filter, why_not};
use crate::tui::view as layout;
use crate::tui::widgets::field::LineField;
use crate::tui::widgets::pen::{Pen, below, first, inset};

/// The palette.
#[derive(Debug, Default)]
pub struct Palette {
    field: LineField,
    selected: usize,
}

/// A line that is more than an action's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Another theme.
    Theme(&'static str),
    /// A tab's list with a filter.
    View(Tab, String),
}

/// What an action led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// Nothing yet.
    Nothing,
    /// This is to be done.
    Run(Action),
    /// It is not for the palette.
    Pass,
}

impl Palette {
    /// A key that edits.
    pub fn key(&mut self, key: KeyEvent) {
        if self.field.key(key) {
            self.selected = 0;
        }
    }

    /// A paste.
    pub fn paste(&mut self, text: &str) {
        self.field.paste(text);
        self.selected = 0;
    }

    /// What the line says, if it is more than an action's name.
    pub fn line(&self) -> Option<Line> {
        let text = self.field.text().trim_start();
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        if word == "theme" {
            return SHIPPED.iter().find(|(name, _)| *name == rest.trim()).map(|(name, _)| Line::Theme(name));
        }
        let tab = Tab::ALL.into_iter().find(|tab| tab.scope().name() == word)?;
        (!rest.trim().is_empty()).then(|| Line::View(tab, rest.trim().to_owned()))
    }

    /// Completes the word that is being typed, if one begins so.
    fn complete(&mut self) {
        let text = self.field.text().to_owned();
        let whole = match text.strip_prefix("theme ") {
            Some(rest) => SHIPPED
                .iter()
                .find(|(name, _)| name.starts_with(rest) && *name != rest)
                .map(|(name, _)| format!("theme {name}")),
            None => std::iter::once("theme")
                .chain(Tab::ALL.iter().map(|tab| tab.scope().name()))
                .find(|word| word.starts_with(text.as_str()) && !text.is_empty())
                .map(|word| format!("{word} ")),
        };
        if let Some(whole) = whole {
            self.field.set(&whole);
            self.selected = 0;
        }
    }

    /// The actions that match, those of the tab first.
    fn rows(&self, scope: Scope) -> Vec<&'static Row> {
        let words = self.field.text();
        let fits = |row: &&Row| {
            let text = format!("{} {} {}", row.title, row.id, row.help);
            words.split_whitespace().all(|word| fuzzy_match(word, &text))
        };
        let mut rows: Vec<&Row> = TABLE.iter().filter(|row| offered(row)).filter(fits).collect();
        let rank = |row: &&Row| {
            let title = row.title.to_lowercase();
            (!title.contains(&words.to_lowercase()), !row.scopes.contains(&scope))
        };
        rows.sort_by_key(rank);
        rows
    }
}

/// What only a key can mean is not offered.
fn offered(row: &Row) -> bool {
    let inner = [Scope::Form, Scope::Compose, Scope::Review, Scope::Filter, Scope::Palette];
    row.danger != Danger::Commits
        && row.action != Action::Palette
        && !row.id.starts_with("move.")
        && row.scopes.iter().any(|scope| !inner.contains(scope))
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> Chosen {
    let scope = state.tab.scope();
    let height = usize::from(layout::body(state.size).height.saturating_sub(2));
    let Some(Overlay::Palette(palette)) = state.overlays.last_mut() else { return Chosen::Pass };
    let rows = palette.rows(scope);
    match action {
        Action::NextField => {
            palette.complete();
            preview(state);
            Chosen::Nothing
        }
        Action::Accept | Action::Open if palette.line().is_some() => {
            let line = palette.line();
            state.overlays.pop();
            state.theme_before = None;
            run(state, line);
            Chosen::Nothing
        }
        Action::Accept | Action::Open => match rows.get(palette.selected) {
            Some(row) => {
                let action = row.action;
                state.overlays.pop();
                Chosen::Run(action)
            }
            None => Chosen::Nothing,
        },
        Action::LeaveField | Action::Back => {
            state.overlays.pop();
            if let Some(theme) = state.theme_before.take() {
                state.theme = theme;
            }
            Chosen::Nothing
        }
        _ => match distance(action, height) {
            Some(by) => {
                let last = rows.len().saturating_sub(1);
                palette.selected = palette.selected.saturating_add_signed(by).min(last);
                Chosen::Nothing
            }
            None => Chosen::Pass,
        },
    }
}

fn run(state: &mut State, line: Option<Line>) {
    match line {
        Some(Line::Theme(name)) => {
            state.show_theme(name);
            state.keep();
        }
        Some(Line::View(tab, filter)) => {
            crate::tui::update::show(state, tab);
            match filter_table(tab).map(|table| check_filter(&filter, table, state.zone)) {
                Some(Ok(())) => set_filter(state, filter),
                Some(Err(problem)) => state.complain(problem),
                None => state.say("This screen has no filter."),
            }
        }
        None => {}
    }
}

/// A theme that is typed is shown at once.
pub fn preview(state: &mut State) {
    let Some(Overlay::Palette(palette)) = state.overlays.last() else { return };
    match palette.line() {
        Some(Line::Theme(name)) => {
            if state.theme_before.is_none() {
                state.theme_before = Some(state.theme.clone());
            }
            state.show_theme(name);
        }
        _ => {
            if let Some(theme) = state.theme_before.take() {
                state.theme = theme;
            }
        }
    }
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, state: &State, palette: &Palette, body: Rect) {
    let area = inset(body, 1);
    pen.text(area, 0, ":", Role::KEY);
    let line = first(area, 1);
    let field = Rect { x: line.x + 2, width: line.width.saturating_sub(2), ..line };
    palette.field.draw(pen, field, true);
    let area = below(area, 2);
    let rows = palette.rows(state.tab.scope());
    if let Some(line) = palette.line() {
        let text = match line {
            Line::Theme(name) => format!("enter keeps the theme {name}"),
            Line::View(tab, filter) => format!("enter shows {} where {filter}", tab.title()),
        };
        pen.text(area, 0, text, Role::TEXT);
        return;
    }
    if rows.is_empty() {
        pen.text(area, 0, "No action is called that.", Role::TEXT_DIM);
    }
    let height = usize::from(area.height);
    let top = (palette.selected + 1).saturating_sub(height);
    for (n, row) in rows.iter().skip(top).take(height).enumerate() {
        let chosen = top + n == palette.selected;
        let key = layout::key_of(state, row.action);
        let key = if key == row.id { String::new() } else { key };
        let why = why_not(state, row.action);
        let role = if why.is_some() { Role::TEXT_DIM } else { Role::TEXT };
        let mut line = TextLine::from(vec![
            pen.span(if chosen { "▸ " } else { "  " }, Role::ACCENT),
            sanitize::column(row.title, 18, pen.style(role)),
            sanitize::column(&key, 8, pen.style(Role::KEY)),
            pen.span(why.unwrap_or_else(|| row.help.to_owned()), Role::TEXT_DIM),
        ]);
        if chosen {
            line = line.patch_style(pen.style(Role::ROW_SELECTED));
        }
        pen.row(area, n, &line);
    }
}
