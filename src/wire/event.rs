//! What has changed: the event stream.
//!
//! `GET /v1/herald/events` is a stream of Server-Sent Events. Each says up to
//! which point everything has changed, never what: a reader compares the counts
//! with those it has seen and fetches what it shows. At most ten come a second,
//! each stands for all before it, and so a reader that was away misses nothing.
//! `event: reset` says that the counts began anew (another process).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts that grow with each change of their part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    /// Commits.
    pub commits: u64,
    /// Users and targets.
    pub people: u64,
    /// Topics and subscribers.
    pub topics: u64,
    /// Providers.
    pub providers: u64,
    /// Messages: content, state or progress.
    pub messages: u64,
    /// The schedule.
    pub schedule: u64,
    /// Plans.
    pub plans: u64,
    /// The next row of the delivery log.
    pub log: u64,
    /// Operations, drafts, endpoints and alerts.
    pub documents: u64,
    /// Events of the engine: one more with each change of anything, of the disk's health, or of a switch.
    pub engine: u64,
}

/// What the stream says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Everything up to these counts has changed.
    Changed(Changes),
    /// The counts began anew: fetch everything.
    Reset(Changes),
}
