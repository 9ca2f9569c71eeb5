//! The Store trait in the domain's words, and its embedded implementation on redb.
//!
//! No method assumes that it is alone: what depends on what somebody has seen
//! carries a revision or a cursor, and is refused when that has moved.

pub mod catalog;
pub mod disk;
pub mod dispatch;
pub mod documents;
pub mod embedded;
pub mod error;
pub mod files;
pub mod history;
pub mod log;
pub mod messages;
pub mod page;
pub mod people;
pub mod receipts;
pub mod seal;
pub mod suppressions;

pub use error::{RecordKind, Result, StoreError, Taken};

/// Everything that Herald remembers.
pub trait Store:
    people::People
    + catalog::Catalog
    + files::Buckets
    + messages::Messages
    + dispatch::Dispatch
    + documents::Documents
    + suppressions::Suppressions
    + history::History
    + receipts::Receipts
    + Send
    + Sync
    + 'static
{
}

impl<T> Store for T where
    T: people::People
        + catalog::Catalog
        + files::Buckets
        + files::Buckets
        + messages::Messages
        + dispatch::Dispatch
        + documents::Documents
        + suppressions::Suppressions
        + suppressions::Suppressions
        + history::History
        + receipts::Receipts
        + Send
        + Sync
        + 'static
{
}
