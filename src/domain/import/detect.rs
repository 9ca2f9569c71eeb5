//! What a file is, found from its first bytes: format, delimiter, header, columns.

use std::fmt;

use super::columns::ColumnMap;
use super::encoding::{Encoding, windows_1252};
use super::records::{Dialect, Records, Scan};
use super::synonyms::recognise;
use super::{Column, shortened};
use crate::domain::validate;

/// How many bytes are looked at.
pub(super) const HEAD: usize = 64 * 1024;

/// How many records of them.
const SAMPLE: usize = 50;

/// How many lines may stand above the header: titles, dates of export.
const PREAMBLE: usize = 10;

/// The delimiters tried, the default first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cells between delimiters.
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

/// What a file turned out to be. `Display` is the sentence that is shown
/// before anything is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// How it is written.
    pub format: Format,
    /// In which encoding. May become Windows-1252 later, where the first byte
    /// beyond ASCII comes late in the file.
    pub encoding: Encoding,
    /// Between cells; `None` for NDJSON.
    pub delimiter: Option<char>,
    /// The line of the header, if there is one.
    pub header_line: Option<u64>,
    /// The file's columns in its order; for NDJSON the keys of the first object.
    pub columns: Vec<FoundColumn>,
    pub(super) header: String,
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundColumn {
    /// Its header; empty in a file without one.
    pub header: String,
    /// What it is taken for; `None`: not used.
    pub column: Option<Column>,
    /// Among several columns that mean the same, the lowest that is filled counts.
    pub(super) rank: usize,
}

/// Why a file as a whole cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// A workbook, not an export.
    #[error(
        "this is a spreadsheet's own file (or another archive); export the sheet as “CSV UTF-8” and import that"
    )]
    Workbook,
    /// Compressed.
    #[error("this file is compressed; pipe it in: gunzip -c FILE | herald import -")]
    Compressed,
    /// Not text.
    #[error("this is not a text file; expected CSV or NDJSON")]
    NotText,
    /// One JSON array.
    #[error("this is one JSON array; expected one object on each line: jq -c '.[]' FILE | herald import -")]
    JsonArray,
    /// No column holds a way to reach anybody.
    #[error("no column is recognised as email, phone or push among {}; say which one is: --map email='HEADER'", list(.headers))]
    NoAddressColumn {
        /// The headers, or the first record's cells.
        headers: Vec<String>,
    },
    /// `--map` names a header that the file does not have.
    #[error("--map {column}: there is no column `{wanted}`; there are {}", list(.headers))]
    UnknownHeader {
        /// For which column of ours.
        column: Column,
        /// The header that was named.
        wanted: String,
        /// The file's headers.
        headers: Vec<String>,
    },
}

fn list(headers: &[String]) -> String {
    let quoted: Vec<String> =
        headers.iter().take(40).map(|header| format!("“{}”", shortened(header))).collect();
    quoted.join(", ")
}

impl fmt::Display for Detected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.format, self.delimiter) {
            (Format::Ndjson, _) => f.write_str("NDJSON")?,
            (Format::Csv, Some('\t')) => f.write_str("CSV with tabs")?,
            (Format::Csv, delimiter) => write!(f, "CSV with `{}`", delimiter.unwrap_or(','))?,
        }
        write!(f, ", {}, ", self.encoding)?;
        match self.header_line {
            Some(line) => write!(f, "header in line {line}: ")?,
            None if self.format == Format::Csv => f.write_str("no header: ")?,
            None => {}
        }
        let mut first = true;
        for column in Column::ALL {
            let mut sources: Vec<(usize, String)> = Vec::new();
            for (index, found) in self.columns.iter().enumerate() {
                if found.column == Some(column) {
                    let name = if found.header.is_empty() {
                        format!("column {}", index + 1)
                    } else {
                        format!("“{}”", shortened(&found.header))
                    };
                    sources.push((found.rank, name));
                }
            }
            if sources.is_empty() {
                continue;
            }
            sources.sort_by_key(|(rank, _)| *rank);
            let names: Vec<String> = sources.into_iter().map(|(_, name)| name).collect();
            let separator = if first { "" } else { ", " };
            write!(f, "{separator}{column} from {}", names.join(" or "))?;
            first = false;
        }
        let unused: Vec<String> =
            self.columns.iter().filter(|c| c.column.is_none()).map(|c| c.header.clone()).collect();
        if !unused.is_empty() && self.header_line.is_some() {
            write!(f, "; not used: {}", list(&unused))?;
        }
        Ok(())
    }
}

impl Detected {
    /// For each column of ours the file's columns, most specific first.
    pub(super) fn layout(&self) -> Vec<(Column, usize)> {
        let mut layout: Vec<(usize, Column, usize)> = Vec::new();
        for (index, found) in self.columns.iter().enumerate() {
            if let Some(column) = found.column {
                layout.push((found.rank, column, index));
            }
        }
        layout.sort_by_key(|(rank, _, index)| (*rank, *index));
        layout.into_iter().map(|(_, column, index)| (column, index)).collect()
    }
}

/// A file found out, and where its rows begin.
pub(super) struct Found {
    pub detected: Detected,
    pub dialect: Dialect,
    /// How many records stand before the first row.
    pub skip: usize,
}

/// Refuses by the first bytes what is no text at all.
pub(super) fn refuse_binary(head: &[u8], encoding: Encoding) -> Result<(), FileError> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xD0\xCF\x11\xE0") {
        Err(FileError::Workbook)
    } else if head.starts_with(b"\x1F\x8B") || head.starts_with(b"\x28\xB5\x2F\xFD") {
        Err(FileError::Compressed)
    } else if !matches!(encoding, Encoding::Utf16Le | Encoding::Utf16Be) && head.contains(&0) {
        Err(FileError::NotText)
    } else {
        Ok(())
    }
}

/// Finds out what `head` is: UTF-8 or Windows-1252 text; `whole` says that it is all there is.
pub(super) fn detect(
    head: &[u8],
    encoding: Encoding,
    whole: bool,
    map: &ColumnMap,
) -> Result<Found, FileError> {
    let terminator = if head.contains(&b'\r') && !head.contains(&b'\n') { b'\r' } else { b'\n' };
    match head.iter().find(|b| !b.is_ascii_whitespace()) {
        None => return Err(FileError::Empty),
        Some(b'[') => return Err(FileError::JsonArray),
        Some(b'{') => return Ok(ndjson(head, encoding, terminator, map)),
        Some(_) => {}
    }
    let mut best: Option<(Score, Result<Found, FileError>)> = None;
    let declared = declared_delimiter(head);
    for delimiter in DELIMITERS {
        if declared.is_some_and(|declared| declared != delimiter) {
            continue;
        }
        let dialect = Dialect { delimiter: Some(delimiter), terminator };
        let mut records = sample(head, dialect, whole);
        let above = usize::from(declared.is_some());
        records.drain(..above.min(records.len()));
        let found = csv(&records, above, dialect, encoding, map);
        let score = score(&records, &found);
        if best.as_ref().is_none_or(|(other, _)| score > *other) {
            best = Some((score, found));
        }
    }
    best.map_or(Err(FileError::NotText), |(_, found)| found)
}

/// Excel's first line `sep=;`.
fn declared_delimiter(head: &[u8]) -> Option<u8> {
    let rest = head.get(..4).filter(|start| start.eq_ignore_ascii_case(b"sep=")).map(|_| &head[4..])?;
    let (delimiter, rest) = rest.split_first()?;
    (DELIMITERS.contains(delimiter) && rest.first().is_none_or(|b| matches!(b, b'\r' | b'\n')))
        .then_some(*delimiter)
}

/// A record of the sample.
struct Sampled {
    line: u64,
    cells: Vec<String>,
    raw: String,
}

impl Sampled {
    fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| windows_1252(bytes), str::to_owned)
}

fn sample(head: &[u8], dialect: Dialect, whole: bool) -> Vec<Sampled> {
    let mut records = Records::new(dialect);
    records.buffer().extend_from_slice(head);
    if whole {
        records.end();
    }
    let mut out = Vec::new();
    while out.len() < SAMPLE {
        let scan = records.scan();
        let line = records.line();
        match scan {
            Scan::Record(extent) => {
                let cells = records.cells().iter().map(text).collect();
                out.push(Sampled { line, cells, raw: text(records.raw(extent)) });
                records.consume(extent);
            }
            Scan::UnclosedQuote(extent) => {
                out.push(Sampled { line, cells: Vec::new(), raw: text(records.raw(extent)) });
                records.consume(extent);
            }
            Scan::NeedMore | Scan::End | Scan::TooLong(_) => break,
        }
    }
    out
}

/// How well a delimiter fits: columns recognised, then the share of records
/// (in thousandths) that have the commonest number of columns, then that number.
type Score = (usize, usize, usize);

fn score(records: &[Sampled], found: &Result<Found, FileError>) -> Score {
    let recognised = found
        .as_ref()
        .map_or(0, |found| found.detected.columns.iter().filter(|column| column.column.is_some()).count());
    let widths: Vec<usize> = records.iter().filter(|r| !r.is_blank()).map(|r| r.cells.len()).collect();
    let common =
        widths.iter().copied().max_by_key(|width| (widths.iter().filter(|w| *w == width).count(), *width));
    let common = common.unwrap_or(1);
    if common < 2 {
        return (recognised, 0, 1);
    }
    let share = widths.iter().filter(|w| **w == common).count() * 1_000 / widths.len();
    (recognised, share, common)
}

fn looks_like_address(cell: &str) -> Option<Column> {
    let cell = cell.trim();
    let bare = cell.rsplit_once('<').map_or(cell, |(_, rest)| rest.trim_end_matches(['>', ';', ',', ' ']));
    let bare = bare.strip_prefix("mailto:").unwrap_or(bare).trim();
    if validate::email(bare) {
        return Some(Column::Email);
    }
    let number = cell.strip_prefix("tel:").unwrap_or(cell);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let only =
        number.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '/' | '(' | ')' | '.'));
    let begins = number.starts_with(['+', '0']);
    (only && begins && (7..=17).contains(&digits)).then_some(Column::Phone)
}

/// Finds the header, or does without one.
fn csv(
    records: &[Sampled],
    above: usize,
    dialect: Dialect,
    encoding: Encoding,
    map: &ColumnMap,
) -> Result<Found, FileError> {
    let filled = || records.iter().enumerate().filter(|(_, record)| !record.is_blank());
    let found = |header: Option<(usize, &Sampled)>, columns: Vec<FoundColumn>| Found {
        detected: Detected {
            format: Format::Csv,
            encoding,
            delimiter: dialect.delimiter.map(char::from),
            header_line: header.map(|(_, record)| record.line),
            columns,
            header: header.map_or_else(String::new, |(_, record)| record.raw.clone()),
        },
        dialect,
        skip: above + header.map_or(0, |(index, _)| index + 1),
    };
    let mut missing = None;
    for (index, record) in filled().take(PREAMBLE) {
        if record.cells.iter().any(|cell| looks_like_address(cell) == Some(Column::Email)) {
            break;
        }
        match named(&record.cells, map) {
            Ok(columns) if columns.iter().any(|c| c.column.is_some_and(Column::is_address)) => {
                return Ok(found(Some((index, record)), columns));
            }
            Ok(_) => {}
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    // No header that says it: by what the columns hold.
    let Some((index, first)) = filled().next() else {
        return Err(FileError::NoAddressColumn { headers: Vec::new() });
    };
    let titled = first.cells.iter().all(|cell| looks_like_address(cell).is_none())
        && records.len() > index + 1
        && !first.cells.is_empty();
    let header = titled.then_some((index, first));
    let columns = by_content(records, index + usize::from(titled), header.map(|(_, r)| r), map)?;
    if columns.iter().any(|c| c.column.is_some_and(Column::is_address)) {
        return Ok(found(header, columns));
    }
    Err(missing.unwrap_or_else(|| FileError::NoAddressColumn { headers: first.cells.clone() }))
}

/// Columns by their headers, the operator's choices first.
fn named(headers: &[String], map: &ColumnMap) -> Result<Vec<FoundColumn>, FileError> {
    let mut columns: Vec<FoundColumn> = headers
        .iter()
        .map(|header| {
            let known = recognise(header).filter(|(column, _)| !map.names(*column));
            FoundColumn {
                header: header.trim().to_owned(),
                column: known.map(|(column, _)| column),
                rank: known.map_or(0, |(_, rank)| rank + 1_000),
            }
        })
        .collect();
    apply_map(&mut columns, headers, map)?;
    Ok(columns)
}

fn apply_map(columns: &mut [FoundColumn], headers: &[String], map: &ColumnMap) -> Result<(), FileError> {
    for (rank, (column, wanted)) in map.entries().enumerate() {
        if wanted.is_empty() {
            continue;
        }
        let index = ColumnMap::locate(wanted, headers).ok_or_else(|| FileError::UnknownHeader {
            column,
            wanted: wanted.to_owned(),
            headers: headers.iter().map(|header| header.trim().to_owned()).collect(),
        })?;
        columns[index].column = Some(column);
        columns[index].rank = rank;
    }
    Ok(())
}

/// Columns by what at least half of their filled cells hold.
fn by_content(
    records: &[Sampled],
    first_row: usize,
    header: Option<&Sampled>,
    map: &ColumnMap,
) -> Result<Vec<FoundColumn>, FileError> {
    let rows = &records[first_row.min(records.len())..];
    let width = rows.iter().chain(header).map(|record| record.cells.len()).max().unwrap_or(0);
    let headers: Vec<String> = (0..width)
        .map(|index| header.and_then(|record| record.cells.get(index)).cloned().unwrap_or_default())
        .collect();
    let mut columns = Vec::with_capacity(width);
    for (index, header) in headers.iter().enumerate() {
        let cells = rows.iter().filter_map(|row| row.cells.get(index)).filter(|cell| !cell.trim().is_empty());
        let kinds: Vec<Option<Column>> = cells.map(|cell| looks_like_address(cell)).collect();
        let holds = |column: Column| {
            let count = kinds.iter().filter(|kind| **kind == Some(column)).count();
            count > 0 && count * 2 >= kinds.len() && !map.names(column)
        };
        let column = [Column::Email, Column::Phone].into_iter().find(|column| holds(*column));
        columns.push(FoundColumn { header: header.trim().to_owned(), column, rank: 1_000 + index });
    }
    apply_map(&mut columns, &headers, map)?;
    Ok(columns)
}

fn ndjson(head: &[u8], encoding: Encoding, terminator: u8, map: &ColumnMap) -> Found {
    let first = head
        .split(|b| *b == terminator)
        .find_map(|line| serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(line).ok())
        .unwrap_or_default();
    let columns = first
        .keys()
        .map(|key| {
            let known = super::json::column_of(key, map);
            FoundColumn {
                header: key.clone(),
                column: known.map(|(column, _)| column),
                rank: known.map_or(0, |(_, rank)| rank),
            }
        })
        .collect();
    Found {
        detected: Detected {
            format: Format::Ndjson,
            encoding,
            delimiter: None,
            header_line: None,
            columns,
            header: String::new(),
        },
        dialect: Dialect { delimiter: None, terminator },
        skip: 0,
    }
}
