//! The [`Store`](crate::store::Store) trait on the embedded store: each call is one
//! operation of the writer or one snapshot.

mod catalog;
mod dispatch;
mod documents;
mod files;
mod history;
mod messages;
mod people;
mod receipts;
mod suppressions;
