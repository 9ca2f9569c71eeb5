//! Telnyx: Ed25519 over timestamp, `|` and body, in base64
//! (<https://developers.telnyx.com/docs/development/api-fundamentals/webhooks>); the events as in
//! <https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks>.

use super::{FRESH, Incoming, ReceiptError, Received, check_time, proof, said, text, time};
use crate::domain::provider::Receipt;
use crate::domain::receipt::Report;
use crate::domain::time::Timestamp;
use crate::providers::adapter::Account;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

/// The number is a landline or none that can be routed to, the carrier calls it invalid, or Telnyx
/// does; the recipient has replied STOP
/// (<https://developers.telnyx.com/docs/messaging/messages/error-codes>).
const NO_SUCH_NUMBER: &[&str] = &["40001", "40012", "40310"];
const OPTED_OUT: &str = "40300";

pub(super) fn receive(
    account: &Account,
    incoming: &Incoming<'_>,
    now: Timestamp,
) -> Result<Received, ReceiptError> {
    let key = STANDARD
        .decode(proof(account, "webhookPublicKey")?)
        .map_err(|_| ReceiptError::NotSetUp("webhookPublicKey as Telnyx shows it"))?;
    let at = incoming.header("telnyx-timestamp").unwrap_or_default();
    let signature = incoming
        .header("telnyx-signature-ed25519")
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or(ReceiptError::Forged("it has no signature"))?;
    let signed = [at.as_bytes(), b"|", incoming.body].concat();
    UnparsedPublicKey::new(&ED25519, key)
        .verify(&signed, &signature)
        .map_err(|_| ReceiptError::Forged("it is another key's"))?;
    check_time(at, now, FRESH)?;
    let body = incoming.json()?;
    let data = &body["data"];
    let once = Some(text(&data["id"])).filter(|id| !id.is_empty());
    let reports = if text(&data["event_type"]) == "message.finalized" { reports(data) } else { Vec::new() };
    Ok(Received { reports, once, confirm: None })
}

fn reports(data: &Value) -> Vec<Report> {
    let payload = &data["payload"];
    let error = &payload["errors"][0];
    let code = text(&error["code"]);
    let to = payload["to"].as_array().map(Vec::as_slice).unwrap_or_default();
    let one = |to: &Value| {
        let status = text(&to["status"]);
        let what = match status.as_str() {
            "delivered" => Some(Receipt::Delivered),
            "delivery_failed" | "sending_failed" if code == OPTED_OUT => Some(Receipt::Unsubscribed),
            "delivery_failed" | "sending_failed" => Some(Receipt::Bounced),
            _ => None,
        };
        Report {
            what,
            permanent: what == Some(Receipt::Bounced) && NO_SUCH_NUMBER.contains(&code.as_str()),
            id: text(&payload["id"]),
            address: text(&to["phone_number"]),
            code: code.parse().unwrap_or(0),
            said: said([status.as_str(), &code, &text(&error["title"]), &text(&error["detail"])]),
            at: time(&data["occurred_at"]),
            ..Report::default()
        }
    };
    to.iter().map(one).collect()
}
