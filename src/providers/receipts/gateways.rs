//! Services that sign nothing that could be verified: how their reports look, as a
//! table. And Herald's own form, which every kind with a secret URL takes, for
//! gateways of one's own and for whoever reads bounces that come by mail:
//!
//! ```json
//! {"events": [{"event": "bounced", "permanent": true, "id": "the service's id", "reference": "or the Message-ID",
//!              "to": "a@b.example", "code": 550, "text": "no such user", "at": "2026-03-01T10:00:00Z"}]}
//! ```
//!
//! `event` is `delivered`, `bounced`, `complained` or `unsubscribed`; of `id` and `reference` one is
//! enough, and the rest may be left out.

use super::{Incoming, ReceiptError, Received, said, text, time};
use crate::domain::provider::Receipt;
use crate::domain::receipt::Report;
use serde_json::{Map, Value};

/// How one service reports. Places are JSON pointers; a form is an object of texts.
struct Gateway {
    kind: &'static str,
    /// Where the list of reports is; empty: the body is one.
    list: &'static str,
    /// A list within each of these, whose members are the reports; empty: none.
    inner: &'static str,
    /// The service's id; with an inner list, looked for there and then around it.
    id: &'static [&'static str],
    to: &'static [&'static str],
    status: &'static str,
    code: &'static str,
    said: &'static [&'static str],
    at: &'static str,
    /// Words of the status, in lower case.
    delivered: &'static [&'static str],
    failed: &'static [&'static str],
    /// Codes that say that the number is none.
    permanent: &'static [&'static str],
    /// Codes that say that the recipient wants no more.
    opted_out: &'static [&'static str],
}

const NONE: Gateway = Gateway {
    kind: "",
    list: "",
    inner: "",
    id: &[],
    to: &[],
    status: "",
    code: "",
    said: &[],
    at: "",
    delivered: &["delivered"],
    failed: &[],
    permanent: &[],
    opted_out: &[],
};

/// The table. A service that is not in it reports in Herald's own form.
const GATEWAYS: &[Gateway] = &[
    // https://developers.sinch.com/docs/sms/api-reference/sms/webhooks; the words as in
    // https://developers.sinch.com/docs/sms/api-reference/sms/tag/Delivery-reports/. Sinch signs nothing:
    // basic authentication, OAuth or certificates are set up by its staff. No status says by itself that
    // a number is none: “deleted” may be that, or somebody who wants no more.
    Gateway {
        kind: "sinch",
        id: &["/batch_id"],
        to: &["/recipient"],
        status: "/status",
        code: "/code",
        said: &["/status", "/code"],
        at: "/at",
        failed: &["failed", "rejected", "aborted", "expired", "cancelled", "deleted"],
        ..NONE
    },
    // https://www.plivo.com/docs/messaging/api/message/message-status-callbacks and …/error-codes: 50 is
    // a number that is none or a landline, 70 one that is not active, 200 a reply of STOP.
    Gateway {
        kind: "plivo",
        id: &["/MessageUUID"],
        to: &["/To"],
        status: "/Status",
        code: "/ErrorCode",
        said: &["/Status", "/ErrorCode"],
        failed: &["undelivered", "failed", "rejected"],
        permanent: &["50", "70"],
        opted_out: &["200"],
        ..NONE
    },
    // https://www.infobip.com/docs/api/channels/sms/outbound-sms/receive-outbound-sms-message-reports.
    // Its “permanent” says that the same message would fail again, which content may be the cause of
    // (https://www.infobip.com/docs/developer-resources/api-fundamentals/error-code-reference): an unknown
    // subscriber is error 1. Reports can be signed for subscriptions that ask for it; how is not published.
    Gateway {
        kind: "infobip",
        list: "/results",
        id: &["/messageId"],
        to: &["/to"],
        status: "/status/groupName",
        code: "/error/id",
        said: &["/error/description", "/status/description"],
        at: "/doneAt",
        failed: &["undeliverable", "expired", "rejected"],
        permanent: &["1"],
        ..NONE
    },
    // https://docs.clickatell.com/channels/one-api/one-api-reference/ (status updates)
    Gateway {
        kind: "clickatell",
        list: "/event/messageStatusUpdate",
        id: &["/messageId"],
        to: &["/to"],
        status: "/status",
        code: "/statusCode",
        said: &["/status", "/statusDescription"],
        delivered: &["received_by_recipient", "delivered_to_recipient", "delivered"],
        failed: &["error_with_message", "error_delivering", "routing_error", "message_expired", "expired"],
        ..NONE
    },
    // https://developer.telesign.com/enterprise/reference/smscallbacks: 211 speaks of the handset or the
    // number; 220, that nothing can be routed there, may be of the network.
    Gateway {
        kind: "telesign",
        id: &["/reference_id"],
        status: "/status/code",
        code: "/status/code",
        said: &["/status/description"],
        at: "/status/updated_on",
        delivered: &["200", "201"],
        failed: &["207", "210", "211", "220", "221", "222", "229", "230", "231", "233", "237", "238", "250"],
        permanent: &["211"],
        ..NONE
    },
    // https://docs.seven.io/en/rest-api/endpoints/webhooks
    Gateway {
        kind: "seven",
        list: "/data",
        id: &["/msg_id"],
        status: "/status",
        said: &["/status"],
        at: "/timestamp",
        failed: &["notdelivered", "expired", "rejected", "failed"],
        ..NONE
    },
    // https://docs.msg91.com/reports/webhook
    Gateway {
        kind: "msg91",
        list: "/data",
        inner: "/report",
        id: &["/requestId"],
        to: &["/number"],
        status: "/desc",
        code: "/status",
        said: &["/desc"],
        at: "/date",
        failed: &["failed", "rejected", "blocked", "ndnc", "auto failed"],
        ..NONE
    },
];

/// Reads a request that came to the secret URL.
pub(super) fn read(kind: &str, incoming: &Incoming<'_>) -> Result<Received, ReceiptError> {
    let body = match incoming.json() {
        Ok(body) => body,
        Err(error) => {
            let form = incoming.form();
            if form.len() < 2 {
                return Err(error);
            }
            Value::Object(form.into_iter().map(|(name, value)| (name, value.into())).collect::<Map<_, _>>())
        }
    };
    let reports = match (body["events"].as_array(), GATEWAYS.iter().find(|row| row.kind == kind)) {
        (Some(events), _) => events.iter().map(own).collect(),
        (None, Some(row)) => row.reports(&body),
        (None, None) => return Err(ReceiptError::Unreadable("the body has no events")),
    };
    Ok(Received { reports, once: None, confirm: None })
}

/// An event in Herald's own form.
fn own(event: &Value) -> Report {
    let what = match text(&event["event"]).as_str() {
        "delivered" => Some(Receipt::Delivered),
        "bounced" => Some(Receipt::Bounced),
        "complained" => Some(Receipt::Complained),
        "unsubscribed" => Some(Receipt::Unsubscribed),
        _ => None,
    };
    let reference = text(&event["reference"]);
    let reference = reference.trim_start_matches('<').split(['@', '>']).next().unwrap_or_default();
    Report {
        what,
        permanent: what == Some(Receipt::Bounced) && event["permanent"] == true,
        id: text(&event["id"]),
        reference: reference.to_owned(),
        address: text(&event["to"]),
        code: text(&event["code"]).parse().unwrap_or(0),
        said: said([text(&event["text"]).as_str()]),
        at: time(&event["at"]),
    }
}

fn at<'v>(value: &'v Value, place: &str) -> &'v Value {
    if place.is_empty() { &Value::Null } else { value.pointer(place).unwrap_or(&Value::Null) }
}

impl Gateway {
    fn reports(&self, body: &Value) -> Vec<Report> {
        let one = std::slice::from_ref;
        let outer = match (body, at(body, self.list)) {
            (Value::Array(list), _) | (_, Value::Array(list)) => list.as_slice(),
            (_, Value::Null) => one(body),
            (_, found) => one(found),
        };
        let mut reports = Vec::new();
        for around in outer {
            match at(around, self.inner) {
                Value::Array(list) => reports.extend(list.iter().map(|inner| self.report(inner, around))),
                _ => reports.push(self.report(around, around)),
            }
        }
        reports
    }

    fn report(&self, report: &Value, around: &Value) -> Report {
        let first = |places: &[&str]| {
            let mut found =
                places.iter().flat_map(|place| [text(at(report, place)), text(at(around, place))]);
            found.find(|text| !text.is_empty()).unwrap_or_default()
        };
        let status = text(at(report, self.status)).to_lowercase();
        let code = text(at(report, self.code));
        let is = |words: &[&str]| words.contains(&status.as_str());
        let what = if is(self.delivered) {
            Some(Receipt::Delivered)
        } else if !is(self.failed) {
            None
        } else if self.opted_out.contains(&code.as_str()) {
            Some(Receipt::Unsubscribed)
        } else {
            Some(Receipt::Bounced)
        };
        let words: Vec<_> = self.said.iter().map(|place| text(at(report, place))).collect();
        Report {
            what,
            permanent: what == Some(Receipt::Bounced) && self.permanent.contains(&code.as_str()),
            id: first(self.id),
            address: first(self.to),
            code: code.parse().unwrap_or(0),
            said: said(words.iter().map(String::as_str)),
            at: time(at(report, self.at)),
            ..Report::default()
        }
    }
}
