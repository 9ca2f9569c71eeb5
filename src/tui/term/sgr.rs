//! The style of cells as escape sequences, in as few bytes as do it.

use std::io::Write;

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// What the terminal draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    fg: Color,
    bg: Color,
    underline: Color,
    modifier: Modifier,
}

impl Pen {
    /// After a reset.
    pub(super) const DEFAULT: Self =
        Self { fg: Color::Reset, bg: Color::Reset, underline: Color::Reset, modifier: Modifier::empty() };

    pub(super) fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, underline: cell.underline_color, modifier: cell.modifier }
    }

    /// Whether a space in it is a blank: nothing of it is seen.
    pub(super) fn is_blank(self) -> bool {
        let seen = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
        self.bg == Color::Reset && !self.modifier.intersects(seen)
    }

    /// Changes the terminal's pen from this one to another.
    pub(super) fn change_to(&mut self, next: Self, out: &mut Vec<u8>) {
        if *self == next {
            return;
        }
        out.extend_from_slice(b"\x1b[");
        if next == Self::DEFAULT {
            out.push(b'm');
            *self = next;
            return;
        }
        // Single attributes are switched off in ways that terminals disagree on
        // (22 ends bold and dim both), so what loses one begins anew.
        if !(self.modifier - next.modifier).is_empty() {
            out.extend_from_slice(b"0;");
            *self = Self::DEFAULT;
        }
        for (modifier, code) in MODIFIERS {
            if next.modifier.contains(modifier) && !self.modifier.contains(modifier) {
                out.extend_from_slice(code);
                out.push(b';');
            }
        }
        if self.fg != next.fg {
            colour(next.fg, 30, out);
        }
        if self.bg != next.bg {
            colour(next.bg, 40, out);
        }
        if self.underline != next.underline {
            underline(next.underline, out);
        }
        // The last separator becomes the end.
        out.pop();
        out.push(b'm');
        *self = next;
    }
}

const MODIFIERS: [(Modifier, &[u8]); 9] = [
    (Modifier::BOLD, b"1"),
    (Modifier::DIM, b"2"),
    (Modifier::ITALIC, b"3"),
    (Modifier::UNDERLINED, b"4"),
    (Modifier::SLOW_BLINK, b"5"),
    (Modifier::RAPID_BLINK, b"6"),
    (Modifier::REVERSED, b"7"),
    (Modifier::HIDDEN, b"8"),
    (Modifier::CROSSED_OUT, b"9"),
];

/// The number of a colour among the terminal's sixteen.
fn index(color: Color) -> Option<u8> {
    Some(match color {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        _ => return None,
    })
}

fn colour(color: Color, base: u8, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = match (color, index(color)) {
        (_, Some(n @ 0..=7)) => write!(out, "{};", base + n),
        (_, Some(n)) => write!(out, "{};", base + 60 + n - 8),
        (Color::Indexed(n), _) => write!(out, "{};5;{n};", base + 8),
        (Color::Rgb(r, g, b), _) => write!(out, "{};2;{r};{g};{b};", base + 8),
        _ => write!(out, "{};", base + 9),
    };
}

fn underline(color: Color, out: &mut Vec<u8>) {
    let _ = match (color, index(color)) {
        (Color::Indexed(n), _) | (_, Some(n)) => write!(out, "58;5;{n};"),
        (Color::Rgb(r, g, b), _) => write!(out, "58;2;{r};{g};{b};"),
        _ => write!(out, "59;"),
    };
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn bytes(from: Style, to: Style) -> String {
        let pen = |style: Style| {
            let mut cell = Cell::default();
            cell.set_style(style);
            Pen::of(&cell)
        };
        let mut out = Vec::new();
        pen(from).change_to(pen(to), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_what_differs_is_said() {
        let plain = Style::new();
        assert_eq!(bytes(plain, plain), "");
        assert_eq!(bytes(plain, plain.bold().red()), "\x1b[1;31m");
        assert_eq!(bytes(plain.red(), plain.red().bold()), "\x1b[1m");
        assert_eq!(bytes(plain.red().bold(), plain.red()), "\x1b[0;31m");
        assert_eq!(bytes(plain.red().bold(), plain), "\x1b[m");
        assert_eq!(bytes(plain, plain.fg(Color::Indexed(111)).bg(Color::LightBlue)), "\x1b[38;5;111;104m");
        assert_eq!(bytes(plain, plain.fg(Color::Rgb(1, 2, 3))), "\x1b[38;2;1;2;3m");
        assert_eq!(bytes(plain.red().on_blue(), plain.on_blue()), "\x1b[39m");
        assert_eq!(bytes(plain, plain.underline_color(Color::Red)), "\x1b[58;5;1m");
    }
}
