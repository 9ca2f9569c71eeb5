//! Chords: one press of a key with its modifiers, as it is written in a file and
//! as a terminal sends it.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The longest sequence of chords that means one action.
pub const MAX_SEQUENCE: usize = 4;

/// A key with its modifiers, in the one form in which they are compared: `G` is
/// shift-g, `backtab` shift-tab, and letters under ctrl are lower case, whatever
/// the terminal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

impl Chord {
    /// The chord of this key and these modifiers.
    pub fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let mut modifiers = modifiers & (KeyModifiers::SHIFT | KeyModifiers::CONTROL | KeyModifiers::ALT);
        let shift = modifiers.contains(KeyModifiers::SHIFT);
        let code = match code {
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char(c.to_ascii_lowercase())
            }
            KeyCode::Char(c) => {
                modifiers -= KeyModifiers::SHIFT;
                KeyCode::Char(if shift { c.to_ascii_uppercase() } else { c })
            }
            KeyCode::Tab if shift => KeyCode::BackTab,
            other => other,
        };
        if code == KeyCode::BackTab {
            modifiers -= KeyModifiers::SHIFT;
        }
        Self { code, modifiers }
    }

    /// Whether pressing it types a character.
    pub fn is_printable(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }

    /// Whether it edits a line of text in the common terminal habits (those of
    /// readline), so that in a text field it is never a command. `multi` says
    /// that the field has several lines, where the vertical keys edit as well.
    pub fn edits_text(self, multi: bool) -> bool {
        let plain = (self.modifiers - KeyModifiers::SHIFT).is_empty();
        match self.code {
            KeyCode::Char(_) if plain => true,
            KeyCode::Char(c) if self.modifiers == KeyModifiers::CONTROL => {
                "abdefhkmtuwy".contains(c) || (multi && "npjv".contains(c))
            }
            KeyCode::Char(c) if self.modifiers == KeyModifiers::ALT => "bdfy<>".contains(c),
            KeyCode::Left
            | KeyCode::Right
            | KeyCode::Home
            | KeyCode::End
            | KeyCode::Backspace
            | KeyCode::Delete => true,
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => multi && plain,
            _ => false,
        }
    }

    /// Whether it is ctrl with a letter.
    pub fn is_ctrl_letter(self, letters: &str) -> bool {
        matches!(self.code, KeyCode::Char(c) if self.modifiers == KeyModifiers::CONTROL && letters.contains(c))
    }
}

impl From<KeyEvent> for Chord {
    fn from(key: KeyEvent) -> Self {
        Self::new(key.code, key.modifiers)
    }
}

/// Text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChordError {
    /// There is nothing, or nothing after a modifier.
    #[error("“{0}” names no key")]
    Empty(String),
    /// The key's name is not known.
    #[error(
        "“{0}” is not the name of a key; keys are single characters, enter, esc, tab, backtab, space, backspace, delete, insert, up, down, left, right, home, end, pageup, pagedown and f1 to f24, after ctrl-, alt- or shift-"
    )]
    Unknown(String),
    /// The sequence is longer than a hand remembers.
    #[error("“{0}” has more than {MAX_SEQUENCE} keys")]
    TooLong(String),
}

const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    // Other spellings, read and never written.
    ("return", KeyCode::Enter),
    ("escape", KeyCode::Esc),
    ("del", KeyCode::Delete),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

impl FromStr for Chord {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Self, ChordError> {
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        loop {
            let mut found = false;
            for (name, modifier) in
                [("ctrl", KeyModifiers::CONTROL), ("alt", KeyModifiers::ALT), ("shift", KeyModifiers::SHIFT)]
            {
                let Some(after) = strip_prefix_ignoring_case(rest, name) else { continue };
                if let Some(key) = after.strip_prefix(['-', '+']) {
                    if key.is_empty() {
                        return Err(ChordError::Empty(text.to_owned()));
                    }
                    modifiers |= modifier;
                    rest = key;
                    found = true;
                }
            }
            if !found {
                break;
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (None, _) => return Err(ChordError::Empty(text.to_owned())),
            (Some(c), None) if !c.is_control() => KeyCode::Char(c),
            _ => {
                let lower = rest.to_ascii_lowercase();
                let function = lower
                    .strip_prefix('f')
                    .and_then(|n| n.parse::<u8>().ok())
                    .filter(|n| (1..=24).contains(n));
                match (NAMED.iter().find(|(name, _)| *name == lower), function) {
                    (Some((_, code)), _) => *code,
                    (None, Some(n)) => KeyCode::F(n),
                    (None, None) => return Err(ChordError::Unknown(text.to_owned())),
                }
            }
        };
        Ok(Self::new(code, modifiers))
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, modifier) in
            [("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT), ("shift-", KeyModifiers::SHIFT)]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::F(n) => write!(f, "f{n}"),
            code => match (NAMED.iter().find(|(_, named)| *named == code), code) {
                (Some((name, _)), _) => f.write_str(name),
                (None, KeyCode::Char(c)) => write!(f, "{c}"),
                (None, other) => write!(f, "{other}"),
            },
        }
    }
}

/// A sequence of chords, written with spaces between them.
pub fn parse_sequence(text: &str) -> Result<Vec<Chord>, ChordError> {
    let chords = text.split_whitespace().map(str::parse).collect::<Result<Vec<Chord>, _>>()?;
    match chords.len() {
        0 => Err(ChordError::Empty(text.to_owned())),
        n if n > MAX_SEQUENCE => Err(ChordError::TooLong(text.to_owned())),
        _ => Ok(chords),
    }
}

/// A sequence as it is written.
pub fn sequence_text(chords: &[Chord]) -> String {
    chords.iter().map(Chord::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chord(text: &str) -> Chord {
        text.parse().unwrap()
    }

    #[test]
    fn spellings_of_one_chord_are_equal() {
        for (a, b) in [
            ("G", "shift-g"),
            ("backtab", "shift-tab"),
            ("ctrl-s", "Ctrl+S"),
            ("esc", "ESCAPE"),
            ("pgdn", "pagedown"),
            ("alt-X", "alt-shift-x"),
        ] {
            assert_eq!(chord(a), chord(b), "{a} {b}");
        }
        assert_ne!(chord("g"), chord("G"));
        assert_ne!(chord("ctrl-g"), chord("alt-g"));
    }

    #[test]
    fn the_separators_are_keys_too() {
        assert_eq!(chord("-").to_string(), "-");
        assert_eq!(chord("ctrl--"), Chord::new(KeyCode::Char('-'), KeyModifiers::CONTROL));
        assert_eq!(chord("alt-+"), Chord::new(KeyCode::Char('+'), KeyModifiers::ALT));
        assert!("ctrl-".parse::<Chord>().is_err());
        assert!("hyper-x".parse::<Chord>().is_err());
        assert!("f25".parse::<Chord>().is_err());
    }

    #[test]
    fn what_terminals_send_is_normalised() {
        let sent = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(Chord::from(sent), chord("G"));
        let sent = KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT);
        assert_eq!(Chord::from(sent), chord("backtab"));
        let sent = KeyEvent::new(KeyCode::Char('?'), KeyModifiers::SHIFT);
        assert_eq!(Chord::from(sent), chord("?"));
    }

    #[test]
    fn sequences_are_bounded() {
        assert_eq!(sequence_text(&parse_sequence("g  shift-g").unwrap()), "g G");
        assert!(parse_sequence("a b c d e").is_err());
        assert!(parse_sequence("  ").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(c in "[!-~äß€]", ctrl: bool, alt: bool, shift: bool, f in 1u8..=24) {
            let mut modifiers = KeyModifiers::NONE;
            modifiers.set(KeyModifiers::CONTROL, ctrl);
            modifiers.set(KeyModifiers::ALT, alt);
            modifiers.set(KeyModifiers::SHIFT, shift);
            let c = c.chars().next().unwrap();
            for code in [KeyCode::Char(c), KeyCode::F(f), KeyCode::Tab, KeyCode::Char(' '), KeyCode::Delete] {
                let chord = Chord::new(code, modifiers);
                prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
            }
        }
    }
}
