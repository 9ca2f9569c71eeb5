//! The sequences `ESC [ parameters final` and `ESC O final`.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::tui::term::event::TermEvent;
use crate::tui::term::probe;

/// What `ESC O final` means.
pub(super) fn ss3(byte: u8) -> Option<TermEvent> {
    let code = match byte {
        b'M' => KeyCode::Enter,
        other => letter(other)?,
    };
    Some(press(code, KeyModifiers::NONE, KeyEventKind::Press))
}

/// What a whole sequence means; nothing if it is no key.
pub(super) fn event(parameters: &[u8], last: u8) -> Option<TermEvent> {
    if parameters == b"[" {
        // The Linux console's function keys.
        return matches!(last, b'A'..=b'E')
            .then(|| press(KeyCode::F(last - b'A' + 1), KeyModifiers::NONE, KeyEventKind::Press));
    }
    if let Some(mouse) = parameters.strip_prefix(b"<") {
        return mouse_event(mouse, last);
    }
    let text = std::str::from_utf8(parameters).ok()?;
    if text.starts_with('?') {
        return probe::mode(text, last).map(TermEvent::Told);
    }
    if text.starts_with(['>', '=']) {
        return None;
    }
    let mut numbers = text.split(';');
    let mut next = || numbers.next().unwrap_or_default();
    let (first, second, third) = (next(), next(), next());
    let (modifiers, kind) = modifiers(second)?;
    match last {
        b'I' => Some(TermEvent::Focus(true)),
        b'O' => Some(TermEvent::Focus(false)),
        b'Z' => Some(press(KeyCode::BackTab, KeyModifiers::SHIFT, kind)),
        // `CSI row ; column R` is an answer; F3 has a 1 in its place.
        b'R' if !matches!(first, "" | "1") => None,
        b'~' if first == "27" => character(third, modifiers, kind),
        b'~' => Some(press(tilde(first.parse().ok()?)?, modifiers, kind)),
        b'u' => character(first, modifiers, kind),
        other => Some(press(letter(other)?, modifiers, kind)),
    }
}

fn press(code: KeyCode, modifiers: KeyModifiers, kind: KeyEventKind) -> TermEvent {
    TermEvent::Key(KeyEvent::new_with_kind(code, modifiers, kind))
}

fn letter(byte: u8) -> Option<KeyCode> {
    Some(match byte {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P'..=b'S' => KeyCode::F(byte - b'P' + 1),
        _ => return None,
    })
}

fn tilde(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=26 => KeyCode::F(number - 12),
        28 | 29 => KeyCode::F(number - 13),
        31..=34 => KeyCode::F(number - 14),
        _ => return None,
    })
}

/// The second parameter: one more than the bits of the modifiers, then, in the
/// kitty protocol, what happened to the key.
fn modifiers(text: &str) -> Option<(KeyModifiers, KeyEventKind)> {
    if text.is_empty() {
        return Some((KeyModifiers::NONE, KeyEventKind::Press));
    }
    let (mask, kind) = text.split_once(':').unwrap_or((text, "1"));
    let bits = mask.parse::<u16>().ok()?.saturating_sub(1);
    let mut modifiers = KeyModifiers::NONE;
    for (bit, modifier) in [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ] {
        modifiers.set(modifier, bits & bit != 0);
    }
    let kind = match kind {
        "2" => KeyEventKind::Repeat,
        "3" => KeyEventKind::Release,
        _ => KeyEventKind::Press,
    };
    Some((modifiers, kind))
}

/// A key given by its code point, as `CSI u` and xterm's modifyOtherKeys do.
fn character(text: &str, modifiers: KeyModifiers, kind: KeyEventKind) -> Option<TermEvent> {
    let (plain, shifted) = text.split_once(':').unwrap_or((text, ""));
    let code = match plain.parse::<u32>().ok()? {
        9 if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 | 57414 => KeyCode::Enter,
        27 => KeyCode::Esc,
        8 | 127 => KeyCode::Backspace,
        // The kitty protocol's keys without a character.
        0xE000..=0xF8FF => return None,
        number => {
            let shifted = shifted.split(':').next().and_then(|n| n.parse::<u32>().ok());
            let wanted = if modifiers.contains(KeyModifiers::SHIFT) { shifted } else { None };
            KeyCode::Char(char::from_u32(wanted.unwrap_or(number)).filter(|c| !c.is_control())?)
        }
    };
    Some(press(code, modifiers, kind))
}

fn mouse_event(parameters: &[u8], last: u8) -> Option<TermEvent> {
    let mut numbers = std::str::from_utf8(parameters).ok()?.split(';').map(|n| n.parse::<u16>().ok());
    let (bits, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let button = match bits & 3 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (bits & 0x60, bits & 3, last) {
        (0x40, 0, _) => MouseEventKind::ScrollUp,
        (0x40, 1, _) => MouseEventKind::ScrollDown,
        (0x40, 2, _) => MouseEventKind::ScrollLeft,
        (0x40, ..) => MouseEventKind::ScrollRight,
        (0x20, 3, _) => MouseEventKind::Moved,
        (0x20, ..) => MouseEventKind::Drag(button),
        (0, _, b'M') => MouseEventKind::Down(button),
        (0, _, b'm') => MouseEventKind::Up(button),
        _ => return None,
    };
    let mut modifiers = KeyModifiers::NONE;
    modifiers.set(KeyModifiers::SHIFT, bits & 4 != 0);
    modifiers.set(KeyModifiers::ALT, bits & 8 != 0);
    modifiers.set(KeyModifiers::CONTROL, bits & 16 != 0);
    Some(TermEvent::Mouse(MouseEvent {
        kind,
        column: column.saturating_sub(1),
        row: row.saturating_sub(1),
        modifiers,
    }))
}
