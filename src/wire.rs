//! The API's request and response types: Appwrite's dialect for `/v1/messaging`
//! and `/v1/users`, and Herald's own under `/v1/herald`.
//!
//! Response types hold the dialect's keys in the dialect's order; what Herald
//! adds stands behind them. Request types are what a client sends: a field that
//! is `None` is left out, which the dialect reads as "not given".

pub mod alert;
pub mod delivery;
pub mod draft;
pub mod error;
pub mod event;
pub mod fields;
pub mod history;
pub mod key;
pub mod list;
pub mod message;
pub mod operation;
pub mod overview;
pub mod person;
pub mod preview;
pub mod provider;
pub mod query;
pub mod routing;
pub mod storage;
pub mod suppression;
pub mod topic;
pub mod transfer;
pub mod webhook;

pub use error::{ErrorBody, ErrorType};
pub use query::Query;

/// The version of the dialect that Herald speaks, as its `version` fields say it.
pub const DIALECT_VERSION: &str = "1.9.6";

/// Names of headers, in lower case.
pub mod header {
    /// The API key.
    pub const KEY: &str = "x-appwrite-key";
    /// The project; Herald has one and accepts any name.
    pub const PROJECT: &str = "x-appwrite-project";
    /// The operator's name, believed on the socket and in this process only.
    pub const OPERATOR: &str = "x-herald-operator";
    /// A name for a create, by which it can be repeated without effect.
    pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
    /// Behind the body of an import: its reader was told to stop, it is not the file's end.
    pub const IMPORT_STOPPED: &str = "x-herald-import-stopped";
    /// In an answer: it was given before, to the same call.
    pub const REPLAYED: &str = "idempotency-replayed";
    /// The request's id: taken from the caller if it is printable, else made; in every answer.
    pub const REQUEST_ID: &str = "x-request-id";
}

/// Every path of Herald's own begins with this.
pub const HERALD: &str = "/v1/herald";
