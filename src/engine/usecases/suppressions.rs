//! The suppression list: who is put on it and taken off.

use super::error::Outcome;
use crate::domain::audit::Actor;
use crate::domain::suppression::{Suppress, SuppressionCause};
use crate::engine::Engine;
use crate::store::suppressions::SuppressReceipt;

/// The most addresses that one transaction puts on the list.
const STEP: usize = 1000;

impl Engine {
    /// Puts addresses on the suppression list: what a receipt, a recipient or an
    /// operator says. (Bounces at dispatch are written by the commit that records
    /// them.) An address that is on it already for the same cause and topic stays
    /// as it is. The addresses must be valid for their type.
    pub async fn suppress(&self, by: &Actor, list: Vec<Suppress>) -> Outcome<SuppressReceipt> {
        let mut receipt = SuppressReceipt::default();
        let mut list = list.into_iter().peekable();
        while list.peek().is_some() {
            let step: Vec<_> = list.by_ref().take(STEP).collect();
            let audit = self.entry(by, "suppression.create", "suppression", summary(&step));
            let done = self.store().suppress(step, audit).await?;
            receipt.added.extend(done.added);
            receipt.known += done.known;
        }
        Ok(receipt)
    }
}

/// What is done, without an address: the audit outlives a person who is erased.
fn summary(list: &[Suppress]) -> String {
    let parts = SuppressionCause::ALL.into_iter().filter_map(|cause| {
        let of: Vec<_> = list.iter().filter(|one| one.cause == cause).collect();
        let first = of.first()?;
        let what = if of.len() == 1 { "1 address".to_owned() } else { format!("{} addresses", of.len()) };
        let mut text = format!("{what} suppressed: {cause}");
        if cause == SuppressionCause::Unsubscribe && !first.topics.is_empty() {
            let topics: Vec<&str> = first.topics.iter().map(AsRef::as_ref).collect();
            text = format!("{text} from {}", topics.join(", "));
        }
        if let Some(provider) = &first.source.provider {
            text = format!("{text}, as {provider} says");
        }
        Some(text)
    });
    parts.collect::<Vec<_>>().join("; ")
}
