//! One of a few: a list over the screen, and what choosing does.

pub mod calendar;
pub mod reading;

pub use calendar::{Calendar, open as open_calendar};
pub use reading::{Reading, open as open_reading};

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{compose, distance, form, review};
use crate::domain::provider::KINDS;
use crate::tui::action::Action;
use crate::tui::sanitize;
use crate::tui::state::{Overlay, State};
use crate::tui::theme::{Role, SHIPPED, Theme};
use crate::tui::view as layout;
use crate::tui::widgets::pen::{Pen, below, inset};

/// What variables a text can name, and what each is (see `engine::render`).
const VARIABLES: &[(&str, &str)] = &[
    ("{{ user.name | default(\"friend\") }}", "the person's name, or “friend”"),
    ("{{ user.email | default(\"\") }}", "the person's mail address"),
    ("{{ user.phone | default(\"\") }}", "the person's number"),
    ("{{ user.id }}", "the person's id"),
    ("{{ user.prefs.plan | default(\"\") }}", "a preference of the person, by its name"),
    ("{{ target.identifier }}", "the address that it goes to"),
    ("{{ target.name | default(\"\") }}", "the name of that address"),
];

/// What a choice is for.
#[derive(Debug, Clone, PartialEq)]
pub enum For {
    /// A variable, put where the cursor is.
    Variables,
    /// The kind of a new provider.
    Kinds,
    /// A theme, shown while it is selected; and the one before.
    Themes(Box<Theme>),
    /// The provider that a retry goes through.
    RetryThrough,
}

/// A row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What is chosen, for the program.
    pub key: String,
    /// What is chosen, for people.
    pub label: String,
    /// What it is.
    pub detail: String,
    /// Whether it is on, where several can be.
    pub on: Option<bool>,
}

/// The list.
#[derive(Debug)]
pub struct Pick {
    title: &'static str,
    rows: Vec<Row>,
    at: usize,
    what: For,
}

impl Pick {
    fn new(title: &'static str, what: For, rows: Vec<Row>) -> Self {
        Self { title, rows, at: 0, what }
    }
}

fn row(key: impl Into<String>, label: impl Into<String>, detail: impl Into<String>) -> Row {
    Row { key: key.into(), label: label.into(), detail: detail.into(), on: None }
}

fn open(state: &mut State, pick: Pick) {
    state.overlays.push(Overlay::Pick(pick));
}

/// Offers the variables.
pub fn open_variables(state: &mut State) {
    let rows = VARIABLES.iter().map(|(text, help)| row(*text, *text, *help)).collect();
    open(state, Pick::new("Put a variable where the cursor is", For::Variables, rows));
}

/// Offers the kinds of providers.
pub fn open_kinds(state: &mut State) {
    let rows = KINDS
        .iter()
        .filter(|kind| kind.adapter)
        .map(|kind| {
            let channels: Vec<&str> = kind.channels.iter().map(|channel| channel.as_str()).collect();
            row(kind.name, kind.title, channels.join(", "))
        })
        .collect();
    open(state, Pick::new("Which service delivers?", For::Kinds, rows));
}

/// Offers the themes, each shown while it is selected.
pub fn open_themes(state: &mut State) {
    let before = state.theme.clone();
    let rows: Vec<Row> = SHIPPED.iter().map(|(name, _)| row(*name, *name, Theme::about(name))).collect();
    let at = rows.iter().position(|row| row.key == before.name()).unwrap_or(0);
    let mut pick = Pick::new("Theme", For::Themes(Box::new(before)), rows);
    pick.at = at;
    open(state, pick);
}

/// Offers the providers that a retry can go through.
pub fn open_through(state: &mut State, channel: crate::domain::channel::Channel) {
    let mut rows = vec![row("", "as a new plan chooses", "each target's own provider, else the default")];
    let list = state.overview.iter().flat_map(|overview| &overview.providers);
    let mine = list.filter(|provider| provider.enabled && provider.channel == channel);
    rows.extend(mine.map(|provider| {
        let (_, word) = super::providers::stands(provider);
        row(provider.id.to_string(), provider.name.clone(), word)
    }));
    open(state, Pick::new("Through which provider?", For::RetryThrough, rows));
}

/// What actions do here.
pub fn act(state: &mut State, action: Action) -> bool {
    let height = usize::from(layout::body(state.size).height.saturating_sub(3));
    let Some(Overlay::Pick(pick)) = state.overlays.last_mut() else { return false };
    match action {
        Action::Open | Action::Accept => choose(state),
        Action::Back | Action::LeaveField | Action::Quit => {
            if let Some(Overlay::Pick(Pick { what: For::Themes(before), .. })) = state.overlays.pop() {
                state.theme = *before;
            }
        }
        _ => {
            let Some(by) = distance(action, height) else { return false };
            pick.at = pick.at.saturating_add_signed(by).min(pick.rows.len().saturating_sub(1));
            if let (For::Themes(_), Some(row)) = (&pick.what, pick.rows.get(pick.at)) {
                let name = row.key.clone();
                state.show_theme(&name);
            }
        }
    }
    true
}

fn choose(state: &mut State) {
    let Some(Overlay::Pick(pick)) = state.overlays.pop() else { return };
    let Some(row) = pick.rows.into_iter().nth(pick.at) else { return };
    match pick.what {
        For::Variables => compose::insert(state, &row.key),
        For::Kinds => {
            if let Some(kind) = crate::domain::provider::kind(&row.key) {
                form::open(state, form::Purpose::Provider(kind.name));
            }
        }
        For::Themes(_) => {
            state.show_theme(&row.key);
            state.keep();
        }
        For::RetryThrough => review::retry_through(state, &row.key),
    }
}

/// Draws it.
pub fn view(pen: &mut Pen<'_, '_>, pick: &Pick, body: Rect) {
    let area = inset(body, 1);
    pen.text(area, 0, pick.title, Role::TEXT_STRONG);
    let area = below(area, 2);
    let height = usize::from(area.height);
    let top = (pick.at + 1).saturating_sub(height);
    let wide = pick.rows.iter().map(|row| sanitize::width(&row.label)).max().unwrap_or(0).min(44);
    for (n, row) in pick.rows.iter().skip(top).take(height).enumerate() {
        let chosen = top + n == pick.at;
        let mark = match row.on {
            None => "",
            Some(true) => "✓ ",
            Some(false) => "  ",
        };
        let mut line = Line::from(vec![
            pen.span(if chosen { "▸ " } else { "  " }, Role::ACCENT),
            pen.span(mark, Role::STATE_OK),
            sanitize::column(&row.label, wide, pen.style(Role::TEXT)),
            pen.span(format!("   {}", row.detail), Role::TEXT_DIM),
        ]);
        if chosen {
            line = line.patch_style(pen.style(Role::ROW_SELECTED));
        }
        pen.row(area, n, &line);
    }
}
