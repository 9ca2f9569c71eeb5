//! A file with one line for every arrival, complete whenever a sender or the sandbox dies.
//!
//! `milliseconds-since-1970 TAB kind TAB recipient TAB reference TAB bytes`. In recipient and
//! reference, tab, newline, carriage return and backslash are written `\t`, `\n`, `\r`, `\\`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::record::Kind;

/// Appends to the file. Lines reach the system in one write, before the answer leaves.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    lines: Vec<u8>,
    count: u64,
}

/// Lines that were lost.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) lines: u64,
    pub(super) source: io::Error,
}

impl Ledger {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: OpenOptions::new().create(true).append(true).open(path)?,
            lines: Vec::new(),
            count: 0,
        })
    }

    pub(super) fn add(&mut self, at_ms: u64, kind: Kind, recipient: &str, reference: &str, size: usize) {
        let lines = &mut self.lines;
        // A Vec takes everything.
        let _ = write!(lines, "{at_ms}\t{}\t", kind.name());
        escape(lines, recipient);
        lines.push(b'\t');
        escape(lines, reference);
        let _ = writeln!(lines, "\t{size}");
        self.count += 1;
    }

    pub(super) fn write(&mut self) -> Result<(), Lost> {
        let written = self.file.write_all(&self.lines);
        self.lines.clear();
        let lines = std::mem::take(&mut self.count);
        written.map_err(|source| Lost { lines, source })
    }
}

fn escape(line: &mut Vec<u8>, text: &str) {
    for &byte in text.as_bytes() {
        match byte {
            b'\t' => line.extend_from_slice(b"\\t"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\\' => line.extend_from_slice(b"\\\\"),
            _ => line.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_line_whatever_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger");
        for _ in 0..2 {
            let mut ledger = Ledger::open(&path).unwrap();
            ledger.add(5, Kind::Sms, "+4915112345678", "a\tb\nc\\", 12);
            ledger.add(6, Kind::Push, "token", "", 0);
            ledger.write().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let once = "5\tsms\t+4915112345678\ta\\tb\\nc\\\\\t12\n6\tpush\ttoken\t\t0\n";
        assert_eq!(text, format!("{once}{once}"));
    }
}
