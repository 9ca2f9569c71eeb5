//! Kinds that are no public service.

use super::{Kind, Shape, option, secret};
use crate::domain::channel::Channel;
use std::time::Duration;

pub(super) const SANDBOX: Kind = Kind {
    name: "sandbox",
    title: "Sandbox",
    channels: &[Channel::Sms, Channel::Push],
    fields: &[
        option("endpoint", "Where the sandbox listens, as http://127.0.0.1:PORT", true, Shape::Url),
        secret("token", "The sandbox's token", true, Shape::Text(256)),
        option("from", "Sender of SMS", false, Shape::Text(256)),
        option("batch", "true: up to 100 recipients in a request", false, Shape::Flag),
    ],
    batch: 100,
    concurrency: 32,
    rate: None,
    request: Some(1024 * 1024),
    text: None,
    idempotency: Some(Duration::from_hours(24)),
    check: "POST /send/sms or /send/push without recipients",
    receipts: &[],
    source: "the documentation of this crate, module sandbox",
    adapter: true,
};
