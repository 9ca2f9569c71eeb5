//! The use cases: what can be asked of Herald, whoever asks.
//!
//! Each takes values that have passed the rules of `domain::validate`, checks
//! what only the store knows, writes, and leaves an audit entry in the same
//! transaction.

pub mod drafts;
pub mod erasures;
pub mod error;
pub mod files;
pub mod find;
pub mod imports;
pub mod key_change;
pub mod keys;
pub(crate) mod log_filter;
pub mod message_actions;
pub mod messages;
pub(crate) mod names;
pub mod persons;
pub mod providers;
mod redact;
pub mod slow_start;
pub mod subscribing;
pub mod suppressions;
pub mod topics;
pub mod users;

pub use error::{Outcome, Refusal};

use super::Engine;
use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::ids::generate_id;

/// The dialect's word for "make one up".
pub const UNIQUE: &str = "unique()";

impl Engine {
    /// An id as it was given, or a new one for [`UNIQUE`].
    pub(super) fn id_or_new(&self, given: &str) -> String {
        if given == UNIQUE { self.new_id() } else { given.to_owned() }
    }

    /// A new id in the dialect's form.
    pub fn new_id(&self) -> String {
        let micros = u64::try_from(self.now().0).unwrap_or(0).saturating_mul(1000);
        generate_id(micros, self.random())
    }

    pub(crate) fn entry(
        &self,
        by: &Actor,
        event: &str,
        resource: impl std::fmt::Display,
        summary: impl Into<String>,
    ) -> AuditEntry {
        AuditEntry {
            at: self.now(),
            actor: by.clone(),
            event: event.to_owned(),
            resource: resource.to_string(),
            summary: summary.into(),
        }
    }
}
