//! A table that draws only what is in view.

use std::collections::BTreeSet;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::pen::Pen;
use crate::tui::sanitize;
use crate::tui::theme::Role;

/// How wide a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// So many columns.
    Fixed(usize),
    /// What is left.
    Fill,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// How wide.
    pub width: Width,
    /// Whether its cells end at the right: numbers.
    pub right: bool,
    /// It is left out where the table is narrower than this.
    pub from: u16,
}

impl Column {
    /// A column of text.
    pub const fn text(title: &'static str, width: usize) -> Self {
        Self { title, width: Width::Fixed(width), right: false, from: 0 }
    }

    /// A column of numbers.
    pub const fn number(title: &'static str, width: usize) -> Self {
        Self { title, width: Width::Fixed(width), right: true, from: 0 }
    }

    /// The column that takes what is left.
    pub const fn fill(title: &'static str) -> Self {
        Self { title, width: Width::Fill, right: false, from: 0 }
    }

    /// The same, left out where the table is narrower than this.
    #[must_use]
    pub const fn from(mut self, columns: u16) -> Self {
        self.from = columns;
        self
    }
}

/// A cell: text that is made safe here, in a role.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    role: Role,
}

impl Cell {
    /// A cell in a role.
    pub fn new(text: impl Into<String>, role: Role) -> Self {
        Self { text: text.into(), role }
    }

    /// A cell of plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Role::TEXT)
    }

    /// A cell of dim text.
    pub fn dim(text: impl Into<String>) -> Self {
        Self::new(text, Role::TEXT_DIM)
    }

    /// A state: glyph and word.
    pub fn state(pen: &Pen<'_, '_>, (role, word): (Role, &str)) -> Self {
        Self { text: format!("{} {word}", pen.theme.glyph(role)), role }
    }
}

/// What of a table is selected, marked and hidden.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look<'a> {
    /// The place among the rows in view of the one that is selected.
    pub selected: Option<usize>,
    /// Which of the rows in view are marked; empty: none.
    pub marked: &'a [bool],
    /// Titles of columns that are hidden.
    pub hidden: Option<&'a BTreeSet<String>>,
    /// Whether the newest, or the greatest, stands first; and by which title.
    pub sorted: Option<(&'a str, bool)>,
}

fn widths(columns: &[Column], area: Rect, hidden: Option<&BTreeSet<String>>) -> Vec<Option<usize>> {
    let shown = |column: &Column| {
        let wanted = hidden.is_none_or(|hidden| !hidden.contains(column.title));
        column.from <= area.width && wanted
    };
    let fixed: usize = columns
        .iter()
        .filter(|column| shown(column))
        .map(|column| match column.width {
            Width::Fixed(width) => width + 1,
            Width::Fill => 1,
        })
        .sum();
    let rest = usize::from(area.width).saturating_sub(fixed + 3);
    columns
        .iter()
        .map(|column| {
            shown(column).then_some(match column.width {
                Width::Fixed(width) => width,
                Width::Fill => rest,
            })
        })
        .collect()
}

fn aligned(text: &str, width: usize, right: bool) -> String {
    let cut = sanitize::fit(text, width);
    let pad = " ".repeat(width.saturating_sub(sanitize::width(&cut)));
    if right { format!("{pad}{cut}") } else { format!("{cut}{pad}") }
}

/// Draws a heading and rows; `rows` are those in view, and `selected` is the
/// place among them of the one that is selected.
pub fn table(
    pen: &mut Pen<'_, '_>,
    area: Rect,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<Cell>>,
    selected: Option<usize>,
) {
    table_as(pen, area, columns, rows, Look { selected, ..Look::default() });
}

/// The same, with marks, without what is hidden.
pub fn table_as(
    pen: &mut Pen<'_, '_>,
    area: Rect,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<Cell>>,
    look: Look<'_>,
) {
    let widths = widths(columns, area, look.hidden);
    let mut heading = vec![Span::raw("   ")];
    for (column, width) in columns.iter().zip(&widths) {
        if let Some(width) = width {
            let arrow = match look.sorted {
                Some((title, true)) if title == column.title => " ▾",
                Some((title, false)) if title == column.title => " ▴",
                _ => "",
            };
            let text = aligned(&format!("{}{arrow}", column.title), *width, column.right) + " ";
            heading.push(Span::styled(text, pen.style(Role::TEXT_DIM)));
        }
    }
    pen.row(area, 0, &Line::from(heading));
    let room = usize::from(area.height).saturating_sub(1);
    for (n, cells) in rows.into_iter().take(room).enumerate() {
        let chosen = look.selected == Some(n);
        let mark = match (chosen, look.marked.get(n).copied().unwrap_or_default()) {
            (true, false) => " ▸ ",
            (true, true) => " ▸•",
            (false, true) => "  •",
            (false, false) => "   ",
        };
        let mut spans = vec![Span::styled(mark, pen.style(Role::ACCENT))];
        for ((column, width), cell) in columns.iter().zip(&widths).zip(cells) {
            let Some(width) = width else { continue };
            let style = pen.style(cell.role);
            spans.push(Span::styled(aligned(&cell.text, *width, column.right) + " ", style));
        }
        let mut line = Line::from(spans);
        if chosen {
            line = line.patch_style(pen.style(Role::ROW_SELECTED));
        }
        pen.row(area, n + 1, &line);
    }
}
