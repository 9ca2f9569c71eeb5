//! Bytes to records: lines of a file, or several where a quoted cell holds
//! line breaks.
//!
//! Written here and not taken from the `csv` crate because a quote that is
//! never closed must cost one line and not the rest of the file, and because a
//! refusal needs the record's line and its bytes as they were.

/// The longest record, in bytes. Bounds the memory, and how far a quote that
/// is never closed is followed.
pub(super) const MAX_RECORD: usize = 64 * 1024;

/// The most lines that a record may take, for the same reason.
const MAX_LINES: u64 = 100;

/// How records are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Between cells; `None` where a line is one cell and quotes mean nothing (NDJSON).
    pub delimiter: Option<u8>,
    /// At the end of a line: `\n`, or `\r` in files that have no `\n`.
    pub terminator: u8,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// More bytes are needed to tell.
    NeedMore,
    /// Nothing is left.
    End,
    /// A record, its cells in [`Records::cells`].
    Record(Extent),
    /// A line that opens a quote which is not closed.
    UnclosedQuote(Extent),
    /// A line beyond [`MAX_RECORD`].
    TooLong(Extent),
}

/// Where a record lies, from the first byte not consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Its bytes without the line break.
    pub len: usize,
    /// Its bytes with the line break.
    pub next: usize,
    /// Its lines.
    pub lines: u64,
}

/// A buffer of bytes from which records are read one by one.
pub(super) struct Records {
    pub(super) dialect: Dialect,
    buffer: Vec<u8>,
    start: usize,
    line: u64,
    ended: bool,
    skipping: bool,
    cells: Cells,
}

/// The cells of one record, quotes taken away.
#[derive(Default)]
pub(super) struct Cells {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn end_cell(&mut self) {
        self.ends.push(self.bytes.len());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }
}

impl Records {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            buffer: Vec::new(),
            start: 0,
            line: 1,
            ended: false,
            skipping: false,
            cells: Cells::default(),
        }
    }

    /// The place to append bytes to; what was consumed is let go first.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        self.buffer.drain(..self.start);
        self.start = 0;
        &mut self.buffer
    }

    /// No more bytes come.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The first line, from 1, of what [`Records::scan`] found last.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The bytes of a record that [`Records::scan`] found.
    pub(super) fn raw(&self, extent: Extent) -> &[u8] {
        &self.buffer[self.start..self.start + extent.len]
    }

    /// The cells of the last [`Scan::Record`].
    pub(super) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Goes on behind a record.
    pub(super) fn consume(&mut self, extent: Extent) {
        self.start += extent.next;
        self.line += extent.lines;
    }

    /// The first line of a record that takes several, to be refused alone.
    pub(super) fn first_line(&self, extent: Extent) -> Extent {
        let data = &self.buffer[self.start..self.start + extent.next];
        match data.iter().position(|b| *b == self.dialect.terminator) {
            Some(at) => self.extent(data, at, at + 1, 1),
            None => extent,
        }
    }

    /// Marks a line that was too long as refused: the rest of it is passed over.
    pub(super) fn skip_line(&mut self) {
        self.skipping = true;
    }

    fn extent(&self, data: &[u8], end: usize, next: usize, lines: u64) -> Extent {
        let mut len = end;
        if self.dialect.terminator == b'\n' && data[..len].ends_with(b"\r") {
            len -= 1;
        }
        Extent { len, next, lines }
    }

    /// Finds the next record without consuming it.
    pub(super) fn scan(&mut self) -> Scan {
        if self.skipping {
            let data = &self.buffer[self.start..];
            if let Some(at) = data.iter().position(|b| *b == self.dialect.terminator) {
                self.start += at + 1;
                self.line += 1;
                self.skipping = false;
            } else {
                self.start = self.buffer.len();
                if !self.ended {
                    return Scan::NeedMore;
                }
                // The last line has no line break.
                self.line += 1;
                self.skipping = false;
                return Scan::End;
            }
        }
        let data = &self.buffer[self.start..];
        if data.is_empty() {
            return if self.ended { Scan::End } else { Scan::NeedMore };
        }
        let window = &data[..data.len().min(MAX_RECORD + 1)];
        let whole = self.ended && window.len() == data.len();
        let mut cells = std::mem::take(&mut self.cells);
        cells.clear();
        let found = split(window, whole, self.dialect, &mut cells);
        self.cells = cells;
        let window = &self.buffer[self.start..][..window.len()];
        match found {
            Split::Record { end, next, lines } => Scan::Record(self.extent(window, end, next, lines)),
            Split::Unclosed | Split::Ran if !whole && window.len() <= MAX_RECORD => Scan::NeedMore,
            Split::Unclosed | Split::Broken => {
                let terminator = self.dialect.terminator;
                match window.iter().position(|b| *b == terminator) {
                    Some(at) => Scan::UnclosedQuote(self.extent(window, at, at + 1, 1)),
                    None if whole => Scan::UnclosedQuote(self.extent(window, window.len(), window.len(), 1)),
                    // Only a window that is full comes here: the line goes on.
                    None => Scan::TooLong(Extent { len: window.len(), next: window.len(), lines: 0 }),
                }
            }
            Split::Ran => {
                let terminator = self.dialect.terminator;
                match window.iter().position(|b| *b == terminator) {
                    // Quoted cells with line breaks, and no end in sight.
                    Some(at) => Scan::UnclosedQuote(self.extent(window, at, at + 1, 1)),
                    None => Scan::TooLong(Extent { len: window.len(), next: window.len(), lines: 0 }),
                }
            }
        }
    }
}

/// What [`split`] found in a window.
enum Split {
    /// A record that ends at `end`; the next begins at `next`.
    Record { end: usize, next: usize, lines: u64 },
    /// The window ends within quotes.
    Unclosed,
    /// Quotes that cannot be right: text behind a closing quote on a later line, or too many lines.
    Broken,
    /// The window ends within the record, outside quotes.
    Ran,
}

/// Reads one record from the start of `window`; `whole` says that the file ends with it.
fn split(window: &[u8], whole: bool, dialect: Dialect, cells: &mut Cells) -> Split {
    let terminator = dialect.terminator;
    let Some(delimiter) = dialect.delimiter else {
        return match window.iter().position(|b| *b == terminator) {
            Some(end) => Split::Record { end, next: end + 1, lines: 1 },
            None if whole => Split::Record { end: window.len(), next: window.len(), lines: 1 },
            None => Split::Ran,
        };
    };
    let mut at = 0;
    let mut lines = 1;
    loop {
        // Spaces before an opening quote are not part of the cell.
        let text = at + window[at..].iter().take_while(|b| **b == b' ').count();
        if window.get(text) == Some(&b'"') {
            match quoted(window, text + 1, whole, dialect, cells, &mut lines) {
                Ok(next) => at = next,
                Err(problem) => return problem,
            }
        }
        // The rest of the cell: all of it when it is not quoted.
        let rest = &window[at..];
        let Some(length) = rest.iter().position(|b| *b == delimiter || *b == terminator) else {
            if !whole {
                return Split::Ran;
            }
            cells.bytes.extend_from_slice(without_return(rest, terminator));
            cells.end_cell();
            return Split::Record { end: window.len(), next: window.len(), lines };
        };
        let end = at + length;
        if window[end] == delimiter {
            cells.bytes.extend_from_slice(&rest[..length]);
            cells.end_cell();
            at = end + 1;
        } else {
            cells.bytes.extend_from_slice(without_return(&rest[..length], terminator));
            cells.end_cell();
            return Split::Record { end, next: end + 1, lines };
        }
    }
}

fn without_return(cell: &[u8], terminator: u8) -> &[u8] {
    if terminator == b'\n' { cell.strip_suffix(b"\r").unwrap_or(cell) } else { cell }
}

/// Reads a quoted cell from behind its opening quote to behind its closing one
/// and the spaces after it.
fn quoted(
    window: &[u8],
    mut at: usize,
    whole: bool,
    dialect: Dialect,
    cells: &mut Cells,
    lines: &mut u64,
) -> Result<usize, Split> {
    let before = *lines;
    loop {
        let Some(length) = window[at..].iter().position(|b| *b == b'"') else {
            // Counted here too, so that the verdict does not depend on how the bytes arrive.
            let breaks = line_breaks(&window[at..], dialect);
            return Err(if *lines + breaks > MAX_LINES { Split::Broken } else { Split::Unclosed });
        };
        let part = &window[at..at + length];
        *lines += line_breaks(part, dialect);
        if *lines > MAX_LINES {
            return Err(Split::Broken);
        }
        cells.bytes.extend_from_slice(part);
        at += length + 1;
        match window.get(at) {
            Some(b'"') => {
                cells.bytes.push(b'"');
                at += 1;
            }
            None if !whole => return Err(Split::Unclosed),
            _ => break,
        }
    }
    let space = |b: u8| b == b' ' || (b == b'\r' && dialect.terminator != b'\r');
    let spaces = window[at..].iter().take_while(|b| space(**b)).count();
    let after = at + spaces;
    match window.get(after) {
        None if whole => Ok(after),
        None => Err(Split::Ran),
        Some(byte) if Some(*byte) == dialect.delimiter || *byte == dialect.terminator => Ok(after),
        // `"Ana" Berg` is taken as it stands; on a later line it is rather the
        // opening quote of another cell that was met.
        Some(_) if *lines == before => Ok(at),
        Some(_) => Err(Split::Broken),
    }
}

fn line_breaks(bytes: &[u8], dialect: Dialect) -> u64 {
    bytes.split(|b| *b == dialect.terminator).count() as u64 - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, chunk: usize) -> Vec<(u64, String)> {
        let mut records = Records::new(Dialect { delimiter: Some(b','), terminator: b'\n' });
        let mut out = Vec::new();
        let mut chunks = text.as_bytes().chunks(chunk);
        loop {
            let scan = records.scan();
            let line = records.line();
            match scan {
                Scan::NeedMore => match chunks.next() {
                    Some(bytes) => records.buffer().extend_from_slice(bytes),
                    None => records.end(),
                },
                Scan::End => return out,
                Scan::Record(extent) => {
                    let cells: Vec<_> =
                        records.cells().iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect();
                    out.push((line, cells.join("|")));
                    records.consume(extent);
                }
                Scan::UnclosedQuote(extent) => {
                    let raw = String::from_utf8_lossy(records.raw(extent)).into_owned();
                    out.push((line, format!("unclosed {raw}")));
                    records.consume(extent);
                }
                Scan::TooLong(extent) => {
                    out.push((line, "too long".to_owned()));
                    records.consume(extent);
                    records.skip_line();
                }
            }
        }
    }

    fn both(text: &str) -> Vec<(u64, String)> {
        let whole = read(text, usize::MAX);
        for chunk in [1, 2, 7] {
            assert_eq!(read(text, chunk), whole, "{text:?} by {chunk}");
        }
        whole
    }

    #[test]
    fn quotes_and_lines() {
        assert_eq!(
            both("a,b\r\n\"x,\"\"y\"\"\nz\" , c\n\nlast,"),
            [(1, "a|b"), (2, "x,\"y\"\nz| c"), (4, ""), (5, "last|")].map(|(l, t)| (l, t.to_owned()))
        );
        assert_eq!(both("5\" disk,x\n\"Ana\" B,y").len(), 2);
    }

    #[test]
    fn an_unclosed_quote_costs_one_line() {
        assert_eq!(
            both("\"a,b\nc,d\n\"e\",f\n"),
            [(1, "unclosed \"a,b"), (2, "c|d"), (3, "e|f")].map(|(l, t)| (l, t.to_owned()))
        );
        assert_eq!(both("c,d\n\"a,b"), [(1, "c|d"), (2, "unclosed \"a,b")].map(|(l, t)| (l, t.to_owned())));
    }

    #[test]
    fn long_lines_are_passed_over() {
        let text = format!("a,b\n{}\nc,d\n{}", "x".repeat(200_000), "y".repeat(70_000));
        for chunk in [1_000, 1_000_000] {
            let lines: Vec<u64> = read(&text, chunk).into_iter().map(|(line, _)| line).collect();
            assert_eq!(lines, [1, 2, 3, 4]);
        }
    }
}
