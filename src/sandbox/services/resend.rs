//! Resend's emails, as documented at
//! <https://resend.com/docs/api-reference/emails/send-email> and
//! <https://resend.com/docs/api-reference/emails/send-batch-emails>; refusals by
//! <https://resend.com/docs/api-reference/errors>, keys by
//! <https://resend.com/docs/dashboard/emails/idempotency-keys>.
//!
//! | status, name | refused |
//! | --- | --- |
//! | 401 `missing_api_key`, 403 `invalid_api_key` | no bearer token, or a wrong one |
//! | 404 `not_found`, 405 `method_not_allowed` | another path or method |
//! | 422 `missing_required_field` | a mail without `from`, `to`, `subject`, or both `text` and `html` |
//! | 422 `validation_error` | broken JSON; an address that is none; more than 50 in `to`; more than 100 mails; an attachment in a batch |
//! | 400 `invalid_idempotency_key` | a key that is empty or longer than 256 characters |
//! | 409 `invalid_idempotent_request` | the key was used within 24 hours with another body |
//!
//! With `x-batch-validation: permissive` a mail that is refused fails itself alone.

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::http::Earlier;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Resend;

const MOST: usize = 100;
const MOST_TO: usize = 50;

impl Service for Resend {
    fn kind(&self) -> &'static str {
        "resend"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        match asked.scheme("Bearer") {
            None => return self.refuse(401, Some("missing_api_key"), "Missing API Key"),
            Some(key) if key != house.token => {
                return self.refuse(403, Some("invalid_api_key"), "API key is invalid");
            }
            Some(_) => {}
        }
        let batch = match (asked.method.clone(), asked.path) {
            (Method::POST, "/emails") => false,
            (Method::POST, "/emails/batch") => true,
            (Method::GET, "/domains") => return Reply::json(200, &json!({"data": []})),
            (_, "/emails" | "/emails/batch" | "/domains") => {
                return self.refuse(405, None, "Method is not allowed");
            }
            _ => return self.refuse(404, None, "The requested endpoint does not exist"),
        };
        let key = asked.header("idempotency-key");
        if key.is_some_and(|key| key.is_empty() || key.chars().count() > 256) {
            return self.refuse(
                400,
                Some("invalid_idempotency_key"),
                "The key must be between 1-256 characters",
            );
        }
        let Some(body) = asked.json() else {
            return self.refuse(422, None, "The body is not JSON");
        };
        let Some(key) = key else {
            return self.send(house, asked, &body, batch).unwrap_or_else(|refusal| refusal);
        };
        let key = format!("resend {} {key}", asked.path);
        let mut refusal = None;
        let earlier = house.answers.once(Kind::Email, key.as_bytes(), asked.body, || {
            match self.send(house, asked, &body, batch) {
                Ok(reply) => Some(reply.body),
                // Only what was taken binds a key.
                Err(refused) => {
                    refusal = Some(refused);
                    None
                }
            }
        });
        match (earlier, refusal) {
            (_, Some(refused)) => refused,
            (Earlier::New(body) | Earlier::Same(body), None) => Reply::new(200, "application/json", body),
            (Earlier::OtherBody | Earlier::Nothing, None) => self.refuse(
                409,
                Some("invalid_idempotent_request"),
                "The idempotency key has been used with a different request payload",
            ),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let name = code.unwrap_or(match status {
            401 => "missing_api_key",
            403 => "invalid_api_key",
            404 => "not_found",
            405 => "method_not_allowed",
            429 => "rate_limit_exceeded",
            500 => "internal_server_error",
            400..=499 => "validation_error",
            _ => "application_error",
        });
        Reply::json(status, &json!({"statusCode": status, "name": name, "message": text}))
    }
}

impl Resend {
    /// The answer to what is taken, or the refusal.
    fn send(&self, house: &House<'_>, asked: &Asked<'_>, body: &Value, batch: bool) -> Result<Reply, Reply> {
        let mails = match body {
            Value::Array(mails) if batch => mails.as_slice(),
            Value::Object(_) if !batch => std::slice::from_ref(body),
            _ => return Err(self.refuse(422, None, "The body is of the wrong type")),
        };
        if mails.is_empty() || mails.len() > MOST {
            return Err(self.refuse(422, None, "A batch has 1 to 100 emails"));
        }
        let permissive = batch && asked.header("x-batch-validation") == Some("permissive");
        let (mut parcels, mut errors) = (Vec::new(), Vec::new());
        for (index, mail) in mails.iter().enumerate() {
            match read(house, mail, batch) {
                Ok(parcel) => parcels.push(parcel),
                Err((_, text)) if permissive => errors.push(json!({"index": index, "message": text})),
                Err((name, text)) => return Err(self.refuse(422, Some(name), &text)),
            }
        }
        if let Err(wait) = house.admit(parcels.len()) {
            return Err(self.refuse(429, None, "Too many requests").after(wait));
        }
        let first = house.take(Kind::Email, &parcels);
        let id = |n: u64| format!("00000000-0000-4000-8000-{n:012x}");
        Ok(Reply::json(
            200,
            &if batch {
                let data: Vec<Value> = (first..).zip(&parcels).map(|(n, _)| json!({"id": id(n)})).collect();
                if permissive { json!({"data": data, "errors": errors}) } else { json!({ "data": data }) }
            } else {
                json!({"id": id(first)})
            },
        ))
    }
}

/// A mail, or the name and text of what is wrong with it.
fn read(house: &House<'_>, mail: &Value, batch: bool) -> Result<Parcel, (&'static str, String)> {
    let missing = |field: &str| Err(("missing_required_field", format!("Missing `{field}` field.")));
    let text = |field: &str| mail[field].as_str().filter(|text| !text.is_empty());
    let Some(from) = text("from") else { return missing("from") };
    if !validate::email(from.rsplit_once('<').map_or(from, |(_, rest)| rest).trim_end_matches('>')) {
        return Err(("validation_error", "Invalid `from` field.".to_owned()));
    }
    let to: Vec<&str> = match &mail["to"] {
        Value::String(to) => vec![to],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => return missing("to"),
    };
    let (Some(&one), true) = (to.first(), to.len() <= MOST_TO) else {
        return Err(("validation_error", "The `to` field must have 1 to 50 addresses.".to_owned()));
    };
    if to.iter().any(|to| !validate::email(to) || house.rejects(to).is_some()) {
        return Err(("validation_error", "Invalid `to` field.".to_owned()));
    }
    let Some(subject) = text("subject") else { return missing("subject") };
    if text("text").is_none() && text("html").is_none() {
        return missing("html` or `text");
    }
    if batch && !mail["attachments"].is_null() {
        return Err(("validation_error", "Attachments are not supported in a batch.".to_owned()));
    }
    let size = text("text").map_or(0, str::len) + text("html").map_or(0, str::len);
    let reference = mail["headers"]["X-Entity-Ref-ID"].as_str().unwrap_or_default();
    let mut content = mail.clone();
    content["to"] = json!(to);
    content["subject"] = json!(subject);
    Ok(Parcel { to: one.to_owned(), reference: reference.to_owned(), size, content })
}
