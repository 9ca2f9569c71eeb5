//! Bytes of a terminal into events.
//!
//! crossterm can read one terminal of the process, and hides that it is gone;
//! a console here sits on any stream of bytes, so the bytes are parsed here, into
//! crossterm's types. Understood are the keys of xterm and its kin, the kitty
//! protocol's `CSI u`, bracketed paste, focus, and SGR mouse reports. Whatever
//! else a terminal says (answers to queries) is taken in whole and dropped, so
//! that a late answer never reads as typing.

mod csi;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::event::TermEvent;
use super::probe;

/// The longest escape sequence that is waited for; a longer one is no key.
const MAX_SEQUENCE: usize = 64;
/// The longest paste that is kept, in bytes; the rest of it is dropped.
pub const MAX_PASTE: usize = 4 << 20;
const PASTE_END: &[u8] = b"\x1b[201~";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// In `ESC [ …`.
    Csi,
    /// After `ESC O`.
    Ss3,
    /// In a string that ends with ST or BEL: an answer to a query.
    Answer,
    /// In a bracketed paste.
    Paste,
}

/// Turns bytes into events. Keeps what is unfinished between reads.
#[derive(Debug, Default)]
pub struct Parser {
    at: At,
    /// The unfinished character, sequence or paste.
    held: Vec<u8>,
    /// Whether the unfinished character came after ESC.
    alt: bool,
    /// Bytes of the paste's end that were seen.
    ending: usize,
}

impl Parser {
    /// Takes bytes in and appends what they mean.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<TermEvent>) {
        for &byte in bytes {
            self.take(byte, out);
        }
    }

    /// Whether an escape sequence has begun. If nothing follows within some tens
    /// of milliseconds it was the Esc key: call [`Parser::give_up`].
    pub fn is_waiting(&self) -> bool {
        matches!(self.at, At::Escape | At::Csi | At::Ss3 | At::Answer) && !self.is_answering()
    }

    /// Whether what is held can only be the beginning of an answer, which a slow line
    /// may split anywhere: no key begins so, and the rest of it is no typing.
    fn is_answering(&self) -> bool {
        match self.at {
            At::Answer => self.held.starts_with(b"]") && self.held.get(1).is_some_and(u8::is_ascii_digit),
            At::Csi => self.held.first() == Some(&b'?'),
            _ => false,
        }
    }

    /// Nothing followed: what was held is what was typed.
    pub fn give_up(&mut self, out: &mut Vec<TermEvent>) {
        if self.is_answering() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let typed = match (self.at, held.first()) {
            (At::Escape, _) => Some((KeyCode::Esc, KeyModifiers::NONE)),
            (At::Csi, None) => Some((KeyCode::Char('['), KeyModifiers::ALT)),
            (At::Ss3, _) => Some((KeyCode::Char('O'), KeyModifiers::ALT)),
            (At::Answer, Some(&first)) if held.len() == 1 => {
                Some((KeyCode::Char(char::from(first)), KeyModifiers::ALT))
            }
            // Half a sequence means nothing.
            _ => None,
        };
        self.at = At::Ground;
        self.alt = false;
        if let Some((code, modifiers)) = typed {
            out.push(key(code, modifiers));
        }
    }

    fn take(&mut self, byte: u8, out: &mut Vec<TermEvent>) {
        match self.at {
            At::Ground => self.ground(byte, out),
            At::Escape => self.escape(byte, out),
            At::Csi => self.csi(byte, out),
            At::Ss3 => {
                self.at = At::Ground;
                out.extend(csi::ss3(byte));
            }
            At::Answer => self.answer(byte, out),
            At::Paste => self.paste(byte, out),
        }
    }

    fn ground(&mut self, byte: u8, out: &mut Vec<TermEvent>) {
        if byte == 0x1b && self.held.is_empty() {
            self.at = At::Escape;
            return;
        }
        let alt = if self.alt { KeyModifiers::ALT } else { KeyModifiers::NONE };
        if self.held.is_empty() && byte < 0x80 {
            self.alt = false;
            let (code, modifiers) = ascii(byte);
            out.push(key(code, modifiers | alt));
            return;
        }
        // A byte that cannot continue the character begins the next thing.
        if !self.held.is_empty() && byte & 0xC0 != 0x80 {
            self.held.clear();
            self.alt = false;
            return self.ground(byte, out);
        }
        self.held.push(byte);
        match std::str::from_utf8(&self.held) {
            Ok(text) => {
                if let Some(c) = text.chars().next() {
                    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                    out.push(key(KeyCode::Char(c), alt | shift));
                }
                self.held.clear();
                self.alt = false;
            }
            Err(error) if error.error_len().is_some() || self.held.len() >= 4 => {
                self.held.clear();
                self.alt = false;
            }
            Err(_) => {}
        }
    }

    fn escape(&mut self, byte: u8, out: &mut Vec<TermEvent>) {
        match byte {
            b'[' => self.at = At::Csi,
            b'O' => self.at = At::Ss3,
            b']' | b'P' | b'_' | b'^' | b'X' => {
                self.held.push(byte);
                self.at = At::Answer;
            }
            0x1b => out.push(key(KeyCode::Esc, KeyModifiers::NONE)),
            other => {
                self.at = At::Ground;
                self.alt = true;
                self.ground(other, out);
            }
        }
    }

    fn csi(&mut self, byte: u8, out: &mut Vec<TermEvent>) {
        match byte {
            // The Linux console's F1 to F5 are `ESC [ [ A` and on.
            b'[' if self.held.is_empty() => self.held.push(byte),
            0x40..=0x7e => {
                let held = std::mem::take(&mut self.held);
                self.at = At::Ground;
                if held == b"200" && byte == b'~' {
                    self.at = At::Paste;
                    self.ending = 0;
                } else {
                    out.extend(csi::event(&held, byte));
                }
            }
            0x20..=0x3f if self.held.len() < MAX_SEQUENCE => self.held.push(byte),
            // Not a sequence after all; what broke it is still typing.
            _ => {
                self.held.clear();
                self.at = At::Ground;
                if byte == 0x1b {
                    self.at = At::Escape;
                }
            }
        }
    }

    fn answer(&mut self, byte: u8, out: &mut Vec<TermEvent>) {
        // `held` is the opening byte, then only whether the last one was ESC.
        let escaped = self.held.last() == Some(&0x1b);
        if byte == 0x07 || (escaped && byte == b'\\') {
            let text = std::str::from_utf8(&self.held).unwrap_or_default().trim_end_matches('\x1b');
            out.extend(text.strip_prefix(']').and_then(probe::background).map(TermEvent::Told));
            self.held.clear();
            self.at = At::Ground;
        } else if escaped {
            self.held.clear();
            self.at = At::Escape;
            self.escape(byte, out);
        } else {
            self.held.push(byte);
            if self.held.len() > MAX_SEQUENCE {
                self.held.drain(1..MAX_SEQUENCE);
            }
        }
    }

    fn paste(&mut self, byte: u8, out: &mut Vec<TermEvent>) {
        if byte == PASTE_END[self.ending] {
            self.ending += 1;
            if self.ending == PASTE_END.len() {
                let held = std::mem::take(&mut self.held);
                self.at = At::Ground;
                out.push(TermEvent::Paste(String::from_utf8_lossy(&held).into_owned()));
            }
            return;
        }
        let mut keep = |bytes: &[u8]| {
            let room = MAX_PASTE.saturating_sub(self.held.len());
            self.held.extend_from_slice(&bytes[..bytes.len().min(room)]);
        };
        keep(&PASTE_END[..self.ending]);
        self.ending = usize::from(byte == PASTE_END[0]);
        if self.ending == 0 {
            keep(&[byte]);
        }
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> TermEvent {
    TermEvent::Key(KeyEvent::new(code, modifiers))
}

/// A key that is one byte.
fn ascii(byte: u8) -> (KeyCode, KeyModifiers) {
    match byte {
        b'\r' => (KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => (KeyCode::Tab, KeyModifiers::NONE),
        0x7f => (KeyCode::Backspace, KeyModifiers::NONE),
        0x1b => (KeyCode::Esc, KeyModifiers::NONE),
        0 => (KeyCode::Char(' '), KeyModifiers::CONTROL),
        0x01..=0x1a => (KeyCode::Char(char::from(byte - 1 + b'a')), KeyModifiers::CONTROL),
        0x1c..=0x1f => (KeyCode::Char(char::from(byte + 0x40)), KeyModifiers::CONTROL),
        b'A'..=b'Z' => (KeyCode::Char(char::from(byte)), KeyModifiers::SHIFT),
        other => (KeyCode::Char(char::from(other)), KeyModifiers::NONE),
    }
}

#[cfg(test)]
mod tests;
