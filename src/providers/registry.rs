//! Makes adapters from accounts, by the table of kinds.

use super::adapter::{Account, AccountError, Adapter, Adapters};
use super::apns::{self, Apns};
use super::custom::Custom;
use super::fcm::{self, Fcm};
use super::http::Requests;
use super::mailgun::{self, Mailgun};
use super::meaning::Meaning;
use super::resend::{self, Resend};
use super::sandbox::Sandbox;
use super::sendgrid::{self, SendGrid};
use super::service::{Opening, Protocol, Service};
use super::smtp::{Sessions, Smtp};
use super::twilio::{self, Twilio};
use super::webpush::{self, WebPush};
use crate::domain::channel::Channel;
use crate::domain::provider::{Kind, kind};
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
            "mailgun" => {
                let base = if account.flag("isEuRegion", false)? { mailgun::EU_BASE } else { mailgun::BASE };
                over_http(account, kind, self.requests, base, Mailgun::new)
            }
            "resend" => over_http(account, kind, self.requests, resend::BASE, Resend::new),
            "sendgrid" => over_http(account, kind, self.requests, sendgrid::BASE, SendGrid::new),
            "twilio" => over_http(account, kind, self.requests, twilio::BASE, Twilio::new),
            "smtp" => Ok(Arc::new(Smtp::new(account, kind, self.sessions)?)),
            "fcm" => Ok(Arc::new(Fcm::new(account, kind, self.requests)?)),
            "apns" => Ok(Arc::new(Apns::new(account, kind, self.requests)?)),
            "webpush" => Ok(Arc::new(WebPush::new(account, kind, self.requests)?)),
            "http" => Ok(Arc::new(Custom::new(account, kind, channel, self.requests)?)),
            "sandbox" => Ok(Arc::new(Sandbox::new(account, kind, channel, self.requests)?)),
            _ => Err(unknown()),
        }
    }
}

/// The adapter for a service over HTTP.
fn over_http<P: Protocol>(
    account: &Account,
    kind: &'static Kind,
    requests: Requests,
    base: &str,
    protocol: impl FnOnce(&Opening<'_>) -> Result<P, AccountError>,
) -> Result<Arc<dyn Adapter>, AccountError> {
    Ok(Arc::new(Service::new(account, kind, requests, base, protocol)?))
}

/// What the refusals of a kind's service mean: the rows of its adapter. Empty for
/// kinds that are not spoken to over HTTP, and for the sandbox.
pub fn meanings(kind: &str) -> &'static [Meaning] {
    match kind {
        "mailgun" => Mailgun::MEANINGS,
        "resend" => Resend::MEANINGS,
        "sendgrid" => SendGrid::MEANINGS,
        "twilio" => Twilio::MEANINGS,
        "fcm" => fcm::MEANINGS,
        "apns" => apns::MEANINGS,
        "webpush" => webpush::MEANINGS,
        _ => &[],
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
