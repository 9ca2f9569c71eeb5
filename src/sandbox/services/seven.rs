//! Seven's SMS, as documented at <https://docs.seven.io/en/rest-api/endpoints/sms>, codes
//! included. They come with HTTP 200.
//!
//! | code | refused |
//! | --- | --- |
//! | 900 | no key, or a wrong one |
//! | 201 | `from` is longer than 16 digits or 11 characters |
//! | 301 | no number (so too when the content type is not that of a form), or more than 1,000 · 202: one that is none |
//! | 305 | no text · 401: more than 1,520 characters |
//!
//! Another path is 404.

use http::Method;
use serde_json::{Value, json};

use super::asked::field;
use super::{Asked, House, Parcel, Reply, Service};
use crate::domain::{gsm, validate};
use crate::sandbox::record::Kind;

#[derive(Debug)]
pub(super) struct Seven;

const MOST: usize = 1000;
const LONGEST: usize = 1520;

impl Service for Seven {
    fn kind(&self) -> &'static str {
        "seven"
    }

    fn answer(&self, house: &House<'_>, asked: &Asked<'_>) -> Reply {
        let known = asked.header("x-api-key") == Some(house.token);
        match (asked.method.clone(), asked.path) {
            (Method::GET | Method::POST, "/api/balance" | "/api/sms") if !known => {
                self.refuse(200, Some("900"), "")
            }
            (Method::GET, "/api/balance") => Reply::json(200, &json!({"amount": 10.0, "currency": "EUR"})),
            (Method::POST, "/api/sms") => self.send(house, &asked.form().unwrap_or_default()),
            _ => self.refuse(404, None, "Not found"),
        }
    }

    fn refuse(&self, status: u16, code: Option<&str>, text: &str) -> Reply {
        match code {
            Some(code) => Reply::json(status, &json!({"success": code, "messages": []})),
            None => Reply::json(status, &json!({ "error": text })),
        }
    }
}

impl Seven {
    fn send(&self, house: &House<'_>, form: &[(String, String)]) -> Reply {
        let given = |name: &str| field(form, name).unwrap_or_default();
        let (from, to, text) = (given("from"), given("to"), given("text"));
        let bad = |code: &str| self.refuse(200, Some(code), "");
        let digits = from.bytes().all(|b| b.is_ascii_digit());
        if from.len() > if digits { 16 } else { 11 } {
            return bad("201");
        }
        let all: Vec<&str> = to.split(',').filter(|to| !to.is_empty()).collect();
        if all.is_empty() || all.len() > MOST {
            return bad("301");
        }
        if text.is_empty() {
            return bad("305");
        }
        if text.chars().count() > LONGEST {
            return bad("401");
        }
        if let Err(wait) = house.admit(all.len()) {
            return self.refuse(429, None, "Too many requests").after(wait);
        }
        let number = |to: &str| format!("+{}", to.trim_start_matches('+'));
        let good: Vec<bool> = all
            .iter()
            .map(|to| number(to))
            .map(|to| validate::phone(&to) && house.rejects(&to).is_none())
            .collect();
        let parcels: Vec<Parcel> = all
            .iter()
            .zip(&good)
            .filter(|&(_, &good)| good)
            .map(|(to, _)| Parcel {
                to: number(to),
                reference: String::new(),
                size: text.len(),
                content: json!({"to": to, "from": from, "text": text}),
            })
            .collect();
        let mut next = house.take(Kind::Sms, &parcels);
        let failed = parcels.len() < all.len();
        let messages: Vec<Value> = all
            .iter()
            .zip(good)
            .map(|(to, good)| {
                next += u64::from(good);
                json!({
                    "id": good.then(|| format!("77{:012}", next - 1)),
                    "recipient": to,
                    "sender": from,
                    "text": text,
                    "parts": gsm::segments(text),
                    "success": good,
                    "error": if good { Value::Null } else { json!("202") },
                    "error_text": if good { Value::Null } else { json!("invalid recipient") },
                })
            })
            .collect();
        Reply::json(200, &json!({"success": if failed { "101" } else { "100" }, "messages": messages}))
    }
}
