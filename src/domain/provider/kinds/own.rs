//! Kinds that are no public service.

use super::{CA, Kind, Proof, RECEIPT_TOKEN, Receipt, Shape, option, secret};
use crate::domain::channel::Channel;
use std::time::Duration;

pub(super) const HTTP: Kind = Kind {
    name: "http",
    title: "Custom HTTP",
    channels: &[Channel::Email, Channel::Sms, Channel::Push],
    fields: &[
        option("endpoint", "The URL that takes messages", true, Shape::Url),
        option("method", "POST if not given", false, Shape::OneOf(&["GET", "POST", "PUT", "PATCH"])),
        option("path", "Template added to the URL's path; values are escaped for it", false, Shape::Template),
        option(
            "query",
            "Template of the query, as to={{ recipient.to }}; values are escaped for it",
            false,
            Shape::Template,
        ),
        option(
            "contentType",
            "application/json if not given; values are escaped for it",
            false,
            Shape::Text(128),
        ),
        option("headers", "Further headers: a JSON object of names and templates", false, Shape::Json),
        option(
            "body",
            "Template of the body, except with GET; sees recipient, recipients, message, secret",
            false,
            Shape::Template,
        ),
        secret("secret", "What the templates name as secret", false, Shape::Text(1024)),
        option("batch", "Recipients in a request; 1 if not given", false, Shape::Text(4)),
        option(
            "successStatus",
            "Statuses of an answer that is read, with | between; 200 to 299 if not given",
            false,
            Shape::Text(64),
        ),
        option(
            "resultsPath",
            "JSON pointer to a batch's results: a list, or an object by recipient",
            false,
            Shape::Text(256),
        ),
        option(
            "recipientPath",
            "JSON pointer, within a result, to its recipient or reference; else the order says",
            false,
            Shape::Text(256),
        ),
        option(
            "successPath",
            "JSON pointer to what says that it was taken; else the status does",
            false,
            Shape::Text(256),
        ),
        option("successValue", "Its values that mean success, with | between", false, Shape::Text(256)),
        option(
            "successPattern",
            "Instead, for answers in text: a regular expression; its first group is the id",
            false,
            Shape::Text(256),
        ),
        option("idPath", "JSON pointer to the message's id", false, Shape::Text(256)),
        option("codePath", "JSON pointer to the code of a refusal", false, Shape::Text(256)),
        option(
            "codePattern",
            "Instead, for answers in text: a regular expression; its first group is the code",
            false,
            Shape::Text(256),
        ),
        option(
            "meanings",
            "JSON: accepted, retry, permanent, expired, misconfigured, uncertain, each a list of statuses (numbers) and codes (texts)",
            false,
            Shape::Json,
        ),
        RECEIPT_TOKEN,
        CA,
    ],
    batch: 1000,
    concurrency: 8,
    rate: None,
    request: Some(1024 * 1024),
    text: None,
    idempotency: None,
    check: "none: the templates are tried; what the gateway says shows with a test message",
    receipts: &[Receipt::Delivered, Receipt::Bounced, Receipt::Complained, Receipt::Unsubscribed],
    proof: Proof::Token,
    source: "the documentation of this crate, module providers::custom",
    adapter: true,
};

pub(super) const SANDBOX: Kind = Kind {
    name: "sandbox",
    title: "Sandbox",
    channels: &[Channel::Sms, Channel::Push],
    fields: &[
        option("endpoint", "Where the sandbox listens, as http://127.0.0.1:PORT", true, Shape::Url),
        secret("token", "The sandbox's token", true, Shape::Text(256)),
        option("from", "Sender of SMS", false, Shape::Text(256)),
        option("batch", "true: up to 100 recipients in a request", false, Shape::Flag),
        RECEIPT_TOKEN,
    ],
    batch: 100,
    concurrency: 32,
    rate: None,
    request: Some(1024 * 1024),
    text: None,
    idempotency: Some(Duration::from_hours(24)),
    check: "POST /send/sms or /send/push without recipients",
    receipts: &[Receipt::Delivered, Receipt::Bounced, Receipt::Complained, Receipt::Unsubscribed],
    proof: Proof::Token,
    source: "the documentation of this crate, module sandbox",
    adapter: true,
};
