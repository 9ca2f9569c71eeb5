//! How a text message travels: its alphabet, and in how many parts.

use std::fmt;

/// Characters of the GSM 03.38 default alphabet, besides the printable ones of
/// ASCII that it has at other codes.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters of its extension table: each takes two places.
const EXTENDED: &str = "\x0c^{}\\[~]|€";

/// The alphabet in which a text message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Seven bits a character (GSM 03.38), 160 in one message.
    Gsm7,
    /// Sixteen bits a unit (UCS-2), 70 in one message: one foreign character is enough.
    Ucs2,
}

impl Alphabet {
    /// Places in a message of one part, and in each part of a longer one, whose
    /// header takes the rest (3GPP TS 23.040, 9.2.3.24.1).
    const fn places(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

impl fmt::Display for Alphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        })
    }
}

/// What a text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// In which alphabet.
    pub alphabet: Alphabet,
    /// Places that the text takes.
    pub used: usize,
    /// Parts that are sent and paid for; 0 for an empty text.
    pub parts: usize,
    /// Places left in the last part.
    pub left: usize,
}

/// Counts the parts of a text.
pub fn segments(text: &str) -> Segments {
    let gsm = |c: char| match c {
        c if GSM.contains(c) => Some(1),
        c if EXTENDED.contains(c) => Some(2),
        _ => None,
    };
    let sizes: Option<Vec<usize>> = text.chars().map(gsm).collect();
    let (alphabet, sizes) = match sizes {
        Some(sizes) => (Alphabet::Gsm7, sizes),
        None => (Alphabet::Ucs2, text.chars().map(char::len_utf16).collect()),
    };
    let used: usize = sizes.iter().sum();
    let (single, each) = alphabet.places();
    if used <= single {
        return Segments { alphabet, used, parts: usize::from(used > 0), left: single - used };
    }
    // No character is cut in two by the end of a part.
    let (mut parts, mut full) = (1, 0);
    for size in sizes {
        if full + size > each {
            parts += 1;
            full = 0;
        }
        full += size;
    }
    Segments { alphabet, used, parts, left: each - full }
}

/// The first character that a text has no GSM place for: what makes it long.
pub fn first_foreign(text: &str) -> Option<char> {
    text.chars().find(|c| !GSM.contains(*c) && !EXTENDED.contains(*c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_by_alphabet() {
        let of = |text: &str| {
            let found = segments(text);
            (found.alphabet, found.used, found.parts, found.left)
        };
        assert_eq!(of(""), (Alphabet::Gsm7, 0, 0, 160));
        assert_eq!(of(&"a".repeat(160)), (Alphabet::Gsm7, 160, 1, 0));
        assert_eq!(of(&"a".repeat(161)), (Alphabet::Gsm7, 161, 2, 145));
        assert_eq!(of(&"€".repeat(80)), (Alphabet::Gsm7, 160, 1, 0));
        assert_eq!(of(&"ы".repeat(70)), (Alphabet::Ucs2, 70, 1, 0));
        assert_eq!(of(&"ы".repeat(71)), (Alphabet::Ucs2, 71, 2, 63));
        assert_eq!(of("😀"), (Alphabet::Ucs2, 2, 1, 68));
    }

    #[test]
    fn no_character_is_cut_in_two() {
        // 152 places, then one of two: it begins the next part.
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(20));
        assert_eq!(segments(&text).parts, 2);
        assert_eq!(segments(&text).left, 153 - 22);
        assert_eq!(first_foreign("ab’c"), Some('’'));
    }
}
