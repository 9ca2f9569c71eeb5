//! Twilio: HMAC-SHA1 of the URL that it calls and the sorted fields, by the auth token, in base64
//! (<https://www.twilio.com/docs/usage/security#validating-requests>). The fields as in
//! <https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks>, the codes
//! as in <https://www.twilio.com/docs/api/errors>. Nothing in it tells the time: that a receipt counts
//! once is what makes a replay harmless.

use super::{Incoming, ReceiptError, Received, said, switched_on};
use crate::domain::provider::Receipt;
use crate::domain::receipt::Report;
use crate::providers::adapter::Account;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::ExposeSecret as _;

/// Unknown handset, landline or carrier out of reach, no such number, no mobile number.
const NO_SUCH_NUMBER: &[&str] = &["30005", "30006", "21211", "21614"];
/// The recipient has replied STOP.
const OPTED_OUT: &str = "21610";

pub(super) fn receive(account: &Account, incoming: &Incoming<'_>) -> Result<Received, ReceiptError> {
    switched_on(account)?;
    let token = account.required_secret("authToken").map_err(|_| ReceiptError::NotSetUp("authToken"))?;
    let mut form = incoming.form();
    form.sort();
    let mut signed = incoming.url.to_owned();
    for (name, value) in &form {
        signed.push_str(name);
        signed.push_str(value);
    }
    let given = incoming
        .header("x-twilio-signature")
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or(ReceiptError::Forged("it has no signature"))?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.expose_secret().as_bytes());
    hmac::verify(&key, signed.as_bytes(), &given).map_err(|_| {
        ReceiptError::Forged(
            "it is another account's, or the setting api.public_url is not what Twilio calls",
        )
    })?;
    let field = |name: &str| {
        let found = form.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let either = |one: &str, other: &str| match field(one) {
        "" => field(other).to_owned(),
        found => found.to_owned(),
    };
    let code = field("ErrorCode");
    let what = match either("MessageStatus", "SmsStatus").as_str() {
        "delivered" | "read" => Some(Receipt::Delivered),
        "undelivered" | "failed" if code == OPTED_OUT => Some(Receipt::Unsubscribed),
        "undelivered" | "failed" => Some(Receipt::Bounced),
        _ => None,
    };
    let report = Report {
        what,
        permanent: what == Some(Receipt::Bounced) && NO_SUCH_NUMBER.contains(&code),
        id: either("MessageSid", "SmsSid"),
        address: field("To").to_owned(),
        code: code.parse().unwrap_or(0),
        said: said([if code.is_empty() { "" } else { "error" }, code, field("ErrorMessage")]),
        ..Report::default()
    };
    Ok(Received { reports: vec![report], once: None, confirm: None })
}
