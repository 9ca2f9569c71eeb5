//! What can go wrong with the log.

use std::io;

use super::block::Damaged;

/// Why the log could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk under a segment failed.
    #[error("the delivery log could not {doing}: {source}")]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A segment or a record of the main file is not what was written.
    #[error("the delivery log is damaged in {place}: {what}; restore it from a backup")]
    Damaged {
        /// The file, or the table of the main file.
        place: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The main file failed.
    #[error("the delivery log's part of the main file failed: {0}")]
    Main(#[source] Box<redb::Error>),
    /// A newer program wrote this log.
    #[error(
        "the delivery log is of version {found}, this program reads up to {known}; use the newer program"
    )]
    Newer {
        /// The version found.
        found: u64,
        /// The newest that is known.
        known: u64,
    },
    /// Too much waits to be sealed, since writing segments fails.
    #[error("the delivery log's open part is full, because sealing it fails: {reason}")]
    Full {
        /// The last failure.
        reason: String,
    },
    /// A payload is longer than a row may have, or a message's number too great.
    #[error("a row of the delivery log is too large: {0}")]
    TooLarge(&'static str),
    /// The read transaction is older than what the log still knows; begin a new one.
    #[error("the snapshot is too old to read the delivery log by; begin a new one")]
    Moved,
}

/// The result of the log's operations.
pub type Result<T> = std::result::Result<T, LogError>;

impl<E: Into<redb::Error>> From<E> for LogError {
    fn from(error: E) -> Self {
        Self::Main(Box::new(error.into()))
    }
}

impl LogError {
    /// Adapts a failed file operation.
    pub(super) fn disk(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk { doing, source }
    }

    /// Adapts bytes that make no sense, found in `place`.
    pub(super) fn damaged(place: impl Into<String>) -> impl FnOnce(Damaged) -> Self {
        move |Damaged(what)| Self::Damaged { place: place.into(), what }
    }
}
