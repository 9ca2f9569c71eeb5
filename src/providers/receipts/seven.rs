//! Seven: HMAC-SHA256 by the account's signing secret, hexadecimal, over time, nonce, method, URL and
//! the body's MD5, each in a line of its own (<https://docs.seven.io/en/rest-api/signing>; for webhooks
//! `WebhookVerifier` of github.com/seven-io/js-client).

use super::{FRESH, Incoming, ReceiptError, Received, check_time, gateways, proof, unhex};
use crate::domain::hex::hex;
use crate::domain::time::Timestamp;
use crate::providers::adapter::Account;
use md5::{Digest as _, Md5};
use ring::hmac;

pub(super) fn receive(
    account: &Account,
    incoming: &Incoming<'_>,
    now: Timestamp,
) -> Result<Received, ReceiptError> {
    let secret = proof(account, "signingSecret")?;
    let header = |name: &str| incoming.header(name).unwrap_or_default();
    let (at, nonce) = (header("x-timestamp"), header("x-nonce"));
    let given = unhex(header("x-signature")).filter(|given| !given.is_empty());
    let given = given.ok_or(ReceiptError::Forged("it has no signature"))?;
    let body = hex(&Md5::digest(incoming.body));
    let signed = [at, nonce, "POST", incoming.url, &body].join("\n");
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes(), &given).map_err(
        |_| {
            ReceiptError::Forged(
                "it is another account's, or the setting api.public_url is not what Seven calls",
            )
        },
    )?;
    check_time(at, now, FRESH)?;
    let once = Some(nonce.to_owned()).filter(|nonce| !nonce.is_empty());
    Ok(Received { once, ..gateways::read("seven", incoming)? })
}
