//! Frames into bytes: one write per frame, and none for a frame that changes
//! nothing.
//!
//! ratatui's own backend writes some thousand times per frame, and 25 bytes for
//! an unchanged one; over a slow line the first tears and the second never ends.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use unicode_width::UnicodeWidthStr;

use super::sgr::Pen;

/// Begins and ends synchronized output (DEC private mode 2026): a terminal that
/// knows it shows the frame whole, another ignores it.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// The most columns and rows that are drawn, so that a terminal that lies about
/// its size costs no more than some megabytes.
pub const MAX_COLUMNS: u16 = 1000;
/// See [`MAX_COLUMNS`].
pub const MAX_ROWS: u16 = 500;

/// The size of a seat's screen, shared by whoever learns of it and whoever draws.
#[derive(Debug, Clone, Default)]
pub struct Extent(Arc<AtomicU32>);

impl Extent {
    /// A screen of this many columns and rows; nothing, down to 0×0, is too small.
    pub fn new(columns: u16, rows: u16) -> Self {
        let extent = Self::default();
        extent.set(columns, rows);
        extent
    }

    /// The screen has this many columns and rows now.
    pub fn set(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.min(MAX_COLUMNS), rows.min(MAX_ROWS));
        self.0.store(u32::from(columns) << 16 | u32::from(rows), Ordering::Release);
    }

    /// The size.
    pub fn get(&self) -> Size {
        let both = self.0.load(Ordering::Acquire);
        Size::new((both >> 16) as u16, both as u16)
    }
}

/// A ratatui backend that hands each frame to a writer in a single `write`.
///
/// It never asks the terminal anything: where the cursor is and whether it shows
/// is remembered, not queried.
#[derive(Debug)]
pub struct FrugalBackend<W> {
    out: W,
    extent: Extent,
    /// The frame so far, after [`BEGIN`].
    frame: Vec<u8>,
    pen: Pen,
    /// Where the terminal's cursor is, where that is known.
    cursor: Option<Position>,
    shown: Option<bool>,
    /// Whether frames are bracketed, for terminals that know it.
    synchronized: bool,
}

/// From so many blanks on, erasing them is shorter than writing them, also where the
/// cursor must be moved past them.
const ERASED: u16 = 10;

/// Blanks side by side that are still to be written.
#[derive(Debug, Clone, Copy, Default)]
struct Blanks {
    at: Position,
    n: u16,
}

impl Blanks {
    /// Takes a cell that is beside them; says whether it was.
    fn takes(&mut self, at: Position) -> bool {
        let beside = self.n > 0 && at.y == self.at.y && at.x == self.at.x + self.n;
        self.n += u16::from(beside);
        beside
    }
}

impl<W: Write> FrugalBackend<W> {
    /// A backend that writes to `out`, for a screen of this extent. The terminal
    /// is as the guard leaves it: cleared, its
    /// cursor hidden.
    pub fn new(out: W, extent: Extent) -> Self {
        Self {
            out,
            extent,
            frame: BEGIN.to_vec(),
            pen: Pen::DEFAULT,
            cursor: None,
            shown: Some(false),
            synchronized: true,
        }
    }

    /// The writer.
    pub fn writer(&self) -> &W {
        &self.out
    }

    /// Forgets what is known of the terminal: somebody else has used it.
    pub fn forget(&mut self) {
        self.frame.truncate(BEGIN.len());
        self.pen = Pen::DEFAULT;
        self.cursor = None;
        self.shown = None;
    }

    /// Whether the terminal knows synchronized output: without, frames are not bracketed.
    pub fn synchronize(&mut self, knows: bool) {
        self.synchronized = knows;
    }

    /// Puts bytes of our own (never foreign text) into the next frame: a bell, a
    /// copy to the clipboard.
    pub fn append(&mut self, bytes: &[u8]) {
        self.frame.extend_from_slice(bytes);
    }

    fn go_to(&mut self, to: Position) {
        let from = self.cursor.replace(to);
        match from {
            Some(at) if at == to => {}
            Some(at) if at.y == to.y && at.x < to.x => {
                let _ = match to.x - at.x {
                    1 => write!(self.frame, "\x1b[C"),
                    n => write!(self.frame, "\x1b[{n}C"),
                };
            }
            Some(at) if to.x == 0 && at.y + 1 == to.y => self.frame.extend_from_slice(b"\r\n"),
            Some(at) if to.x == 0 && at.y == to.y => self.frame.push(b'\r'),
            _ => {
                let _ = write!(self.frame, "\x1b[{};{}H", u32::from(to.y) + 1, u32::from(to.x) + 1);
            }
        }
    }

    /// Blanks cells: where they are many, by one sequence that leaves the cursor where
    /// it is (ECH, which erases with the background that is set).
    fn blank(&mut self, blanks: Blanks) {
        let Blanks { at, n } = blanks;
        if n == 0 {
            return;
        }
        self.go_to(at);
        // Of a blank nothing is seen but the background: another colour stays as it is.
        if !self.pen.is_blank() {
            let mut pen = self.pen;
            pen.change_to(Pen::DEFAULT, &mut self.frame);
            self.pen = pen;
        }
        if n >= ERASED {
            let _ = write!(self.frame, "\x1b[{n}X");
        } else {
            for x in at.x..at.x + n {
                self.put(Position::new(x, at.y), " ");
            }
        }
    }

    fn put(&mut self, at: Position, symbol: &str) {
        // The last line of defence: whatever a widget let through, no control
        // character leaves this program.
        let symbol = if symbol.chars().any(char::is_control) { "\u{FFFD}" } else { symbol };
        self.frame.extend_from_slice(symbol.as_bytes());
        let next = at.x.saturating_add(1);
        // Terminals disagree on the width of what is not ASCII, and on where the
        // cursor is after the last column; there it is moved, not assumed.
        let known = symbol.len() == 1 || (symbol.width() == 1 && is_one_column(symbol));
        self.cursor = (known && next < self.extent.get().width).then(|| Position::new(next, at.y));
    }
}

/// Symbols beyond ASCII that take one column in every terminal: Latin, Greek,
/// Cyrillic, and box drawing and blocks outside East Asian settings.
fn is_one_column(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    matches!(
        (chars.next(), chars.next()),
        (
            Some(
                '\u{A0}'..='\u{24F}'
                | '\u{370}'..='\u{3FF}'
                | '\u{400}'..='\u{52F}'
                | '\u{2500}'..='\u{259F}',
            ),
            None,
        )
    )
}

impl<W: Write> Backend for FrugalBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut blanks = Blanks::default();
        for (x, y, cell) in content {
            let at = Position::new(x, y);
            if cell.symbol() == " " && Pen::of(cell).is_blank() {
                if !blanks.takes(at) {
                    self.blank(std::mem::replace(&mut blanks, Blanks { at, n: 1 }));
                }
                continue;
            }
            self.blank(std::mem::take(&mut blanks));
            self.go_to(at);
            let (mut pen, next) = (self.pen, Pen::of(cell));
            pen.change_to(next, &mut self.frame);
            self.pen = pen;
            self.put(at, cell.symbol());
        }
        self.blank(blanks);
        let mut pen = self.pen;
        pen.change_to(Pen::DEFAULT, &mut self.frame);
        self.pen = pen;
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(false) != Some(false) {
            self.frame.extend_from_slice(b"\x1b[?25l");
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(true) != Some(true) {
            self.frame.extend_from_slice(b"\x1b[?25h");
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.go_to(position.into());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        if clear_type == ClearType::All {
            // It comes after a resize, and terminals move the cursor then.
            self.cursor = None;
        }
        self.frame.extend_from_slice(match clear_type {
            ClearType::All => b"\x1b[m\x1b[2J",
            ClearType::AfterCursor => b"\x1b[J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[K",
        });
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.extent.get())
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.extent.get(), pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.len() == BEGIN.len() {
            return Ok(());
        }
        let from = if self.synchronized { 0 } else { BEGIN.len() };
        if self.synchronized {
            self.frame.extend_from_slice(END);
        }
        let written = self.out.write_all(&self.frame[from..]).and_then(|()| self.out.flush());
        self.frame.truncate(BEGIN.len());
        // One huge frame must not hold its memory for ever.
        self.frame.shrink_to(64 * 1024);
        written
    }
}

#[cfg(test)]
mod tests;
