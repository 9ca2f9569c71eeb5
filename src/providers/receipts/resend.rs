//! Resend, which signs as Svix does: HMAC-SHA256 over id, timestamp and body
//! (<https://docs.svix.com/receiving/verifying-payloads/how-manual>,
//! <https://resend.com/docs/webhooks/introduction>); the events as in
//! <https://resend.com/docs/webhooks/emails/bounced>.

use super::{FRESH, Incoming, ReceiptError, Received, check_time, permanent, proof, said, text, time};
use crate::domain::provider::Receipt;
use crate::domain::receipt::Report;
use crate::domain::time::Timestamp;
use crate::providers::adapter::Account;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;

pub(super) fn receive(
    account: &Account,
    incoming: &Incoming<'_>,
    now: Timestamp,
) -> Result<Received, ReceiptError> {
    let secret = proof(account, "webhookSecret")?;
    let secret = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap_or(&secret))
        .map_err(|_| ReceiptError::NotSetUp("webhookSecret as Resend shows it, whsec_…"))?;
    let header = |name: &str| {
        let own = incoming.header(&format!("svix-{name}"));
        own.or_else(|| incoming.header(&format!("webhook-{name}"))).unwrap_or_default()
    };
    let (id, at) = (header("id"), header("timestamp"));
    let signed = [id.as_bytes(), b".", at.as_bytes(), b".", incoming.body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    // Several while a secret is being changed.
    let good = header("signature").split(' ').any(|signature| {
        let given = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        given.is_some_and(|given| hmac::verify(&key, &signed, &given).is_ok())
    });
    if !good {
        return Err(ReceiptError::Forged("none of its signatures is by our secret"));
    }
    check_time(at, now, FRESH)?;
    let body = incoming.json()?;
    Ok(Received { reports: reports(&body), once: Some(id.to_owned()), confirm: None })
}

fn reports(body: &Value) -> Vec<Report> {
    let data = &body["data"];
    let bounce = &data["bounce"];
    let message = text(&bounce["message"]);
    let what = match text(&body["type"]).as_str() {
        "email.delivered" => Some(Receipt::Delivered),
        // Failed: it was not sent. Suppressed: Resend has it on a list of its own.
        "email.bounced" | "email.failed" | "email.suppressed" => Some(Receipt::Bounced),
        "email.complained" => Some(Receipt::Complained),
        _ => None,
    };
    let permanently = text(&bounce["type"]) == "Permanent";
    let to = data["to"].as_array().map(Vec::as_slice).unwrap_or_default();
    let one = |address: &Value| Report {
        what,
        permanent: what == Some(Receipt::Bounced) && permanent(permanently, &message),
        id: text(&data["email_id"]),
        address: text(address),
        said: said([message.as_str(), &text(&bounce["subType"]), &text(&data["failed"]["reason"])]),
        at: time(&body["created_at"]),
        ..Report::default()
    };
    if to.is_empty() { vec![one(&Value::Null)] } else { to.iter().map(one).collect() }
}
