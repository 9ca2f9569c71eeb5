//! What the store can refuse.

use crate::domain::ids::Revision;
use crate::domain::state::TransitionError;

/// What a record is, for errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A user.
    User,
    /// A target.
    Target,
    /// A topic.
    Topic,
    /// A subscriber.
    Subscriber,
    /// A provider.
    Provider,
    /// A message.
    Message,
    /// An API key.
    Key,
    /// An import.
    Import,
    /// A bucket.
    Bucket,
    /// A file.
    File,
    /// A suppression.
    Suppression,
}

impl RecordKind {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Target => "target",
            Self::Topic => "topic",
            Self::Subscriber => "subscriber",
            Self::Provider => "provider",
            Self::Message => "message",
            Self::Key => "key",
            Self::Import => "import",
            Self::Bucket => "bucket",
            Self::File => "file",
            Self::Suppression => "suppression",
        }
    }
}

/// What of a record is already taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Taken {
    /// The id.
    Id,
    /// A target has this address.
    Address,
    /// A user has this mail address.
    Email,
    /// A user has this phone number.
    Phone,
    /// The target is already subscribed to the topic.
    Subscription,
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no such record.
    #[error("there is no {} {id}", kind.as_str())]
    NotFound {
        /// What it would be.
        kind: RecordKind,
        /// Its id or number.
        id: String,
    },
    /// Something that must be unique is not.
    #[error("there is already a {} with this {}", kind.as_str(), match taken { Taken::Id => "id", Taken::Address => "address", Taken::Email => "email", Taken::Phone => "phone", Taken::Subscription => "target and topic" })]
    Conflict {
        /// What was to be written.
        kind: RecordKind,
        /// What of it is taken.
        taken: Taken,
    },
    /// Somebody else has changed it meanwhile.
    #[error("this {} has been changed meanwhile (revision {actual}, you had {expected}): look at it again", kind.as_str())]
    Stale {
        /// What it is.
        kind: RecordKind,
        /// The revision that the caller had seen.
        expected: Revision,
        /// The revision that it has.
        actual: Revision,
    },
    /// The message's state does not allow it.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// The plan or a lane has moved on: read again and decide anew.
    #[error("the plan has moved on")]
    Moved,
    /// The call was done before, or is being done.
    #[error("a call with this name was done before")]
    Repeated,
    /// The disk does not take writes. Nothing is lost; it goes on by itself.
    #[error("the store cannot write ({cause}): free space or mend the disk, Herald goes on by itself")]
    Suspended {
        /// What the disk says.
        cause: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A newer version of Herald wrote this store.
    #[error(
        "this store has version {found}, this Herald knows up to {known}: start the Herald that wrote it, or restore an older copy"
    )]
    TooNew {
        /// The store's version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Somebody else holds the store.
    #[error("the store at {0} is in use by another process")]
    Locked(String),
    /// Sealed credentials cannot be opened.
    #[error("credentials cannot be opened: {0}")]
    Sealed(String),
    /// A file or the database is unreadable.
    #[error("the store is damaged: {0}; restore a copy with `herald restore`")]
    Damaged(String),
    /// Reading or writing failed.
    #[error("the store's disk: {0}")]
    Io(String),
}

/// The store's results.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
