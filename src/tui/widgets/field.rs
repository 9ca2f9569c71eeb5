//! Text fields.

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use tui_textarea::{CursorMove, Input, Key, TextArea};

use super::pen::Pen;
use crate::tui::sanitize;
use crate::tui::theme::Role;

/// A key into a text, as shells have it: ctrl-u clears back to the line's start.
fn edit(area: &mut TextArea<'static>, input: Input) -> bool {
    if input.ctrl && input.key == Key::Char('u') { area.delete_line_by_head() } else { area.input(input) }
}

/// A field of one line.
#[derive(Debug, Clone, Default)]
pub struct LineField {
    area: TextArea<'static>,
    secret: bool,
}

impl LineField {
    /// A field with this text, the cursor behind it.
    pub fn new(text: &str) -> Self {
        let mut field = Self::default();
        field.set(text);
        field
    }

    /// A field whose text is not shown.
    pub fn secret() -> Self {
        Self { secret: true, ..Self::default() }
    }

    /// What is typed.
    pub fn text(&self) -> &str {
        self.area.lines().first().map_or("", String::as_str)
    }

    /// Replaces the text.
    pub fn set(&mut self, text: &str) {
        self.area = TextArea::new(vec![sanitize::paste_line(text)]);
        self.area.move_cursor(CursorMove::End);
    }

    /// A key that edits; says whether the text changed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let input = Input::from(key);
        // What would begin a second line.
        if input.key == Key::Enter || (input.ctrl && matches!(input.key, Key::Char('m' | 'j'))) {
            return false;
        }
        let before = self.text().len();
        edit(&mut self.area, input) || self.text().len() != before
    }

    /// A paste, as one line.
    pub fn paste(&mut self, text: &str) {
        self.area.insert_str(sanitize::paste_line(text));
    }

    /// Draws the field into the first row of an area; with the cursor if it has
    /// the keys.
    pub fn draw(&self, pen: &mut Pen<'_, '_>, area: Rect, focused: bool) {
        let columns = usize::from(area.width);
        let shown =
            if self.secret { "•".repeat(self.text().chars().count()) } else { self.text().to_owned() };
        let at = self.area.cursor().1;
        let before: String = shown.chars().take(at).collect();
        // The end stays in view.
        let skip = sanitize::width(&before).saturating_sub(columns.saturating_sub(1));
        let cut: String = skip_columns(&shown, skip);
        let role = if focused { Role::FIELD_FOCUSED } else { Role::FIELD };
        let line = Line::from(sanitize::column(&cut, columns, pen.style(role)));
        pen.row(area, 0, &line);
        if focused && area.width > 0 && area.height > 0 {
            let x = (sanitize::width(&before) - skip).min(columns.saturating_sub(1));
            pen.frame.set_cursor_position(Position::new(area.x + x as u16, area.y));
        }
    }
}

fn skip_columns(text: &str, columns: usize) -> String {
    let mut left = columns;
    let mut chars = text.chars();
    while left > 0 {
        let Some(c) = chars.next() else { break };
        left = left.saturating_sub(sanitize::width(c.encode_utf8(&mut [0; 4])).max(1));
    }
    chars.collect()
}

/// A field of many lines.
#[derive(Debug, Clone, Default)]
pub struct BodyField {
    area: TextArea<'static>,
}

impl BodyField {
    /// A field with this text.
    pub fn new(text: &str) -> Self {
        let lines = text.split('\n').map(clean_line).collect();
        Self { area: TextArea::new(lines) }
    }

    /// What is typed.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Its lines.
    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.area.lines().iter().all(|line| line.trim().is_empty())
    }

    /// A key that edits; says whether the text changed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        edit(&mut self.area, Input::from(key))
    }

    /// A paste, with its lines.
    pub fn paste(&mut self, text: &str) {
        let lines: Vec<String> = text.replace("\r\n", "\n").split(['\n', '\r']).map(clean_line).collect();
        self.area.insert_str(lines.join("\n"));
    }

    /// Draws what of the field is around the cursor.
    pub fn draw(&self, pen: &mut Pen<'_, '_>, area: Rect, focused: bool) {
        let (height, columns) = (usize::from(area.height), usize::from(area.width).saturating_sub(2));
        if height == 0 || columns == 0 {
            return;
        }
        let cursor = self.area.cursor();
        let top = (cursor.0 + 1).saturating_sub(height);
        let role = if focused { Role::FIELD_FOCUSED } else { Role::RULE };
        for n in 0..height {
            let Some(line) = self.area.lines().get(top + n) else {
                pen.row(area, n, &Line::from(Span::styled("┃", pen.style(Role::RULE))));
                continue;
            };
            let here = focused && top + n == cursor.0;
            let before: String = if here { line.chars().take(cursor.1).collect() } else { String::new() };
            let wide = sanitize::width(&tabs(&before));
            let skip = wide.saturating_sub(columns.saturating_sub(1));
            let shown = skip_columns(&tabs(line), skip);
            let row = Line::from(vec![
                Span::styled("┃ ", pen.style(role)),
                Span::styled(sanitize::fit(&shown, columns).into_owned(), pen.style(Role::TEXT)),
            ]);
            pen.row(area, n, &row);
            if here {
                let x = area.x + 2 + (wide - skip) as u16;
                pen.frame.set_cursor_position(Position::new(x, area.y + n as u16));
            }
        }
    }
}

fn tabs(line: &str) -> String {
    line.replace('\t', "    ")
}

/// A line without what a terminal would take for a command; tabs stay.
fn clean_line(line: &str) -> String {
    line.chars().filter(|c| *c == '\t' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers};

    #[test]
    fn a_line_stays_one_line() {
        let mut field = LineField::new("a");
        field.paste("b\nc\x1b[2J");
        assert_eq!(field.text(), "ab c[2J");
        for (code, modifiers) in
            [(KeyCode::Enter, KeyModifiers::NONE), (KeyCode::Char('m'), KeyModifiers::CONTROL)]
        {
            assert!(!field.key(KeyEvent::new(code, modifiers)));
        }
        assert_eq!(field.text(), "ab c[2J");
    }

    #[test]
    fn a_body_keeps_its_lines() {
        let mut body = BodyField::new("one\ntwo\x07");
        body.paste("three\r\nfour\x1b");
        assert_eq!(body.text(), "three\nfourone\ntwo");
    }
}
