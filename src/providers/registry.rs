//! Makes adapters from accounts, by the table of kinds.

use super::adapter::{Account, AccountError, Adapter, Adapters};
use super::http::Requests;
use super::sandbox::Sandbox;
use super::smtp::{Sessions, Smtp};
use crate::domain::channel::Channel;
use crate::domain::provider::kind;
use std::sync::Arc;

/// The adapters that Herald has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Registry {
    /// How SMTP sessions are used.
    pub sessions: Sessions,
    /// How HTTP requests are made.
    pub requests: Requests,
}

impl Adapters for Registry {
    fn connect(&self, account: &Account, channel: Channel) -> Result<Arc<dyn Adapter>, AccountError> {
        let name = account.provider.kind.as_str();
        let unknown = || AccountError::NoAdapter(name.to_owned());
        let kind = kind(name).filter(|kind| kind.adapter).ok_or_else(unknown)?;
        if !kind.channels.contains(&channel) {
            let problem = format!("providers of kind {name} do not deliver {channel}");
            return Err(account.invalid("type", problem));
        }
        match name {
            "smtp" => Ok(Arc::new(Smtp::new(account, kind, self.sessions)?)),
            "sandbox" => Ok(Arc::new(Sandbox::new(account, kind, channel, self.requests)?)),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::KINDS;

    #[test]
    fn every_kind_that_says_so_has_an_adapter() {
        for kind in KINDS.iter().filter(|kind| kind.adapter) {
            for &channel in kind.channels {
                let account = crate::providers::account::tests::account(kind.name, channel, &[], &[]);
                let refused = Registry::default().connect(&account, channel).err();
                assert!(
                    matches!(refused, Some(AccountError::Missing { .. })),
                    "{}: an empty account lacks something: {refused:?}",
                    kind.name
                );
            }
        }
    }

    #[test]
    fn a_kind_delivers_its_channels_only() {
        let account = crate::providers::account::tests::account("smtp", Channel::Email, &[], &[]);
        let refused = Registry::default().connect(&account, Channel::Sms).err();
        assert!(matches!(refused, Some(AccountError::Invalid { field, .. }) if field == "type"));
        let account = crate::providers::account::tests::account("pigeon", Channel::Email, &[], &[]);
        let refused = Registry::default().connect(&account, Channel::Email).err();
        assert_eq!(refused, Some(AccountError::NoAdapter("pigeon".to_owned())));
    }
}
