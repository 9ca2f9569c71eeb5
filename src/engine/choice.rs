//! Which provider a target gets.

use super::conditions::{Condition, Effect, Phase, effect};
use crate::domain::channel::Channel;
use crate::domain::ids::{ProviderId, ProviderNo};
use crate::domain::plan::NO_PROVIDER;
use crate::domain::provider::Provider;

/// Providers in order of number, as plans see them.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    providers: Vec<Provider>,
}

impl Choice {
    /// The choice among these providers, which come in order of number.
    pub fn new(providers: Vec<Provider>) -> Self {
        Self { providers }
    }

    /// All of them.
    pub fn all(&self) -> &[Provider] {
        &self.providers
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

    /// The provider for a target of a channel: its own, if that is enabled and of the
    /// channel; else the first enabled one of the channel. A push token that is pinned
    /// goes to its own service or to nobody: to another provider of the same kind when
    /// its own is switched off, and nowhere when its own is gone.
    pub fn choose(&self, channel: Channel, pinned: Option<&ProviderId>) -> ProviderNo {
        let Some(pinned) = pinned else {
            return self.first(|provider| provider.channel == channel);
        };
        let own = self.providers.iter().find(|provider| provider.id == *pinned);
        match own {
            Some(own) if own.enabled && own.channel == channel => own.no,
            Some(own) if channel == Channel::Push && own.channel == channel => {
                self.first(|provider| provider.channel == channel && provider.kind == own.kind)
            }
            None if channel == Channel::Push => NO_PROVIDER,
            _ => self.first(|provider| provider.channel == channel),
        }
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
        let choose = |channel, pinned: Option<u32>| choice.choose(channel, pinned.map(pin).as_ref()).0;
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
        assert_eq!(choice.choose(Channel::Push, Some(&own)), NO_PROVIDER);
        // Whatever is switched on or off, in whatever order they were made.
        let kinds = ["fcm", "apns", "webpush", "sandbox"];
        for pinned in 0..kinds.len() {
            for on in 0..1 << kinds.len() {
                let all: Vec<_> = (0..kinds.len())
                    .map(|n| provider(n as u32 + 1, kinds[n], Channel::Push, on >> n & 1 == 1))
                    .collect();
                let choice = Choice::new(all);
                let own = ProviderId::new(format!("p{}", pinned + 1)).unwrap();
                let chosen = choice.choose(Channel::Push, Some(&own));
                let kind = choice.get(chosen).map(|provider| provider.kind.as_str());
                assert!(kind.is_none_or(|kind| kind == kinds[pinned]), "{own} of {on:b}: {kind:?}");
                assert_eq!(kind.is_some(), on >> pinned & 1 == 1);
            }
        }
    }
}
