//! Draws lines of text in roles.

use crate::domain::zone::Zone;
use chrono::{DateTime, Utc};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::sanitize;
use crate::tui::theme::{Role, Theme};

/// A frame, and what is needed to draw on it.
pub struct Pen<'a, 'b> {
    /// The frame.
    pub frame: &'a mut Frame<'b>,
    /// How roles look.
    pub theme: &'a Theme,
    /// What time it is.
    pub now: DateTime<Utc>,
    /// The operator's zone.
    pub zone: Zone,
}

impl Pen<'_, '_> {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Our own text, or text that is made safe here, in a role.
    pub fn span(&self, text: impl AsRef<str>, role: Role) -> Span<'static> {
        Span::styled(sanitize::line(text.as_ref()).into_owned(), self.style(role))
    }

    /// The glyph and the word of a state.
    pub fn state(&self, role: Role, word: &str) -> Span<'static> {
        Span::styled(format!("{} {}", self.theme.glyph(role), sanitize::line(word)), self.style(role))
    }

    /// Puts a line into the `n`th row of an area, if there is one.
    pub fn row(&mut self, area: Rect, n: usize, line: &Line<'_>) {
        self.row_at(area, n, 0, line);
    }

    /// Puts a line into the `n`th row of an area, some columns in.
    pub fn row_at(&mut self, area: Rect, n: usize, columns: u16, line: &Line<'_>) {
        let area = area.intersection(self.frame.area());
        if n >= usize::from(area.height) || columns >= area.width {
            return;
        }
        let (x, y) = (area.x + columns, area.y + n as u16);
        self.frame.buffer_mut().set_line(x, y, line, area.width - columns);
    }

    /// Puts a text in a role into the `n`th row of an area, cut with an ellipsis.
    pub fn text(&mut self, area: Rect, n: usize, text: impl AsRef<str>, role: Role) {
        let cut = sanitize::fit(text.as_ref(), usize::from(area.width)).into_owned();
        let line = Line::styled(cut, self.style(role));
        self.row(area, n, &line);
    }

    /// A rule across the `n`th row of an area.
    pub fn rule(&mut self, area: Rect, n: usize) {
        let line = Line::styled("─".repeat(usize::from(area.width)), self.style(Role::RULE));
        self.row(area, n, &line);
    }

    /// Paragraphs, broken at words, from a row on; says the row after them.
    pub fn paragraph(&mut self, area: Rect, mut n: usize, text: &str, role: Role) -> usize {
        for line in wrapped(text, usize::from(area.width)) {
            self.text(area, n, line, role);
            n += 1;
        }
        n
    }

    /// Clears an area.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.frame.area());
        self.frame.render_widget(ratatui::widgets::Clear, area);
    }
}

/// A text broken at words into lines of at most `columns`; a word that is longer is broken
/// where it must be.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut out = Vec::new();
    for line in sanitize::lines(text) {
        let mut row = String::new();
        for word in line.split(' ') {
            let wide = sanitize::width(&row) + 1 + sanitize::width(word);
            if !row.is_empty() && wide > columns {
                out.push(std::mem::take(&mut row));
            } else if !row.is_empty() {
                row.push(' ');
            }
            if sanitize::width(word) <= columns {
                row.push_str(word);
                continue;
            }
            for c in word.chars() {
                if !row.is_empty()
                    && sanitize::width(&row) + sanitize::width(c.encode_utf8(&mut [0; 4])) > columns
                {
                    out.push(std::mem::take(&mut row));
                }
                row.push(c);
            }
        }
        out.push(row);
    }
    out
}

/// The rows of an area below the first `n`.
pub fn below(area: Rect, n: u16) -> Rect {
    let n = n.min(area.height);
    Rect { y: area.y + n, height: area.height - n, ..area }
}

/// The first `n` rows of an area.
pub fn first(area: Rect, n: u16) -> Rect {
    Rect { height: n.min(area.height), ..area }
}

/// An area without its first and last columns.
pub fn inset(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width / 2);
    Rect { x: area.x + columns, width: area.width - 2 * columns, ..area }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a\n\nb", 7), ["a", "", "b"]);
        assert_eq!(wrapped("at https://example.com/", 8), ["at", "https://", "example.", "com/"]);
        assert_eq!(wrapped("漢字", 3), ["漢", "字"]);
    }
}
