//! What commands print: tables for people, JSON for scripts. Text that others
//! wrote is made safe for the terminal here, once.

use crate::domain::sanitize;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use unicode_width::UnicodeWidthStr;

/// Where a command's words go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// With `json`, values are printed as JSON and notes go to standard error.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON was asked for.
    pub fn json(self) -> bool {
        self.json
    }

    /// Whether a person is likely to read along.
    pub fn is_terminal(self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// Whether somebody is at a terminal, whatever the form is.
    pub fn is_watched(self) -> bool {
        io::stdout().is_terminal() || io::stderr().is_terminal()
    }

    /// A line of ours, to standard output; with JSON to standard error.
    pub fn say(self, line: impl AsRef<str>) -> io::Result<()> {
        if self.json { self.note(line) } else { put(&mut io::stdout().lock(), line.as_ref()) }
    }

    /// A line that is not the result: hints, progress. To standard error.
    pub fn note(self, line: impl AsRef<str>) -> io::Result<()> {
        put(&mut io::stderr().lock(), line.as_ref())
    }

    /// A line that stands for itself, to standard output in either form: a secret
    /// that is shown once, an id for a script.
    pub fn raw(self, line: impl AsRef<str>) -> io::Result<()> {
        put(&mut io::stdout().lock(), line.as_ref())
    }

    /// A value as one JSON document.
    pub fn value(self, value: &impl Serialize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::other)?;
        writeln!(out)
    }

    /// A value as one line of JSON, for streams.
    pub fn line(self, value: &impl Serialize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, value).map_err(io::Error::other)?;
        writeln!(out)
    }

    /// The value as JSON, or else the text that `text` makes of it.
    pub fn either<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> io::Result<()> {
        if self.json { self.value(value) } else { self.say(text(value).trim_end_matches('\n')) }
    }
}

/// Writes a line with everything in it that is not text made visible.
fn put(out: &mut impl Write, line: &str) -> io::Result<()> {
    for part in line.split('\n') {
        writeln!(out, "{}", sanitize::line(part))?;
    }
    out.flush()
}

/// Which side a column leans to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table: columns as wide as what stands in them.
#[derive(Debug, Clone)]
pub struct Table {
    heads: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these heads; one that begins with `#` leans right.
    pub fn new(heads: &[&str]) -> Self {
        let heads = heads
            .iter()
            .map(|head| match head.strip_prefix('#') {
                Some(head) => (head.to_owned(), Align::Right),
                None => ((*head).to_owned(), Align::Left),
            })
            .collect();
        Self { heads, rows: Vec::new() }
    }

    /// Adds a row; each cell is made safe and one line.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.rows.push(cells.into_iter().map(|cell| sanitize::line(cell.as_ref()).into_owned()).collect());
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines.
    pub fn render(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.width()).chain([self.heads[column].0.width()]).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.heads.len()).map(width).collect();
        let heads: Vec<_> = self.heads.iter().map(|(head, _)| head.clone()).collect();
        let mut out = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate().take(widths.len()) {
                let pad = " ".repeat(widths[column].saturating_sub(cell.width()));
                match self.heads[column].1 {
                    Align::Left => line.extend([cell.as_str(), &pad]),
                    Align::Right => line.extend([&pad, cell.as_str()]),
                }
                line.push_str("  ");
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// A number with thin groups: `49,788`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_stands_in_them() {
        let mut table = Table::new(&["Name", "#Count"]);
        table.row(["Ana", "7"]);
        table.row(["日本\u{1b}[31m", "12,345"]);
        let text = table.render();
        assert!(!text.contains('\u{1b}'));
        let ends: Vec<_> = text.lines().map(UnicodeWidthStr::width).collect();
        assert_eq!(ends[0], ends[1]);
        assert_eq!(ends[1], ends[2]);
    }

    #[test]
    fn groups() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(49_788), "49,788");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}
