//! A change of a provider's key: asked for before it replaces the old one, which can be rolled back to.
//!
//! A service that refuses the new key is believed, and the old one stays. A service that cannot be
//! reached says nothing of the key: then it is taken, and the audit says that it was not checked, so
//! that a program which rotates keys never hangs on the state of the network; the old one is kept.

use super::error::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::ids::ProviderId;
use crate::domain::provider::{Kind, Provider};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::providers::adapter::Account;
use crate::store::StoreError;
use crate::wire::ErrorType;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a replaced key is kept.
pub const KEPT: Duration = Duration::from_hours(24);
/// How long a service is asked at most.
const PATIENCE: Duration = Duration::from_secs(8);

/// Options that say where the credentials go: rolled back with them.
const WHERE: [&str; 4] = ["endpoint", "ca", "encryption", "autoTLS"];

type Credentials = BTreeMap<String, SecretString>;

/// Whether a secret that there was has another value now.
pub(super) fn is_one(kind: &Kind, before: &Credentials, after: &Credentials) -> bool {
    kind.fields.iter().filter(|field| field.secret).any(|field| {
        match (before.get(field.name), after.get(field.name)) {
            (Some(before), Some(after)) => before.expose_secret() != after.expose_secret(),
            _ => false,
        }
    })
}

impl Engine {
    /// Asks the service whether it takes a new key. Says what came of it, for the audit.
    pub(super) async fn check_key(
        &self,
        kind: &Kind,
        provider: &Provider,
        credentials: &Credentials,
        unchecked: bool,
    ) -> Outcome<String> {
        if unchecked {
            return Ok("not checked: the operator wanted it so".to_owned());
        }
        if !kind.can_check() {
            return Err(Refusal::new(
                ErrorType::ProviderKeyUnchecked,
                format!(
                    "{} cannot be asked whether it takes a key. Repeat with unchecked: true, then send a test \
                     message; the old key can be rolled back to for 24 hours",
                    kind.title
                ),
            ));
        }
        let allow_private = self.core.config.allows_private(provider);
        let account = Account {
            provider: provider.clone(),
            credentials: credentials.clone(),
            allow_private,
            receipts_url: None,
        };
        let adapter = match self.core.adapters.connect(&account, provider.channel) {
            Ok(adapter) => adapter,
            Err(error) => return Err(Refusal::new(ErrorType::ProviderKeyRefused, error.to_string())),
        };
        let report = tokio::time::timeout(PATIENCE, adapter.test()).await;
        adapter.close().await;
        match report {
            Ok(report) if report.ok => Ok("the service takes the new key".to_owned()),
            Ok(report) if report.refused => Err(Refusal::new(
                ErrorType::ProviderKeyRefused,
                format!("The new key was not taken over, the old one stays: {}", report.finding),
            )),
            Ok(report) => Ok(format!("the new key could not be checked: {}", report.finding)),
            Err(_) => Ok(format!("the new key could not be checked: no answer in {} s", PATIENCE.as_secs())),
        }
    }

    /// Until when a provider can be rolled back to the key before; `None`: there is none.
    pub async fn rollback_until(&self, provider: &Provider) -> Outcome<Option<Timestamp>> {
        let kept = self.store().replaced(provider.no).await?;
        let until = kept.map(|kept| kept.at.plus(KEPT));
        Ok(until.filter(|until| *until > self.now()))
    }

    /// Puts the key back that was replaced last, with the receiver that it was meant for. The key that
    /// it replaces is kept in turn.
    pub async fn roll_back_provider(&self, by: &Actor, id: &ProviderId) -> Outcome<Provider> {
        let mut provider = self.store().provider(id).await?;
        let nothing = || {
            let text =
                format!("Provider {id} has no key to roll back to: one is kept for 24 hours after a change");
            Refusal::not_now(text)
        };
        let kept = self.store().replaced(provider.no).await?.ok_or_else(nothing)?;
        let now = self.now();
        if kept.at.plus(KEPT) <= now {
            return Err(nothing());
        }
        for name in WHERE {
            match kept.options.get(name) {
                Some(value) => drop(provider.options.insert(name.to_owned(), value.clone())),
                None => drop(provider.options.remove(name)),
            }
        }
        provider.door = kept.door;
        if provider.hold.as_ref().is_some_and(|hold| hold.refusal().is_some()) {
            provider.hold = None;
        }
        provider.updated = now;
        let summary = format!("credentials rolled back to those of before {}", kept.at);
        let audit = self.entry(by, "provider.rollback", format_args!("provider/{id}"), summary);
        let expect = provider.revision;
        match self.store().roll_back(provider, expect, audit).await {
            Err(StoreError::Moved) => Err(nothing()),
            result => Ok(result?),
        }
    }

    /// Wipes keys that were replaced longer ago than they are kept.
    pub(crate) async fn wipe_replaced_keys(&self) -> Outcome<u64> {
        Ok(self.store().wipe_replaced(self.now().minus(KEPT)).await?)
    }
}
