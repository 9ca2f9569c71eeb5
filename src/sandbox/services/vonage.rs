//! Vonage's SMS API, as documented at <https://developer.vonage.com/en/api/sms>; refusals
//! by <https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms>. They come
//! with HTTP 200 and a status.
//!
//! | status | refused |
//! | --- | --- |
//! | 2 | a parameter is missing (all of them, when the content type is not that of a form) |
//! | 3 | `to` is no number (E.164 without the plus); an unknown `type` |
//! | 4 | key and secret do not fit; 401 at the balance |
//! | 15 | `from` is neither a number nor a name of at most 11 characters |

use http::Method;
use serde_json::{Value, json};

use super::asked::field;
use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::gsm;
use crate::domain::validate;
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Vonage;

impl Service for Vonage {
    fn kind(&self) -> &'static str {
        "vonage"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        match (asked.method.clone(), asked.path) {
            (Method::GET, "/account/get-balance") => {
                let query = asked.uri.query().unwrap_or_default();
                let query: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                if field(&query, "api_secret") == Some(house.token) && field(&query, "api_key").is_some() {
                    Reply::json(200, &json!({"value": 10.0, "autoReload": false}))
                } else {
                    self.refuse(401, None, "authentication failed")
                }
            }
            (Method::POST, "/sms/json") => self.send(house, &asked.form().unwrap_or_default()),
            _ => self.refuse(404, None, "Not found"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        match code {
            Some(code) => {
                let message = json!({"status": code, "error-text": text});
                Reply::json(status, &json!({"message-count": "1", "messages": [message]}))
            }
            None => Reply::json(status, &json!({"error-code": status.to_string(), "error-code-label": text})),
        }
    }
}

impl Vonage {
    fn send(&self, house: &House<'_>, form: &[(String, String)]) -> Reply {
        let given = |name: &str| field(form, name).filter(|value| !value.is_empty());
        let bad = |code: &str, text: &str| self.refuse(200, Some(code), text);
        for name in ["api_key", "api_secret", "from", "to", "text"] {
            if given(name).is_none() {
                return bad("2", &format!("Missing {name} param"));
            }
        }
        if given("api_secret") != Some(house.token) {
            return bad("4", "Bad Credentials");
        }
        let (from, to, text) = (
            given("from").unwrap_or_default(),
            given("to").unwrap_or_default(),
            given("text").unwrap_or_default(),
        );
        let number = |text: &str| validate::phone(&format!("+{text}"));
        let kind = given("type").unwrap_or("text");
        if !number(to) || !["text", "unicode"].contains(&kind) {
            return bad("3", "Invalid value for param: to");
        }
        let short = from.len() <= 11 && from.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !number(from) && !short {
            return bad("15", "Illegal Sender Address - rejected");
        }
        if let Some(rejection) = house.rejects(&format!("+{to}")) {
            return bad(rejection.reason.as_deref().unwrap_or("7"), "Number barred");
        }
        if house.admit(1).is_err() {
            return bad("1", "Throughput Rate Exceeded - please wait and retry");
        }
        // What the alphabet lacks is replaced when the type says nothing of it.
        let seen = match kind {
            "unicode" => text.to_owned(),
            _ => text.chars().map(|c| if known(c) { c } else { '?' }).collect(),
        };
        let parcel = Parcel {
            to: format!("+{to}"),
            reference: given("client-ref").unwrap_or_default().to_owned(),
            size: text.len(),
            content: json!({"to": to, "from": from, "text": seen}),
        };
        let first = house.take(Kind::Sms, &[parcel]);
        let parts = gsm::segments(text);
        let part = |n: usize| -> Value {
            json!({
                "to": to,
                "message-id": format!("{first:012X}{n:04X}"),
                "status": "0",
                "remaining-balance": "10.00000000",
                "message-price": "0.03330000",
                "network": "12345",
            })
        };
        let messages: Vec<Value> = (0..parts).map(part).collect();
        Reply::json(200, &json!({"message-count": parts.to_string(), "messages": messages}))
    }
}

/// Whether the default alphabet has a character.
fn known(c: char) -> bool {
    gsm::Alphabet::of(c.encode_utf8(&mut [0; 4])) == gsm::Alphabet::Gsm7
}
