//! How recipients are shared out among providers: read and changed.

use super::Engine;
use super::error::Result;
use super::usecases::{Outcome, Refusal};
use crate::domain::audit::Actor;
use crate::domain::channel::Channel;
use crate::domain::ids::{ProviderId, TargetId};
use crate::domain::provider::Provider;
use crate::domain::routing::{Failover, PrefixRule, Routing};
use crate::domain::validate::Invalid;
use crate::store::documents::{DocumentChange, Expected, Shelf};
use crate::store::{Store, StoreError};

/// The one document of the shelf.
const KEY: &str = "routing";

/// The rules, and the document as it is: a change expects it.
pub(crate) async fn read(store: &dyn Store) -> Result<(Routing, Expected)> {
    let Some(bytes) = store.document(Shelf::Routing, KEY).await? else {
        return Ok((Routing::default(), Expected::Nothing));
    };
    let routing = serde_json::from_slice(&bytes)
        .map_err(|error| StoreError::Damaged(format!("the rules for providers: {error}")))?;
    Ok((routing, Expected::Value(bytes)))
}

/// What is changed of the rules; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingEdit {
    /// Providers in order.
    pub order: Option<Vec<ProviderId>>,
    /// The rules for countries, all of them.
    pub prefixes: Option<Vec<PrefixRule>>,
    /// What one provider may hand on.
    pub failover: Option<(ProviderId, Failover)>,
}

impl Engine {
    /// The rules, without providers that are gone.
    pub async fn routing(&self) -> Outcome<Routing> {
        let mut routing = read(&**self.store()).await?.0;
        let providers = self.store().providers().await?;
        tidy(&mut routing, &providers);
        routing.order = in_order(&routing, &providers);
        Ok(routing)
    }

    /// Changes the rules.
    pub async fn edit_routing(&self, by: &Actor, edit: RoutingEdit) -> Outcome<Routing> {
        loop {
            let (mut routing, expect) = read(&**self.store()).await?;
            let providers = self.store().providers().await?;
            tidy(&mut routing, &providers);
            let (resource, summary) = take(&mut routing, &edit, &providers)?;
            routing.check()?;
            let value = serde_json::to_vec(&routing)
                .map_err(|error| StoreError::Damaged(format!("the rules for providers: {error}")))?;
            let change =
                DocumentChange { expect: Some(expect), ..DocumentChange::put(Shelf::Routing, KEY, value) };
            let audit = self.entry(by, "provider.routing", format_args!("{resource}"), summary);
            match self.store().write_documents(vec![change], Some(audit)).await {
                // Somebody was quicker: what was asked for still holds.
                Err(StoreError::Moved) => {}
                result => {
                    result?;
                    self.core.touch_all();
                    return self.routing().await;
                }
            }
        }
    }
}

impl Engine {
    /// The rule by which a target's number goes where it goes; `None`: it has a provider of its own, it
    /// is no phone number, or no rule fits.
    pub async fn country_rule(&self, target: &TargetId) -> Outcome<Option<PrefixRule>> {
        let target = self.store().target(target).await?;
        let choice = self.core.choice().await?;
        let named = choice.by_country(target.channel, &target.identifier);
        let own = target.provider.as_ref();
        let fits = named
            .filter(|named| choice.choose(target.channel, own, &target.identifier) == named.no)
            .filter(|named| own != Some(&named.id));
        Ok(fits.and_then(|_| choice.routing().rule(&target.identifier).cloned()))
    }
}

/// All providers in order.
fn in_order(routing: &Routing, providers: &[Provider]) -> Vec<ProviderId> {
    let mut all: Vec<_> = providers.iter().collect();
    all.sort_by_key(|provider| (routing.place(&provider.id), provider.no));
    all.into_iter().map(|provider| provider.id.clone()).collect()
}

/// Takes out what names providers that are gone.
fn tidy(routing: &mut Routing, providers: &[Provider]) {
    let known = |id: &ProviderId| providers.iter().any(|provider| provider.id == *id);
    routing.order.retain(known);
    routing.prefixes.retain(|rule| known(&rule.provider_id));
    routing.failover.retain(|id, _| known(id));
}

/// Takes an edit over. Says what it was about, and what was changed, for the audit.
fn take(routing: &mut Routing, edit: &RoutingEdit, providers: &[Provider]) -> Outcome<(String, String)> {
    let find = |param: &'static str, id: &ProviderId| {
        let found = providers.iter().find(|provider| provider.id == *id);
        found.ok_or_else(|| Refusal::from(Invalid::value(param, format!("There is no provider {id}"))))
    };
    let (mut resource, mut parts) = ("routing".to_owned(), Vec::new());
    if let Some(order) = &edit.order {
        for (n, id) in order.iter().enumerate() {
            find("order", id)?;
            if order[..n].contains(id) {
                return Err(Invalid::value("order", format!("{id} stands twice")).into());
            }
        }
        // Who is not named stays behind those who are, in the order of before.
        let mut all = order.clone();
        all.extend(in_order(routing, providers).into_iter().filter(|id| !order.contains(id)));
        let words: Vec<_> = all.iter().map(ProviderId::as_str).collect();
        parts.push(format!("order: {}", words.join(", ")));
        routing.order = all;
    }
    if let Some(prefixes) = &edit.prefixes {
        for rule in prefixes {
            let named = find("prefixes", &rule.provider_id)?;
            if named.channel != Channel::Sms {
                let text = format!("{} delivers no text messages", rule.provider_id);
                return Err(Invalid::value("prefixes", text).into());
            }
        }
        let words: Vec<_> =
            prefixes.iter().map(|rule| format!("{} → {}", rule.prefix, rule.provider_id)).collect();
        parts.push(format!("countries: {}", if words.is_empty() { "none".into() } else { words.join(", ") }));
        routing.prefixes.clone_from(prefixes);
    }
    if let Some((id, failover)) = &edit.failover {
        find("providerId", id)?;
        resource = format!("provider/{id}");
        let word = |allowance: &crate::domain::routing::Allowance| match (allowance.allowed, allowance.until)
        {
            (false, _) => "no".to_owned(),
            (true, None) => "yes".to_owned(),
            (true, Some(until)) => format!("until {until}"),
        };
        parts.push(format!("failover: bulk {}, direct {}", word(&failover.bulk), word(&failover.direct)));
        routing.failover.insert(id.clone(), *failover);
    }
    Ok((resource, if parts.is_empty() { "nothing changed".into() } else { parts.join("; ") }))
}
