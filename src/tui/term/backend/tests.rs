use std::num::NonZeroU16;

use proptest::prelude::*;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::widgets::{Paragraph, Row, Table, TableState};
use ratatui::{Frame, Terminal};

use super::*;
use crate::tui::term::blank_torn_halves;

/// Counts what it is given, and plays it into a terminal.
#[derive(Default)]
struct Wire {
    writes: usize,
    bytes: Vec<u8>,
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn whole(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n.max(1)).unwrap()
}

struct Bench {
    terminal: Terminal<FrugalBackend<Wire>>,
    extent: Extent,
    screen: vt100::Parser,
}

impl Bench {
    fn new(columns: u16, rows: u16) -> Self {
        let extent = Extent::new(columns, rows);
        let terminal = Terminal::new(FrugalBackend::new(Wire::default(), extent.clone())).unwrap();
        let mut screen = vt100::Parser::new(whole(rows), whole(columns), 0);
        // As the guard leaves it.
        screen.process(b"\x1b[?25l");
        Self { terminal, extent, screen }
    }

    /// Draws, and returns the writes and bytes that it took.
    fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> (usize, usize) {
        self.terminal.draw(view).unwrap();
        let wire = std::mem::take(&mut self.terminal.backend_mut().out);
        self.screen.process(&wire.bytes);
        (wire.writes, wire.bytes.len())
    }

    fn rows(&self) -> Vec<String> {
        self.screen.screen().rows(0, self.extent.get().width).collect()
    }
}

/// A screen like ours: header, table of 24-bit colours with a selection, footer.
fn list(frame: &mut Frame<'_>, selected: usize) {
    let area = frame.area();
    let row = |n: usize| {
        Row::new(vec![
            "● sending".to_owned(),
            "email".to_owned(),
            format!("November newsletter number {n:04} to everybody who asked"),
            "news, beta, customers".to_owned(),
            format!("{}/{}", n * 37, n * 41),
            format!("{} min ago", n % 60),
        ])
        .style(Style::new().fg(Color::Rgb(120 + (n % 100) as u8, 162, 247)))
    };
    let widths = [
        Constraint::Length(12),
        Constraint::Length(8),
        Constraint::Fill(3),
        Constraint::Fill(2),
        Constraint::Length(14),
        Constraint::Length(12),
    ];
    let table = Table::new((0..usize::from(area.height)).map(row), widths)
        .header(Row::new(["State", "Type", "Subject", "Audience", "Progress", "When"]).bold())
        .row_highlight_style(Style::new().reversed());
    let mut state = TableState::new().with_selected(selected);
    frame.render_stateful_widget(table, Rect { y: 1, height: area.height - 2, ..area }, &mut state);
    frame.render_widget(Paragraph::new(" Herald  0 Overview  1 Messages").bold(), Rect { height: 1, ..area });
    frame.render_widget(
        Paragraph::new(" enter open   p pause").dim(),
        Rect { y: area.height - 1, height: 1, ..area },
    );
}

#[test]
fn a_frame_is_one_write_within_its_budget() {
    let mut bench = Bench::new(200, 50);
    let (writes, bytes) = bench.draw(|frame| list(frame, 3));
    assert_eq!(writes, 1);
    assert!((1_000..=12_000).contains(&bytes), "{bytes} bytes for a full frame");
    assert!(bench.rows()[6].contains("number 0004"), "{:?}", bench.rows()[6]);
}

#[test]
fn a_frame_that_changes_nothing_is_no_bytes() {
    let mut bench = Bench::new(120, 40);
    bench.draw(|frame| list(frame, 3));
    assert_eq!(bench.draw(|frame| list(frame, 3)), (0, 0));
    let with_cursor = |frame: &mut Frame<'_>| {
        list(frame, 3);
        frame.set_cursor_position((7, 9));
    };
    assert_eq!(bench.draw(with_cursor).0, 1);
    assert_eq!(bench.draw(with_cursor), (0, 0), "a cursor that stays where it is costs nothing");
    assert_eq!(bench.screen.screen().cursor_position(), (9, 7));
    assert!(!bench.screen.screen().hide_cursor());
    bench.draw(|frame| list(frame, 3));
    assert!(bench.screen.screen().hide_cursor());
}

#[test]
fn moving_one_row_is_within_its_budget() {
    let mut bench = Bench::new(200, 50);
    bench.draw(|frame| list(frame, 3));
    let (writes, bytes) = bench.draw(|frame| list(frame, 4));
    assert_eq!(writes, 1);
    assert!((1..=600).contains(&bytes), "{bytes} bytes to move one row");
}

#[test]
fn frames_are_synchronized() {
    let extent = Extent::new(10, 2);
    let mut terminal = Terminal::new(FrugalBackend::new(Wire::default(), extent)).unwrap();
    terminal.draw(|frame| frame.render_widget("hello", frame.area())).unwrap();
    let bytes = &terminal.backend().writer().bytes;
    assert!(bytes.starts_with(BEGIN) && bytes.ends_with(END), "{bytes:?}");
}

#[test]
fn any_size_is_safe_and_resizing_redraws() {
    let mut bench = Bench::new(0, 0);
    assert_eq!(bench.draw(|frame| frame.render_widget("hello", frame.area())), (0, 0));
    for (columns, rows) in [(1, 1), (200, 1), (1, 50), (0, 5), (80, 24), (40, 12), (80, 24)] {
        bench.extent.set(columns, rows);
        bench.screen.screen_mut().set_size(whole(rows), whole(columns));
        bench.draw(|frame| frame.render_widget("hello", frame.area()));
    }
    assert!(bench.rows()[0].starts_with("hello"));
    bench.extent.set(u16::MAX, u16::MAX);
    assert_eq!(bench.extent.get(), Size::new(MAX_COLUMNS, MAX_ROWS));
}

#[test]
fn no_control_character_leaves_whatever_a_widget_does() {
    let mut backend = FrugalBackend::new(Wire::default(), Extent::new(4, 1));
    let mut cells = vec![Cell::default(); 3];
    for (cell, symbol) in cells.iter_mut().zip(["\x1b", "\u{9b}", "a\n"]) {
        cell.set_symbol(symbol);
    }
    backend.draw(cells.iter().enumerate().map(|(x, cell)| (x as u16, 0, cell))).unwrap();
    backend.flush().unwrap();
    let text = String::from_utf8(backend.out.bytes).unwrap();
    assert_eq!(text.matches('\u{FFFD}').count(), 3, "{text:?}");
    assert!(!text.contains(['\u{9b}', '\n']), "{text:?}");
}

#[test]
fn what_is_drawn_over_half_a_wide_character_is_shown() {
    let mut bench = Bench::new(20, 6);
    let mut show = |texts: &[(&str, u16)]| {
        bench.draw(|frame| {
            for (text, x) in texts {
                frame.buffer_mut().set_string(*x, 5, text, Style::new());
            }
            blank_torn_halves(frame.buffer_mut());
        });
        bench.rows()[5].trim_end().to_owned()
    };
    assert_eq!(show(&[("é日", 3), ("…", 5)]), "   é …");
    assert_eq!(show(&[("a…", 4)]), "    a…");
    assert_eq!(show(&[("é日", 3)]), "   é日");
    assert_eq!(show(&[("é日", 3), ("│", 4)]), "   é│");
}

proptest! {
    /// Whatever is drawn after whatever, the terminal shows the last frame.
    #[test]
    fn the_terminal_shows_what_was_drawn(frames in proptest::collection::vec(
        proptest::collection::vec(("[a-zé日▓…]{0,6}", 0u16..20, 0u16..6, 0u8..4), 0..8), 1..6)) {
        let mut bench = Bench::new(20, 6);
        for texts in &frames {
            let mut wanted = None;
            bench.draw(|frame| {
                for (text, x, y, style) in texts {
                    let style = [Style::new(), Style::new().bold(), Style::new().red(), Style::new().reversed()][usize::from(*style)];
                    frame.buffer_mut().set_stringn(*x, *y, text, usize::from(20 - x), style);
                }
                blank_torn_halves(frame.buffer_mut());
                wanted = Some(frame.buffer_mut().clone());
            });
            let wanted = wanted.unwrap();
            for y in 0..6 {
                let mut x = 0;
                while x < 20 {
                    let cell = &wanted[(x, y)];
                    let seen = bench.screen.screen().cell(y, x).unwrap();
                    let text = if seen.contents().is_empty() { " " } else { seen.contents() };
                    prop_assert_eq!(text, cell.symbol(), "at {},{}", x, y);
                    x += cell.symbol().width().max(1) as u16;
                    if cell.symbol() == " " {
                        continue;
                    }
                    prop_assert_eq!(seen.bold(), cell.modifier.contains(ratatui::style::Modifier::BOLD));
                    prop_assert_eq!(seen.inverse(), cell.modifier.contains(ratatui::style::Modifier::REVERSED));
                }
            }
        }
    }
}
