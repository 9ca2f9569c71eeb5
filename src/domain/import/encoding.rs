//! Which encoding the bytes are in, and out of it.

use std::fmt;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The encodings that exports come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, and with it ASCII.
    Utf8,
    /// UTF-16, low byte first: Excel's “Unicode text”.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows-1252, and with it Latin-1: Excel's “CSV” in western countries.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16 LE",
            Encoding::Utf16Be => "UTF-16 BE",
            Encoding::Windows1252 => "Windows-1252",
        })
    }
}

/// The encoding of a file by its first bytes, and how many of them are its mark.
/// `whole` says that `head` is all there is.
pub(super) fn detect(head: &[u8], whole: bool) -> (Encoding, usize) {
    if head.starts_with(b"\xEF\xBB\xBF") {
        return (Encoding::Utf8, 3);
    }
    if head.starts_with(b"\xFF\xFE") {
        return (Encoding::Utf16Le, 2);
    }
    if head.starts_with(b"\xFE\xFF") {
        return (Encoding::Utf16Be, 2);
    }
    if let Some(encoding) = unmarked_utf16(head) {
        return (encoding, 0);
    }
    (if mostly_utf8(head, whole) { Encoding::Utf8 } else { Encoding::Windows1252 }, 0)
}

/// UTF-16 without a mark shows in ASCII characters, of which any list of
/// addresses has many: every other byte of theirs is zero.
fn unmarked_utf16(head: &[u8]) -> Option<Encoding> {
    let sample = &head[..head.len().min(4096) & !1];
    let pairs = sample.len() / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    if second * 3 > pairs && first * 20 < pairs {
        Some(Encoding::Utf16Le)
    } else if first * 3 > pairs && second * 20 < pairs {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// Whether the head is UTF-8, or so much of it that the rest is damage: more
/// characters beyond ASCII than broken bytes.
fn mostly_utf8(head: &[u8], whole: bool) -> bool {
    let mut beyond_ascii = 0usize;
    let mut broken = 0usize;
    let mut chunks = head.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        beyond_ascii += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        // The head may end within a character.
        let cut = chunks.peek().is_none() && !whole && chunk.invalid().len() < 4;
        if !cut {
            broken += chunk.invalid().len();
        }
    }
    broken == 0 || beyond_ascii > broken
}

/// Bytes as they come to bytes in which line breaks, quotes and delimiters are
/// single bytes: UTF-16 becomes UTF-8, the others stay as they are.
pub(super) struct Transcoder(Option<encoding_rs::Decoder>);

impl Transcoder {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self(match encoding {
            Encoding::Utf16Le => Some(UTF_16LE.new_decoder_without_bom_handling()),
            Encoding::Utf16Be => Some(UTF_16BE.new_decoder_without_bom_handling()),
            Encoding::Utf8 | Encoding::Windows1252 => None,
        })
    }

    /// Appends `bytes` to `out`; `last` says that no more come.
    pub(super) fn push(&mut self, mut bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        let Some(decoder) = &mut self.0 else {
            out.extend_from_slice(bytes);
            return;
        };
        loop {
            let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 3 + 16);
            let start = out.len();
            out.resize(start + room, 0);
            let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut out[start..], last);
            out.truncate(start + written);
            bytes = &bytes[read..];
            if result == encoding_rs::CoderResult::InputEmpty {
                break;
            }
        }
        if last {
            // A decoder that has seen its last byte must not be used again.
            self.0 = None;
        }
    }
}

/// Windows-1252 to text. Every byte is a character.
pub(super) fn windows_1252(bytes: &[u8]) -> String {
    WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, le: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if le { u.to_le_bytes() } else { u.to_be_bytes() }).collect()
    }

    #[test]
    fn found_by_mark_and_by_content() {
        assert_eq!(detect(b"\xEF\xBB\xBFemail", true), (Encoding::Utf8, 3));
        assert_eq!(detect(b"email", true), (Encoding::Utf8, 0));
        assert_eq!(detect("für".as_bytes(), true), (Encoding::Utf8, 0));
        assert_eq!(detect(b"f\xFCr", true), (Encoding::Windows1252, 0));
        assert_eq!(detect(b"f\xC3", false), (Encoding::Utf8, 0));
        assert_eq!(detect(b"f\xC3", true), (Encoding::Windows1252, 0));
        for le in [true, false] {
            let encoding = if le { Encoding::Utf16Le } else { Encoding::Utf16Be };
            assert_eq!(detect(&utf16("\u{feff}email", le), true), (encoding, 2));
            assert_eq!(detect(&utf16("email;name\r\nana@example.com;Ána", le), true), (encoding, 0));
        }
        assert_eq!(detect(b"", true), (Encoding::Utf8, 0));
    }

    #[test]
    fn utf16_in_pieces() {
        let text = "näme€🙂;x\n";
        for size in 1..7 {
            let bytes = utf16(text, true);
            let mut transcoder = Transcoder::new(Encoding::Utf16Le);
            let mut out = Vec::new();
            for piece in bytes.chunks(size) {
                transcoder.push(piece, false, &mut out);
            }
            transcoder.push(&[], true, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
