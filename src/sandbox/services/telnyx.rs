//! Telnyx's messages, as documented at
//! <https://developers.telnyx.com/api-reference/messages/send-a-message>; codes by
//! <https://developers.telnyx.com/docs/messaging/messages/error-codes>.
//!
//! | status, code | refused |
//! | --- | --- |
//! | 401, 10009 | no bearer token, or a wrong one |
//! | 404, 10005 | another path |
//! | 400, 10015 | a body that is not JSON |
//! | 400, 40305 | no `from`, or one that is neither a number nor a name · 40313: a name without a messaging profile |
//! | 400, 40310 | no `to`, or one that is no number |
//! | 400, 40316 | no text |

use http::Method;
use serde_json::{Value, json};

use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Telnyx;

impl Service for Telnyx {
    fn kind(&self) -> &'static str {
        "telnyx"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        if asked.scheme("Bearer") != Some(house.token) {
            return self.refuse(401, None, "Authentication failed");
        }
        match (asked.method.clone(), asked.path) {
            (Method::GET, "/v2/balance") => Reply::json(200, &json!({"data": {"balance": "300.00"}})),
            (Method::POST, "/v2/messages") => match asked.json() {
                Some(body) => self.send(house, &body),
                None => self.refuse(400, None, "The body is not JSON"),
            },
            _ => self.refuse(404, None, "Resource not found"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        let code = code.unwrap_or(match status {
            401 | 403 => "10009",
            404 => "10005",
            429 => "10011",
            400..=499 => "10015",
            _ => "10007",
        });
        Reply::json(status, &json!({"errors": [{"code": code, "title": text, "detail": text}]}))
    }
}

impl Telnyx {
    fn send(&self, house: &House<'_>, body: &Value) -> Reply {
        let given = |name: &str| body[name].as_str().unwrap_or_default();
        let (from, to, text) = (given("from"), given("to"), given("text"));
        let bad = |code: &str, text: &str| self.refuse(400, Some(code), text);
        let name = from.len() <= 11 && from.bytes().any(|b| b.is_ascii_alphabetic());
        let short = (3..=8).contains(&from.len()) && from.bytes().all(|b| b.is_ascii_digit());
        if !name && !short && !validate::phone(from) {
            return bad("40305", "Invalid 'from' address");
        }
        if name && given("messaging_profile_id").is_empty() {
            return bad("40313", "Missing messaging profile ID");
        }
        if !validate::phone(to) {
            return bad("40310", "Invalid 'to' address");
        }
        if text.is_empty() {
            return bad("40316", "No content provided");
        }
        if let Some(rejection) = house.rejects(to) {
            return bad(rejection.reason.as_deref().unwrap_or("40310"), "Invalid 'to' address");
        }
        if let Err(wait) = house.admit(1) {
            return self.refuse(429, None, "Too many requests").after(wait);
        }
        let content = json!({"to": to, "from": from, "text": text});
        let reference = body["tags"][0].as_str().unwrap_or_default().to_owned();
        let parcel = Parcel { to: to.to_owned(), reference, size: text.len(), content };
        let number = house.take(Kind::Sms, &[parcel]);
        let status = json!([{"phone_number": to, "status": "queued"}]);
        let id = format!("40385f64-5717-4562-b3fc-{number:012x}");
        Reply::json(200, &json!({"data": {"record_type": "message", "id": id, "to": status}}))
    }
}
