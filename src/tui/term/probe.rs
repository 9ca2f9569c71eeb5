//! What a terminal says of itself when it is asked.
//!
//! It is asked once, in the same write as the modes, and nobody waits: the first frame
//! is drawn before it answers, and a terminal that never does is used as it is.

/// Asks for the background's colour (OSC 11), whether it speaks the kitty keyboard
/// protocol, and whether it knows synchronized output (DECRQM 2026).
pub(super) const ASK: &[u8] = b"\x1b]11;?\x1b\\\x1b[?u\x1b[?2026$p";

/// From now on: what ctrl and alt make of a key is told apart, and Esc is never the
/// beginning of something else (the kitty protocol's first flag).
pub(super) const TELL_KEYS_APART: &[u8] = b"\x1b[>1u";
/// Ends that.
pub(super) const AS_BEFORE: &[u8] = b"\x1b[<u";

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Whether the background is dark.
    Background {
        /// Dark rather than light.
        dark: bool,
    },
    /// It speaks the kitty keyboard protocol.
    Keyboard,
    /// Whether it knows synchronized output.
    Synchronized(bool),
}

/// The answer to OSC 11: `11;rgb:RRRR/GGGG/BBBB`, each one to four digits.
pub(super) fn background(text: &str) -> Option<Told> {
    let colour = text.strip_prefix("11;rgb:").or_else(|| text.strip_prefix("11;rgba:"))?;
    let mut parts = colour.split('/').map(|part| {
        let most: u16 = match part.len() {
            1 => 0xf,
            2 => 0xff,
            3 => 0xfff,
            4 => 0xffff,
            _ => return None,
        };
        let value = u16::from_str_radix(part, 16).ok()?;
        Some(f64::from(value) / f64::from(most))
    });
    let (red, green, blue) = (parts.next()??, parts.next()??, parts.next()??);
    // Luma (ITU-R BT.709): what of a colour the eye takes for light.
    Some(Told::Background { dark: 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5 })
}

/// The answer to a question with `?`: `CSI ? flags u` or `CSI ? 2026 ; state $ y`.
pub(super) fn mode(parameters: &str, last: u8) -> Option<Told> {
    match last {
        b'u' => Some(Told::Keyboard),
        b'y' => {
            let state = parameters.strip_prefix("?2026;")?.strip_suffix('$')?;
            // 0: not known; 4: known and always off.
            Some(Told::Synchronized(matches!(state, "1" | "2" | "3")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backgrounds_are_dark_or_light() {
        let dark = |text: &str| match background(text) {
            Some(Told::Background { dark }) => Some(dark),
            _ => None,
        };
        assert_eq!(dark("11;rgb:0000/0000/0000"), Some(true));
        assert_eq!(dark("11;rgb:ffff/ffff/ffff"), Some(false));
        assert_eq!(dark("11;rgb:fd/f6/e3"), Some(false));
        assert_eq!(dark("11;rgb:0/2b/36"), Some(true));
        assert_eq!(dark("11;rgba:ffff/ffff/ffff/ffff"), Some(false));
        for bad in ["", "11;", "11;rgb:", "11;rgb://", "11;rgb:12345/0/0", "11;rgb:zz/0/0", "10;rgb:0/0/0"] {
            assert_eq!(dark(bad), None, "{bad}");
        }
    }

    #[test]
    fn modes_are_known_or_not() {
        assert_eq!(mode("?2026;2$", b'y'), Some(Told::Synchronized(true)));
        assert_eq!(mode("?2026;0$", b'y'), Some(Told::Synchronized(false)));
        assert_eq!(mode("?1", b'u'), Some(Told::Keyboard));
        assert_eq!(mode("?62;22", b'c'), None);
    }
}
