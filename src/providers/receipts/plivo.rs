//! Plivo: HMAC-SHA256 by the auth token, in base64, in one of two schemes.
//!
//! The third is over the URL, the sorted fields and a nonce, as Plivo's SDKs compute it
//! (`signature_v3` of github.com/plivo/plivo-python): the URL without its query, `?`, the query's
//! fields sorted, as `name=value` with `&` between and `.` behind, the body's fields sorted, as name and
//! value without anything between, `.` and the nonce. It is documented for calls
//! (<https://plivo.com/docs/voice/concepts/signature-validation>) and comes with messages too.
//!
//! The second, which is the one that is documented for messages
//! (<https://plivo.com/docs/messaging/concepts/signature-validation>), is over the URL without its
//! query and the nonce, and so does not cover what is reported: whoever sees a request on its way could
//! change it, which TLS prevents, and a nonce is taken once.
//!
//! Of each there may be several signatures with commas between, and a second header by the main
//! account's token (`…-Ma-…`). Nothing tells the time: that a nonce, and a receipt, counts once is
//! what makes a replay harmless.

use super::{Incoming, ReceiptError, Received, gateways, switched_on};
use crate::providers::adapter::Account;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::ExposeSecret as _;
use url::Url;

/// A scheme's headers: of its signatures, and of its nonce.
struct Scheme {
    signatures: [&'static str; 2],
    nonce: &'static str,
    signed: fn(&Incoming<'_>, &Url, &str) -> String,
}

/// Both schemes. What verifies by either comes from Plivo.
const SCHEMES: [Scheme; 2] = [
    Scheme {
        signatures: ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"],
        nonce: "x-plivo-signature-v3-nonce",
        signed: third,
    },
    Scheme {
        signatures: ["x-plivo-signature-v2", "x-plivo-signature-ma-v2"],
        nonce: "x-plivo-signature-v2-nonce",
        signed: |_, url, nonce| format!("{}{nonce}", bare(url)),
    },
];

/// A URL without its query.
fn bare(url: &Url) -> &str {
    &url[..url::Position::AfterPath]
}

fn third(incoming: &Incoming<'_>, url: &Url, nonce: &str) -> String {
    let mut query: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let mut form = incoming.form();
    query.sort();
    form.sort();
    let mut text = bare(url).to_owned();
    if !query.is_empty() || !form.is_empty() {
        text.push('?');
    }
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    text.push_str(&query.join("&"));
    if !query.is_empty() && !form.is_empty() {
        text.push('.');
    }
    text.extend(form.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    format!("{text}.{nonce}")
}

pub(super) fn receive(account: &Account, incoming: &Incoming<'_>) -> Result<Received, ReceiptError> {
    switched_on(account)?;
    let token = account.required_secret("authToken").map_err(|_| ReceiptError::NotSetUp("authToken"))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.expose_secret().as_bytes());
    let url = Url::parse(incoming.url).map_err(|_| ReceiptError::Unreadable("its URL is none"))?;
    let mut problem = "it has no signature";
    for scheme in &SCHEMES {
        let Some(nonce) = incoming.header(scheme.nonce).filter(|nonce| !nonce.is_empty()) else { continue };
        let signed = (scheme.signed)(incoming, &url, nonce);
        let given = scheme.signatures.iter().filter_map(|name| incoming.header(name));
        for given in given.flat_map(|list| list.split(',')) {
            let given = STANDARD.decode(given.trim()).unwrap_or_default();
            if hmac::verify(&key, signed.as_bytes(), &given).is_ok() {
                let once = Some(nonce.to_owned());
                return Ok(Received { once, ..gateways::read("plivo", incoming)? });
            }
            problem = "it is another account's, or the setting api.public_url is not what Plivo calls";
        }
    }
    Err(ReceiptError::Forged(problem))
}
