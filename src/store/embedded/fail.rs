//! Why a step inside the embedded store did not work: what was asked is wrong,
//! or the disk is.

use crate::domain::ids::Revision;
use crate::store::error::StoreError;
use crate::store::log::LogError;
use crate::store::{RecordKind, Taken};
use std::io;

/// Inside the store, everything that can fail.
#[derive(Debug)]
pub(super) enum Fail {
    /// The caller's fault, or the record's: the answer is this, nothing was written.
    Refused(StoreError),
    /// The disk's fault: the group is tried again.
    Disk(DiskFailure),
}

/// What a disk says.
#[derive(Debug, Clone)]
pub(super) struct DiskFailure {
    /// In words.
    pub(super) cause: String,
    /// There is no space left.
    pub(super) full: bool,
}

/// The results of steps inside the store.
pub(super) type Attempt<T> = Result<T, Fail>;

impl Fail {
    /// There is no such record.
    pub(super) fn missing(kind: RecordKind, id: impl std::fmt::Display) -> Self {
        Self::Refused(StoreError::NotFound { kind, id: id.to_string() })
    }

    /// Something of it is taken.
    pub(super) fn taken(kind: RecordKind, taken: Taken) -> Self {
        Self::Refused(StoreError::Conflict { kind, taken })
    }

    /// Refuses what was decided of a record that has been changed since.
    pub(super) fn unless(kind: RecordKind, actual: Revision, expect: Option<Revision>) -> Attempt<()> {
        match expect {
            Some(expected) if expected != actual => Err(StoreError::Stale { kind, expected, actual }.into()),
            _ => Ok(()),
        }
    }

    /// A record makes no sense.
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Refused(StoreError::Damaged(what.into()))
    }

    /// The error as a reader gets it.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Refused(error) => error,
            Self::Disk(failure) => StoreError::Io(failure.cause),
        }
    }
}

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<crate::domain::state::TransitionError> for Fail {
    fn from(error: crate::domain::state::TransitionError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<io::Error> for Fail {
    fn from(error: io::Error) -> Self {
        Self::Disk(DiskFailure::from(&error))
    }
}

impl From<&io::Error> for DiskFailure {
    fn from(error: &io::Error) -> Self {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        Self { cause: error.to_string(), full }
    }
}

impl From<&redb::Error> for DiskFailure {
    fn from(error: &redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            other => Self { cause: other.to_string(), full: false },
        }
    }
}

impl From<redb::Error> for Fail {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(what) => Self::damaged(what),
            other => Self::Disk(DiskFailure::from(&other)),
        }
    }
}

impl From<LogError> for Fail {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Main(error) => (*error).into(),
            LogError::Disk { doing, source } => {
                let failure = DiskFailure::from(&source);
                Self::Disk(DiskFailure { cause: format!("{doing}: {source}"), ..failure })
            }
            LogError::Full { .. } | LogError::Moved => {
                Self::Disk(DiskFailure { cause: error.to_string(), full: false })
            }
            LogError::Newer { found, known } => {
                StoreError::TooNew { found: found as u32, known: known as u32 }.into()
            }
            LogError::Damaged { .. } | LogError::TooLarge(_) => Self::damaged(error.to_string()),
        }
    }
}

impl Fail {
    /// As the disk's fault, whatever it is: for steps that are tried again.
    pub(super) fn into_failure(self) -> DiskFailure {
        match self {
            Self::Disk(failure) => failure,
            Self::Refused(error) => DiskFailure { cause: error.to_string(), full: false },
        }
    }
}

macro_rules! from_redb {
    ($($ty:ident),*) => {$(
        impl From<redb::$ty> for Fail {
            fn from(error: redb::$ty) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}
from_redb!(StorageError, TableError, TransactionError, CommitError, DatabaseError, SetDurabilityError);
