//! SendGrid: ECDSA on P-256 with SHA-256 over the header's timestamp and the body, in base64
//! (<https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features>);
//! the events, several in a request, as in
//! <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>.

use super::{Incoming, LATE, ReceiptError, Received, check_time, permanent, proof, said, text, time};
use crate::domain::provider::Receipt;
use crate::domain::receipt::Report;
use crate::domain::time::Timestamp;
use crate::providers::adapter::Account;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::Value;

/// What a P-256 key begins with as `SubjectPublicKeyInfo` (RFC 5480); the point follows.
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

pub(super) fn receive(
    account: &Account,
    incoming: &Incoming<'_>,
    now: Timestamp,
) -> Result<Received, ReceiptError> {
    let unusable = ReceiptError::NotSetUp("webhookPublicKey as SendGrid shows it");
    let key = proof(account, "webhookPublicKey")?;
    let key: String = key.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let key = STANDARD.decode(key).map_err(|_| unusable.clone())?;
    let point = key.strip_prefix(P256).filter(|point| point.len() == 65).ok_or(unusable)?;
    let at = incoming.header("x-twilio-email-event-webhook-timestamp").unwrap_or_default();
    let signature = incoming
        .header("x-twilio-email-event-webhook-signature")
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or(ReceiptError::Forged("it has no signature"))?;
    let signed = [at.as_bytes(), incoming.body].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(&signed, &signature)
        .map_err(|_| ReceiptError::Forged("it is another key's"))?;
    check_time(at, now, LATE)?;
    let Value::Array(events) = incoming.json()? else {
        return Err(ReceiptError::Unreadable("the body is no list of events"));
    };
    let reports = events.iter().map(report).collect();
    Ok(Received { reports, once: Some(STANDARD.encode(&signature)), confirm: None })
}

fn report(event: &Value) -> Report {
    let (reason, response) = (text(&event["reason"]), text(&event["response"]));
    let status = text(&event["status"]);
    let sent = text(&event["sg_message_id"]);
    let mut report = Report {
        // `X-Message-Id` of the request, then how it was filtered.
        id: sent.split('.').next().unwrap_or_default().to_owned(),
        address: text(&event["email"]),
        said: said([reason.as_str(), response.as_str()]),
        code: status_code(&reason).or_else(|| status_code(&response)).unwrap_or(0),
        at: time(&event["timestamp"]),
        ..Report::default()
    };
    report.what = match text(&event["event"]).as_str() {
        "delivered" => Some(Receipt::Delivered),
        "bounce" => {
            // A block speaks of us.
            report.permanent =
                text(&event["type"]) != "blocked" && permanent(true, &format!("{status} {reason}"));
            Some(Receipt::Bounced)
        }
        // SendGrid's own lists, by the reasons that its documentation names.
        "dropped" => match reason.as_str() {
            "Bounced Address" | "Invalid" => {
                report.permanent = true;
                Some(Receipt::Bounced)
            }
            "Spam Reporting Address" => Some(Receipt::Complained),
            "Unsubscribed Address" => Some(Receipt::Unsubscribed),
            _ => Some(Receipt::Bounced),
        },
        "spamreport" => Some(Receipt::Complained),
        "unsubscribe" | "group_unsubscribe" => Some(Receipt::Unsubscribed),
        _ => None,
    };
    report
}

/// The SMTP reply code that a text begins with.
fn status_code(text: &str) -> Option<u16> {
    text.get(..3)?.parse().ok().filter(|code| (200..600).contains(code))
}
