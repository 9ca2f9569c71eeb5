//! Text messages on the air: which alphabet a text needs, and how many segments.
//!
//! By 3GPP TS 23.038 (the GSM 7-bit default alphabet and its extension) and 3GPP
//! TS 23.040 (concatenation): 160 septets alone, 153 in each of several; or 70
//! UTF-16 units alone, 67 in each of several.

use std::fmt;

/// The default alphabet (TS 23.038, 6.2.1), without the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension (TS 23.038, 6.2.1.1): an escape and one more septet.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

fn is_gsm(c: char) -> bool {
    BASIC.contains(c) || EXTENSION.contains(c)
}

/// How a text is written on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// Seven bits a character.
    Gsm7,
    /// Sixteen bits a unit.
    Ucs2,
}

impl Alphabet {
    /// The alphabet that a text needs.
    pub fn of(text: &str) -> Self {
        if text.chars().all(is_gsm) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// Septets or units of a character.
    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => 1 + usize::from(EXTENSION.contains(c)),
            Self::Ucs2 => c.len_utf16(),
        }
    }

    /// Septets or units in a message alone, and in each of several.
    const fn room(self) -> (usize, usize) {
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
    /// Septets or units that the text takes.
    pub used: usize,
    /// Parts that are sent and paid for; 0 for an empty text.
    pub parts: usize,
    /// Septets or units left in the last part.
    pub left: usize,
}

impl Segments {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        let alphabet = Alphabet::of(text);
        let (alone, each) = alphabet.room();
        let used: usize = text.chars().map(|c| alphabet.units(c)).sum();
        if used <= alone {
            return Self { alphabet, used, parts: usize::from(used > 0), left: alone - used };
        }
        // Neither an escape and its character nor a surrogate pair is torn apart.
        let (mut parts, mut full) = (1, 0);
        for c in text.chars() {
            let units = alphabet.units(c);
            if full + units > each {
                parts += 1;
                full = 0;
            }
            full += units;
        }
        Self { alphabet, used, parts, left: each - full }
    }
}

/// How many segments services bill for a text: an empty one takes one, too.
pub fn segments(text: &str) -> usize {
    Segments::of(text).parts.max(1)
}

/// The first character that the default alphabet has no place for: what makes a text long.
pub fn first_foreign(text: &str) -> Option<char> {
    text.chars().find(|c| !is_gsm(*c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_alphabet_has_its_127_characters() {
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENSION.chars().count(), 10);
    }

    #[test]
    fn segments_by_content() {
        assert_eq!(Alphabet::of("Grüße für 5 €"), Alphabet::Gsm7);
        assert_eq!(Alphabet::of("Привет"), Alphabet::Ucs2);
        for (text, wanted) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            // 76 pairs fit in 153, so the 153rd goes over.
            ("€".repeat(153), 3),
            ("ж".repeat(70), 1),
            ("ж".repeat(71), 2),
            ("ж".repeat(135), 3),
            ("😀".repeat(35), 1),
            ("😀".repeat(66), 2),
            ("😀".repeat(67), 3),
        ] {
            assert_eq!(segments(&text), wanted, "{} of {:?}", text.chars().count(), text.chars().next());
        }
    }

    #[test]
    fn parts_are_counted_by_alphabet() {
        let of = |text: &str| {
            let found = Segments::of(text);
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
        assert_eq!(Segments::of(&text).parts, 2);
        assert_eq!(Segments::of(&text).left, 153 - 22);
        assert_eq!(first_foreign("ab’c"), Some('’'));
    }

    proptest! {
        #[test]
        fn more_text_never_takes_fewer_segments(text in "[a-z€ж😀]{0,400}", more in "[a-z€]{0,40}") {
            let longer = text.clone() + &more;
            prop_assert!(segments(&longer) >= segments(&text));
        }
    }
}
