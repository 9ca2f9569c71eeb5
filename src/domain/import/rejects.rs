//! The file of what was refused: each record as it was, with its line and the
//! reason, in the format it came in, so that it can be mended and imported again.

use super::{Detected, Format, Reason, Refusal};

/// Writes refused records. The text is UTF-8; lines end with `\n`.
///
/// ```text
/// email;name;rejectedLine;rejectedReason
/// ana@;Ana;7;"email: `ana@` is not a mail address"
/// ```
#[derive(Debug, Clone)]
pub struct Rejects {
    format: Format,
    delimiter: char,
    header: Option<String>,
    columns: usize,
}

const LINE: &str = "rejectedLine";
const REASON: &str = "rejectedReason";

impl Rejects {
    /// For a file of this shape.
    #[must_use]
    pub fn new(detected: &Detected) -> Self {
        Self {
            format: detected.format,
            delimiter: detected.delimiter.unwrap_or(','),
            header: detected.header_line.map(|_| detected.header.clone()),
            columns: detected.columns.len(),
        }
    }

    /// What stands above the first record: the file's own header and two more
    /// columns; nothing for NDJSON and files without a header.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        let d = self.delimiter;
        self.header.as_ref().map(|header| format!("{header}{d}{LINE}{d}{REASON}\n"))
    }

    /// A record that could be read and was refused later: its line and why, beside empty cells.
    #[must_use]
    pub fn refused_later(&self, line: u64, reason: &str) -> String {
        match self.format {
            Format::Csv => {
                let d = self.delimiter;
                let cells = d.to_string().repeat(self.columns.saturating_sub(1));
                format!("{cells}{d}{line}{d}{}\n", quoted(reason))
            }
            Format::Ndjson => {
                let reason = serde_json::Value::from(reason);
                format!("{{\"{LINE}\":{line},\"{REASON}\":{reason}}}\n")
            }
        }
    }

    /// A refused record.
    #[must_use]
    pub fn record(&self, refusal: &Refusal) -> String {
        let reason = refusal.reason.to_string();
        match self.format {
            Format::Csv => {
                let d = self.delimiter;
                // What is not shaped like a record is kept in one cell, or it
                // would take the lines after it along.
                let original = match refusal.reason {
                    Reason::UnclosedQuote | Reason::TooLong => quoted(&refusal.original),
                    Reason::WrongColumns { expected, found } => {
                        let missing = expected.saturating_sub(found);
                        format!("{}{}", refusal.original, d.to_string().repeat(missing))
                    }
                    _ => refusal.original.clone(),
                };
                format!("{original}{d}{}{d}{}\n", refusal.line, quoted(&reason))
            }
            Format::Ndjson => {
                let line = refusal.line;
                let reason = serde_json::Value::from(reason);
                let is_object =
                    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&refusal.original)
                        .is_ok_and(|object| !object.is_empty());
                match refusal.original.trim_end().strip_suffix('}') {
                    Some(open) if is_object => format!("{open},\"{LINE}\":{line},\"{REASON}\":{reason}}}\n"),
                    _ => {
                        let original = serde_json::Value::from(refusal.original.as_str());
                        format!("{{\"original\":{original},\"{LINE}\":{line},\"{REASON}\":{reason}}}\n")
                    }
                }
            }
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\"").replace(['\r', '\n'], " "))
}
