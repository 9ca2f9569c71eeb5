//! The control API: faults and records of a sandbox in another process. The routes stand in
//! the documentation of [`crate::sandbox`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::HttpServer;
use super::answer::Answer;
use crate::sandbox::faults::{FaultPlan, ServerFaults};
use crate::sandbox::record::{Kept, Kind, Record};
use crate::sandbox::services::Gateway;

/// Messages that `last` gives if the request does not say how many.
const LAST: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    recipients: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    kind: Kind,
    at_ms: u64,
    from: String,
    recipients: Vec<String>,
    reference: String,
    /// In base64: a mail need not be text.
    content: String,
}

impl From<Kept> for Message {
    fn from(kept: Kept) -> Self {
        Self {
            kind: kept.kind,
            at_ms: kept.at_ms,
            from: kept.from,
            recipients: kept.recipients,
            reference: kept.reference,
            content: STANDARD.encode(kept.content),
        }
    }
}

/// Answers a control request; `path` is what follows `/control`.
pub(super) fn answer(server: &HttpServer, method: &Method, path: &str, query: &str, body: &[u8]) -> Answer {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    match segments.as_slice() {
        ["faults"] => only(method, &Method::GET, "GET", || {
            Answer::json(&json!({
                "smtp": server.all_faults.smtp.plan(),
                "http": server.all_faults.http.plan(),
            }))
        }),
        ["faults", name, rest @ ..] => {
            let faults = match *name {
                "smtp" => &server.all_faults.smtp,
                "http" => &server.all_faults.http,
                _ => return no_path(),
            };
            match rest {
                [] => plan(faults, method, body),
                ["counts"] => only(method, &Method::GET, "GET", || Answer::json(&faults.counts())),
                ["disconnect"] => only(method, &Method::POST, "POST", || {
                    faults.disconnect();
                    Answer::json(&json!({}))
                }),
                _ => no_path(),
            }
        }
        ["gateway"] => gateway(&server.gateway, method, body),
        ["accounts"] => only(method, &Method::GET, "GET", || {
            Answer::json(&crate::sandbox::push::accounts(&server.origin))
        }),
        ["record"] => match *method {
            Method::GET => Answer::json(&server.record.summary()),
            Method::DELETE => {
                server.record.clear();
                Answer::json(&json!({}))
            }
            _ => Answer::not_allowed("GET, DELETE"),
        },
        ["record", "missing"] => only(method, &Method::POST, "POST", || missing(&server.record, body)),
        ["record", what] => {
            if method != Method::GET {
                return Answer::not_allowed("GET");
            }
            query_record(&server.record, what, query)
        }
        _ => no_path(),
    }
}

fn no_path() -> Answer {
    Answer::error(StatusCode::NOT_FOUND, "not_found", "No such control.")
}

fn only(method: &Method, wanted: &Method, allow: &'static str, answer: impl FnOnce() -> Answer) -> Answer {
    if method == wanted { answer() } else { Answer::not_allowed(allow) }
}

fn gateway(gateway: &Mutex<Gateway>, method: &Method, body: &[u8]) -> Answer {
    let mut held = gateway.lock().unwrap_or_else(PoisonError::into_inner);
    match *method {
        Method::GET => {}
        Method::DELETE => *held = Gateway::default(),
        Method::PUT => match serde_json::from_slice::<Gateway>(body) {
            Ok(new) if (100..=599).contains(&new.status) => *held = new,
            Ok(_) => return Answer::malformed("A status is from 100 to 599."),
            Err(error) => return Answer::malformed(&format!("This is no gateway: {error}.")),
        },
        _ => return Answer::not_allowed("GET, PUT, DELETE"),
    }
    Answer::json(&*held)
}

fn plan(faults: &Arc<ServerFaults>, method: &Method, body: &[u8]) -> Answer {
    match *method {
        Method::GET => Answer::json(&faults.plan()),
        Method::PUT => match serde_json::from_slice::<FaultPlan>(body) {
            Ok(plan) => match faults.set(plan) {
                Ok(()) => Answer::json(&faults.plan()),
                Err(error) => Answer::malformed(&error.to_string()),
            },
            Err(error) => Answer::malformed(&format!("The plan is malformed: {error}")),
        },
        Method::DELETE => {
            faults.clear();
            Answer::json(&faults.plan())
        }
        _ => Answer::not_allowed("GET, PUT, DELETE"),
    }
}

fn missing(record: &Record, body: &[u8]) -> Answer {
    match serde_json::from_slice::<Expected>(body) {
        Ok(expected) => Answer::json(&json!({
            "recipients": record.missing_recipients(expected.recipients),
            "references": record.missing_references(expected.references),
        })),
        Err(error) => Answer::malformed(&format!("The sets are malformed: {error}")),
    }
}

fn query_record(record: &Record, what: &str, query: &str) -> Answer {
    let value = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let number = |name: &str| {
        value(name)
            .map(|v| v.parse::<u64>())
            .transpose()
            .map_err(|_| Answer::malformed(&format!("{name} must be a number.")))
    };
    match what {
        "copies" => Answer::json(&record.copies()),
        "seconds" => Answer::json(&record.per_second()),
        "count" => match (value("recipient"), value("reference")) {
            (Some(recipient), None) => Answer::json(&json!({ "count": record.recipient(&recipient) })),
            (None, Some(reference)) => Answer::json(&json!({ "count": record.reference(&reference) })),
            _ => Answer::malformed("Ask for ?recipient= or ?reference=."),
        },
        "most" => match number("windowMs") {
            Ok(window) => {
                let window = Duration::from_millis(window.unwrap_or(1000));
                Answer::json(&json!({ "most": record.most_within(window) }))
            }
            Err(answer) => answer,
        },
        "last" => match number("n") {
            Ok(n) => {
                let n = n.map_or(LAST, |n| n as usize);
                let last: Vec<Message> = record.last(n).into_iter().map(Into::into).collect();
                Answer::json(&last)
            }
            Err(answer) => answer,
        },
        _ => no_path(),
    }
}
