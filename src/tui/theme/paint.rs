//! Colours: one paint is a colour at every depth.

use ratatui::style::Color;
use serde::Deserialize;

use super::depth::Depth;

/// Red, green and blue.
pub type Rgb = (u8, u8, u8);

/// The levels of xterm's colour cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// A colour, as a theme file writes it: all three depths, or one value from
/// which the others follow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Spec {
    /// `"#7aa2f7"`, `"blue"` or `"111"`.
    One(String),
    /// `{ rgb = "#7aa2f7", x256 = 111, ansi = "blue" }`.
    Each {
        /// 24 bits.
        rgb: String,
        /// Of xterm's 256.
        x256: u8,
        /// Of the sixteen.
        ansi: String,
    },
}

/// A colour at every depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// With 24 bits.
    pub rgb: Color,
    /// Of xterm's 256.
    pub x256: Color,
    /// Of the terminal's sixteen.
    pub ansi: Color,
}

impl Paint {
    /// The colour at this depth; none where there are no colours.
    pub fn at(self, depth: Depth) -> Option<Color> {
        match depth {
            Depth::None => None,
            Depth::Ansi16 => Some(self.ansi),
            Depth::Ansi256 => Some(self.x256),
            Depth::True => Some(self.rgb),
        }
    }
}

impl Spec {
    pub(super) fn paint(&self) -> Result<Paint, String> {
        match self {
            Self::Each { rgb, x256, ansi } => Ok(Paint {
                rgb: hex(rgb).map(|(r, g, b)| Color::Rgb(r, g, b)).ok_or_else(|| not_a_colour(rgb))?,
                x256: Color::Indexed(*x256),
                ansi: named(ansi).ok_or_else(|| not_a_colour(ansi))?,
            }),
            Self::One(text) => {
                if let Some(named) = named(text) {
                    // The terminal's own palette serves at every depth.
                    return Ok(Paint { rgb: named, x256: named, ansi: named });
                }
                let rgb = match text.parse::<u8>() {
                    Ok(index) => indexed(index),
                    Err(_) => hex(text).ok_or_else(|| not_a_colour(text))?,
                };
                Ok(Paint {
                    rgb: Color::Rgb(rgb.0, rgb.1, rgb.2),
                    x256: Color::Indexed(nearest_256(rgb)),
                    ansi: nearest_16(rgb),
                })
            }
        }
    }
}

fn not_a_colour(text: &str) -> String {
    format!(
        "“{text}” is not a colour; write \"#rrggbb\", a number to 255, or one of the sixteen names such as \"light-red\""
    )
}

fn hex(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

const NAMES: [(&str, Color, Rgb); 16] = [
    ("black", Color::Black, (0, 0, 0)),
    ("red", Color::Red, (205, 0, 0)),
    ("green", Color::Green, (0, 205, 0)),
    ("yellow", Color::Yellow, (205, 205, 0)),
    ("blue", Color::Blue, (0, 0, 238)),
    ("magenta", Color::Magenta, (205, 0, 205)),
    ("cyan", Color::Cyan, (0, 205, 205)),
    ("gray", Color::Gray, (229, 229, 229)),
    ("dark-gray", Color::DarkGray, (127, 127, 127)),
    ("light-red", Color::LightRed, (255, 0, 0)),
    ("light-green", Color::LightGreen, (0, 255, 0)),
    ("light-yellow", Color::LightYellow, (255, 255, 0)),
    ("light-blue", Color::LightBlue, (92, 92, 255)),
    ("light-magenta", Color::LightMagenta, (255, 0, 255)),
    ("light-cyan", Color::LightCyan, (0, 255, 255)),
    ("white", Color::White, (255, 255, 255)),
];

fn named(name: &str) -> Option<Color> {
    match name {
        "default" => Some(Color::Reset),
        name => NAMES.iter().find(|(n, ..)| *n == name).map(|(_, color, _)| *color),
    }
}

/// The colour of one of xterm's 256.
pub fn indexed(index: u8) -> Rgb {
    match index {
        0..=15 => NAMES[usize::from(index)].2,
        16..=231 => {
            let n = usize::from(index - 16);
            (CUBE[n / 36], CUBE[n / 6 % 6], CUBE[n % 6])
        }
        232..=255 => {
            let level = 8 + 10 * (index - 232);
            (level, level, level)
        }
    }
}

fn far(a: Rgb, b: Rgb) -> u32 {
    let square = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    square(a.0, b.0) + square(a.1, b.1) + square(a.2, b.2)
}

/// The nearest of xterm's 256, leaving out the sixteen that a terminal may
/// colour as it likes.
pub fn nearest_256(rgb: Rgb) -> u8 {
    (16..=255).min_by_key(|n| far(indexed(*n), rgb)).unwrap_or(16)
}

fn nearest_16(rgb: Rgb) -> Color {
    NAMES.iter().min_by_key(|(_, _, known)| far(*known, rgb)).map_or(Color::Reset, |(_, color, _)| *color)
}

/// The contrast of two colours, from 1 to 21, by WCAG 2.
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((r, g, b): Rgb) -> f64 {
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// The colour as red, green and blue, where it has fixed ones.
pub fn rgb_of(color: Color) -> Option<Rgb> {
    match color {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(n) if n >= 16 => Some(indexed(n)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_runs_from_one_to_twenty_one() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 1e-9);
        assert!((contrast((9, 9, 9), (9, 9, 9)) - 1.0).abs() < 1e-9);
        // A published pair: #767676 on white is the lightest grey that passes 4.5.
        assert!((contrast((0x76, 0x76, 0x76), (255, 255, 255)) - 4.54).abs() < 0.01);
    }

    #[test]
    fn the_cube_maps_onto_itself() {
        for n in 16..=231 {
            assert_eq!(indexed(nearest_256(indexed(n))), indexed(n));
        }
    }

    #[test]
    fn one_value_gives_every_depth() {
        let paint = Spec::One("#ff0000".to_owned()).paint().unwrap();
        assert_eq!(paint.at(Depth::Ansi256), Some(Color::Indexed(196)));
        assert_eq!(paint.at(Depth::Ansi16), Some(Color::LightRed));
        assert_eq!(paint.at(Depth::None), None);
        assert!(Spec::One("mauve".to_owned()).paint().is_err());
        assert!(Spec::One("#12345é".to_owned()).paint().is_err());
    }
}
