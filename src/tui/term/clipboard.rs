//! The clipboard of whoever sits at the terminal, wherever that is: OSC 52.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest text that terminals take: xterm's limit on the encoded form.
const MAX_ENCODED: usize = 74_994;

/// The sequence that puts a text into the terminal's clipboard; nothing if it is
/// longer than terminals take.
pub fn copy(text: &str) -> Option<Vec<u8>> {
    let encoded = STANDARD.encode(text);
    (encoded.len() <= MAX_ENCODED).then(|| format!("\x1b]52;c;{encoded}\x07").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_and_bounded() {
        assert_eq!(copy("hi\x1b").as_deref(), Some(&b"\x1b]52;c;aGkb\x07"[..]));
        assert_eq!(copy(&"x".repeat(MAX_ENCODED)), None);
    }
}
