//! Amazon SES by way of an SNS topic, whose messages are signed with a certificate of SNS
//! (<https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html>);
//! the notifications as in
//! <https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html> and
//! <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>.
//!
//! Everybody can have a topic that SNS signs for: only the account's own is believed, and only its
//! subscription is confirmed.

use super::certificate::{is_trusted, signed};
use super::{Incoming, LATE, ReceiptError, Received, permanent, proof, said, text, time};
use crate::domain::provider::Receipt;
use crate::domain::receipt::Report;
use crate::domain::time::Timestamp;
use crate::providers::adapter::Account;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

/// What is signed of a notification, and of a request to confirm.
const NOTIFICATION: &[&str] = &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const CONFIRMATION: &[&str] =
    &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

pub(super) fn receive(
    account: &Account,
    incoming: &Incoming<'_>,
    now: Timestamp,
    certificate: Option<&[u8]>,
) -> Result<Received, ReceiptError> {
    let topic = proof(account, "snsTopicArn")?;
    let body = incoming.json()?;
    if text(&body["TopicArn"]) != topic {
        return Err(ReceiptError::Forged("it is of another topic"));
    }
    let endpoint = account.text("endpoint").and_then(|text| Url::parse(&text).ok());
    let trusted =
        |field: &str| Url::parse(&text(&body[field])).ok().filter(|url| is_trusted(url, endpoint.as_ref()));
    let from = trusted("SigningCertURL").ok_or(ReceiptError::Forged("its certificate is not at SNS"))?;
    let Some(certificate) = certificate else { return Err(ReceiptError::Certificate(from)) };
    let kind = text(&body["Type"]);
    let fields = if kind == "Notification" { NOTIFICATION } else { CONFIRMATION };
    let mut canonical = String::new();
    for field in fields {
        // A notification may have no subject; all else is always there.
        if let Some(value) = body[*field].as_str() {
            canonical.push_str(field);
            canonical.push('\n');
            canonical.push_str(value);
            canonical.push('\n');
        }
    }
    let sha256 = match text(&body["SignatureVersion"]).as_str() {
        "1" => false,
        "2" => true,
        _ => return Err(ReceiptError::Forged("its signature is of an unknown version")),
    };
    let signature = STANDARD.decode(text(&body["Signature"])).unwrap_or_default();
    match signed(certificate, sha256, canonical.as_bytes(), &signature) {
        Some(true) => {}
        Some(false) => return Err(ReceiptError::Forged("the certificate did not sign it")),
        None => return Err(ReceiptError::Forged("its certificate cannot be read")),
    }
    let at = time(&body["Timestamp"]).ok_or(ReceiptError::Forged("it has no time"))?;
    if at > now.plus(super::AHEAD) || at < now.minus(LATE) {
        return Err(ReceiptError::Stale);
    }
    let once = Some(text(&body["MessageId"]));
    match kind.as_str() {
        "SubscriptionConfirmation" => {
            let url = trusted("SubscribeURL").ok_or(ReceiptError::Forged("it confirms elsewhere"))?;
            Ok(Received { confirm: Some(url), once, ..Received::default() })
        }
        "Notification" => {
            let message: Value = serde_json::from_str(&text(&body["Message"])).unwrap_or_default();
            Ok(Received { reports: reports(&message), once, confirm: None })
        }
        // Somebody has ended the subscription: whoever did knows.
        _ => Ok(Received { once, ..Received::default() }),
    }
}

fn reports(event: &Value) -> Vec<Report> {
    let kind = match &event["notificationType"] {
        Value::Null => text(&event["eventType"]),
        kind => text(kind),
    };
    let part = |name: &str| event[name].clone();
    let (what, part, list) = match kind.as_str() {
        "Delivery" => (Some(Receipt::Delivered), part("delivery"), "recipients"),
        "Bounce" => (Some(Receipt::Bounced), part("bounce"), "bouncedRecipients"),
        "Complaint" => (Some(Receipt::Complained), part("complaint"), "complainedRecipients"),
        "Reject" => (Some(Receipt::Bounced), part("reject"), ""),
        "Subscription" => (Some(Receipt::Unsubscribed), part("subscription"), ""),
        _ => (None, Value::Null, ""),
    };
    let recipients = match part[list].as_array() {
        Some(list) => list.clone(),
        None => event["mail"]["destination"].as_array().cloned().unwrap_or_default(),
    };
    let says = text(&part["bounceType"]) == "Permanent";
    let sub = text(&part["bounceSubType"]);
    let one = |to: &Value| {
        let address = if to.is_string() { text(to) } else { text(&to["emailAddress"]) };
        let diagnosis = text(&to["diagnosticCode"]);
        let status = format!("{} {diagnosis}", text(&to["status"]));
        let further = [&part["smtpResponse"], &part["complaintFeedbackType"], &part["reason"]].map(text);
        Report {
            what,
            permanent: what == Some(Receipt::Bounced) && permanent(says, &status),
            id: text(&event["mail"]["messageId"]),
            address,
            said: said(
                [diagnosis.as_str(), sub.as_str()].into_iter().chain(further.iter().map(String::as_str)),
            ),
            code: reply(&diagnosis),
            at: time(&part["timestamp"]),
            ..Report::default()
        }
    };
    recipients.iter().map(one).collect()
}

/// The reply code in `smtp; 550 5.1.1 …`.
fn reply(diagnosis: &str) -> u16 {
    let words = diagnosis.trim_start_matches("smtp;").trim();
    words.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0)
}
