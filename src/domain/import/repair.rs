//! What is repaired in a cell, and counted: only what leaves no doubt about
//! what was meant.

use std::borrow::Cow;
use std::fmt;

use super::{Column, Reason, shortened};
use crate::domain::channel::Channel;
use crate::domain::person::canonical_address;
use crate::domain::validate;

/// A kind of repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Repair {
    /// Spaces, no-break spaces, invisible characters and line breaks around or in a cell.
    Trimmed,
    /// `mailto:` before a mail address.
    Mailto,
    /// `Name <address>`; the name is taken where there is none.
    DisplayName,
    /// A comma, semicolon or full stop after an address.
    TrailingPunctuation,
    /// A mail address in capitals.
    LowerCased,
    /// `tel:` before a number.
    Tel,
    /// A national number, completed by the country.
    NationalPhone,
    /// `00` for `+`.
    InternationalPrefix,
    /// A number with its country code, but without the `+`.
    PlusMissing,
    /// Spaces, dashes, slashes, dots, parentheses, `(0)` in a number.
    PhoneSeparators,
    /// A spreadsheet's way to keep a number a text: `'+49…`, `="+49…"`, or a `.0` at its end.
    SpreadsheetText,
    /// `NULL`, `n/a`, `-` where there is nothing.
    NullWord,
    /// Empty cells missing at the end of a row, in columns that are not used.
    ShortRow,
    /// Empty cells too many at the end of a row.
    ExtraCells,
    /// Topics separated by something other than `;`, or named twice.
    TopicList,
}

impl Repair {
    /// Every kind.
    pub const ALL: [Repair; 15] = [
        Repair::Trimmed,
        Repair::Mailto,
        Repair::DisplayName,
        Repair::TrailingPunctuation,
        Repair::LowerCased,
        Repair::Tel,
        Repair::NationalPhone,
        Repair::InternationalPrefix,
        Repair::PlusMissing,
        Repair::PhoneSeparators,
        Repair::SpreadsheetText,
        Repair::NullWord,
        Repair::ShortRow,
        Repair::ExtraCells,
        Repair::TopicList,
    ];
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Repair::Trimmed => "spaces removed",
            Repair::Mailto => "mailto: removed",
            Repair::DisplayName => "Name <address> taken apart",
            Repair::TrailingPunctuation => "punctuation after an address removed",
            Repair::LowerCased => "mail address in lower case",
            Repair::Tel => "tel: removed",
            Repair::NationalPhone => "national number completed",
            Repair::InternationalPrefix => "00 replaced by +",
            Repair::PlusMissing => "+ added",
            Repair::PhoneSeparators => "separators in a number removed",
            Repair::SpreadsheetText => "spreadsheet's quoting removed",
            Repair::NullWord => "NULL and the like taken as empty",
            Repair::ShortRow => "missing empty cells added",
            Repair::ExtraCells => "extra empty cells removed",
            Repair::TopicList => "topics separated by ;",
        })
    }
}

/// A set of repairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repairs(u16);

impl Repairs {
    pub(super) fn add(&mut self, repair: Repair) {
        self.0 |= 1 << repair as u16;
    }

    /// Whether it holds `repair`.
    #[must_use]
    pub fn has(self, repair: Repair) -> bool {
        self.0 & (1 << repair as u16) != 0
    }

    /// Whether nothing was repaired.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What it holds.
    pub fn iter(self) -> impl Iterator<Item = Repair> {
        Repair::ALL.into_iter().filter(move |repair| self.has(*repair))
    }
}

/// The country by which national numbers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(phonenumber::country::Id);

/// Not the two letters of a country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a country; give its two letters, such as DE, AT or US")]
pub struct CountryError(String);

impl std::str::FromStr for Country {
    type Err = CountryError;
    fn from_str(text: &str) -> Result<Self, CountryError> {
        let error = || CountryError(text.to_owned());
        let code = text.trim().to_ascii_uppercase();
        if code.len() != 2 {
            return Err(error());
        }
        code.parse().map(Country).map_err(|_| error())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

/// A cell without what cannot be seen: spaces of every kind around it, marks of
/// width and direction in it; line breaks and tabs become spaces.
pub(super) fn clean<'a>(cell: &'a str, repairs: &mut Repairs) -> Cow<'a, str> {
    let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}');
    let strange = |c: char| c.is_control() || invisible(c) || (c.is_whitespace() && c != ' ');
    let trimmed = cell.trim();
    if !trimmed.contains(strange) {
        if trimmed.len() != cell.len() && !trimmed.is_empty() {
            repairs.add(Repair::Trimmed);
        }
        return Cow::Borrowed(trimmed);
    }
    let plain: String = trimmed
        .chars()
        .filter(|c| !invisible(*c))
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
        .collect();
    let plain = plain.trim().to_owned();
    if !plain.is_empty() {
        repairs.add(Repair::Trimmed);
    }
    Cow::Owned(plain)
}

/// A cleaned cell that should hold an address, empty where it says “nothing”.
pub(super) fn clean_address<'a>(cell: &'a str, repairs: &mut Repairs) -> Cow<'a, str> {
    let cell = clean(cell, repairs);
    let nothing =
        ["null", "n/a", "#n/a", "na", "none", "nil", "-", "--", "(null)", "\\n", "undefined", "nan"]
            .iter()
            .any(|word| cell.eq_ignore_ascii_case(word));
    if nothing {
        repairs.add(Repair::NullWord);
        return Cow::Borrowed("");
    }
    cell
}

/// `prefix` taken off in any case.
fn strip_scheme<'a>(cell: &'a str, prefix: &str) -> Option<&'a str> {
    let head = cell.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| cell[prefix.len()..].trim_start())
}

/// `="…"`, `'…` and `"…"`: quoting that a spreadsheet left in the cell.
fn strip_spreadsheet<'a>(cell: &'a str, repairs: &mut Repairs) -> &'a str {
    let inner = cell
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .or_else(|| cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')))
        .or_else(|| cell.strip_prefix('\''));
    inner.map_or(cell, |inner| {
        repairs.add(Repair::SpreadsheetText);
        inner.trim()
    })
}

/// A mail address, and the name that stood before it.
pub(super) fn email(cell: &str, repairs: &mut Repairs) -> Result<Option<(String, Option<String>)>, Reason> {
    let cell = clean_address(cell, repairs);
    if cell.is_empty() {
        return Ok(None);
    }
    let invalid = || Reason::InvalidEmail(shortened(&cell));
    let two = || Reason::TwoAddresses { column: Column::Email, cell: shortened(&cell) };
    let mut text: &str = strip_spreadsheet(&cell, repairs);
    let without = text.trim_end_matches([';', ',', '.', ' ']);
    if without.len() != text.len() {
        repairs.add(Repair::TrailingPunctuation);
        text = without;
    }
    let mut name = None;
    if let Some((before, rest)) = text.split_once('<') {
        let inner = rest.strip_suffix('>').ok_or_else(|| if holds_two(text) { two() } else { invalid() })?;
        if inner.contains(['<', '>']) {
            return Err(if holds_two(text) { two() } else { invalid() });
        }
        let before = before.trim().trim_matches(['"', '\'']).trim();
        // Some programs repeat the address as its name.
        if before.contains('@') && !before.eq_ignore_ascii_case(inner.trim()) {
            return Err(two());
        }
        if !before.is_empty() && !before.contains('@') {
            name = Some(before.to_owned());
        }
        repairs.add(Repair::DisplayName);
        text = inner.trim();
    }
    if let Some(rest) = strip_scheme(text, "mailto:") {
        repairs.add(Repair::Mailto);
        text = rest.split('?').next().unwrap_or(rest);
    }
    if holds_two(text) {
        return Err(two());
    }
    if !validate::email(text) {
        return Err(invalid());
    }
    let lower = canonical_address(Channel::Email, text);
    if lower != text {
        // Lower case of some letters is longer: checked again.
        if !validate::email(&lower) {
            return Err(invalid());
        }
        repairs.add(Repair::LowerCased);
    }
    Ok(Some((lower, name)))
}

/// Several `@` with something between the addresses.
fn holds_two(text: &str) -> bool {
    text.split([';', ',', '/', '|', ' ', '\t', '<', '>']).filter(|part| part.contains('@')).count() > 1
}

/// `4.9151E+11`: a number as spreadsheets show it when it is long.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else { return false };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    digits(whole) && digits(fraction) && digits(exponent.strip_prefix('+').unwrap_or(exponent))
}

/// A phone number in E.164.
pub(super) fn phone(
    cell: &str,
    country: Option<Country>,
    repairs: &mut Repairs,
) -> Result<Option<String>, Reason> {
    let cell = clean_address(cell, repairs);
    if cell.is_empty() {
        return Ok(None);
    }
    // Most numbers are right as they are.
    if validate::phone(&cell) {
        return Ok(Some(cell.into_owned()));
    }
    let invalid = || Reason::InvalidPhone(shortened(&cell));
    let mut text: &str = strip_spreadsheet(&cell, repairs);
    if let Some(rest) = strip_scheme(text, "tel:").or_else(|| strip_scheme(text, "sms:")) {
        repairs.add(Repair::Tel);
        text = rest;
    }
    if is_scientific(text) {
        return Err(Reason::Scientific { column: Column::Phone, cell: shortened(&cell) });
    }
    if holds_two_numbers(text) {
        return Err(Reason::TwoAddresses { column: Column::Phone, cell: shortened(&cell) });
    }
    if let Some(whole) = text.strip_suffix(".0").filter(|w| w.bytes().all(|b| b.is_ascii_digit())) {
        repairs.add(Repair::SpreadsheetText);
        text = whole;
    }
    let international = text.starts_with('+') || text.starts_with("00");
    let without_zero = if international { text.replacen("(0)", "", 1) } else { text.to_owned() };
    let number: String = without_zero.chars().filter(|c| !is_separator(*c)).collect();
    if number.len() != text.len() {
        repairs.add(Repair::PhoneSeparators);
    }
    let digits = number.strip_prefix('+').unwrap_or(&number);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid());
    }
    if number.starts_with('+') {
        return if validate::phone(&number) { Ok(Some(number)) } else { Err(invalid()) };
    }
    if let Some(rest) = number.strip_prefix("00") {
        let number = format!("+{rest}");
        if !validate::phone(&number) {
            return Err(invalid());
        }
        repairs.add(Repair::InternationalPrefix);
        return Ok(Some(number));
    }
    let Some(country) = country else { return Err(Reason::NationalPhone(shortened(&cell))) };
    national(&number, country, repairs)
        .map(Some)
        .ok_or_else(|| Reason::NotOfCountry { cell: shortened(&cell), country })
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Two runs of a number's length with something between them that is no
/// separator within one, or two `+`.
fn holds_two_numbers(text: &str) -> bool {
    let long = |part: &str| part.bytes().filter(u8::is_ascii_digit).count() >= 6;
    let parts = |separators: &[char]| text.split(separators).filter(|part| long(part)).count();
    parts(&[';', ',', '|', '&']) > 1 || parts(&['/']) > 1 || text.matches('+').count() > 1
}

fn national(number: &str, country: Country, repairs: &mut Repairs) -> Option<String> {
    let parsed = phonenumber::parse(Some(country.0), number).ok()?;
    if !parsed.is_valid() {
        return None;
    }
    let full = parsed.format().mode(phonenumber::Mode::E164).to_string();
    if !validate::phone(&full) {
        return None;
    }
    repairs.add(if full[1..] == *number { Repair::PlusMissing } else { Repair::NationalPhone });
    Some(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn de() -> Country {
        "de".parse().unwrap()
    }

    #[test]
    fn mail_addresses() {
        use Repair::{DisplayName, LowerCased, Mailto, SpreadsheetText, TrailingPunctuation, Trimmed};
        let cases: &[(&str, &str, &[Repair])] = &[
            ("ana@example.com", "ana@example.com", &[]),
            (" \u{a0}ana@example.com\u{200b} ", "ana@example.com", &[Trimmed]),
            ("mailto:ana@example.com?subject=x", "ana@example.com", &[Mailto]),
            ("MAILTO:Ana@Example.com", "ana@example.com", &[Mailto, LowerCased]),
            ("<ana@example.com>", "ana@example.com", &[DisplayName]),
            ("ana@example.com <ana@example.com>", "ana@example.com", &[DisplayName]),
            ("ana@example.com;", "ana@example.com", &[TrailingPunctuation]),
            ("=\"ana@example.com\"", "ana@example.com", &[SpreadsheetText]),
        ];
        for (cell, expected, kinds) in cases {
            let mut repairs = Repairs::default();
            let (address, _) = email(cell, &mut repairs).unwrap().unwrap();
            assert_eq!(address, *expected, "{cell}");
            assert_eq!(repairs.iter().collect::<Vec<_>>(), *kinds, "{cell}");
        }
    }

    #[test]
    fn names_before_addresses() {
        for (cell, name) in
            [("Ana B. <ana@example.com>", "Ana B."), ("\"B., Ana\" <mailto:ana@example.com>", "B., Ana")]
        {
            let found = email(cell, &mut Repairs::default()).unwrap().unwrap();
            assert_eq!(found, ("ana@example.com".to_owned(), Some(name.to_owned())), "{cell}");
        }
    }

    #[test]
    fn two_mail_addresses_and_none() {
        for cell in [
            "a@example.com; b@example.com",
            "a@example.com,b@example.com",
            "a@example.com b@example.com",
            "a@example.com\nb@example.com",
            "a@example.com/b@example.com",
            "A <a@example.com>, B <b@example.com>",
            "a@example.com <b@example.com>",
        ] {
            let error = email(cell, &mut Repairs::default()).unwrap_err();
            assert!(matches!(error, Reason::TwoAddresses { .. }), "{cell}: {error}");
        }
        for cell in ["ana", "ana@", "a@b@c.de", "ana @example.com", "Ana <ana@example.com", "<>", "@"] {
            let error = email(cell, &mut Repairs::default()).unwrap_err();
            assert!(matches!(error, Reason::InvalidEmail(_)), "{cell}: {error}");
        }
        for cell in ["", "  ", "NULL", "n/a", "-"] {
            assert_eq!(email(cell, &mut Repairs::default()), Ok(None), "{cell}");
        }
    }

    #[test]
    fn phones() {
        use Repair::{
            InternationalPrefix, NationalPhone, PhoneSeparators, PlusMissing, SpreadsheetText, Tel, Trimmed,
        };
        let cases: &[(&str, &str, &[Repair])] = &[
            ("+4915112345678", "+4915112345678", &[]),
            ("+49 (0)151-123 456.78", "+4915112345678", &[PhoneSeparators]),
            ("tel:+4915112345678", "+4915112345678", &[Tel]),
            ("004915112345678", "+4915112345678", &[InternationalPrefix]),
            ("\u{202a}+4915112345678\u{202c}", "+4915112345678", &[Trimmed]),
            ("0151 12345678", "+4915112345678", &[NationalPhone, PhoneSeparators]),
            ("030/901820", "+4930901820", &[NationalPhone, PhoneSeparators]),
            ("4915112345678", "+4915112345678", &[PlusMissing]),
            ("4915112345678.0", "+4915112345678", &[PlusMissing, SpreadsheetText]),
            ("'+4915112345678", "+4915112345678", &[SpreadsheetText]),
        ];
        for (cell, expected, kinds) in cases {
            let mut repairs = Repairs::default();
            assert_eq!(phone(cell, Some(de()), &mut repairs), Ok(Some((*expected).to_owned())), "{cell}");
            assert_eq!(repairs.iter().collect::<Vec<_>>(), *kinds, "{cell}");
        }
    }

    #[test]
    fn phones_that_are_refused() {
        let refused = |cell: &str, country| phone(cell, country, &mut Repairs::default()).unwrap_err();
        for cell in ["4.9151E+11", "4,9151e+11", "4.9151E11", "5E+10"] {
            let error = refused(cell, Some(de()));
            assert!(matches!(error, Reason::Scientific { .. }), "{cell}: {error}");
            assert!(error.to_string().contains("format the column as text"));
        }
        for cell in
            ["0151 12345678 / 0171 7654321", "+4915112345678, +4917176543210", "+49151123456 +49171765432"]
        {
            assert!(matches!(refused(cell, Some(de())), Reason::TwoAddresses { .. }), "{cell}");
        }
        assert!(matches!(refused("0151 12345678", None), Reason::NationalPhone(_)));
        assert!(matches!(refused("0151", Some(de())), Reason::NotOfCountry { .. }));
        for cell in ["+49 151 CALL ME", "ana@example.com", "+0151234567", "+12", "+"] {
            assert!(matches!(refused(cell, Some(de())), Reason::InvalidPhone(_)), "{cell}");
        }
    }

    #[test]
    fn countries() {
        assert_eq!("de".parse::<Country>().unwrap().to_string(), "DE");
        assert!("Germany".parse::<Country>().is_err());
        assert!("ZZ".parse::<Country>().is_err());
    }
}
