//! Vonage: a token (JWT) in HS256 by the signature secret, with the SHA-256 of the body in it
//! (<https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks>); the
//! fields as in <https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts>.

use super::{Incoming, LATE, ReceiptError, Received, check_time, proof, said, text, time};
use crate::domain::provider::Receipt;
use crate::domain::receipt::Report;
use crate::domain::time::Timestamp;
use crate::providers::adapter::Account;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde_json::{Map, Value};

/// Absent for good, and a number that can be none.
const NO_SUCH_NUMBER: &[&str] = &["3", "9"];

pub(super) fn receive(
    account: &Account,
    incoming: &Incoming<'_>,
    now: Timestamp,
) -> Result<Received, ReceiptError> {
    let secret = proof(account, "signatureSecret")?;
    let none = ReceiptError::Forged("it has no token");
    let bearer = incoming.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let (signed, signature) = bearer.and_then(|token| token.rsplit_once('.')).ok_or(none.clone())?;
    let (head, claims) = signed.split_once('.').ok_or(none)?;
    let part = |text: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?).ok()
    };
    // The algorithm is ours to choose: a token that names another is none.
    if part(head).is_none_or(|head| head["alg"] != "HS256") {
        return Err(ReceiptError::Forged("its token is not in HS256"));
    }
    let given = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &given)
        .map_err(|_| ReceiptError::Forged("it is another secret's"))?;
    let claims = part(claims).ok_or(ReceiptError::Unreadable("the token has no claims"))?;
    check_time(&text(&claims["iat"]), now, LATE)?;
    let expected = super::unhex(&text(&claims["payload_hash"])).unwrap_or_default();
    if expected != digest::digest(&digest::SHA256, incoming.body).as_ref() {
        return Err(ReceiptError::Forged("the token is of another body"));
    }
    let form = || {
        let pairs = incoming.form().into_iter().map(|(name, value)| (name, Value::String(value)));
        Value::Object(pairs.collect::<Map<_, _>>())
    };
    let body = incoming.json().unwrap_or_else(|_| form());
    let once = Some(text(&claims["jti"])).filter(|id| !id.is_empty());
    Ok(Received { reports: vec![report(&body)], once, confirm: None })
}

fn report(body: &Value) -> Report {
    let error = text(&body["err-code"]);
    let status = text(&body["status"]);
    let what = match status.as_str() {
        "delivered" => Some(Receipt::Delivered),
        "failed" | "rejected" | "expired" | "undeliverable" => Some(Receipt::Bounced),
        _ => None,
    };
    let id = match &body["messageId"] {
        Value::Null => text(&body["message_uuid"]),
        id => text(id),
    };
    Report {
        what,
        permanent: what == Some(Receipt::Bounced) && NO_SUCH_NUMBER.contains(&error.as_str()),
        id,
        reference: text(&body["client-ref"]),
        address: text(&body["msisdn"]),
        code: error.parse().unwrap_or(0),
        said: said([status.as_str(), if error == "0" || error.is_empty() { "" } else { "err-code" }, &error]),
        // As `2020-01-01 12:00:00`, in UTC.
        at: time(&format!("{}Z", text(&body["message-timestamp"]).replacen(' ', "T", 1)).into()),
    }
}
