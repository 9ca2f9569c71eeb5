//! The contract of the store: what every implementation of the trait must do,
//! run against the embedded one; then what only the embedded one promises.

// Helpers of tests: failing is what a panic is for.
#![allow(clippy::unwrap_used)]

/// Makes a test of each function of the contract, for every implementation.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::fixture::store()).await;
            })*
        }
    };
}

#[path = "store/fixture.rs"]
mod fixture;

#[path = "store/catalog.rs"]
mod catalog;
#[path = "store/documents.rs"]
mod documents;
#[path = "store/failing.rs"]
mod failing;
#[path = "store/files.rs"]
mod files;
#[path = "store/history.rs"]
mod history;
#[path = "store/imports.rs"]
mod imports;
#[path = "store/messages.rs"]
mod messages;
#[path = "store/opening.rs"]
mod opening;
#[path = "store/people.rs"]
mod people;
#[path = "store/planning.rs"]
mod planning;
#[path = "store/receipts.rs"]
mod receipts;
#[path = "store/sending.rs"]
mod sending;
#[path = "store/sums.rs"]
mod sums;
#[path = "store/suppressions.rs"]
mod suppressions;
