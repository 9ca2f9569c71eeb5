//! Makes text that others wrote safe to show.
//!
//! Names, bodies, addresses and providers' replies are data. Before any of it
//! reaches a terminal, a log or an export it passes through here, so that it can
//! neither drive the terminal (escape sequences), nor reorder what the operator
//! reads (bidi controls), nor hide (zero-width characters), nor smear over its
//! neighbours (floods of combining marks). What was there stays visible: a
//! control character becomes its picture (`␛`), an invisible one its code point
//! (`‹202E›`).
//!
//! All functions are total, cost no more than what they return, and measure in
//! terminal columns.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Marks in a row that one base character keeps; more than any written language
/// stacks, and few enough that a cell stays a cell.
const MAX_MARKS: usize = 4;
/// Columns between tab stops in running text.
const TAB: usize = 4;
/// What stands where text was cut.
pub const ELLIPSIS: char = '…';

/// How one character is shown.
enum Shown {
    /// As it is, this many columns wide.
    Plain(usize),
    /// As it is, on top of the character before it.
    Mark,
    /// As the picture of a control character.
    Picture(char),
    /// By its code point.
    Code,
    /// Not at all: it only chooses how its neighbour is drawn.
    Dropped,
}

/// Whether a character has no ink of its own and no business in a terminal:
/// bidi controls, zero-width spaces and joiners, fillers, tags, line separators.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
        | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1107F | 0x13430..=0x1345F
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
        || matches!(u32::from(c), 0xFDD0..=0xFDEF)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// The two presentation selectors, which say only "as text" or "as picture".
fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}')
}

fn shown(c: char) -> Shown {
    match c {
        ' '..='~' => Shown::Plain(1),
        '\0'..='\u{1F}' => Shown::Picture(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{FFFD}')),
        '\u{7F}' => Shown::Picture('\u{2421}'),
        '\u{80}'..='\u{9F}' => Shown::Code,
        c if is_variation_selector(c) => Shown::Dropped,
        c if is_invisible(c) => Shown::Code,
        c => match c.width() {
            Some(0) => Shown::Mark,
            Some(width) => Shown::Plain(width),
            None => Shown::Code,
        },
    }
}

/// Whether a text can be shown on one line exactly as it stands.
fn is_clean(text: &str) -> bool {
    text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// Text being made safe, with the columns it has taken so far.
struct Writer {
    out: String,
    columns: usize,
    marks: usize,
    /// Columns that may be taken.
    limit: usize,
    /// Whether something no longer fitted; nothing is taken after that.
    full: bool,
}

impl Writer {
    fn new(limit: usize) -> Self {
        Self { out: String::new(), columns: 0, marks: 0, limit, full: false }
    }

    fn put(&mut self, c: char, width: usize) {
        if self.full || self.columns + width > self.limit {
            self.full = true;
            return;
        }
        self.out.push(c);
        self.columns += width;
        self.marks = 0;
    }

    fn put_code(&mut self, c: char) {
        let code = format!("‹{:04X}›", u32::from(c));
        // Whole or not at all: half a code point would read as another one.
        if self.full || self.columns + code.width() > self.limit {
            self.full = true;
            return;
        }
        self.columns += code.width();
        self.out.push_str(&code);
        self.marks = 0;
    }

    fn put_mark(&mut self, c: char) {
        if self.full {
            return;
        }
        if self.out.is_empty() {
            // A mark with nothing under it would land on the cell beside the text.
            self.put('◌', 1);
            if self.full {
                return;
            }
        }
        self.marks += 1;
        if self.marks <= MAX_MARKS {
            self.out.push(c);
        } else if self.marks == MAX_MARKS + 1 {
            let marks = self.marks;
            self.put('\u{FFFD}', 1);
            self.marks = marks;
        }
    }

    fn put_char(&mut self, c: char, before: Option<char>, after: Option<char>) {
        match shown(c) {
            Shown::Plain(width) => self.put(c, width),
            Shown::Mark => self.put_mark(c),
            Shown::Picture(picture) => self.put(picture, 1),
            // A joiner between two wide pictures only glues them; shown apart,
            // both are seen, and their width is what every terminal agrees on.
            Shown::Code if c == '\u{200D}' && [before, after].iter().all(|n| n.is_some_and(is_picture)) => {}
            Shown::Code => self.put_code(c),
            Shown::Dropped => {}
        }
    }
}

fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x2BFF | 0x1F000..=0x1FAFF) || is_variation_selector(c)
}

fn write_all(writer: &mut Writer, text: &str, tabs: bool) {
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if writer.full {
            return;
        }
        if tabs && c == '\t' {
            for _ in 0..TAB - writer.columns % TAB {
                writer.put(' ', 1);
            }
        } else {
            writer.put_char(c, before, chars.peek().copied());
        }
        before = Some(c);
    }
}

/// The columns that a text takes once made safe for one line.
pub fn width(text: &str) -> usize {
    if is_clean(text) { text.len() } else { line(text).width() }
}

/// A text as one line: no control, bidi or invisible character is left in it.
///
/// Line breaks become `␊` and `␍`, tabs `␉`.
///
/// ```
/// use herald::domain::sanitize::line;
/// assert_eq!(line("a\x1b[2Jb"), "a␛[2Jb");
/// assert_eq!(line("user\u{202E}gpj.exe"), "user‹202E›gpj.exe");
/// ```
pub fn line(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut writer = Writer::new(usize::MAX);
    write_all(&mut writer, text, false);
    Cow::Owned(writer.out)
}

/// A text as lines, each safe: broken at `\n` and `\r\n`, tabs widened to stops
/// of four columns. A lone `\r` is shown, since it would overwrite its line.
pub fn lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split('\n').map(|one| {
        let one = one.strip_suffix('\r').unwrap_or(one);
        if is_clean(one) {
            return Cow::Borrowed(one);
        }
        let mut writer = Writer::new(usize::MAX);
        write_all(&mut writer, one, true);
        Cow::Owned(writer.out)
    })
}

/// A text with its line breaks kept and everything else made safe; for logs,
/// exports and the command line.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, one) in lines(text).enumerate() {
        if n > 0 {
            out.push('\n');
        }
        out.push_str(&one);
    }
    out
}

/// A text as one line of at most `columns`, cut with an ellipsis.
///
/// Reads no more of the text than fits, so that a megabyte in a table cell costs
/// what a word costs. A wide character that would straddle the edge is left out.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= columns && is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut whole = Writer::new(columns);
    write_all(&mut whole, text, false);
    if !whole.full {
        return Cow::Owned(whole.out);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut cut = Writer::new(columns - 1);
    write_all(&mut cut, text, false);
    cut.out.push(ELLIPSIS);
    Cow::Owned(cut.out)
}

/// A text as one line of at most `columns`, cut in the middle: for ids, whose
/// ends tell them apart.
pub fn fit_middle(text: &str, columns: usize) -> Cow<'_, str> {
    let safe = line(text);
    if safe.width() <= columns {
        return safe;
    }
    if columns < 3 {
        return Cow::Owned(fit(text, columns).into_owned());
    }
    let head_columns = (columns - 1).div_ceil(2);
    let mut head = Writer::new(head_columns);
    write_all(&mut head, &safe, false);
    let tail_columns = columns - 1 - head_columns;
    let mut start = safe.len();
    let mut taken = 0;
    for (at, c) in safe.char_indices().rev() {
        let wide = c.width().unwrap_or(0);
        if taken + wide > tail_columns {
            break;
        }
        taken += wide;
        // Never begin with a mark: it would sit on the ellipsis.
        if wide > 0 {
            start = at;
        }
    }
    Cow::Owned(format!("{}{ELLIPSIS}{}", head.out, &safe[start..]))
}

/// What a paste becomes in a field of one line: line breaks and tabs turn into
/// single spaces, every other control character is left out.
pub fn paste_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if matches!(c, '\n' | '\r' | '\t') {
            gap = true;
        } else if !c.is_control() {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        }
    }
    out
}

/// Whether a character may never reach a terminal from foreign text.
pub fn is_unsafe(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_sent() {
        assert_eq!(line("\x1b]0;owned\x07"), "␛]0;owned␇");
        assert_eq!(line("a\u{9b}31mb"), "a‹009B›31mb");
        assert_eq!(line("a\r\nb\tc\x7f"), "a␍␊b␉c␡");
    }

    #[test]
    fn what_reorders_or_hides_is_named() {
        assert_eq!(line("\u{202E}abc\u{2066}"), "‹202E›abc‹2066›");
        assert_eq!(line("pay\u{200B}pal"), "pay‹200B›pal");
        assert_eq!(line("a\u{E0041}"), "a‹E0041›");
        assert_eq!(line("x\u{2028}y"), "x‹2028›y");
    }

    #[test]
    fn joined_pictures_come_apart_and_joiners_elsewhere_are_seen() {
        assert_eq!(line("👩\u{200D}👧"), "👩👧");
        assert_eq!(line("a\u{200D}b"), "a‹200D›b");
        assert_eq!(line("☂\u{FE0F}"), "☂");
    }

    #[test]
    fn marks_are_limited_and_never_orphaned() {
        let flood = format!("e{}x", "\u{0301}".repeat(500));
        let safe = line(&flood);
        assert_eq!(safe.chars().filter(|c| *c == '\u{0301}').count(), MAX_MARKS);
        assert!(safe.ends_with("\u{FFFD}x"), "{safe:?}");
        assert!(line("\u{0301}").starts_with('◌'));
    }

    #[test]
    fn lines_keep_breaks_and_widen_tabs() {
        let got: Vec<_> = lines("a\tb\r\nover\rwritten\n").map(Cow::into_owned).collect();
        assert_eq!(got, ["a   b", "over␍written", ""]);
        assert_eq!(text("a\x1b\nb"), "a␛\nb");
    }

    #[test]
    fn fitting_cuts_by_columns() {
        assert_eq!(fit("November", 8), "November");
        assert_eq!(fit("November", 5), "Nove…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit_middle("68a1f0c2d9e4b7a6", 9), "68a1…b7a6");
        assert_eq!(fit_middle("abcdef", 2), "a…");
        assert_eq!(fit("\u{202E}x", 4), "…");
    }

    #[test]
    fn a_pasted_paragraph_becomes_one_line() {
        assert_eq!(paste_line("\nNovember\r\n\tnews\x1b[A\n"), "November news[A");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_ever_comes_out(s in "\\PC*|.*|[\\x00-\\x1f\\x7f-\\x9f\u{200b}-\u{202e}\u{2066}-\u{2069}e\u{301}👩\n]*", w in 0usize..40) {
            for out in [line(&s), fit(&s, w), fit_middle(&s, w)] {
                prop_assert!(!out.chars().any(is_unsafe), "{out:?}");
            }
            for out in lines(&s) {
                prop_assert!(!out.chars().any(is_unsafe), "{out:?}");
            }
            prop_assert!(!text(&s).chars().any(|c| c != '\n' && is_unsafe(c)));
        }

        #[test]
        fn fitting_never_exceeds_its_columns(s in ".*", w in 0usize..40) {
            let sum = |t: &str| t.chars().filter_map(UnicodeWidthChar::width).sum::<usize>();
            prop_assert!(sum(&fit(&s, w)) <= w);
            prop_assert!(sum(&fit_middle(&s, w)) <= w);
        }

        #[test]
        fn making_safe_twice_changes_nothing(s in ".*") {
            let once = line(&s).into_owned();
            prop_assert_eq!(line(&once), once.as_str());
        }
    }
}
