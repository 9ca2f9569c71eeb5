//! Text messages on the air: which alphabet a text needs, and how many segments.
//!
//! By 3GPP TS 23.038 (the GSM 7-bit default alphabet and its extension) and 3GPP
//! TS 23.040 (concatenation): 160 septets alone, 153 in each of several; or 70
//! UTF-16 units alone, 67 in each of several.

/// The default alphabet (TS 23.038, 6.2.1), without the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension (TS 23.038, 6.2.1.1): an escape and one more septet.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

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
        let fits = |c: char| BASIC.contains(c) || EXTENSION.contains(c);
        if text.chars().all(fits) { Self::Gsm7 } else { Self::Ucs2 }
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

/// How many segments a text takes: what services bill. An empty text takes one.
pub fn segments(text: &str) -> usize {
    let alphabet = Alphabet::of(text);
    let (alone, each) = alphabet.room();
    if text.chars().map(|c| alphabet.units(c)).sum::<usize>() <= alone {
        return 1;
    }
    // Neither an escape and its character nor a surrogate pair is torn apart.
    let (mut segments, mut used) = (1, 0);
    for c in text.chars() {
        let units = alphabet.units(c);
        if used + units > each {
            segments += 1;
            used = 0;
        }
        used += units;
    }
    segments
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

    proptest! {
        #[test]
        fn more_text_never_takes_fewer_segments(text in "[a-z€ж😀]{0,400}", more in "[a-z€]{0,40}") {
            let longer = text.clone() + &more;
            prop_assert!(segments(&longer) >= segments(&text));
        }
    }
}
