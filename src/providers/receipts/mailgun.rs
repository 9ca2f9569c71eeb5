//! Mailgun: an HMAC-SHA256 of timestamp and token in the body, hexadecimal
//! (<https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks>);
//! the events as in
//! <https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads>.
//! The signature does not cover the event: whoever sees a request on its way could change it, which
//! TLS prevents, and a token is taken once.

use super::{Incoming, LATE, ReceiptError, Received, check_time, permanent, proof, said, text, time, unhex};
use crate::domain::provider::Receipt;
use crate::domain::receipt::Report;
use crate::domain::time::Timestamp;
use crate::providers::adapter::Account;
use ring::hmac;
use serde_json::Value;

pub(super) fn receive(
    account: &Account,
    incoming: &Incoming<'_>,
    now: Timestamp,
) -> Result<Received, ReceiptError> {
    let key = proof(account, "webhookSigningKey")?;
    let body = incoming.json()?;
    let signature = &body["signature"];
    let (at, token) = (text(&signature["timestamp"]), text(&signature["token"]));
    let given = unhex(&text(&signature["signature"])).ok_or(ReceiptError::Forged("it has no signature"))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hmac::verify(&key, format!("{at}{token}").as_bytes(), &given)
        .map_err(|_| ReceiptError::Forged("it is another key's"))?;
    check_time(&at, now, LATE)?;
    if token.is_empty() {
        return Err(ReceiptError::Forged("it has no token"));
    }
    Ok(Received { reports: vec![report(&body["event-data"])], once: Some(token), confirm: None })
}

fn report(event: &Value) -> Report {
    let status = &event["delivery-status"];
    let (message, description) = (text(&status["message"]), text(&status["description"]));
    let (severity, reason) = (text(&event["severity"]), text(&event["reason"]));
    let id = text(&event["message"]["headers"]["message-id"]);
    let words = text(&status["enhanced-code"]) + " " + &message;
    let mut report = Report {
        // The Message-ID that was asked for, or Mailgun's own.
        reference: id.split('@').next().unwrap_or_default().to_owned(),
        id,
        address: text(&event["recipient"]),
        code: text(&status["code"]).parse().unwrap_or(0),
        said: said([message.as_str(), description.as_str(), if reason == "generic" { "" } else { &reason }]),
        at: time(&event["timestamp"]),
        ..Report::default()
    };
    report.what = match text(&event["event"]).as_str() {
        "delivered" => Some(Receipt::Delivered),
        // A temporary failure is tried again by Mailgun.
        "failed" if severity == "permanent" => {
            report.permanent = match reason.as_str() {
                "bounce" | "suppress-bounce" => permanent(true, &words),
                // Tried for too long, blocked, or for reasons that Mailgun does not sort: the code decides.
                _ => super::enhanced(&words).is_some() && permanent(true, &words),
            };
            Some(Receipt::Bounced)
        }
        "complained" => Some(Receipt::Complained),
        "unsubscribed" => Some(Receipt::Unsubscribed),
        _ => None,
    };
    report
}
