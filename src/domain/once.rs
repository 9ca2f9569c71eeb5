//! Calls that may be repeated without a second effect.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For how long a call is remembered.
pub const REMEMBERED: Duration = Duration::from_hours(24);

/// A call that its caller may repeat. It travels with the caller, and is written
/// in the transaction that does what was asked: both are there, or neither is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// SHA-256 of who calls and the name that it gave the call.
    pub key: [u8; 32],
    /// SHA-256 of what was asked.
    pub call: [u8; 32],
}

/// A call that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// SHA-256 of what was asked.
    pub call: [u8; 32],
    /// When.
    pub at: Timestamp,
    /// What it made, as `message/ID`.
    pub resource: String,
    /// What was answered; `None`: that was not kept.
    pub answer: Option<Vec<u8>>,
}

impl Done {
    /// Whether it is still remembered.
    pub fn holds(&self, now: Timestamp) -> bool {
        now.since(self.at) < REMEMBERED
    }
}
