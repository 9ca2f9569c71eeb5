//! Bytes in, outcomes out.

use std::borrow::Cow;

use super::columns::ColumnMap;
use super::detect::{Detected, FileError, Format, HEAD, detect, refuse_binary};
use super::encoding::{self, Encoding, Transcoder, windows_1252};
use super::json::Keys;
use super::records::{Extent, Records, Scan};
use super::repair::{Country, Repair, Repairs};
use super::row::{Cells, build};
use super::{Column, ImportRow, Outcome, Reason, Refusal};

/// How much of a line that is too long is shown.
const SHOWN: usize = 1024;

/// What the operator says of the file.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Columns named by the operator.
    pub map: ColumnMap,
    /// The country by which national phone numbers are read.
    pub country: Option<Country>,
}

/// What has been read so far. Every line of the file is in exactly one of
/// `row_lines`, `refused_lines`, `blank_lines` and `header_lines`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Records that became rows.
    pub rows: u64,
    /// Records refused.
    pub refused: u64,
    /// Lines of the rows.
    pub row_lines: u64,
    /// Lines of the records refused.
    pub refused_lines: u64,
    /// Blank lines.
    pub blank_lines: u64,
    /// Lines of the header, of what stands above it, and of its repetitions.
    pub header_lines: u64,
    repairs: [u64; Repair::ALL.len()],
}

impl Counts {
    /// All lines read.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.row_lines + self.refused_lines + self.blank_lines + self.header_lines
    }

    /// In how many rows something was repaired in this way.
    #[must_use]
    pub fn repaired(&self, repair: Repair) -> u64 {
        self.repairs[repair as usize]
    }

    /// The repairs that were made, and in how many rows each.
    pub fn repairs(&self) -> impl Iterator<Item = (Repair, u64)> {
        Repair::ALL.into_iter().map(|repair| (repair, self.repaired(repair))).filter(|(_, count)| *count > 0)
    }
}

/// A file on its way in. Push bytes, take outcomes until there are none, push
/// more; at the end [`Decoder::finish`], and take the last outcomes.
///
/// It holds the first 64 KiB until it knows what the file is, then no more
/// than a record and what was pushed last.
pub struct Decoder {
    options: ImportOptions,
    stage: Stage,
    detected: Option<Detected>,
    counts: Counts,
}

enum Stage {
    Head(Vec<u8>),
    Rows(Box<Rows>),
    Failed,
}

struct Rows {
    records: Records,
    transcoder: Transcoder,
    encoding: Encoding,
    /// A character beyond ASCII was seen, which settles that the file is UTF-8.
    settled: bool,
    layout: Vec<(Column, usize)>,
    width: usize,
    named: bool,
    header: Vec<u8>,
    skip: usize,
    keys: Option<Keys>,
}

impl Decoder {
    /// A decoder at the start of a file.
    #[must_use]
    pub fn new(options: ImportOptions) -> Self {
        Self { options, stage: Stage::Head(Vec::new()), detected: None, counts: Counts::default() }
    }

    /// What the file is, once enough of it was pushed (64 KiB, or all).
    #[must_use]
    pub fn detected(&self) -> Option<&Detected> {
        self.detected.as_ref()
    }

    /// What has been read so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes more of the file. An error ends it: nothing was imported that was
    /// not handed out before.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        match &mut self.stage {
            Stage::Head(head) => {
                head.extend_from_slice(bytes);
                if head.len() > HEAD { self.start(false) } else { Ok(()) }
            }
            Stage::Rows(rows) => {
                rows.transcoder.push(bytes, false, rows.records.buffer());
                Ok(())
            }
            Stage::Failed => Ok(()),
        }
    }

    /// Says that the file has ended. Take the remaining outcomes after it.
    pub fn finish(&mut self) -> Result<(), FileError> {
        if let Stage::Head(_) = self.stage {
            self.start(true)?;
        }
        if let Stage::Rows(rows) = &mut self.stage {
            rows.transcoder.push(&[], true, rows.records.buffer());
            rows.records.end();
        }
        Ok(())
    }

    fn start(&mut self, ended: bool) -> Result<(), FileError> {
        let Stage::Head(bytes) = std::mem::replace(&mut self.stage, Stage::Failed) else { return Ok(()) };
        let whole = ended && bytes.len() <= HEAD;
        let (head, rest) = bytes.split_at(bytes.len().min(HEAD));
        let (encoding, mark) = encoding::detect(head, whole);
        refuse_binary(head, encoding)?;
        let mut transcoder = Transcoder::new(encoding);
        let mut text = Vec::new();
        transcoder.push(&head[mark..], false, &mut text);
        let found = detect(&text, encoding, whole, &self.options.map)?;
        let settled = mark > 0 || !text.is_ascii();
        let mut records = Records::new(found.dialect);
        *records.buffer() = text;
        transcoder.push(rest, false, records.buffer());
        let detected = found.detected;
        let header = match encoding {
            _ if detected.header_line.is_none() => Vec::new(),
            Encoding::Windows1252 => Vec::new(),
            _ => detected.header.clone().into_bytes(),
        };
        self.stage = Stage::Rows(Box::new(Rows {
            records,
            transcoder,
            encoding,
            settled,
            layout: detected.layout(),
            width: detected.columns.len(),
            named: detected.header_line.is_some(),
            header,
            skip: found.skip,
            keys: (detected.format == Format::Ndjson).then(|| Keys::new(self.options.map.clone())),
        }));
        self.detected = Some(detected);
        Ok(())
    }

    /// The next record of what was pushed; `None` when more must be pushed, or
    /// when nothing is left after [`Decoder::finish`].
    pub fn next_outcome(&mut self) -> Option<Outcome> {
        let Stage::Rows(rows) = &mut self.stage else { return None };
        let (line, extent, read) = loop {
            let scan = rows.records.scan();
            let line = rows.records.line();
            match scan {
                Scan::NeedMore | Scan::End => return None,
                Scan::TooLong(extent) => {
                    rows.records.skip_line();
                    rows.skip = rows.skip.saturating_sub(1);
                    break (line, extent, Err(Reason::TooLong));
                }
                Scan::UnclosedQuote(extent) => {
                    rows.skip = rows.skip.saturating_sub(1);
                    break (line, extent, Err(Reason::UnclosedQuote));
                }
                Scan::Record(extent) => {
                    let raw = rows.records.raw(extent);
                    if rows.skip > 0 || (!rows.header.is_empty() && raw == rows.header) {
                        rows.skip = rows.skip.saturating_sub(1);
                        self.counts.header_lines += extent.lines;
                        rows.records.consume(extent);
                        continue;
                    }
                    if is_blank(raw, rows.records.dialect.delimiter) {
                        self.counts.blank_lines += extent.lines;
                        rows.records.consume(extent);
                        continue;
                    }
                    let read = rows.read(extent, line, self.options.country);
                    // A quoted cell that ran over several lines and broke the
                    // row: rather a quote that was never closed.
                    if extent.lines > 1 && matches!(read, Err(Reason::WrongColumns { .. })) {
                        let first = rows.records.first_line(extent);
                        break (line, first, Err(Reason::UnclosedQuote));
                    }
                    break (line, extent, read);
                }
            }
        };
        if let Some(detected) = &mut self.detected {
            detected.encoding = rows.encoding;
        }
        let lines = extent.lines.max(1);
        let outcome = match read {
            Ok(row) => {
                self.counts.rows += 1;
                self.counts.row_lines += lines;
                for repair in row.repairs.iter() {
                    self.counts.repairs[repair as usize] += 1;
                }
                Outcome::Row(row)
            }
            Err(reason) => {
                self.counts.refused += 1;
                self.counts.refused_lines += lines;
                let raw = rows.records.raw(extent);
                let shown = if reason == Reason::TooLong { &raw[..raw.len().min(SHOWN)] } else { raw };
                let original = rows.text(shown).into_owned();
                Outcome::Refused(Refusal { line, lines, reason, original })
            }
        };
        rows.records.consume(extent);
        Some(outcome)
    }
}

/// Whether a record has nothing in any cell.
fn is_blank(raw: &[u8], delimiter: Option<u8>) -> bool {
    raw.iter()
        .all(|b| b.is_ascii_whitespace() || (delimiter.is_some() && (Some(*b) == delimiter || *b == b'"')))
}

impl Rows {
    /// Bytes of the file as text.
    fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        match self.encoding {
            Encoding::Windows1252 if !bytes.is_ascii() => Cow::Owned(windows_1252(bytes)),
            _ => String::from_utf8_lossy(bytes),
        }
    }

    /// Checks that a record is in the file's encoding. The first byte beyond
    /// ASCII decides when the head had none.
    fn settle(&mut self, extent: Extent) -> Result<(), Reason> {
        let raw = self.records.raw(extent);
        if self.encoding == Encoding::Windows1252 || raw.is_ascii() {
            return Ok(());
        }
        if std::str::from_utf8(raw).is_ok() {
            self.settled = true;
            return Ok(());
        }
        if self.settled {
            return Err(Reason::NotUtf8);
        }
        self.encoding = Encoding::Windows1252;
        Ok(())
    }

    fn read(&mut self, extent: Extent, line: u64, country: Option<Country>) -> Result<ImportRow, Reason> {
        self.settle(extent)?;
        if let Some(mut keys) = self.keys.take() {
            let row = keys.row(self.text(self.records.raw(extent)).trim(), country, line);
            self.keys = Some(keys);
            return row;
        }
        let texts: Vec<Cow<'_, str>> = self.records.cells().iter().map(|cell| self.text(cell)).collect();
        let mut repairs = Repairs::default();
        let wrong = Reason::WrongColumns { expected: self.width, found: texts.len() };
        if texts.len() < self.width {
            if self.layout.iter().any(|(_, index)| *index >= texts.len()) {
                return Err(wrong);
            }
            repairs.add(Repair::ShortRow);
        } else if texts.len() > self.width {
            if texts[self.width..].iter().any(|cell| !cell.trim().is_empty()) {
                return Err(wrong);
            }
            repairs.add(Repair::ExtraCells);
        }
        let mut cells = Cells::default();
        for (column, index) in &self.layout {
            let cell = texts[*index].as_ref();
            if !self.named && *column == Column::Email && !cells.email.is_empty() && !cell.trim().is_empty() {
                // Without a header two columns of addresses are rather two people.
                let cell = super::shortened(&format!("{} {cell}", cells.email));
                return Err(Reason::TwoAddresses { column: Column::Email, cell });
            }
            cells.put(*column, cell);
        }
        build(&cells, country, repairs, line, extent.lines)
    }
}
