//! Services that deliver text messages.

use super::{CA, ENDPOINT, Kind, Receipt, SENDER, Shape, credential, secret};
use crate::domain::channel::Channel;

pub(super) const TWILIO: Kind = Kind {
    name: "twilio",
    title: "Twilio",
    channels: &[Channel::Sms],
    fields: &[
        credential("accountSid", "Account SID: AC and 32 hexadecimal digits", true, Shape::Text(64)),
        secret("authToken", "Auth token", true, Shape::Text(256)),
        SENDER,
        ENDPOINT,
        CA,
    ],
    batch: 1,
    concurrency: 16,
    rate: None,
    request: None,
    text: Some(1600),
    idempotency: None,
    check: "GET /2010-04-01/Accounts/{accountSid}.json",
    receipts: &[Receipt::Delivered, Receipt::Bounced],
    source: "https://www.twilio.com/docs/messaging/api/message-resource",
    adapter: true,
};
