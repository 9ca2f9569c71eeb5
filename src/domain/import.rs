//! Reading people from a spreadsheet's export: bytes in, rows out, flat memory.
//!
//! ```text
//! bytes ─ encoding ─ records ─ columns ─ row ─> Outcome::Row | Outcome::Refused
//!             └── found by itself from the first 64 KiB: Detected ──┘
//! ```
//!
//! A file is CSV (comma, semicolon, tab or bar; with or without a header) or
//! NDJSON, in UTF-8, UTF-16 or Windows-1252. [`Decoder`] finds out which, says
//! so in [`Detected`], and turns every line into a row, a refusal with its
//! reason, or nothing when it is blank. What can be repaired without guessing
//! is repaired and counted ([`Repair`]); everything else is refused, never
//! dropped in silence.
//!
//! Without a `userId` column the id is derived from the address
//! ([`derived_user_id`]), so that the same file imported again means the same
//! people.

mod columns;
mod decoder;
mod detect;
mod encoding;
mod json;
mod records;
mod rejects;
mod repair;
mod row;
mod synonyms;
#[cfg(test)]
mod tests;

pub use columns::{Column, ColumnMap, ColumnMapError};
pub use decoder::{Counts, Decoder, ImportOptions};
pub use detect::{Detected, FileError, Format, FoundColumn};
pub use encoding::Encoding;
pub use rejects::Rejects;
pub use repair::{Country, CountryError, Repair, Repairs};
pub use row::derived_user_id;

use super::ids::{ProviderId, TopicId, UserId};

/// What became of a record of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody who can be reached.
    Row(ImportRow),
    /// A record that cannot be imported.
    Refused(Refusal),
}

/// A person, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// The line of the file that the record begins on, from 1.
    pub line: u64,
    /// How many lines it takes: more than one where a quoted cell holds line breaks.
    pub lines: u64,
    /// The id from the file, or derived from the address.
    pub user_id: UserId,
    /// Whether the id was derived.
    pub derived_id: bool,
    /// What the person is called.
    pub name: Option<String>,
    /// A mail address in lower case.
    pub email: Option<String>,
    /// A phone number in E.164.
    pub phone: Option<String>,
    /// A device token.
    pub push: Option<String>,
    /// The provider that the device token belongs to.
    pub push_provider: Option<ProviderId>,
    /// The topics to subscribe to, each once.
    pub topics: Vec<TopicId>,
    /// What was repaired.
    pub repairs: Repairs,
}

/// A record that cannot be imported, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line of the file that the record begins on, from 1.
    pub line: u64,
    /// How many lines it takes.
    pub lines: u64,
    /// Why.
    pub reason: Reason,
    /// The record as it stands in the file, decoded, without its last line
    /// break; cut where it is too long to be a record.
    pub original: String,
}

/// Why a record is refused. Cells are quoted shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A spreadsheet rounded the number.
    #[error(
        "{column}: `{cell}` is a number that the spreadsheet has shortened, its last digits are lost; format the column as text, enter or load the numbers again, and export again"
    )]
    Scientific {
        /// Which column.
        column: Column,
        /// What it holds.
        cell: String,
    },
    /// More than one address in a cell.
    #[error("{column}: `{cell}` holds more than one address; put each on a line of its own")]
    TwoAddresses {
        /// Which column.
        column: Column,
        /// What it holds.
        cell: String,
    },
    /// Not a mail address.
    #[error("email: `{0}` is not a mail address")]
    InvalidEmail(String),
    /// Not a phone number.
    #[error("phone: `{0}` is not a phone number; write it with its country code: +49 151 12345678")]
    InvalidPhone(String),
    /// A national number, and no country to read it by.
    #[error("phone: `{0}` has no country code; write it as +49 …, or say the country with --country")]
    NationalPhone(String),
    /// A national number that the country does not have.
    #[error("phone: `{cell}` is not a phone number of {country}")]
    NotOfCountry {
        /// What it holds.
        cell: String,
        /// The country it was read by.
        country: Country,
    },
    /// Not a device token.
    #[error("push: `{0}` is not a device token: at most 4096 printable ASCII characters without spaces")]
    InvalidPush(String),
    /// No address of any kind.
    #[error("no way to reach this person: no email, phone or push")]
    NoAddress,
    /// Not an id.
    #[error(
        "{column}: `{cell}` is not an id: 1 to 36 of a-z A-Z 0-9 . - _, the first one a letter or a digit"
    )]
    InvalidId {
        /// Which column.
        column: Column,
        /// What it holds.
        cell: String,
    },
    /// A name beyond the limit.
    #[error("name: longer than 128 characters")]
    NameTooLong,
    /// A quote opens and nothing closes it.
    #[error("a quote opens here and is not closed where the row ends")]
    UnclosedQuote,
    /// Cells are missing or too many.
    #[error("{found} columns instead of {expected}")]
    WrongColumns {
        /// As the header has.
        expected: usize,
        /// As the record has.
        found: usize,
    },
    /// A record beyond the limit.
    #[error("longer than {} KiB, which no record is", records::MAX_RECORD / 1024)]
    TooLong,
    /// Bytes that are not in the file's encoding.
    #[error("not valid UTF-8, as the rest of the file is; export again as CSV UTF-8")]
    NotUtf8,
    /// A line that is not a JSON object.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// A JSON value of the wrong kind.
    #[error("{0}: expected a text")]
    NotText(Column),
}

/// A cell for a message: at most 60 characters, control characters shown.
fn shortened(cell: &str) -> String {
    let mut out: String = cell.chars().take(60).flat_map(char::escape_debug).collect();
    if cell.chars().nth(60).is_some() {
        out.push('…');
    }
    out
}
