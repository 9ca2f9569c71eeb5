//! Pictures of the console for the README, made from frames as they are drawn.
//!
//! `cargo test --locked --test console pictures -- --ignored` writes them to
//! `assets/`.

use std::fmt::Write as _;

use herald::domain::zone::Zone;
use herald::tui::keymap::Keymap;
use herald::tui::message::Msg;
use herald::tui::state::{Place, State};
use herald::tui::theme::{Depth, Theme};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::screens::{draw, press, tell};
use super::world::{World, now};

/// Columns and rows of a picture, and the size of a cell.
const SIZE: (u16, u16) = (100, 30);
const CELL: (f32, f32) = (8.4, 18.0);

/// The screens, and the keys that lead to them.
const PICTURES: &[(&str, &str)] = &[
    ("overview", "0"),
    ("messages", "1 enter"),
    ("review", "1 j j j s"),
    ("target", "3"),
    ("providers", "4 j"),
    ("live", "5 n"),
];

fn hex(color: Color, usual: &'static str) -> String {
    match color {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        _ => usual.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A frame as an SVG: a rectangle where the background is not the usual one, a
/// text for each run of cells that look alike.
pub fn svg(buffer: &Buffer) -> String {
    let (width, height) = (f32::from(buffer.area.width) * CELL.0, f32::from(buffer.area.height) * CELL.1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" xml:space=\"preserve\">\n<rect width=\"100%\" height=\"100%\" fill=\"#16181d\"/>\n"
    );
    for (y, row) in buffer.content.chunks(usize::from(buffer.area.width)).enumerate() {
        let mut x = 0;
        while x < row.len() {
            let look = |n: usize| (row[n].fg, row[n].bg, row[n].modifier);
            let mut end = x + 1;
            while end < row.len() && look(end) == look(x) {
                end += 1;
            }
            let text: String = row[x..end].iter().map(ratatui::buffer::Cell::symbol).collect();
            let (mut fg, mut bg) = (hex(row[x].fg, "#d7dae0"), hex(row[x].bg, "#16181d"));
            let modifier = row[x].modifier;
            if modifier.contains(Modifier::REVERSED) {
                std::mem::swap(&mut fg, &mut bg);
            }
            let (left, top) = (x as f32 * CELL.0, y as f32 * CELL.1);
            let wide = (end - x) as f32 * CELL.0;
            if bg != "#16181d" {
                let _ = writeln!(
                    out,
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{bg}\"/>",
                    CELL.1
                );
            }
            if !text.trim().is_empty() {
                let bold = if modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
                let line = if modifier.contains(Modifier::UNDERLINED) {
                    " text-decoration=\"underline\""
                } else {
                    ""
                };
                let _ = writeln!(
                    out,
                    "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" fill=\"{fg}\"{bold}{line}>{}</text>",
                    top + 13.5,
                    escaped(&text)
                );
            }
            x = end;
        }
    }
    out + "</svg>\n"
}

fn picture(keys: &str) -> String {
    let world = World::busy();
    let theme = Theme::shipped("dark", Depth::True).unwrap();
    let mut state = State::new(theme, Keymap::shipped("default").unwrap(), Zone::UTC, Place::default());
    tell(&mut state, &world, Msg::Resize(SIZE.0, SIZE.1));
    tell(&mut state, &world, Msg::Clock(now()));
    press(&mut state, &world, keys);
    svg(&draw(&state))
}

#[test]
#[ignore = "writes assets/"]
fn pictures_are_written() {
    for (name, keys) in PICTURES {
        let path = format!("{}/assets/console-{name}.svg", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, picture(keys)).unwrap();
    }
}

#[test]
fn a_picture_shows_what_the_frame_shows() {
    let text = picture("1");
    assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
    assert!(text.contains("November newsletter") && text.contains("#7aa2f7"));
}
