//! SendGrid's mail send, as documented at
//! <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>; refusals by
//! <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors>, limits by
//! <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/limitations>; 406 by
//! <https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses>.
//!
//! | status | refused |
//! | --- | --- |
//! | 401 | no bearer token, or a wrong one |
//! | 404, 405 | another path or method |
//! | 406 | no `Accept` |
//! | 415 | a content type other than JSON |
//! | 413 | more than 30 MB |
//! | 400 | broken JSON; no `from`, or one that is no address; no personalization, or more than 1,000; one without `to`; an address that is none, or that stands twice; no subject for somebody; no `content`, an empty part, or text behind HTML; a header that is reserved; substitutions over 10,000 bytes |
//!
//! One recipient that is refused fails the request.

use http::Method;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct SendGrid;

const MOST: usize = 1000;
const LARGEST: usize = 30 * 1024 * 1024;
const SUBSTITUTIONS: usize = 10_000;
/// Headers that a request may not set.
const RESERVED: [&str; 12] = [
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
];

/// A field that is wrong, and why.
type Wrong = (String, String);

impl Service for SendGrid {
    fn kind(&self) -> &'static str {
        "sendgrid"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        if asked.scheme("Bearer") != Some(house.token) {
            return self.refuse(
                401,
                None,
                "The provided authorization grant is invalid, expired, or revoked",
            );
        }
        if asked.header("accept").is_none_or(str::is_empty) {
            return self.refuse(406, None, "Missing Accept header");
        }
        match (asked.method.clone(), asked.path) {
            (Method::GET, "/v3/scopes") => Reply::json(200, &json!({"scopes": ["mail.send"]})),
            (Method::POST, "/v3/mail/send") => {
                if asked.content_type() != "application/json" {
                    return self.refuse(415, None, "Content-Type should be application/json.");
                }
                if asked.body.len() > LARGEST {
                    return self.refuse(413, None, "Payload too large");
                }
                match asked.json() {
                    Some(body) => match read(&body) {
                        Ok(parcels) => self.send(house, &parcels),
                        Err((field, text)) => wrong(&field, &text),
                    },
                    None => self.refuse(400, None, "Bad Request"),
                }
            }
            (_, "/v3/scopes" | "/v3/mail/send") => self.refuse(405, None, "method not allowed"),
            _ => self.refuse(404, None, "not found"),
        }
    }

    fn refuse(&self, status: u16, _code: Option<&str>, text: &str) -> Reply {
        Reply::json(status, &json!({"errors": [{"message": text, "field": null, "help": null}]}))
    }
}

fn wrong(field: &str, text: &str) -> Reply {
    Reply::json(400, &json!({"errors": [{"message": text, "field": field, "help": null}]}))
}

impl SendGrid {
    fn send(&self, house: &House<'_>, parcels: &[Parcel]) -> Reply {
        for (n, parcel) in parcels.iter().enumerate() {
            if house.rejects(&parcel.to).is_some() {
                return wrong(
                    &format!("personalizations.{n}.to.0.email"),
                    "Does not contain a valid address.",
                );
            }
        }
        if let Err(wait) = house.admit(parcels.len()) {
            return self.refuse(429, None, "too many requests").after(wait);
        }
        let number = house.take(Kind::Email, parcels);
        Reply::new(202, "text/plain", "").with("x-message-id", &format!("sandbox{number:014x}"))
    }
}

/// The letters of a request.
fn read(body: &Value) -> Result<Vec<Parcel>, Wrong> {
    let bad = |field: &str, text: &str| (field.to_owned(), text.to_owned());
    let from = body["from"]["email"].as_str().unwrap_or_default();
    if !validate::email(from) {
        return Err(bad("from.email", "The from email does not contain a valid address."));
    }
    let all = body["personalizations"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        return Err(bad("personalizations", "The personalizations field is required."));
    }
    if all.len() > MOST {
        return Err(bad(
            "personalizations",
            "The personalization block is limited to 1000 personalizations.",
        ));
    }
    let parts = parts(body)?;
    let files: Vec<&str> = body["attachments"]
        .as_array()
        .map(|all| all.iter().filter_map(|file| file["filename"].as_str()).collect())
        .unwrap_or_default();
    let (mut seen, mut recipients) = (HashSet::new(), 0);
    let mut parcels = Vec::with_capacity(all.len());
    for (n, own) in all.iter().enumerate() {
        let field = |name: &str| format!("personalizations.{n}.{name}");
        let to = own["to"].as_array().map(Vec::as_slice).unwrap_or_default();
        if to.is_empty() {
            return Err((
                field("to"),
                "The to array is required for all personalization objects.".to_owned(),
            ));
        }
        let mut addresses = Vec::new();
        for (m, one) in to.iter().enumerate() {
            let email = one["email"].as_str().unwrap_or_default();
            if !validate::email(email) {
                return Err((
                    field(&format!("to.{m}.email")),
                    "Does not contain a valid address.".to_owned(),
                ));
            }
            if !seen.insert(email.to_lowercase()) {
                return Err((
                    field("to"),
                    "Each unique email address should only be included once.".to_owned(),
                ));
            }
            addresses.push(email);
            recipients += 1;
        }
        let subject = own["subject"].as_str().or_else(|| body["subject"].as_str()).unwrap_or_default();
        if subject.is_empty() {
            return Err(bad("subject", "The subject is required."));
        }
        let empty = Map::new();
        let substitutions = own["substitutions"].as_object().unwrap_or(&empty);
        let size: usize =
            substitutions.iter().map(|(tag, value)| tag.len() + value.as_str().map_or(0, str::len)).sum();
        if size > SUBSTITUTIONS || substitutions.values().any(|value| !value.is_string()) {
            return Err((field("substitutions"), "The substitutions are limited to 10000 bytes.".to_owned()));
        }
        let headers = own["headers"].as_object().unwrap_or(&empty);
        if headers.keys().any(|name| RESERVED.contains(&name.to_lowercase().as_str())) {
            return Err((field("headers"), "The headers contain a reserved key.".to_owned()));
        }
        let id = headers.get("Message-ID").and_then(Value::as_str).unwrap_or_default();
        let seen_parts: Vec<(&str, String)> =
            parts.iter().map(|&(kind, value)| (kind, filled(value, substitutions))).collect();
        for address in &addresses {
            parcels.push(Parcel {
                to: (*address).to_owned(),
                reference: id.trim_start_matches('<').trim_end_matches('>').to_owned(),
                size: seen_parts.iter().map(|(_, value)| value.len()).sum(),
                content: json!({
                    "to": addresses,
                    "from": body["from"],
                    "replyTo": body["reply_to"],
                    "subject": filled(subject, substitutions),
                    "content": seen_parts,
                    "headers": headers,
                    "attachments": files,
                }),
            });
        }
    }
    if recipients > MOST {
        return Err(bad("personalizations", "There is a limit of 1000 total recipients per request."));
    }
    Ok(parcels)
}

/// The parts of the content: text first.
fn parts(body: &Value) -> Result<Vec<(&str, &str)>, Wrong> {
    let bad = |text: &str| Err(("content".to_owned(), text.to_owned()));
    let all = body["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut parts = Vec::new();
    for part in all {
        let (Some(kind), Some(value)) = (part["type"].as_str(), part["value"].as_str()) else {
            return bad("Each content object needs a type and a value.");
        };
        if value.is_empty() {
            return bad("The content value must be a string at least one character in length.");
        }
        if kind == "text/plain" && !parts.is_empty() {
            return bad("If present, text/plain and text/html may only be provided in this order.");
        }
        parts.push((kind, value));
    }
    if parts.is_empty() { bad("The content field is required.") } else { Ok(parts) }
}

fn filled(text: &str, substitutions: &Map<String, Value>) -> String {
    let fill =
        |text: String, (tag, value): (&String, &Value)| text.replace(tag, value.as_str().unwrap_or_default());
    substitutions.iter().fold(text.to_owned(), fill)
}
