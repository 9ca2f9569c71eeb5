//! The body of an error.

use serde::{Deserialize, Serialize};

/// What every answer from 400 up carries, in the dialect's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// For people: what is wrong and what to do.
    pub message: String,
    /// The HTTP status.
    pub code: u16,
    /// For programs, such as `message_not_found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The dialect's version.
    pub version: String,
}
