//! Telesign: HMAC-SHA256 of the body by the API key's bytes, in base64, in the header
//! `Authorization` (`verify_telesign_callback_signature` of <https://github.com/TeleSign/python_telesign>;
//! <https://developer.telesign.com/enterprise/docs/transaction-callback-service>). Nothing in it tells
//! the time: that a receipt counts once is what makes a replay harmless.

use super::{Incoming, ReceiptError, Received, gateways, switched_on};
use crate::providers::adapter::Account;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::ExposeSecret as _;

pub(super) fn receive(account: &Account, incoming: &Incoming<'_>) -> Result<Received, ReceiptError> {
    switched_on(account)?;
    let key = account.required_secret("apiKey").map_err(|_| ReceiptError::NotSetUp("apiKey"))?;
    // The example key of the documentation has characters between that are none of base64's: the SDKs
    // pass them over.
    let key: String = key
        .expose_secret()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
        .collect();
    let key = STANDARD.decode(key).map_err(|_| ReceiptError::NotSetUp("apiKey as Telesign shows it"))?;
    let given = incoming
        .header("authorization")
        // A scheme and a customer's id may stand before it; neither sign is one of base64's.
        .and_then(|text| text.rsplit([' ', ':']).next())
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or(ReceiptError::Forged("it has no signature"))?;
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), incoming.body, &given)
        .map_err(|_| ReceiptError::Forged("it is another account's"))?;
    gateways::read("telesign", incoming)
}
