//! Makes adapters from accounts, by the table of kinds.

use super::adapter::{Account, AccountError, Adapter, Adapters};
use super::apns::{self, Apns};
use super::clickatell::{self, Clickatell};
use super::custom::Custom;
use super::fast2sms::{self, Fast2Sms};
use super::fcm::{self, Fcm};
use super::http::Requests;
use super::infobip::Infobip;
use super::inforu::{self, Inforu};
use super::mailgun::{self, Mailgun};
use super::meaning::Meaning;
use super::msg91::{self, Msg91};
use super::plivo::{self, Plivo};
use super::resend::{self, Resend};
use super::sandbox::Sandbox;
use super::sendgrid::{self, SendGrid};
use super::service::{Opening, Protocol, Service};
use super::ses::{self, Ses};
use super::seven::{self, Seven};
use super::sinch::{self, Sinch};
use super::smtp::{Sessions, Smtp};
use super::telesign::{self, Telesign};
use super::telnyx::{self, Telnyx};
use super::textmagic::{self, Textmagic};
use super::twilio::{self, Twilio};
use super::vonage::{self, Vonage};
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
            "clickatell" => over_http(account, kind, self.requests, clickatell::BASE, Clickatell::new),
            "fast2sms" => over_http(account, kind, self.requests, fast2sms::BASE, Fast2Sms::new),
            "infobip" => {
                let host = account.required("apiBaseUrl")?;
                let host = host.trim_start_matches("https://").trim_end_matches('/');
                over_http(account, kind, self.requests, &format!("https://{host}"), Infobip::new)
            }
            "inforu" => over_http(account, kind, self.requests, inforu::BASE, Inforu::new),
            "mailgun" => {
                let base = if account.flag("isEuRegion", false)? { mailgun::EU_BASE } else { mailgun::BASE };
                over_http(account, kind, self.requests, base, Mailgun::new)
            }
            "msg91" => over_http(account, kind, self.requests, msg91::BASE, Msg91::new),
            "plivo" => over_http(account, kind, self.requests, plivo::BASE, Plivo::new),
            "resend" => over_http(account, kind, self.requests, resend::BASE, Resend::new),
            "sendgrid" => over_http(account, kind, self.requests, sendgrid::BASE, SendGrid::new),
            "ses" => {
                let base = ses::base(&account.required("region")?);
                over_http(account, kind, self.requests, &base, Ses::new)
            }
            "seven" => over_http(account, kind, self.requests, seven::BASE, Seven::new),
            "sinch" => over_http(account, kind, self.requests, sinch::BASE, Sinch::new),
            "telesign" => over_http(account, kind, self.requests, telesign::BASE, Telesign::new),
            "telnyx" => over_http(account, kind, self.requests, telnyx::BASE, Telnyx::new),
            "textmagic" => over_http(account, kind, self.requests, textmagic::BASE, Textmagic::new),
            "twilio" => over_http(account, kind, self.requests, twilio::BASE, Twilio::new),
            "vonage" => over_http(account, kind, self.requests, vonage::BASE, Vonage::new),
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
        "clickatell" => Clickatell::MEANINGS,
        "fast2sms" => Fast2Sms::MEANINGS,
        "infobip" => Infobip::MEANINGS,
        "inforu" => Inforu::MEANINGS,
        "mailgun" => Mailgun::MEANINGS,
        "msg91" => Msg91::MEANINGS,
        "plivo" => Plivo::MEANINGS,
        "resend" => Resend::MEANINGS,
        "sendgrid" => SendGrid::MEANINGS,
        "ses" => Ses::MEANINGS,
        "seven" => Seven::MEANINGS,
        "sinch" => Sinch::MEANINGS,
        "telesign" => Telesign::MEANINGS,
        "telnyx" => Telnyx::MEANINGS,
        "textmagic" => Textmagic::MEANINGS,
        "twilio" => Twilio::MEANINGS,
        "fcm" => fcm::MEANINGS,
        "apns" => apns::MEANINGS,
        "webpush" => webpush::MEANINGS,
        "vonage" => Vonage::MEANINGS,
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
