//! Which provider a target gets.

use super::conditions::{Condition, Effect, Phase, effect};
use crate::domain::channel::Channel;
use crate::domain::ids::{ProviderId, ProviderNo};
use crate::domain::plan::NO_PROVIDER;
use crate::domain::provider::Provider;
use crate::domain::routing::Routing;

/// Providers in order, as plans see them.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// As the operator has ordered them; else by number.
    providers: Vec<Provider>,
    routing: Routing,
}

impl Choice {
    /// The choice among these providers, the lowest number first.
    pub fn new(providers: Vec<Provider>) -> Self {
        Self::with(providers, Routing::default())
    }

    /// The choice among these providers by these rules.
    pub fn with(mut providers: Vec<Provider>, routing: Routing) -> Self {
        providers.sort_by_key(|provider| (routing.place(&provider.id), provider.no));
        Self { providers, routing }
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Provider] {
        &self.providers
    }

    /// The rules.
    pub fn routing(&self) -> &Routing {
        &self.routing
    }

    /// A provider by number.
    pub fn get(&self, no: ProviderNo) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.no == no)
    }

    fn first(&self, mut fits: impl FnMut(&Provider) -> bool) -> ProviderNo {
        self.providers
            .iter()
            .find(|provider| {
                let takes =
                    provider.enabled || effect(Condition::Disabled, Phase::NewPlan) != Effect::Replanned;
                takes && fits(provider)
            })
            .map_or(NO_PROVIDER, |provider| provider.no)
    }

    /// Whether somebody with another address might get another provider.
    pub fn looks_at_addresses(&self, channel: Channel) -> bool {
        channel == Channel::Sms && !self.routing.prefixes.is_empty()
    }

    /// The provider for a target of a channel: its own, if that is enabled and of the
    /// channel; else, of a phone number, the one that its country goes through; else the first
    /// enabled one of the channel. A push token that is pinned
    /// goes to its own service or to nobody: to another provider of the same kind when
    /// its own is switched off, and nowhere when its own is gone.
    pub fn choose(&self, channel: Channel, pinned: Option<&ProviderId>, address: &str) -> ProviderNo {
        let own = pinned.and_then(|pinned| self.providers.iter().find(|provider| provider.id == *pinned));
        match own {
            Some(own) if own.enabled && own.channel == channel => own.no,
            Some(own) if channel == Channel::Push && own.channel == channel => {
                self.first(|provider| provider.channel == channel && provider.kind == own.kind)
            }
            None if channel == Channel::Push && pinned.is_some() => NO_PROVIDER,
            _ => self
                .by_country(channel, address)
                .map_or_else(|| self.first(|provider| provider.channel == channel), |provider| provider.no),
        }
    }

    /// The provider that the rules name for a number, if it is enabled.
    pub fn by_country(&self, channel: Channel, address: &str) -> Option<&Provider> {
        if !self.looks_at_addresses(channel) {
            return None;
        }
        let rule = self.routing.rule(address)?;
        let mut named = self.providers.iter().filter(|provider| provider.id == rule.provider_id);
        named.find(|provider| provider.enabled && provider.channel == channel)
    }

    /// Who steps in for a provider: the next in order that is enabled, delivers the same and is well;
    /// behind the last the first comes again. A push token goes to the same service only.
    pub fn after(&self, provider: &Provider, well: impl Fn(&Provider) -> bool) -> Option<ProviderNo> {
        let at = self.providers.iter().position(|other| other.no == provider.no)?;
        let (before, behind) = self.providers.split_at(at);
        let mut others = behind.iter().skip(1).chain(before);
        let fits = |other: &&Provider| {
            other.enabled
                && other.channel == provider.channel
                && (other.channel != Channel::Push || other.kind == provider.kind)
                && well(other)
        };
        others.find(fits).map(|other| other.no)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::ids::Revision;
    use crate::domain::provider::Limits;
    use crate::domain::time::Timestamp;

    pub(crate) fn provider(no: u32, kind: &str, channel: Channel, enabled: bool) -> Provider {
        Provider {
            no: ProviderNo(no),
            id: ProviderId::new(format!("p{no}")).unwrap(),
            name: format!("Provider {no}"),
            kind: kind.into(),
            channel,
            enabled,
            options: std::collections::BTreeMap::new(),
            credentials: std::collections::BTreeMap::new(),
            limits: Limits::default(),
            hold: None,
            created: Timestamp(0),
            updated: Timestamp(0),
            revision: Revision(1),
            guard: None,
            door: crate::domain::provider::Door::Local,
        }
    }

    #[test]
    fn the_rule() {
        let choice = Choice::new(vec![
            provider(1, "smtp", Channel::Email, false),
            provider(2, "smtp", Channel::Email, true),
            provider(3, "sendgrid", Channel::Email, true),
            provider(4, "fcm", Channel::Push, false),
            provider(5, "apns", Channel::Push, true),
            provider(6, "fcm", Channel::Push, true),
        ]);
        let pin = |no: u32| ProviderId::new(format!("p{no}")).unwrap();
        let choose =
            |channel, pinned: Option<u32>| choice.choose(channel, pinned.map(pin).as_ref(), "+4915112345").0;
        assert_eq!(choose(Channel::Email, None), 2, "the first enabled one");
        assert_eq!(choose(Channel::Email, Some(3)), 3, "its own");
        assert_eq!(choose(Channel::Email, Some(1)), 2, "its own is off");
        assert_eq!(choose(Channel::Email, Some(9)), 2, "its own is gone");
        assert_eq!(choose(Channel::Email, Some(5)), 2, "its own is of another type");
        assert_eq!(choose(Channel::Push, None), 5);
        assert_eq!(choose(Channel::Push, Some(4)), 6, "another account of the same service");
        assert_eq!(choose(Channel::Push, Some(9)), 0, "nobody knows what service it was");
        assert_eq!(choose(Channel::Sms, None), 0);
    }

    #[test]
    fn a_token_never_goes_to_another_service() {
        let choice = Choice::new(vec![
            provider(1, "fcm", Channel::Push, false),
            provider(2, "apns", Channel::Push, true),
        ]);
        let own = ProviderId::new("p1").unwrap();
        assert_eq!(choice.choose(Channel::Push, Some(&own), "token"), NO_PROVIDER);
        // Whatever is switched on or off, in whatever order they were made.
        let kinds = ["fcm", "apns", "webpush", "sandbox"];
        for pinned in 0..kinds.len() {
            for on in 0..1 << kinds.len() {
                let all: Vec<_> = (0..kinds.len())
                    .map(|n| provider(n as u32 + 1, kinds[n], Channel::Push, on >> n & 1 == 1))
                    .collect();
                let choice = Choice::new(all);
                let own = ProviderId::new(format!("p{}", pinned + 1)).unwrap();
                let chosen = choice.choose(Channel::Push, Some(&own), "token");
                let kind = choice.get(chosen).map(|provider| provider.kind.as_str());
                assert!(kind.is_none_or(|kind| kind == kinds[pinned]), "{own} of {on:b}: {kind:?}");
                assert_eq!(kind.is_some(), on >> pinned & 1 == 1);
            }
        }
    }

    #[test]
    fn the_order_the_country_and_who_steps_in() {
        let id = |no: u32| ProviderId::new(format!("p{no}")).unwrap();
        let rule = |prefix: &str, no| crate::domain::routing::PrefixRule {
            prefix: prefix.into(),
            provider_id: id(no),
        };
        let routing = Routing {
            order: vec![id(3), id(1)],
            prefixes: vec![rule("+49", 1), rule("+491", 2), rule("+1", 4), rule("+44", 5)],
            ..Routing::default()
        };
        let choice = Choice::with(
            vec![
                provider(1, "twilio", Channel::Sms, true),
                provider(2, "vonage", Channel::Sms, true),
                provider(3, "sinch", Channel::Sms, true),
                provider(4, "plivo", Channel::Sms, false),
                provider(5, "smtp", Channel::Email, true),
            ],
            routing,
        );
        let to = |number: &str| choice.choose(Channel::Sms, None, number).0;
        assert_eq!(to("+4930123456"), 1);
        assert_eq!(to("+4915112345"), 2, "the longest");
        assert_eq!(to("+12025550100"), 3, "its provider is off: the first in order");
        assert_eq!(to("+442012345"), 3, "its provider delivers something else");
        assert_eq!(choice.choose(Channel::Sms, Some(&id(3)), "+4915112345").0, 3, "its own comes first");
        let after = |no: u32, ill: u32| {
            choice.after(choice.get(ProviderNo(no)).unwrap(), |other| other.no.0 != ill).map(|no| no.0)
        };
        assert_eq!((after(3, 0), after(1, 0), after(2, 0)), (Some(1), Some(2), Some(3)));
        assert_eq!((after(3, 1), after(5, 0)), (Some(2), None));
    }
}
